package tenants

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"longwave/tenants/alertrule"
	"longwave/tenants/id"
	"longwave/tenants/rule"
)

func above(limit float64) alertrule.Rule {
	return alertrule.Rule{Name: "Hot", Kind: alertrule.Threshold, Levels: []alertrule.Level{{Severity: alertrule.Warning,
		When: alertrule.Condition{Tests: []alertrule.Test{{Metric: "temp", Op: alertrule.Above, Value: limit}}}, For: alertrule.Duration(5 * time.Minute)}}}
}

func mustDraftAlert(t *testing.T, s *Service, tenant id.Tenant, r alertrule.Rule) AlertRule {
	t.Helper()
	drafted, err := s.DraftAlertRule(t.Context(), testActor, tenant, r)
	if err != nil {
		t.Fatal(err)
	}
	return drafted
}

// An alert rule from its first draft to its end and back: only what was started runs, and every start is a new version.
func TestLifeOfAnAlertRule(t *testing.T) {
	s, made, _ := claimed(t)
	tenant := made.Tenant.ID
	hot := mustDraftAlert(t, s, tenant, above(80))
	if hot.Mode != alertrule.Draft || hot.Live != nil || len(s.State().RunningAlertRules(tenant)) != 0 {
		t.Errorf("a draft runs: %+v", hot)
	}
	start := func(mode alertrule.Mode, version int) AlertRule {
		t.Helper()
		got, err := s.StartAlertRule(t.Context(), testActor, tenant, hot.ID, AlertRuleStart{mode, "because"})
		if err != nil || got.Mode != mode || got.Version != version || got.Live.Version != version || got.Live.Mode != mode || got.Draft != nil {
			t.Fatalf("%+v, %v", got, err)
		}
		return got
	}
	start(alertrule.Shadow, 1)
	start(alertrule.Enabled, 2)
	start(alertrule.Enabled, 2)
	running := s.State().RunningAlertRules(tenant)
	mustDraft(t, s, tenant, rule.Rule{Name: "Route", When: "temp > 80"}) // another change of the tenant
	if again := s.State().RunningAlertRules(tenant); len(again) != 1 || &again[0] != &running[0] || again[0].ID != hot.ID {
		t.Error("what runs is another slice after a change that was not about it")
	}
	changed := above(90)
	changed.ID = hot.ID
	if hot = mustDraftAlert(t, s, tenant, changed); s.State().RunningAlertRules(tenant)[0].Levels[0].When.Tests[0].Value != 80 {
		t.Error("a draft runs")
	}
	start(alertrule.Enabled, 3)
	if hot, err := s.PauseAlertRule(t.Context(), testActor, tenant, hot.ID, "night"); err != nil || hot.Mode != alertrule.Paused || len(s.State().RunningAlertRules(tenant)) != 0 {
		t.Fatalf("%+v, %v", hot, err)
	}
	start(alertrule.Enabled, 4)
	at, err := s.DeleteAlertRule(t.Context(), testActor, tenant, hot.ID)
	if err != nil || len(s.State().AlertRules(tenant)) != 0 {
		t.Fatal(err)
	}
	back, err := s.ReviveAlertRule(t.Context(), testActor, tenant, hot.ID, at)
	if err != nil || back.Version != 4 || back.Mode != alertrule.Enabled || len(s.State().RunningAlertRules(tenant)) != 1 {
		t.Fatalf("%+v, %v", back, err)
	}
	checkPast(t, s, tenant, hot.ID)
}

