package web

import (
	"errors"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/tenants/rule"
)

// ruled is a site whose tenant has packets, and three rules: one that decides, one that fails, one that is a draft.
func ruled(t *testing.T) (*site, *visitor, []id.Rule) {
	t.Helper()
	s, b, device := full(t)
	now := telemetry.At(time.Now())
	s.recent = map[id.Tenant][]telemetry.Recent{device.Tenant: {
		{Device: device.ID, Lane: telemetry.Standard, Received: now, Packet: telemetry.Packet{ID: "1", Values: []telemetry.Value{{Name: "temp", Num: 91.5}, {Name: "disk used", Num: 3}}}},
		{Device: device.ID, Lane: telemetry.Standard, Received: now, Packet: telemetry.Packet{ID: "2", Values: []telemetry.Value{{Name: "temp", Num: 20}}}},
		{Device: device.ID, Lane: telemetry.Critical, Received: now, Packet: telemetry.Packet{ID: "3", Kind: telemetry.KindStatus, Values: []telemetry.Value{{Name: "temp", Type: telemetry.Text, Text: "<b>hot</b>"}}}},
	}}
	var ids []id.Rule
	actor := tenants.Actor{Person: s.claimed.Person.ID}
	for _, r := range []rule.Rule{
		{Name: "Hot pumps", When: `temp > 80 and within(device.site, "plant-2")`, Then: rule.Then{Lane: "critical", Labels: map[string]string{"team": "ops"}}},
		{Name: "Noise", When: "temp < 1 or rpm < 1", Then: rule.Then{OneIn: 10}},
		{Name: "Later", Then: rule.Then{Drop: true}},
	} {
		drafted, err := s.tenants.DraftRule(t.Context(), actor, device.Tenant, r)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, drafted.ID)
	}
	for _, r := range ids[:2] {
		if _, err := s.tenants.EnableRule(t.Context(), actor, device.Tenant, r, "pumps overheat"); err != nil {
			t.Fatal(err)
		}
	}
	s.counts = map[id.Rule]rule.Count{
		ids[0]: {Matched: 12841, Forwarded: 3, Last: time.Now().Add(-4 * time.Second)},
		ids[1]: {Matched: 12, Dropped: 11, Errors: 7, Failure: "temp is text, expected a number", Failing: device.ID, Paused: 1, Last: time.Now().Add(-time.Hour)},
	}
	return s, b, ids
}

func TestRulesListSaysWhatTheyDo(t *testing.T) {
	s, b, ids := ruled(t)
	list := rulesPath(s.claimed.Tenant.ID)
	text := b.get(list).page.text("#rules")
	for _, part := range []string{"When temp is above 80 and the site is within plant-2", "send by the critical lane, label team=ops", "Enabled, version 1", "12,841",
		"keep one in 10", "Last error: temp is text, expected a number, on pump-01; paused for 1 device", "Every packet", "Draft"} {
		if !strings.Contains(text, part) {
			t.Errorf("the list does not say %q: %s", part, text)
		}
	}
	if got := b.post(rulePath(s.claimed.Tenant.ID, ids[1])+"/move", url.Values{"to": {"up"}}); got.status != http.StatusSeeOther {
		t.Errorf("moving answers %d", got.status)
	}
	if order := s.tenants.State().Rules(s.claimed.Tenant.ID); order[0].ID != ids[1] {
		t.Error("the rule did not move")
	}
	s.lanes = errors.New("down")
	if got := b.get(rulePath(s.claimed.Tenant.ID, ids[0])); got.status != http.StatusOK || !strings.Contains(got.page.text("#trial"), "The lanes do not answer") {
		t.Errorf("without lanes the editor answers %d: %s", got.status, got.page.text("#trial"))
	}
}

