package tenants

import (
	"errors"
	"testing"

	"longwave/tenants/rule"
)

// What a rule said once is its draft again; what is nobody's, another rule's or another tenant's change is not found.
func TestRestoreRule(t *testing.T) {
	s, made, _ := claimed(t)
	tenant := made.Tenant.ID
	hot := mustDraft(t, s, tenant, rule.Rule{Name: "Hot", When: "temp > 80"})
	if _, err := s.EnableRule(t.Context(), testActor, tenant, hot.ID, "first"); err != nil {
		t.Fatal(err)
	}
	mustDraft(t, s, tenant, rule.Rule{ID: hot.ID, Name: "Hotter", When: "temp > 90"})
	if _, err := s.EnableRule(t.Context(), testActor, tenant, hot.ID, "second"); err != nil {
		t.Fatal(err)
	}
	other := mustDraft(t, s, tenant, rule.Rule{Name: "Other"})
	page, err := s.History(t.Context(), tenant, HistoryQuery{Rule: hot.ID})
	if err != nil || len(page.Past) != 4 || !page.Past[2].Text {
		t.Fatalf("%+v, %v", page.Past, err)
	}
	first := page.Past[2].Position
	got, err := s.RestoreRule(t.Context(), testActor, tenant, hot.ID, first)
	if err != nil || got.Draft == nil || got.Draft.When != "temp > 80" || got.Live.When != "temp > 90" || got.Version != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	second, err := s.CreateTenant(t.Context(), Actor{Person: made.Person.ID}, "Second")
	if err != nil {
		t.Fatal(err)
	}
	for name, ask := range map[string]func() error{
		"another rule":   func() error { _, err := s.RestoreRule(t.Context(), testActor, tenant, other.ID, first); return err },
		"nothing there":  func() error { _, err := s.RestoreRule(t.Context(), testActor, tenant, hot.ID, 1<<40); return err },
		"no text there":  func() error { _, err := s.RestoreRule(t.Context(), testActor, tenant, hot.ID, 1); return err },
		"another tenant": func() error { _, err := s.RestoreRule(t.Context(), testActor, second.ID, hot.ID, first); return err },
	} {
		if err := ask(); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
