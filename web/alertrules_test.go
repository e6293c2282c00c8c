package web

import (
	"encoding/json"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"longwave/ingest/telemetry"
	"longwave/processors/alert"
	"longwave/tenants"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

// watched is a site whose tenant has devices with values, a destination and four alert rules, one in each mode.
func watched(t *testing.T) (*site, *visitor, []id.AlertRule) {
	t.Helper()
	s, b, device := full(t)
	actor := tenants.Actor{Person: s.claimed.Person.ID}
	now := telemetry.At(time.Now())
	s.recent = map[id.Tenant][]telemetry.Recent{device.Tenant: {
		{Device: device.ID, Received: now, Packet: telemetry.Packet{ID: "1", Time: now, Values: []telemetry.Value{{Name: "temp", Num: 91.5}, {Name: "vibration", Num: 0.3}}}},
	}}
	ops, _, err := s.tenants.CreateDestination(t.Context(), actor, device.Tenant, tenants.NewDestination{Name: "Ops webhook", Kind: tenants.Webhook, URL: "https://ops.example/hook"})
	if err != nil {
		t.Fatal(err)
	}
	test := func(metric string, op alertrule.Op, value float64) alertrule.Condition {
		return alertrule.Condition{Tests: []alertrule.Test{{Metric: metric, Op: op, Value: value, Per: "min"}}}
	}
	var ids []id.AlertRule
	for i, r := range []alertrule.Rule{
		{Name: "Hot pumps", Kind: alertrule.Threshold, Note: "Call the shift leader.", Selector: alertrule.Selector{Names: []string{"pump-0*"}}, Levels: []alertrule.Level{
			{Severity: alertrule.Critical, When: test("temp", alertrule.Above, 90), Clear: test("temp", alertrule.Below, 85)},
			{Severity: alertrule.Warning, When: test("temp", alertrule.Above, 80), For: alertrule.Duration(5 * time.Minute)}},
			Notify: alertrule.Notify{Steps: []alertrule.Step{{Destinations: []id.Destination{ops.ID}}}, Repeat: alertrule.Duration(time.Hour)}},
		{Name: "Silent pumps", Kind: alertrule.NoData, Levels: []alertrule.Level{{Severity: alertrule.Warning}}},
		{Name: "Fast warming", Kind: alertrule.Threshold, Levels: []alertrule.Level{{Severity: alertrule.Info, When: test("temp", alertrule.RateAbove, 2)}}},
		{Name: "Later", Kind: alertrule.Threshold, Levels: []alertrule.Level{{Severity: alertrule.Info, When: test("temp", alertrule.Changed, 0)}}},
	} {
		drafted, err := s.tenants.DraftAlertRule(t.Context(), actor, device.Tenant, r)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, drafted.ID)
		if mode := []alertrule.Mode{alertrule.Enabled, alertrule.Enabled, alertrule.Shadow, ""}[i]; mode != "" {
			if _, err := s.tenants.StartAlertRule(t.Context(), actor, device.Tenant, drafted.ID, tenants.AlertRuleStart{Mode: mode, Reason: "pumps overheat"}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := s.tenants.PauseAlertRule(t.Context(), actor, device.Tenant, ids[1], "winter"); err != nil {
		t.Fatal(err)
	}
	for _, n := range []alertrule.Silence{
		{Selector: alertrule.Selector{Sites: []string{"plant-2"}}, Until: time.Now().Add(2 * time.Hour), Reason: "belt is changed"},
		{Rules: ids[:1], From: time.Now().Add(24 * time.Hour), Until: time.Now().Add(26 * time.Hour), Reason: "maintenance"},
	} {
		if _, err := s.tenants.StartSilence(t.Context(), actor, device.Tenant, n); err != nil {
			t.Fatal(err)
		}
	}
	return s, b, ids
}

func TestAlertRulesListSaysWhatTheyDo(t *testing.T) {
	s, b, _ := watched(t)
	text := b.get(alertRulesPath(s.claimed.Tenant.ID)).page.text("#alert-rules")
	for _, part := range []string{"When temp is above 90, until temp is below 85 (critical); temp is above 80 for 5m (warning)", "on pump-0*", "9 devices", "Notifies Ops webhook", "Enabled, version 1",
		"nothing comes for three expected intervals", "Paused", "temp rises faster than 2 per min", "In shadow, version 1", "on every device", "Draft"} {
		if !strings.Contains(text, part) {
			t.Errorf("the list does not say %q: %s", part, text)
		}
	}
}

// alertText is a form that says what the first rule of watched says.
func alertText() url.Values {
	return url.Values{"view": {"sentence"}, "name": {"Hot pumps"}, "kind": {"threshold"}, "selector.names": {"pump-0*"}, "selector.labels": {"line=1"},
		"levels.0.severity": {"critical"}, "levels.0.for": {"2 min"}, "levels.0.any": {"any"}, "levels.0.when.metric": {"temp", "rpm", ""}, "levels.0.when.op": {"outside", "rate_above", "above"}, "levels.0.when.text": {"10 to 90", "2 per h", ""},
		"levels.0.clear.metric": {"temp"}, "levels.0.clear.op": {"below"}, "levels.0.clear.text": {"85"}, "notify.repeat": {"1 h"}, "notify.group_by": {"site"}, "notify.steps.0.after": {""}}
}

// Menus and YAML are one rule: turning through both changes nothing, and what is saved is what was written.
func TestAlertRuleTurnsThroughItsViews(t *testing.T) {
	s, b, ids := watched(t)
	self := alertRulePath(s.claimed.Tenant.ID, ids[3])
	form := alertText()
	form.Set("do", "yaml")
	got := b.post(self, form)
	text := got.page.text("#yaml")
	if got.status != http.StatusOK || !strings.Contains(text, "rate_above") {
		t.Fatalf("%d: %s", got.status, got.page.text("main"))
	}
	_, raw, _ := strings.Cut(got.body, ` id="yaml"`)
	_, raw, _ = strings.Cut(raw, ">")
	raw, _, _ = strings.Cut(raw, "</textarea>")
	raw = html.UnescapeString(raw)
	back := b.post(self, url.Values{"view": {"yaml"}, "yaml": {raw}, "do": {"sentence"}})
	for _, part := range []string{`value="10 to 90"`, `value="2 per h"`, `value="line=1"`, `value="2m"`} {
		if !strings.Contains(back.body, part) {
			t.Errorf("%d: the menus do not say %s", back.status, part)
		}
	}
	b.follow(b.post(self, url.Values{"view": {"yaml"}, "yaml": {raw}, "do": {"shadow"}, "reason": {"test"}}))
	saved, _ := s.tenants.State().AlertRule(s.claimed.Tenant.ID, ids[3])
	want := "temp is outside 10 to 90 or rpm rises faster than 2 per h for 2m, until temp is below 85 (critical)"
	if saved.Mode != alertrule.Shadow || saved.Live.Sentence() != want || saved.Live.Notify.GroupBy != alertrule.GroupSite {
		t.Errorf("%s: %s", saved.Mode, saved.Live.Sentence())
	}
	for _, step := range []struct{ do, want string }{{"add-level", `name="levels.1.severity"`}, {"add-when-0", `id="levels.0.when.tests.3.metric"`}, {"add-clear-0", `id="levels.0.clear.tests.1.metric"`}, {"add-step", `name="notify.steps.1.after"`}} {
		form.Set("do", step.do)
		if got := b.post(self, form); got.status != http.StatusOK || !strings.Contains(got.body, step.want) {
			t.Errorf("%s: %d without %s", step.do, got.status, step.want)
		}
	}
	form.Set("do", "remove-when-0-1")
	if got := b.post(self, form); strings.Contains(got.body, `value="2 per h"`) {
		t.Error("the test is still there")
	}
}

func TestAlertRuleSaysWhatIsWrong(t *testing.T) {
	s, b, ids := watched(t)
	self := alertRulePath(s.claimed.Tenant.ID, ids[0])
	for field, spoil := range map[string]func(url.Values){
		"Name":         func(f url.Values) { f.Set("name", "") },
		"no number":    func(f url.Values) { f["levels.0.when.text"][2], f["levels.0.when.metric"][2] = "hot", "temp" },
		"no range":     func(f url.Values) { f["levels.0.when.text"][0] = "10" },
		"an interval":  func(f url.Values) { f.Set("levels.0.for", "soon") },
		"name=text":    func(f url.Values) { f.Set("selector.labels", "line") },
		"Needs a test": func(f url.Values) { f.Del("levels.0.when.metric") },
		"Why":          func(f url.Values) { f.Set("reason", " ") },
		"is not known": func(f url.Values) { f.Set("message", "{secret}") },
	} {
		form := alertText()
		form.Set("do", "enable")
		form.Set("reason", "why")
		spoil(form)
		if got := b.post(self, form); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.page.text("#alert-rule"), field) {
			t.Errorf("%s: %d %s", field, got.status, got.page.text("#alert-rule"))
		}
	}
}

func TestAlertRuleIsTriedOnTheLastValues(t *testing.T) {
	s, b, ids := watched(t)
	try := alertRulePath(s.claimed.Tenant.ID, ids[0]) + "/try"
	form := url.Values{"view": {"sentence"}, "kind": {"threshold"}, "selector.names": {"pump-01"}, "levels.0.severity": {"warning"}, "levels.0.for": {"5 min"},
		"levels.0.when.metric": {"temp"}, "levels.0.when.op": {"above"}, "levels.0.when.text": {"80"}}
	got := strings.Join(strings.Fields(b.post(try, form).page.text("#verdict")), " ")
	for _, part := range []string{"Applies to 1 device. On 1 of the 1 device below it would hold now.", "Warning", "pump-01", "temp is above 80", "91.5", "°C"} {
		if !strings.Contains(got, part) {
			t.Errorf("without %q: %s", part, got)
		}
	}
	form.Set("levels.0.when.text", "95")
	if got := b.post(try, form).page.text("#verdict"); !strings.Contains(got, "On 0 of the 1 device") || !strings.Contains(got, "OK") {
		t.Errorf("%s", got)
	}
	form.Set("levels.0.when.text", "much")
	if got := b.post(try, form).page.text("#verdict-problem"); !strings.Contains(got, "Is no number") {
		t.Errorf("%s", got)
	}
}

func TestAlertRuleIsDeletedAndTakenBack(t *testing.T) {
	s, b, ids := watched(t)
	self := alertRulePath(s.claimed.Tenant.ID, ids[0])
	after := b.follow(b.post(self+"/delete", url.Values{}))
	_, undo, _ := strings.Cut(after.body, `class="note-undo" method="post" action="`)
	undo, _, _ = strings.Cut(undo, `"`)
	if got := b.get(self); got.status != http.StatusNotFound {
		t.Errorf("a deleted rule: %d", got.status)
	}
	b.follow(b.post(strings.ReplaceAll(undo, "&amp;", "&"), url.Values{}))
	if back, ok := s.tenants.State().AlertRule(s.claimed.Tenant.ID, ids[0]); !ok || back.Mode != alertrule.Enabled {
		t.Errorf("%+v", back)
	}
	b.follow(b.post(self+"/pause", url.Values{}))
	history := b.get(self + "/history")
	if text := history.page.text("main"); !strings.Contains(text, "Ada paused the alert rule") || !strings.Contains(text, "took back the deletion") {
		t.Errorf("the history says %s", text)
	}
}

func TestSilencePages(t *testing.T) {
	s, b, _ := watched(t)
	list := silencesPath(s.claimed.Tenant.ID)
	for _, part := range []string{"All alerts on devices in plant-2", "belt is changed", "Silent now", "Hot pumps on every device", "Planned", "Ada"} {
		if text := b.get(list).page.text("#silences"); !strings.Contains(text, part) {
			t.Errorf("without %q: %s", part, text)
		}
	}
	form := url.Values{"selector.sites": {"plant-1"}, "long": {"2 h"}, "reason": {"paint"}}
	b.follow(b.post(list, form))
	made := s.tenants.State().Silences(s.claimed.Tenant.ID)[2]
	if made.Until.Sub(made.From).Round(time.Minute) != 2*time.Hour || made.Selector.Sites[0] != "plant-1" {
		t.Errorf("%+v", made)
	}
	b.follow(b.post(list+"/"+string(made.ID)+"/end", url.Values{}))
	if ended, _ := s.tenants.State().Silence(s.claimed.Tenant.ID, made.ID); ended.Active(time.Now()) {
		t.Error("it goes on")
	}
	for field, want := range map[string]string{"long": "Must say when it ends", "reason": "Must not be empty", "selector.sites": "Say which devices"} {
		wrong := url.Values{"selector.sites": {"plant-1"}, "long": {"2 h"}, "reason": {"paint"}}
		wrong.Set(field, "")
		if got := b.post(list, wrong); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.page.text("main"), want) {
			t.Errorf("%s: %d %s", field, got.status, got.page.text("main"))
		}
	}
}

func TestAlertRulePagesInABrowser(t *testing.T) {
	axe := readAxe(t)
	s, b, ids := watched(t)
	w := openWindow(t)
	w.become(s, b)
	rules, self := alertRulesPath(s.claimed.Tenant.ID), alertRulePath(s.claimed.Tenant.ID, ids[0])
	rule, _ := s.tenants.State().AlertRule(s.claimed.Tenant.ID, ids[0])
	s.fare(alert.Runs{V: 1, At: time.Now(), Process: "plant-server, process 7", PassedOver: 1204, Rules: map[id.AlertRule]alert.RuleRun{
		ids[0]: {Version: rule.Version, Devices: 3, Late: 12}, ids[1]: {Failure: "its pattern is too large"}}})
	for name, path := range map[string]string{"alert-rules": rules, "alert-rule": self, "alert-rule-new": rules + "/new", "alert-rule-no-data": alertRulePath(s.claimed.Tenant.ID, ids[1]),
		"alert-rule-history": self + "/history", "silences": silencesPath(s.claimed.Tenant.ID), "silence-new": silencesPath(s.claimed.Tenant.ID) + "/new"} {
		w.examine(s.server.URL+path, name, axe)
	}
	w.show(s.server.URL+self, screens()[0])
	w.do(chromedp.SetValue("#levels\\.0\\.when\\.tests\\.0\\.text", "95"), chromedp.Evaluate[chromedp.Void](`document.getElementById("levels.0.when.tests.0.text").dispatchEvent(new Event("input", {bubbles: true})); undefined`))
	w.until(`document.querySelector("[data-verdict=warning]") !== null`)
	w.click(`button[value="yaml"]`)
	w.do(chromedp.WaitReady("#yaml"))
	w.capture("alert-rule-yaml")
	for _, violation := range w.violations(axe) {
		t.Errorf("YAML: %s", violation)
	}
	if complaints := w.heard(); complaints != "" {
		t.Error(complaints)
	}
}

// fare writes down how rules fare, as whoever evaluates them does.
func (s *site) fare(runs alert.Runs) {
	s.t.Helper()
	data, err := json.Marshal(runs)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.js.Publish(s.t.Context(), telemetry.AlertRuns(s.claimed.Tenant.ID), data); err != nil {
		s.t.Fatal(err)
	}
}

func TestAlertRulesSayHowTheyFare(t *testing.T) {
	s, b, ids := watched(t)
	tenant := s.claimed.Tenant.ID
	list, self := alertRulesPath(tenant), alertRulePath(tenant, ids[0])
	if text := b.get(self).page.text("main"); !strings.Contains(text, "How it fares") || !strings.Contains(text, "figures follow") {
		t.Errorf("before anything is evaluated: %s", text)
	}
	rule, _ := s.tenants.State().AlertRule(tenant, ids[0])
	runs := alert.Runs{V: 1, At: time.Now(), Process: "plant-server, process 7", Rules: map[id.AlertRule]alert.RuleRun{
		ids[0]: {Version: rule.Version, Devices: 3, Late: 12}, ids[1]: {Failure: "it <cannot> be run"}}}
	for _, passed := range []uint64{0, 4} {
		runs.PassedOver = passed
		s.fare(runs)
		wanted := map[string][]string{
			list: {"12 packets too late to count", "Not evaluated: it <cannot> be run", "Evaluated by plant-server, process 7"},
			self: {"3 devices", "12 packets too late to count", "plant-server, process 7"},
		}
		for path, parts := range wanted {
			text := b.get(path).page.text("main")
			if strings.Contains(text, "left out") != (passed > 0) {
				t.Errorf("%s: %d were left out: %s", path, passed, text)
			}
			for _, part := range parts {
				if !strings.Contains(text, part) {
					t.Errorf("%s: without %q: %s", path, part, text)
				}
			}
		}
	}
}