func checkPast(t *testing.T, s *Service, tenant id.Tenant, r id.AlertRule) {
	t.Helper()
	page, err := s.History(t.Context(), tenant, HistoryQuery{About: string(r)})
	if err != nil || len(page.Past) != 9 {
		t.Fatalf("%d changes, %v", len(page.Past), err)
	}
	third := page.Past[4]
	if third.Did != "enabled version 3 of the alert rule" || !slices.Contains(third.Changes, Difference{"warning", "temp is above 80 for 5m", "temp is above 90 for 5m"}) ||
		!slices.Contains(third.Changes, Difference{"why", "", "because"}) {
		t.Errorf("%+v", third)
	}
	first := page.Past[8]
	got, err := s.RestoreAlertRule(t.Context(), testActor, tenant, r, first.Position)
	if err != nil || got.Draft == nil || got.Draft.Levels[0].When.Tests[0].Value != 80 || got.Live.Version != 4 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAlertRulesThatAreRefused(t *testing.T) {
	s, made, _ := claimed(t)
	tenant := made.Tenant.ID
	nobodys := above(80)
	nobodys.Notify.Steps = []alertrule.Step{{Destinations: []id.Destination{"o-nobodys"}}}
	for field, r := range map[string]alertrule.Rule{"name": {}, "levels": {Name: "x", Kind: alertrule.Threshold}, "notify.steps.0.destinations": nobodys} {
		_, err := s.DraftAlertRule(t.Context(), testActor, tenant, r)
		var invalid *InvalidError
		if !errors.As(err, &invalid) || invalid.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	mine := mustDraftAlert(t, s, tenant, above(80))
	at, err := s.DeleteAlertRule(t.Context(), testActor, tenant, mustDraftAlert(t, s, tenant, above(1)).ID)
	if err != nil {
		t.Fatal(err)
	}
	for name, as := range map[string]AlertRuleStart{"no reason": {alertrule.Enabled, " "}, "no mode": {alertrule.Draft, "why"}} {
		if _, err := s.StartAlertRule(t.Context(), testActor, tenant, mine.ID, as); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	other, err := s.CreateTenant(t.Context(), Actor{Person: made.Person.ID}, "Second")
	if err != nil {
		t.Fatal(err)
	}
	for name, ask := range map[string]func(id.AlertRule) error{
		"draft": func(r id.AlertRule) error {
			x := above(1)
			x.ID = r
			_, err := s.DraftAlertRule(t.Context(), testActor, other.ID, x)
			return err
		},
		"start": func(r id.AlertRule) error {
			_, err := s.StartAlertRule(t.Context(), testActor, other.ID, r, AlertRuleStart{alertrule.Shadow, "x"})
			return err
		},
		"pause": func(r id.AlertRule) error {
			_, err := s.PauseAlertRule(t.Context(), testActor, other.ID, r, "")
			return err
		},
		"delete": func(r id.AlertRule) error {
			_, err := s.DeleteAlertRule(t.Context(), testActor, other.ID, r)
			return err
		},
		"revive": func(r id.AlertRule) error {
			_, err := s.ReviveAlertRule(t.Context(), testActor, other.ID, r, at)
			return err
		},
	} {
		theirs, nobodys := ask(mine.ID), ask("w-missing")
		if !errors.Is(theirs, ErrNotFound) || theirs.Error() != nobodys.Error() {
			t.Errorf("%s: %v and %v", name, theirs, nobodys)
		}
	}
	if _, err := s.ReviveAlertRule(t.Context(), testActor, tenant, mine.ID, at); !errors.Is(err, ErrNotFound) {
		t.Errorf("another rule's deletion: %v", err)
	}
}

func TestSilences(t *testing.T) {
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	s, made, _ := claimed(t)
	s.now = func() time.Time { return now }
	tenant := made.Tenant.ID
	line := alertrule.Selector{Sites: []string{"plant-2"}}
	for field, n := range map[string]alertrule.Silence{
		"selector": {Until: now.Add(time.Hour), Reason: "x"},
		"until":    {Selector: line, Reason: "x"},
		"reason":   {Selector: line, Until: now.Add(time.Hour)},
		"from":     {Selector: line, From: now.Add(2 * MaxAhead), Until: now.Add(2*MaxAhead + time.Hour), Reason: "x"},
		"rules":    {Rules: []id.AlertRule{"w-missing"}, Until: now.Add(time.Hour), Reason: "x"},
	} {
		_, err := s.StartSilence(t.Context(), testActor, tenant, n)
		var invalid *InvalidError
		if !errors.As(err, &invalid) || invalid.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	q, err := s.StartSilence(t.Context(), testActor, tenant, alertrule.Silence{Selector: line, Until: now.Add(2 * time.Hour), Reason: "belt is changed"})
	if err != nil || !q.From.Equal(now) || !q.Active(now) || q.Active(q.Until) || q.By != testActor || !q.Planned.Equal(q.Until) {
		t.Fatalf("%+v, %v", q, err)
	}
	if in, out := (alertrule.Device{Site: "plant-2/line-4"}), (alertrule.Device{Site: "plant-20"}); !q.Covers("w-1", &in) || q.Covers("w-1", &out) {
		t.Error("it is about the wrong devices")
	}
	now = now.Add(time.Hour)
	if q, err = s.EndSilence(t.Context(), testActor, tenant, q.ID); err != nil || q.Active(now) || !q.Until.Equal(now) || q.Planned.Equal(now) {
		t.Errorf("%+v, %v", q, err)
	}
	if _, err := s.EndSilence(t.Context(), testActor, tenant, "q-missing"); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	now = now.Add(2 * silencesKept)
	next, err := s.StartSilence(t.Context(), testActor, tenant, alertrule.Silence{Everything: true, From: now.Add(time.Hour), Until: now.Add(2 * time.Hour), Reason: "inventory"})
	if list := s.State().Silences(tenant); err != nil || next.Active(now) || len(list) != 1 || list[0].ID != next.ID {
		t.Errorf("%+v, %v", list, err)
	}
}

func randomAlertRule(ctx context.Context, s *Service, t id.Tenant, random *rand.Rand) (err error) {
	r := above(float64(random.IntN(3)))
	rules := s.State().AlertRules(t)
	if len(rules) == 0 || random.IntN(3) == 0 {
		_, err = s.DraftAlertRule(ctx, testActor, t, r)
		return err
	}
	r.ID = rules[random.IntN(len(rules))].ID
	switch random.IntN(6) {
	case 0:
		_, err = s.DraftAlertRule(ctx, testActor, t, r)
	case 1, 2:
		_, err = s.StartAlertRule(ctx, testActor, t, r.ID, AlertRuleStart{alertrule.Enabled, "because"})
	case 3:
		_, err = s.PauseAlertRule(ctx, testActor, t, r.ID, "")
	case 4:
		_, err = s.StartSilence(ctx, testActor, t, alertrule.Silence{Rules: []id.AlertRule{r.ID}, Until: s.now().Add(time.Hour), Reason: "why"})
	default:
		var at uint64
		if at, err = s.DeleteAlertRule(ctx, testActor, t, r.ID); err == nil && random.IntN(2) == 0 {
			_, err = s.ReviveAlertRule(ctx, testActor, t, r.ID, at)
		}
	}
	return err
}
