package web

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"longwave/ingest/telemetry"
	"longwave/processors/alert"
	"longwave/tenants"
	"longwave/tenants/alertrule"
	"longwave/tenants/dashboard"
	"longwave/tenants/id"
)

// hall is a dashboard as it hangs in a hall: large numbers, what leads to them, and what is around.
func (s *site) hall(d tenants.Device, name string) tenants.Dashboard {
	s.t.Helper()
	metrics := func(names ...string) (list []dashboard.Metric) {
		for _, name := range names {
			list = append(list, dashboard.Metric{Name: name})
		}
		return list
	}
	of := dashboard.Selection{Devices: []string{string(d.ID)}}
	limits := []dashboard.Threshold{{From: 0, Level: "good", Word: "Normal"}, {From: 60, Level: "warning", Word: "Warm"}, {From: 80, Level: "critical", Word: "Hot"}}
	saved, err := s.tenants.SaveDashboard(s.t.Context(), tenants.Actor{System: "test"}, d.Tenant, tenants.SaveDashboard{Name: name, Document: dashboard.Document{Widgets: []dashboard.Widget{
		{Kind: dashboard.Number, Title: "Temperature", Select: of, Metrics: metrics("temp"), At: dashboard.Place{W: 4, H: 7}, Thresholds: limits},
		{Kind: dashboard.Number, Title: "Pressure", Select: of, Metrics: metrics("pressure"), At: dashboard.Place{X: 4, W: 4, H: 7}},
		{Kind: dashboard.Gauge, Title: "Flow", Select: of, Metrics: metrics("flow"), At: dashboard.Place{X: 8, W: 4, H: 7}},
		{Kind: dashboard.Line, Title: "Temperature and flow", Select: of, Metrics: metrics("temp", "flow"), At: dashboard.Place{Y: 7, W: 8, H: 9}},
		{Kind: dashboard.Table, Title: "Newest", Select: of, Metrics: metrics("temp", "pressure", "flow"), At: dashboard.Place{X: 8, Y: 7, W: 4, H: 9}},
	}}})
	if err != nil {
		s.t.Fatal(err)
	}
	return saved
}

// hang pairs the screen of the window by the code that it shows.
func (p *plant) hang(settings tenants.WallSettings) tenants.Wall {
	p.t.Helper()
	p.window.do(chromedp.EmulateViewport(1920, 1080), chromedp.Navigate(p.server.URL+"/wall"))
	p.await(`document.getElementById("pair-code")?.textContent.length === 9`)
	for _, violation := range p.window.violations(readAxe(p.t)) {
		p.t.Error("pairing: ", violation)
	}
	p.window.capture("wall-pair")
	w, err := p.tenants.PairWall(p.t.Context(), tenants.Actor{System: "test"}, p.device.Tenant, p.value(`document.getElementById("pair-code").textContent`), settings)
	if err != nil {
		p.t.Fatal(err)
	}
	p.window.eventually(`document.querySelector(".wall-layer.seen > .w[data-ready]") && document.documentElement.dataset.connection === "live"`)
	return w
}

// whole fails when something of the page lies outside of the screen.
func (p *plant) whole(name string) {
	p.t.Helper()
	const outside = `[...document.querySelectorAll(".wall-layer.seen > .w, .wall-head > *, .wall-alert")].filter((e) => {
		const box = e.getBoundingClientRect();
		return box.right > innerWidth + 1 || box.left < -1 || (innerWidth > 720 && (box.bottom > innerHeight + 1 || box.top < -1));
	}).map((e) => e.className).join(", ")`
	if got := p.value(outside); got != "" {
		p.t.Errorf("%s: outside of the screen: %s", name, got)
	}
	if got := p.value(`String(innerWidth > 720 && document.documentElement.scrollHeight > innerHeight)`); got != "false" {
		p.t.Errorf("%s: the screen would scroll", name)
	}
	if got := p.value(`String(innerWidth > 720 && [...document.querySelectorAll(".w-big")].some((e) => parseFloat(getComputedStyle(e).fontSize) * Number(getComputedStyle(document.getElementById("wall-root")).zoom) < 0.0799 * innerHeight))`); got != "false" {
		p.t.Errorf("%s: a value is too small to be read from the other end of the hall", name)
	}
}

