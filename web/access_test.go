package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"longwave/tenants"
)

// everyRoute calls f for every method and pattern that is mounted.
func everyRoute(t *testing.T, f func(method, pattern string)) {
	t.Helper()
	s := start(t)
	routes, ok := s.server.Config.Handler.(chi.Routes)
	if !ok {
		t.Fatal("the server is no router")
	}
	err := chi.Walk(routes, func(method, pattern string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		if !strings.Contains(pattern, "*") {
			f(method, pattern)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func fill(pattern, tenant, device string) string {
	return strings.NewReplacer("{tenant}", tenant, "{device}", device, "{key}", "k-0000000000000000",
		"{person}", "p-0000000000000000", "{invite}", "v-0000000000000000", "{provider}", "i-0000000000000000", "{session}", "0", "{place}", tenant,
		"{destination}", "o-0000000000000000", "{attempt}", "1", "{rule}", "r-0000000000000000", "{dashboard}", "b-0000000000000000", "{picture}", "00000000000000000000000000000000", "{wall}", "m-0000000000000000").Replace(pattern)
}

func TestEveryPageAnswersAForeignTenantLikeAMissingOne(t *testing.T) {
	s := start(t)
	ada := s.owner()
	device := s.device("pump", nil)
	eve := s.stranger()
	everyRoute(t, func(method, pattern string) {
		if !strings.Contains(pattern, "{tenant}") {
			return
		}
		foreign := eve.do(method, fill(pattern, string(s.claimed.Tenant.ID), string(device.ID)), url.Values{"device": {string(device.ID)}}, nil)
		missing := eve.do(method, fill(pattern, "t-0000000000000000", "d-0000000000000000"), url.Values{"device": {"d-0000000000000000"}}, nil)
		want := http.StatusNotFound
		if strings.HasPrefix(pattern, "/system/") { // for operators, who this is none of: see TestLimitedOperatorSeesNothingElse
			want = http.StatusForbidden
		}
		if foreign.status != want || missing.status != want || foreign.body != missing.body {
			t.Errorf("%s %s: foreign answers %d, missing %d; same page: %v", method, pattern, foreign.status, missing.status, foreign.body == missing.body)
		}
		nobody := s.visitor().do(method, fill(pattern, string(s.claimed.Tenant.ID), string(device.ID)), url.Values{}, nil)
		if nobody.status != http.StatusSeeOther && nobody.status != http.StatusUnauthorized {
			t.Errorf("%s %s: answers %d to nobody", method, pattern, nobody.status)
		}
	})
	if got := ada.get(devicePath(device)); got.status != http.StatusOK {
		t.Errorf("after all that the owner is answered %d", got.status)
	}
}

func TestADeviceOfAnotherTenantIsNotThere(t *testing.T) {
	s := start(t)
	s.owner()
	device := s.device("pump", nil)
	eve := s.stranger()
	everyRoute(t, func(method, pattern string) {
		if !strings.Contains(pattern, "{device}") {
			return
		}
		foreign := eve.do(method, fill(pattern, string(eve.tenant), string(device.ID)), url.Values{}, nil)
		missing := eve.do(method, fill(pattern, string(eve.tenant), "d-0000000000000000"), url.Values{}, nil)
		if foreign.status != http.StatusNotFound || foreign.body != missing.body {
			t.Errorf("%s %s: answers %d, want the 404 of a device that does not exist", method, pattern, foreign.status)
		}
	})
	for _, form := range []string{"/switch", "/delete"} {
		got := eve.post("/t/"+string(eve.tenant)+"/devices"+form, url.Values{"device": {string(device.ID)}, "confirm": {"pump"}})
		if got.status != http.StatusNotFound {
			t.Errorf("%s with a foreign device answers %d", form, got.status)
		}
	}
	if found, ok := s.tenants.State().Device(s.claimed.Tenant.ID, device.ID); !ok || found.Disabled {
		t.Error("the foreign device was changed")
	}
}

func TestEveryAnswerCarriesThePolicy(t *testing.T) {
	s := start(t)
	b := s.owner()
	device := s.device("pump", nil)
	everyRoute(t, func(method, pattern string) {
		if pattern == "/sign-out" || pattern == "/wall/wait" {
			return // or everything behind it would only be asked by nobody, or late
		}
		got := b.do(method, fill(pattern, string(s.claimed.Tenant.ID), string(device.ID)), url.Values{}, nil)
		policy := got.header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "script-src 'self'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s %s answers %d with policy %q", method, pattern, got.status, policy)
		}
	})
	for _, path := range []string{"/nothing-here", "/static/nothing.js", "/t/UPPER/devices"} {
		if got := b.get(path); got.status != http.StatusNotFound || got.header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s answers %d with policy %q", path, got.status, got.header.Get("Content-Security-Policy"))
		}
	}
}

func TestFormsFromOtherSitesAreRefused(t *testing.T) {
	s := start(t)
	b := s.owner()
	device := s.device("pump", nil)
	everyRoute(t, func(method, pattern string) {
		if method != http.MethodPost {
			return
		}
		path := fill(pattern, string(s.claimed.Tenant.ID), string(device.ID))
		for _, header := range []http.Header{
			{"Sec-Fetch-Site": {"cross-site"}}, {"Origin": {"https://evil.example"}}, {"Origin": {"null"}}, {"Sec-Fetch-Site": {"same-site"}},
		} {
			got := b.do(method, path, url.Values{"device": {string(device.ID)}, "name": {"stolen"}}, header)
			if got.status != http.StatusForbidden || !strings.Contains(got.page.text("main"), "another site") {
				t.Errorf("%s with %v answers %d", path, header, got.status)
			}
		}
	})
	if found, _ := s.tenants.State().Device(device.Tenant, device.ID); found.Name != "pump" || found.Disabled {
		t.Error("the device was changed")
	}
}

func TestNothingChangesByGet(t *testing.T) {
	s := start(t)
	b := s.owner()
	device := s.device("pump", nil)
	before := s.tenants.State().Position()
	everyRoute(t, func(method, pattern string) {
		if method == http.MethodGet {
			b.get(fill(pattern, string(s.claimed.Tenant.ID), string(device.ID)))
		}
	})
	stream, err := s.js.Stream(t.Context(), tenants.StreamName)
	if err != nil {
		t.Fatal(err)
	}
	for number := before + 1; number <= s.tenants.State().Position(); number++ {
		message, err := stream.GetMsg(t.Context(), number)
		if err != nil {
			t.Fatal(err)
		}
		var record struct{ Events []struct{ Type string } }
		if err := json.Unmarshal(message.Data, &record); err != nil {
			t.Fatal(err)
		}
		for _, event := range record.Events { // that somebody looked is written down
			if event.Type != "sight.noted" && event.Type != "data.exported" {
				t.Errorf("a GET did %s: %s", event.Type, message.Data)
			}
		}
	}
}

func TestADestinationOfAnotherTenantIsNotThere(t *testing.T) {
	s := start(t)
	s.owner()
	theirs := s.destination("ops")
	eve := s.stranger()
	everyRoute(t, func(method, pattern string) {
		if !strings.Contains(pattern, "{destination}") {
			return
		}
		path := strings.ReplaceAll(pattern, "{destination}", string(theirs.ID))
		foreign := eve.do(method, fill(path, string(eve.tenant), ""), url.Values{"name": {"taken over"}}, nil)
		missing := eve.do(method, fill(pattern, string(eve.tenant), ""), url.Values{"name": {"taken over"}}, nil)
		if foreign.status != http.StatusNotFound || foreign.body != missing.body {
			t.Errorf("%s %s: answers %d, want the 404 of a destination that does not exist", method, pattern, foreign.status)
		}
	})
	if found, ok := s.tenants.State().Destination(theirs.Tenant, theirs.ID); !ok || found.Name != "ops" || found.Disabled {
		t.Error("the foreign destination was changed")
	}
}