// Sentence, expression and YAML are one rule: turning through all of them changes nothing.
func TestRuleTurnsThroughItsViews(t *testing.T) {
	s, b, ids := ruled(t)
	self := rulePath(s.claimed.Tenant.ID, ids[0])
	form := url.Values{"view": {"sentence"}, "name": {"Hot"}, "of": {"temp", "device.site"}, "is": {"above", "within"}, "text": {"80", "plant-2"}, "rest": {"a < 1 or b < 1"},
		"lane": {"critical"}, "keep": {"sample"}, "one_in": {"5"}, "labels": {"team=ops"}, "do": {"expression"}}
	got := b.post(self, form)
	when := got.page.text("#when")
	if got.status != http.StatusOK || when != `temp > 80 and within(device.site, "plant-2") and (a < 1 or b < 1)` {
		t.Fatalf("%d: %s", got.status, when)
	}
	form = url.Values{"view": {"expression"}, "name": {"Hot"}, "when": {when}, "lane": {"critical"}, "keep": {"sample"}, "one_in": {"5"}, "labels": {"team=ops"}, "do": {"yaml"}}
	_, text, _ := strings.Cut(b.post(self, form).body, ` id="yaml"`)
	_, text, _ = strings.Cut(text, ">")
	text, _, _ = strings.Cut(text, "</textarea>")
	text = html.UnescapeString(text)
	form = url.Values{"view": {"yaml"}, "yaml": {text}, "do": {"enable"}, "reason": {"test"}}
	if got := b.post(self, form); got.status != http.StatusSeeOther {
		t.Fatalf("%d: %s", got.status, got.page.text("main"))
	}
	saved, _ := s.tenants.State().Rule(s.claimed.Tenant.ID, ids[0])
	if saved.Live.When != when || saved.Live.Then.OneIn != 5 || saved.Live.Then.Lane != "critical" || saved.Live.Then.Labels["team"] != "ops" || saved.Version != 2 {
		t.Errorf("%+v", saved.Live)
	}
	if history := b.get(self + "/history").page.text("main"); !strings.Contains(history, "Ada enabled version 2 of the rule") || !strings.Contains(history, "pumps overheat") {
		t.Errorf("the history says %s", history)
	}
	entries := strings.Split(b.get(self+"/history").body, `name="position" value="`)
	position, _, _ := strings.Cut(entries[len(entries)-1], `"`) // the oldest one
	b.follow(b.post(self+"/restore", url.Values{"position": {position}}))
	if restored, _ := s.tenants.State().Rule(s.claimed.Tenant.ID, ids[0]); restored.Draft == nil || restored.Draft.When == when || restored.Live.When != when {
		t.Errorf("restored %+v", restored.Draft)
	}
	if got := b.post(self+"/restore", url.Values{"position": {"no number"}}); got.status != http.StatusNotFound {
		t.Errorf("restoring nothing answers %d", got.status)
	}
}

func TestRuleIsTriedWhileItIsWritten(t *testing.T) {
	s, b, ids := ruled(t)
	try := rulePath(s.claimed.Tenant.ID, ids[0]) + "/try"
	got := b.post(try, url.Values{"view": {"expression"}, "name": {""}, "when": {"temp > 80"}, "keep": {"drop"}})
	for _, part := range []string{"1 of the last 3 packets match. It would drop 1. On 1 it cannot be computed.", "temp is 91.5", "temp > 80 is not true: temp is 20", "dropped by this rule",
		"temp is text, expected a number", "temp=91.5  disk used=3"} {
		if got.status != http.StatusOK || !strings.Contains(strings.Join(strings.Fields(got.page.text("#trial")), " "), strings.Join(strings.Fields(part), " ")) {
			t.Errorf("%d without %q: %s", got.status, part, got.page.text("#trial"))
		}
	}
	if strings.Contains(got.body, "<b>hot") {
		t.Error("what a device sent became markup")
	}
	for when, want := range map[string]string{"temp >": "At character", "temp > 80 and nonsense(1)": "rules do not know the function"} {
		got := b.post(try, url.Values{"view": {"expression"}, "name": {"x"}, "when": {when}})
		if !strings.Contains(got.page.text("#trial-problem"), want) {
			t.Errorf("%s: %s", when, got.page.text("#trial"))
		}
	}
	wrong := b.post(rulesPath(s.claimed.Tenant.ID)+"/new", url.Values{"view": {"sentence"}, "name": {""}, "do": {"enable"}})
	if wrong.status != http.StatusUnprocessableEntity || !strings.Contains(wrong.page.text("#name-error"), "Must not be empty") {
		t.Errorf("%d: %s", wrong.status, wrong.page.text("main"))
	}
}

func TestRulePagesInABrowser(t *testing.T) {
	axe := readAxe(t)
	s, b, ids := ruled(t)
	w := openWindow(t)
	w.become(s, b)
	self := rulePath(s.claimed.Tenant.ID, ids[0])
	for name, path := range map[string]string{"rules": rulesPath(s.claimed.Tenant.ID), "rule": self, "rule-new": rulesPath(s.claimed.Tenant.ID) + "/new", "rule-history": self + "/history", "rule-delete": self + "/delete"} {
		w.examine(s.server.URL+path, name, axe)
	}
	w.show(s.server.URL+self, screens()[0])
	w.do(chromedp.SetValue("#text-1", "10"), chromedp.Evaluate[chromedp.Void](`document.querySelector("#text-1").dispatchEvent(new Event("input", {bubbles: true})); undefined`))
	w.until(`document.querySelector("#trial-summary").textContent.includes("0 of the last 3")`) // the device is at no site
	w.click(`button[value="expression"]`)
	w.do(chromedp.WaitReady("#names[data-wired]"))
	w.do(chromedp.Evaluate[chromedp.Void](`const a = document.querySelector("#when"); a.value = "te"; a.focus(); a.dispatchEvent(new Event("input", {bubbles: true})); undefined`))
	w.until(`[...document.querySelectorAll("#names button")].filter(b => !b.hidden).map(b => b.textContent).join() === "temp"`)
	w.click(`#names button[data-name="temp"]`)
	w.until(`document.querySelector("#when").value === "temp"`)
	w.capture("rule-expression")
	w.click(`button[value="yaml"]`)
	w.do(chromedp.WaitReady("#yaml"))
	w.capture("rule-yaml")
	for _, violation := range w.violations(axe) {
		t.Errorf("YAML: %s", violation)
	}
	if complaints := w.heard(); complaints != "" {
		t.Error(complaints)
	}
}
