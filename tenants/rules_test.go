package tenants

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
	"longwave/tenants/rule"
)

func mustDraft(t *testing.T, s *Service, tenant id.Tenant, r rule.Rule) Rule {
	t.Helper()
	drafted, err := s.DraftRule(t.Context(), testActor, tenant, r)
	if err != nil {
		t.Fatal(err)
	}
	return drafted
}

// A rule from its first draft to its end: only what is enabled decides, and a new draft leaves that alone.
func TestLifeOfARule(t *testing.T) {
	s, made, _ := claimed(t)
	tenant := made.Tenant.ID
	hot := mustDraft(t, s, tenant, rule.Rule{Name: "Hot", When: "temp > 80", Then: rule.Then{Lane: "critical"}})
	if hot.Enabled || hot.Draft == nil || hot.Live != nil || s.State().RuleSet(tenant) != nil {
		t.Errorf("a draft decides: %+v", hot)
	}
	if _, err := s.EnableRule(t.Context(), testActor, tenant, hot.ID, " "); !errors.Is(err, ErrInvalid) {
		t.Errorf("enabled without a reason: %v", err)
	}
	hot, err := s.EnableRule(t.Context(), testActor, tenant, hot.ID, "pumps overheat")
	if err != nil || !hot.Enabled || hot.Draft != nil || hot.Version != 1 || s.State().RuleSet(tenant).Len() != 1 {
		t.Fatalf("%+v, %v", hot, err)
	}
	before := s.State().RuleSet(tenant)
	hot = mustDraft(t, s, tenant, rule.Rule{ID: hot.ID, Name: "Hot", When: "temp > 90", Then: rule.Then{Lane: "critical"}})
	if hot.Draft.When != "temp > 90" || hot.Live.When != "temp > 80" || s.State().RuleSet(tenant).Rule(0).When != "temp > 80" {
		t.Errorf("%+v", hot)
	}
	if back := mustDraft(t, s, tenant, *hot.Live); back.Draft != nil {
		t.Errorf("a draft that is what is enabled: %+v", back)
	}
	mustDraft(t, s, tenant, *hot.Draft)
	if hot, err = s.EnableRule(t.Context(), testActor, tenant, hot.ID, "too often"); err != nil || hot.Version != 2 {
		t.Fatalf("%+v, %v", hot, err)
	}
	if s.State().RuleSet(tenant) == before {
		t.Error("the set did not change")
	}
	if hot, err = s.DisableRule(t.Context(), testActor, tenant, hot.ID, "night"); err != nil || hot.Enabled || s.State().RuleSet(tenant) != nil {
		t.Fatalf("%+v, %v", hot, err)
	}
	if hot, err = s.EnableRule(t.Context(), testActor, tenant, hot.ID, "day"); err != nil || hot.Version != 2 {
		t.Fatalf("%+v, %v", hot, err)
	}
	if err := s.DeleteRule(t.Context(), testActor, tenant, hot.ID, ""); err != nil || len(s.State().Rules(tenant)) != 0 {
		t.Error(err)
	}
	page, err := s.History(t.Context(), tenant, HistoryQuery{Rule: hot.ID})
	if err != nil || len(page.Past) != 9 || page.Past[0].Did != "deleted the rule" ||
		!slices.Contains(page.Past[3].Changes, Difference{"when", "temp > 80", "temp > 90"}) || !slices.Contains(page.Past[3].Changes, Difference{"why", "", "too often"}) {
		t.Errorf("%+v, %v", page.Past, err)
	}
}

func TestRulesStandInTheirOrder(t *testing.T) {
	s, made, _ := claimed(t)
	tenant := made.Tenant.ID
	var ids []id.Rule
	for _, name := range []string{"a", "b", "c"} {
		ids = append(ids, mustDraft(t, s, tenant, rule.Rule{Name: name, Then: rule.Then{Lane: "bulk", Labels: map[string]string{"rule": name}}}).ID)
	}
	order := func() (names string) {
		for _, r := range s.State().Rules(tenant) {
			current := r.Current()
			names += current.Name
		}
		return names
	}
	for _, step := range []struct {
		rule, to int
		want     string
	}{{2, 1, "cab"}, {2, 1, "cab"}, {0, 99, "cba"}, {1, 3, "cab"}, {2, 2, "acb"}} {
		if _, err := s.MoveRule(t.Context(), testActor, tenant, ids[step.rule], step.to); err != nil || order() != step.want {
			t.Errorf("moved %d to %d: %s, want %s, %v", step.rule, step.to, order(), step.want, err)
		}
	}
	for _, r := range ids {
		if _, err := s.EnableRule(t.Context(), testActor, tenant, r, "test"); err != nil {
			t.Fatal(err)
		}
	}
	var j rule.Judge
	j.Begin(s.State().RuleSet(tenant), rule.Sender{Device: "d-1"}, nil)
	if v := j.Decide(&telemetry.Packet{}); s.State().RuleSet(tenant).Labels()[0].Text != "a" || v.Labels != 1 {
		t.Errorf("the first one does not decide: %+v", v)
	}
}

