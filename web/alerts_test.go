package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"longwave/ingest/telemetry"
	"longwave/processors/alert"
	"longwave/processors/alert/notify"
	"longwave/tenants"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

// alerted is watched with alerts: one that fires, one that somebody has acknowledged, one that is over.
func alerted(t *testing.T) (*site, *visitor, []id.Alert) {
	t.Helper()
	s, b, rules := watched(t)
	tenant, now := s.claimed.Tenant.ID, time.Now()
	var device tenants.Device
	for d := range s.tenants.State().Devices(tenant, "") {
		if d.Name == "pump-01" {
			device = d
		}
	}
	hot := &alertrule.Test{Metric: "temp", Op: alertrule.Above, Value: 90}
	ids := []id.Alert{"a-open", "a-taken", "a-over"}
	for i, name := range ids {
		fired := now.Add(-time.Duration(i+1) * 9 * time.Minute)
		c := &alertrule.Change{Number: uint64(i + 1), To: alertrule.Firing, Severity: alertrule.Critical - alertrule.Severity(i), At: telemetry.At(fired), Cause: alertrule.CauseCondition, Test: hot,
			Values: []alertrule.Reading{{Metric: "temp", At: telemetry.At(fired), Num: 91.5}}}
		s.entry(alert.Entry{Kind: alert.Changed, At: fired, Alert: name, Rule: rules[0], Version: 1, Name: "Hot pumps", Device: device.ID, Change: c, Message: "pump-01: temp is 91.5"})
	}
	s.entry(alert.Entry{Kind: alert.Acknowledged, At: now, Alert: "a-taken", By: "Bo Lindqvist"})
	s.entry(alert.Entry{Kind: alert.Notified, At: now, Alert: "a-open", Notice: &alert.Notice{Destination: s.tenants.State().Destinations(tenant)[0].ID, Sent: true, Reason: "fired"}})
	s.entry(alert.Entry{Kind: alert.Notified, At: now, Alert: "a-open", Notice: &alert.Notice{Reason: "silenced", Detail: "belt is changed"}})
	s.entry(alert.Entry{Kind: alert.Changed, At: now, Alert: "a-over", Rule: rules[0], Version: 1, Name: "Hot pumps", Device: device.ID, Message: "pump-01: temp is 84",
		Change: &alertrule.Change{Number: 9, From: alertrule.Firing, Was: alertrule.Info, At: telemetry.At(now.Add(-3 * time.Minute)), Cause: alertrule.CauseCleared}})
	return s, b, ids
}

// entry writes into the log of alerts, as whoever evaluates does, and waits until the Book knows it.
func (s *site) entry(e alert.Entry) {
	s.t.Helper()
	e.V = 1
	data, err := json.Marshal(e)
	if err != nil {
		s.t.Fatal(err)
	}
	changed := s.book.Watch(s.claimed.Tenant.ID)
	if _, err := s.js.Publish(s.t.Context(), telemetry.AlertSubject(s.claimed.Tenant.ID), data); err != nil {
		s.t.Fatal(err)
	}
	select {
	case <-changed:
	case <-time.After(30 * time.Second):
		s.t.Fatalf("the book does not know of %+v", e)
	}
}

func TestAlertsListFindsWhatIsAsked(t *testing.T) {
	s, b, _ := alerted(t)
	list := alertsPath(s.claimed.Tenant.ID)
	for query, want := range map[string]string{"": "open taken", "?state=active": "open", "?state=taken": "taken", "?state=resolved": "over", "?state=all": "open taken over",
		"?severity=critical": "open", "?q=PUMP-01": "open taken", "?q=nothing": "", "?shadow=1": "", "?rule=w-nobodys": "", "?device=No.Id": ""} {
		page := b.get(list + query)
		got := ""
		for _, name := range []string{"open", "taken", "over"} {
			if strings.Contains(page.body, `id="row-a-`+name+`"`) {
				got += " " + name
			}
		}
		if strings.TrimSpace(got) != want || page.status != http.StatusOK {
			t.Errorf("%s: %d %q, want %q", query, page.status, got, want)
		}
	}
	text := b.get(list).page.text("main")
	for _, part := range []string{"Critical", "Hot pumps", "pump-01: temp is 91.5", "91.5 °C; temp is above 90", "Acknowledged by Bo Lindqvist", "2 alerts"} {
		if !strings.Contains(text, part) {
			t.Errorf("without %q: %s", part, text)
		}
	}
	if home := b.get(tenantPath(s.claimed.Tenant.ID)); !strings.Contains(home.page.text("#home-state"), "Open alerts") || !strings.Contains(home.body, "<title>(2) ") {
		t.Errorf("the first page says nothing of it: %s", home.page.text("#home-state"))
	}
	if rules := b.get(alertRulesPath(s.claimed.Tenant.ID)).page.text("#alert-rules"); !strings.Contains(rules, "2 Critical") {
		t.Errorf("the rules say nothing of it: %s", rules)
	}
}