// TestWallOnAScreen pairs a real browser and looks at it live, with an alert, late and without a connection, on every size.
func TestWallOnAScreen(t *testing.T) {
	axe := readAxe(t)
	p := newPlant(t)
	quiet := p.site.device("pump-8", nil)
	p.fill(quiet, time.Now().Add(-12*time.Minute))
	p.fill(p.device, time.Now())
	first, second, late := p.hall(p.device, "Pump hall"), p.hall(p.device, "Energy"), p.hall(quiet, "Quiet")
	w := p.hang(tenants.WallSettings{Name: "Hall 2, north", Dashboards: []id.Dashboard{first.ID}, Zone: "Europe/Berlin"})
	p.publish(temp(91.5))
	p.window.eventually(`document.querySelector(".seen .kind-number .w-value")?.textContent.startsWith("91.5") && document.querySelector(".seen .kind-number .w-level").textContent === "Hot"`)
	p.window.eventually(`/CET|CEST|GMT\+[12]/.test(document.getElementById("wall-zone").textContent)`)
	p.window.eventually(`document.documentElement.dataset.pointer === "none"`)
	p.everySize("wall-live")
	for _, violation := range p.window.violations(axe) {
		t.Error(violation)
	}
	for i, severity := range []alertrule.Severity{alertrule.Critical, alertrule.Warning} {
		fired := time.Now().Add(-time.Duration(3+i*40) * time.Minute)
		change := &alertrule.Change{Number: 1, To: alertrule.Firing, Severity: severity, At: telemetry.At(fired), Cause: alertrule.CauseCondition}
		p.entry(alert.Entry{Kind: alert.Changed, At: fired, Alert: id.Alert(fmt.Sprint("a-", i)), Rule: "w-1", Version: 1, Name: []string{"Hot pumps", "Pressure falls"}[i], Device: p.device.ID, Change: change})
	}
	p.window.eventually(`document.querySelectorAll("#wall-alerts .wall-alert").length === 2 && document.querySelector(".wall-alert").innerText.includes("Hot pumps on pump-7")`)
	p.everySize("wall-alert")

	next := w.WallSettings
	next.Dashboards, next.Seconds = append(next.Dashboards, second.ID), 5
	if _, err := p.tenants.ChangeWall(t.Context(), tenants.Actor{}, w.Tenant, w.ID, next); err != nil {
		t.Fatal(err)
	}
	p.window.eventually(`document.getElementById("wall-page").textContent === "Energy" && document.querySelectorAll(".wall-layer").length === 1`)
	if _, err := p.tenants.AskWall(t.Context(), tenants.Actor{}, w.Tenant, w.ID, tenants.WallIdentify); err != nil {
		t.Fatal(err)
	}
	p.window.eventually(`!document.getElementById("wall-identify").hidden && document.getElementById("wall-identify").textContent === "Hall 2, north"`)
	next.Dashboards = []id.Dashboard{late.ID}
	if _, err := p.tenants.ChangeWall(t.Context(), tenants.Actor{}, w.Tenant, w.ID, next); err != nil {
		t.Fatal(err)
	}
	p.window.eventually(`document.querySelector(".seen .kind-number time")?.dataset.state === "silent" && document.getElementById("wall-identify").hidden`)
	p.everySize("wall-late")
	p.endHub()
	p.window.eventually(`document.documentElement.dataset.connection === "lost" && document.getElementById("connection").innerText.includes("not current")`)
	p.everySize("wall-disconnected")
	if heard := p.window.heard(); heard != "" {
		t.Errorf("the console complains: %s", heard)
	}
}

// everySize looks at the screen in full HD, in 4K and on a phone.
func (p *plant) everySize(name string) {
	p.t.Helper()
	for _, size := range []screen{{"1080p", 1920, 1080, ""}, {"4k", 3840, 2160, ""}, {"phone", 390, 844, ""}} {
		p.window.do(chromedp.EmulateViewport(size.width, size.height))
		p.window.eventually(fmt.Sprintf(`innerWidth === %d && innerHeight === %d`, size.width, size.height))
		p.window.eventually(`Math.abs(document.getElementById("wall-root").getBoundingClientRect().width - innerWidth) < 2`)
		p.whole(name + " " + size.name)
		p.window.capture(name + "-" + size.name)
	}
	p.window.do(chromedp.EmulateViewport(1920, 1080))
}