func TestRulesThatAreRefused(t *testing.T) {
	s, made, _ := claimed(t)
	tenant := made.Tenant.ID
	for field, r := range map[string]rule.Rule{
		"name":         {},
		"when":         {Name: "r", When: "temp >"},
		"then.lane":    {Name: "r", Then: rule.Then{Lane: "fast"}},
		"then.forward": {Name: "r", Then: rule.Then{Forward: []id.Destination{"o-nobodys"}}},
	} {
		_, err := s.DraftRule(t.Context(), testActor, tenant, r)
		var invalid *InvalidError
		if !errors.As(err, &invalid) || invalid.Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	other, err := s.CreateTenant(t.Context(), Actor{Person: made.Person.ID}, "Second")
	if err != nil {
		t.Fatal(err)
	}
	mine := mustDraft(t, s, tenant, rule.Rule{Name: "mine"})
	foreign := mine.ID
	for name, ask := range map[string]func(id.Rule) error{
		"draft": func(r id.Rule) error {
			_, err := s.DraftRule(t.Context(), testActor, other.ID, rule.Rule{ID: r, Name: "x"})
			return err
		},
		"enable":  func(r id.Rule) error { _, err := s.EnableRule(t.Context(), testActor, other.ID, r, "x"); return err },
		"disable": func(r id.Rule) error { _, err := s.DisableRule(t.Context(), testActor, other.ID, r, ""); return err },
		"move":    func(r id.Rule) error { _, err := s.MoveRule(t.Context(), testActor, other.ID, r, 1); return err },
		"delete":  func(r id.Rule) error { return s.DeleteRule(t.Context(), testActor, other.ID, r, "") },
	} {
		theirs, nobodys := ask(foreign), ask("r-missing")
		if !errors.Is(theirs, ErrNotFound) || theirs.Error() != nobodys.Error() {
			t.Errorf("%s: %v and %v", name, theirs, nobodys)
		}
	}
	var labels []map[string]string
	for i := range telemetry.MaxMarked/rule.MaxLabels + 1 {
		labels = append(labels, map[string]string{})
		for n := range rule.MaxLabels {
			labels[i][fmt.Sprint("l", n)] = fmt.Sprint(i)
		}
		r := mustDraft(t, s, tenant, rule.Rule{Name: "labels", Then: rule.Then{Labels: labels[i]}})
		_, err := s.EnableRule(t.Context(), testActor, tenant, r.ID, "many")
		if full := i == telemetry.MaxMarked/rule.MaxLabels; full != errors.Is(err, ErrInvalid) || full && !strings.Contains(err.Error(), "more than 64 different labels") {
			t.Errorf("labels %d: %v", i, err)
		}
	}
}

func TestSiteAndProfileOfADevice(t *testing.T) {
	s, made, _ := claimed(t)
	tenant := made.Tenant.ID
	for i, site := range []string{"plant-2 / line-4", "plant-2", "plant-20", ""} {
		if _, _, err := s.CreateDevice(t.Context(), testActor, tenant, NewDevice{Name: fmt.Sprint("d", i), Site: site, Profile: " pump "}); err != nil {
			t.Fatal(err)
		}
	}
	page, err := s.State().DevicesPage(tenant, DeviceQuery{Site: "plant-2", Profile: "pump"})
	if err != nil || len(page.Devices) != 2 || page.Devices[0].Site != "plant-2/line-4" || page.Devices[0].Profile != "pump" {
		t.Errorf("%+v, %v", page.Devices, err)
	}
	for _, bad := range []string{"/a", "a//b", "a/", strings.Repeat("a/", 20) + "a", strings.Repeat("a", 300), "a\u202e"} {
		if _, err := s.ChangeDevice(t.Context(), testActor, tenant, page.Devices[0].ID, DeviceChange{Site: &bad}); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	site, profile := "here", "fan"
	d, err := s.ChangeDevice(t.Context(), testActor, tenant, page.Devices[0].ID, DeviceChange{Site: &site, Profile: &profile})
	if err != nil || d.Site != site || d.Profile != profile {
		t.Errorf("%+v, %v", d, err)
	}
}