func TestAlertIsTakenCareOf(t *testing.T) {
	s, b, ids := alerted(t)
	tenant := s.claimed.Tenant.ID
	self := alertPath(tenant, ids[0])
	for _, part := range []string{"Hot pumps, version 1", "pump-01", "Call the shift leader.", "Notified Ops webhook (fired)", "Did not notify anybody: silenced", "belt is changed"} {
		if text := b.get(self).page.text("main"); !strings.Contains(text, part) {
			t.Errorf("without %q: %s", part, text)
		}
	}
	for _, step := range []struct {
		form url.Values
		want string
	}{
		{url.Values{"do": {"assign"}, "to": {"Bo Lindqvist"}}, "Ada assigned it to Bo Lindqvist"},
		{url.Values{"snooze": {"1h"}}, "Ada snoozed it until"},
		{url.Values{"snooze": {"0s"}}, "Ada ended the snooze"},
		{url.Values{"do": {"comment"}, "text": {"<b>seen</b>"}}, "Ada commented"},
		{url.Values{"do": {"acknowledge"}}, "Acknowledged by Ada"},
	} {
		if text := b.follow(b.post(self+"/act", step.form)).page.text("main"); !strings.Contains(text, step.want) {
			t.Errorf("%v: without %q: %s", step.form, step.want, text)
		}
	}
	for _, wrong := range []url.Values{{"do": {"assign"}, "to": {"Nobody we know"}}, {"do": {"destroy"}}, {"snooze": {"ever"}}, {"do": {"comment"}, "text": {" "}}} {
		if got := b.post(self+"/act", wrong); got.status < 400 || got.status >= 500 {
			t.Errorf("%v: %d", wrong, got.status)
		}
	}
	if got := b.get(self); strings.Contains(got.body, "<b>seen") {
		t.Error("what somebody wrote became markup")
	}
	stranger := s.stranger()
	theirs, nobodys := stranger.get(alertPath(stranger.tenant, ids[0])), stranger.get(alertPath(stranger.tenant, "a-missing"))
	if theirs.status != http.StatusNotFound || nobodys.status != theirs.status || theirs.page.text("main") != nobodys.page.text("main") {
		t.Errorf("a foreign alert: %d %q, one that is none: %d %q", theirs.status, theirs.page.text("main"), nobodys.status, nobodys.page.text("main"))
	}
	s.entry(alert.Entry{Kind: alert.Snoozed, At: time.Now(), Alert: "a-open"})
	b.follow(b.post(alertsPath(tenant)+"/acknowledge", url.Values{"alert": {"a-open", "a-taken", "a-missing"}}))
	if got := b.post(alertsPath(tenant)+"/acknowledge", url.Values{}); got.status != http.StatusBadRequest {
		t.Errorf("nothing selected: %d", got.status)
	}
}

// A new alert appears on an open page by itself, the count with it; what is selected stays so.
func TestAlertsInABrowser(t *testing.T) {
	axe := readAxe(t)
	s, b, ids := alerted(t)
	w := openWindow(t)
	w.become(s, b)
	tenant := s.claimed.Tenant.ID
	for name, path := range map[string]string{"alerts": alertsPath(tenant) + "?state=all", "alert": alertPath(tenant, ids[0]), "alert-over": alertPath(tenant, ids[2]), "alerts-none": alertsPath(tenant) + "?q=nothing"} {
		w.examine(s.server.URL+path, name, axe)
	}
	w.show(s.server.URL+alertsPath(tenant), screens()[0])
	w.until(`document.title.startsWith("(2) ")`)
	w.do(chromedp.Evaluate[chromedp.Void](`document.querySelector("#row-a-taken input").click(); undefined`))
	a, err := s.book.Alert(tenant, ids[0])
	if err != nil {
		t.Fatal(err)
	}
	c := a.Latest
	c.Number, c.Severity = 99, alertrule.Warning
	s.entry(alert.Entry{Kind: alert.Changed, At: time.Now(), Alert: "a-new", Rule: a.Rule, Version: 1, Name: "Fast warming", Device: a.Device, Change: &c, Message: "it warms"})
	w.until(`document.querySelector("#row-a-new") !== null && document.title.startsWith("(3) ")`)
	w.until(`document.querySelector("#nav-alerts [data-slot=count]").textContent === "3"`)
	w.until(`document.querySelector("#row-a-taken input").checked`)
	if complaints := w.heard(); complaints != "" {
		t.Error(complaints)
	}
}

// The link of a notification says what it does, does it once, and answers afterwards as one that never was.
func TestAlertLink(t *testing.T) {
	s, _, ids := alerted(t)
	b := s.visitor()
	address, err := s.links.URL(notify.Link{Tenant: s.claimed.Tenant.ID, Alert: ids[0], Purpose: notify.Acknowledge})
	if err != nil {
		t.Fatal(err)
	}
	if got := b.get(address); got.status != http.StatusOK || !strings.Contains(got.page.text("main"), "Acknowledge Hot pumps") {
		t.Errorf("%d %s", got.status, got.page.text("main"))
	}
	if a, _ := s.book.Alert(s.claimed.Tenant.ID, ids[0]); a.Acknowledged != nil {
		t.Error("looking at a link acknowledges")
	}
	if got := b.post(address, url.Values{}); got.status != http.StatusOK || !strings.Contains(got.page.text("main"), "Acknowledged") {
		t.Errorf("%d %s", got.status, got.page.text("main"))
	}
	used, never := b.get(address), b.get(notify.LinkPath+"nonsense")
	if a, _ := s.book.Alert(s.claimed.Tenant.ID, ids[0]); a.Acknowledged == nil || used.status != http.StatusNotFound || used.page.text("h1") != never.page.text("h1") || never.status != used.status {
		t.Errorf("used %d, never %d, %+v", used.status, never.status, a.Acknowledged)
	}
}
