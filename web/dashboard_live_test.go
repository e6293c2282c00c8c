package web

import (
	"testing"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/tenants/dashboard"
)

// TestDashboardIsLive shows a value as it arrives, and says on every widget that nothing is current once the server is gone.
func TestDashboardIsLive(t *testing.T) {
	p := newPlant(t)
	p.storage.latest[p.device.ID] = []telemetry.Latest{{Metric: "temp", Value: temp(20), Time: telemetry.At(time.Now().Add(-time.Minute)), Received: telemetry.At(time.Now()), Interval: 60}}
	document := dashboard.Document{Widgets: []dashboard.Widget{
		{Kind: dashboard.Number, Title: "Temperature", Metrics: []dashboard.Metric{{Name: "temp"}}, At: dashboard.Place{W: 6, H: 6},
			Thresholds: []dashboard.Threshold{{From: 0, Level: "good", Word: "Normal"}, {From: 80, Level: "critical", Word: "Hot"}}},
		{Kind: dashboard.Table, Title: "Newest", Metrics: []dashboard.Metric{{Name: "temp"}}, At: dashboard.Place{X: 6, W: 6, H: 6}},
	}}
	saved, err := p.tenants.SaveDashboard(t.Context(), tenants.Actor{System: "test"}, p.device.Tenant, tenants.SaveDashboard{Name: "Live", Document: document})
	if err != nil {
		t.Fatal(err)
	}
	p.window.show(p.server.URL+dashboardPath(p.device.Tenant, saved.ID), screens()[0])
	p.await(`document.documentElement.dataset.connection === "live"`)
	p.await(`document.querySelector(".kind-number .w-value")?.textContent.startsWith("20") && document.querySelector(".kind-number .w-level").textContent === "Normal"`)
	p.publish(temp(91.5))
	p.await(`document.querySelector(".kind-number .w-value").textContent.startsWith("91.5") && document.querySelector(".kind-number .w-level").textContent === "Hot"`)
	p.await(`document.querySelector(".kind-table td").textContent.startsWith("91.5")`)
	p.endHub()
	p.await(`document.documentElement.dataset.connection === "lost"`)
	p.await(`[...document.querySelectorAll(".w-head")].every((head) => getComputedStyle(head, "::after").content === '"not current"')`)
}
