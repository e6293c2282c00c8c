package web

import (
	"encoding/json"
	"net/http"
	"strconv"
	"testing"
	"time"

	"longwave/ingest/telemetry"
	"longwave/processors/alert"
	"longwave/tenants"
	"longwave/tenants/alertrule"
	"longwave/tenants/dashboard"
	"longwave/web/widget"
)

// board saves a dashboard without a browser.
func (s *site) board(document dashboard.Document) tenants.Dashboard {
	s.t.Helper()
	saved, err := s.tenants.SaveDashboard(s.t.Context(), tenants.Actor{System: "test"}, s.claimed.Tenant.ID, tenants.SaveDashboard{Name: "Plant 2", Document: document})
	if err != nil {
		s.t.Fatal(err)
	}
	return saved
}

// widget asks for what a widget shows of the last hour.
func (b *visitor) widget(d tenants.Dashboard, name string) (answer widget.Answer) {
	b.s.t.Helper()
	now := time.Now()
	got := b.get(dashboardPath(d.Tenant, d.ID) + "/data?widget=" + name + "&points=100&from=" + strconv.FormatInt(now.Add(-time.Hour).UnixMilli(), 10) + "&to=" + strconv.FormatInt(now.UnixMilli(), 10))
	var plain struct{ Alerts []widget.Alert }
	if err := json.Unmarshal([]byte(got.body), &plain); err != nil || got.status != http.StatusOK {
		b.s.t.Fatalf("%s answers %d %s: %v", name, got.status, got.body, err)
	}
	answer.Alerts = plain.Alerts
	return answer
}

func alertBoard() dashboard.Document {
	temp := []dashboard.Metric{{Name: "temp"}}
	return dashboard.Document{Variables: []dashboard.Variable{{Name: "line", Of: "label", Label: "line"}}, Widgets: []dashboard.Widget{
		{ID: "open", Kind: dashboard.Alerts, Title: "Open alerts", At: dashboard.Place{W: 6, H: 6}, Select: dashboard.Selection{Labels: map[string]string{"line": "$line"}}},
		{ID: "temp", Kind: dashboard.Line, Title: "Temperature", At: dashboard.Place{X: 6, W: 6, H: 8}, Metrics: temp, States: true},
		{ID: "flow", Kind: dashboard.Line, Title: "Flow", At: dashboard.Place{X: 6, Y: 8, W: 6, H: 8}, Metrics: []dashboard.Metric{{Name: "flow"}}},
		{ID: "none", Kind: dashboard.Alerts, Title: "Elsewhere", At: dashboard.Place{Y: 8, W: 6, H: 4}, Select: dashboard.Selection{Site: "nowhere"}},
	}}
}

// TestWidgetsTellOfAlerts lists what is open, the worst first, and puts behind a line what is about its metric.
func TestWidgetsTellOfAlerts(t *testing.T) {
	s, b, _ := alerted(t)
	d := s.board(alertBoard())
	open := b.widget(d, "open").Alerts
	if len(open) != 2 || open[0].ID != "a-open" || open[0].Severity != "critical" || open[0].State != "Open" || open[1].State != "Acknowledged by Bo Lindqvist" || open[0].Who != "pump-01" {
		t.Errorf("open are %+v", open)
	}
	behind := b.widget(d, "temp").Alerts
	if len(behind) != 3 || behind[2].ID != "a-over" || behind[2].To == 0 || behind[0].To != 0 {
		t.Errorf("behind the line are %+v", behind)
	}
	if other := b.widget(d, "flow").Alerts; len(other) != 0 {
		t.Errorf("behind a line that they are not about are %+v", other)
	}
	if none := b.widget(d, "none").Alerts; len(none) != 0 {
		t.Errorf("of nobody are open %+v", none)
	}
}

// TestAlertWidgetsInABrowser looks at them on every screen; an alert that fires while the page is open appears in the list.
func TestAlertWidgetsInABrowser(t *testing.T) {
	axe := readAxe(t)
	s, b, _ := alerted(t)
	d := s.board(alertBoard())
	w := openWindow(t)
	w.become(s, b)
	w.examine(s.server.URL+dashboardPath(d.Tenant, d.ID), "dashboard-alerts", axe)
	w.show(s.server.URL+dashboardPath(d.Tenant, d.ID), screens()[0])
	w.eventually(`document.querySelectorAll('[data-widget="open"] .w-alerts li').length === 2 && document.documentElement.dataset.connection === "live"`)
	w.eventually(`document.querySelector('[data-widget="temp"] .w-note').textContent.includes("3 alerts")`)
	now := time.Now()
	s.entry(alert.Entry{Kind: alert.Changed, At: now, Alert: "a-new", Rule: "w-new", Version: 1, Name: "No flow", Device: s.book.Open(d.Tenant)[0].Device, Message: "pump-01: flow is 0",
		Change: &alertrule.Change{Number: 1, To: alertrule.Firing, Severity: alertrule.Critical, At: telemetry.At(now), Cause: alertrule.CauseCondition, Test: &alertrule.Test{Metric: "flow"}}})
	w.eventually(`document.querySelector('[data-widget="open"] .w-alerts').textContent.includes("No flow")`)
	w.eventually(`document.querySelector('[data-widget="flow"] .w-note').textContent.includes("an alert")`)
	w.eventually(`document.querySelector('[data-widget="none"]').textContent.includes("No alert is open")`)
	if complaints := w.heard(); complaints != "" {
		t.Error(complaints)
	}
}
