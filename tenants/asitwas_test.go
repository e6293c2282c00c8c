package tenants

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"longwave/tenants/dashboard"
	"longwave/tenants/id"
	"longwave/tenants/rule"
)

// wasAfter is what a thing was after its newest change but skip.
func wasAfter(t *testing.T, s *Service, of id.Tenant, thing string, skip int) Was {
	t.Helper()
	now, err := s.AsItWas(t.Context(), Trace{Tenant: of, Thing: thing, At: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	was, err := s.AsItWas(t.Context(), Trace{Tenant: of, Thing: thing, At: now.Past[skip].At})
	if err != nil {
		t.Fatal(err)
	}
	return was
}

func (w Was) words() string {
	text := []string{w.Name}
	for _, f := range w.Facts {
		text = append(text, f.What+"="+f.Value)
	}
	return strings.Join(text, "; ")
}

func expectWas(t *testing.T, w Was, exists bool, wants ...string) {
	t.Helper()
	got := w.words()
	for _, want := range wants {
		if unwanted, no := strings.CutPrefix(want, "!"); no == strings.Contains(got, strings.TrimPrefix(want, "!")) {
			t.Errorf("%s: want %q (not: %v)", got, unwanted, no)
		}
	}
	if w.Exists != exists {
		t.Errorf("%s: exists %v", got, w.Exists)
	}
}

func TestADeviceAsItWas(t *testing.T) {
	s, made, _ := claimed(t)
	tenant, ada := made.Tenant.ID, Actor{Person: made.Person.ID, Address: "203.0.113.9"}
	d, token, err := s.CreateDevice(t.Context(), ada, tenant, NewDevice{Name: "pump-7", Labels: map[string]string{"site": "a"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []DeviceChange{{Name: new("pump-8")}, {Labels: &map[string]string{"site": "b"}}, {Disabled: new(true)}} {
		if _, err := s.ChangeDevice(t.Context(), ada, tenant, d.ID, change); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.DeleteDevice(t.Context(), ada, tenant, d.ID); err != nil {
		t.Fatal(err)
	}
	thing := string(d.ID)
	expectWas(t, wasAfter(t, s, tenant, thing, 4), true, "pump-7", "label site=a", "state=enabled", "!"+token)
	expectWas(t, wasAfter(t, s, tenant, thing, 2), true, "pump-8", "label site=b", "state=enabled")
	expectWas(t, wasAfter(t, s, tenant, thing, 1), true, "pump-8", "state=disabled")
	expectWas(t, wasAfter(t, s, tenant, thing, 0), false, "pump-8")
	before, err := s.AsItWas(t.Context(), Trace{Tenant: tenant, Thing: thing, At: d.Created.Add(-time.Second)})
	if err != nil || before.Exists || len(before.Facts) > 0 || len(before.Past) != 5 {
		t.Errorf("before it was made: %+v, %v", before, err)
	}
	for _, foreign := range []string{"d-0000000000000000", "", strings.Repeat("x", longestThing+1), "\xff"} {
		if _, err := s.AsItWas(t.Context(), Trace{Tenant: tenant, Thing: foreign, At: time.Now()}); !errors.Is(err, ErrNotFound) {
			t.Errorf("%.20q: %v", foreign, err)
		}
	}
	other, err := s.CreateTenant(t.Context(), ada, "Other")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.AsItWas(t.Context(), Trace{Tenant: other.ID, Thing: thing, At: time.Now()}); !errors.Is(err, ErrNotFound) {
		t.Errorf("a device of another tenant: %v", err)
	}
}

func TestWhatIsWrittenAsItWas(t *testing.T) {
	s, made, _ := claimed(t)
	tenant, ada := made.Tenant.ID, Actor{Person: made.Person.ID}
	r, err := s.DraftRule(t.Context(), ada, tenant, rule.Rule{Name: "Hot", When: "temp > 80", Then: rule.Then{Lane: "critical"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.EnableRule(t.Context(), ada, tenant, r.ID, "why"); err != nil {
		t.Fatal(err)
	}
	second := *r.Draft
	second.When = "temp > 90"
	if _, err := s.DraftRule(t.Context(), ada, tenant, second); err != nil {
		t.Fatal(err)
	}
	expectWas(t, wasAfter(t, s, tenant, string(r.ID), 2), true, "draft: when=temp > 80", "!; when=")
	expectWas(t, wasAfter(t, s, tenant, string(r.ID), 1), true, "; when=temp > 80", "state=enabled, version 1", "!draft")
	expectWas(t, wasAfter(t, s, tenant, string(r.ID), 0), true, "; when=temp > 80", "draft: when=temp > 90")

	board, err := s.SaveDashboard(t.Context(), ada, tenant, SaveDashboard{Name: "Plant", Document: dashboard.Document{Range: "1h"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.SaveDashboard(t.Context(), ada, tenant, SaveDashboard{ID: board.ID, Document: dashboard.Document{Range: "6h"}}); err != nil {
		t.Fatal(err)
	}
	if was := wasAfter(t, s, tenant, string(board.ID), 1); !strings.Contains(was.Text, "range: 1h") {
		t.Errorf("the first version: %s", was.Text)
	}
}

func TestWhoMayEnterAsItWas(t *testing.T) {
	s, made, _ := claimed(t)
	tenant, ada := made.Tenant.ID, Actor{Person: made.Person.ID}
	p := mustSet(t, s, ownProvider(tenant, "groups", "a", Viewer))
	bo, _, err := s.Arrive(t.Context(), arrival(p, "bo", "a"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.ChangeMember(t.Context(), ada, tenant, Member{Person: bo.ID, Role: Editor}); err != nil {
		t.Fatal(err)
	}
	if err := s.RemoveProvider(t.Context(), ada, tenant, p.ID); err != nil {
		t.Fatal(err)
	}
	expectWas(t, wasAfter(t, s, tenant, string(bo.ID), 1), true, "role=viewer")
	expectWas(t, wasAfter(t, s, tenant, string(bo.ID), 0), true, "role=editor")
	expectWas(t, wasAfter(t, s, tenant, string(p.ID), 1), true, "groups = a → viewer", "!sealed")
	expectWas(t, wasAfter(t, s, tenant, string(p.ID), 0), false)

	if err := s.SetLimits(t.Context(), ada, tenant, Limits{Packets: 100}); err != nil {
		t.Fatal(err)
	}
	if err := s.RenameTenant(t.Context(), ada, tenant, "New name"); err != nil {
		t.Fatal(err)
	}
	expectWas(t, wasAfter(t, s, tenant, TheTenant, 1), true, "packets per second=100", "name="+made.Tenant.Name)
	expectWas(t, wasAfter(t, s, tenant, TheTenant, 0), true, "name=New name")
}

func TestEveryEventStandsOrTells(t *testing.T) {
	for name, e := range everyEvent() {
		f, p := newFacts(), Past{}
		e.tell(&p)
		f.take(e, p)
		for _, fact := range f.list() {
			if slices.ContainsFunc([]string{"argon2", "s1.k.", "BQ==", "AQI="}, func(secret string) bool { return strings.Contains(fact.Value, secret) }) {
				t.Errorf("%s: a secret is a fact: %v", name, fact)
			}
		}
		if p.Did == "" || p.Subject == "" {
			t.Errorf("%s tells nothing: %+v", name, p)
		}
	}
}
