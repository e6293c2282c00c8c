package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"longwave/tenants"
)

func TestAThingIsShownAsItWas(t *testing.T) {
	s := start(t)
	owner, tenant := s.owner(), s.claimed.Tenant.ID
	device := s.device("pump", map[string]string{"line": "4"})
	owner.follow(owner.post(devicePath(device)+"/change", url.Values{"name": {"pump 2"}, "interval": {"10 s"}, "labels": {"line=4"}}))
	link := owner.get(devicePath(device)).page.attr(".page-past a", "href")
	now := owner.get(link)
	if text := now.page.text("main"); now.status != http.StatusOK || !strings.Contains(text, "pump 2") || !strings.Contains(text, "Label line") || !strings.Contains(text, "enabled") {
		t.Fatalf("%s answers %d: %s", link, now.status, text)
	}
	then := owner.get(link + "&at=" + queryEscape(device.Created.UTC().Format(time.RFC3339Nano)))
	if text := then.page.text("h1"); !strings.HasPrefix(text, "pump as it was") {
		t.Errorf("when it was made: %s", text)
	}
	if before := owner.get(link + "&at=2020-01-01T00:00"); !strings.Contains(before.page.text("main"), "It was not there at that time") {
		t.Errorf("before: %s", before.page.text("main"))
	}
	if row := owner.get(auditPath(tenant)).page.attr(".list-audit td.number a", "href"); !strings.HasPrefix(row, asItWasPath(tenant)+"?about="+string(device.ID)) {
		t.Errorf("a row of the audit leads to %s", row)
	}
	for _, about := range []string{"", "d-0000000000000000", strings.Repeat("x", 500)} {
		if got := owner.get(asItWasPath(tenant) + "?about=" + queryEscape(about)); got.status != http.StatusNotFound {
			t.Errorf("%.20q answers %d", about, got.status)
		}
	}
	if viewer, _ := s.joined(owner, "cy", tenants.Viewer); viewer.get(link).status != http.StatusForbidden || viewer.get(devicePath(device)).page.has(".page-past") {
		t.Error("a viewer is shown the past")
	}
}

func TestLookingAtWhatIsSensitiveIsInTheAudit(t *testing.T) {
	s := start(t)
	owner, tenant := s.owner(), s.claimed.Tenant.ID
	device := s.device("pump", nil)
	for _, path := range []string{keysPath(tenant), keysPath(tenant), devicesPath(tenant) + ".csv", rejectedPath(tenant), devicePath(device) + "?tab=rejected", auditPath(tenant) + ".csv"} {
		if got := owner.get(path); got.status != http.StatusOK {
			t.Fatalf("%s answers %d", path, got.status)
		}
	}
	text := owner.get(auditPath(tenant)).page.text("main")
	for _, want := range []string{"Looked at the API keys of", "Took away the list of devices of", "Looked at rejected packets of", "Took away the audit of"} {
		if n := strings.Count(text, want); n != 1 {
			t.Errorf("the audit says %q %d times: %s", want, n, text)
		}
	}
}

func TestAGuestIsInTheAudit(t *testing.T) {
	s := start(t)
	who := s.everybody()
	first := s.claimed.Tenant.ID
	actor := tenants.Actor{Person: s.claimed.Person.ID}
	if err := s.tenants.OpenSupport(t.Context(), actor, first, tenants.Visit{Reason: "Bo asked", For: time.Hour}); err != nil {
		t.Fatal(err)
	}
	if got := who[operator].get(devicesPath(first)); got.status != http.StatusOK {
		t.Fatalf("support access answers %d", got.status)
	}
	if text := who[owner].get(auditPath(first)).page.text("main"); !strings.Contains(text, "Looked, as an operator who is no member, into") {
		t.Errorf("the owners read %s", text)
	}
}
