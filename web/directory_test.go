package web

import (
	"testing"

	"github.com/chromedp/chromedp"

	"longwave/tenants"
	"longwave/tenants/dashboard"
)

// TestPagesNoticeWhoComesAndGoes registers and deletes a device while a dashboard and the list are open: the dashboard shows
// it, the list says so, and nobody loads anything again.
func TestPagesNoticeWhoComesAndGoes(t *testing.T) {
	s := start(t)
	b := s.owner()
	s.device("pump-7", nil)
	tenant := s.claimed.Tenant.ID
	d := s.board(dashboard.Document{Widgets: []dashboard.Widget{
		{ID: "fleet", Kind: dashboard.Fleet, Title: "Pumps", At: dashboard.Place{W: 12, H: 8}, Select: dashboard.Selection{Profile: "pump"}},
	}})
	list := openWindow(t)
	list.become(s, b)
	page := openWindow(t)
	page.become(s, b)
	list.show(s.server.URL+devicesPath(tenant), screens()[0])
	list.eventually(`document.documentElement.dataset.connection === "live" && document.querySelectorAll("#devices [data-device]").length === 1`)
	page.show(s.server.URL+dashboardPath(tenant, d.ID), screens()[0])
	page.eventually(`document.documentElement.dataset.connection === "live" && document.querySelector('[data-widget="fleet"][data-ready]') && document.querySelectorAll(".w-cell").length === 0`)
	page.do(chromedp.Evaluate[chromedp.Void](`window.same = true; undefined`))
	actor := tenants.Actor{System: "test"}
	made, _, err := s.tenants.CreateDevice(t.Context(), actor, tenant, tenants.NewDevice{Name: "new pump", Profile: "pump"})
	if err != nil {
		t.Fatal(err)
	}
	page.eventually(`document.querySelector(".w-cell")?.textContent.includes("new pump") && window.same`)
	list.eventually(`document.getElementById("list-changed")?.textContent.startsWith("1 more device matches. Show")`)
	list.click("#list-changed a")
	list.eventually(`document.querySelectorAll("#devices [data-device]").length === 2 && document.documentElement.dataset.connection === "live"`)
	if err := s.tenants.DeleteDevice(t.Context(), actor, tenant, made.ID); err != nil {
		t.Fatal(err)
	}
	page.eventually(`document.querySelectorAll(".w-cell").length === 0 && window.same`)
	list.eventually(`document.querySelector("#devices [data-gone]") && document.getElementById("list-changed").textContent.includes("1 is not here any more")`)
}
