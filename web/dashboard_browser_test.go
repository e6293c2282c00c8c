package web

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"longwave/tenants"
	"longwave/tenants/dashboard"
)

// tabTo presses Tab until the element that is meant has the focus, as somebody without a mouse does.
func (w *window) tabTo(selector string, modifiers ...chromedp.Modifier) {
	w.t.Helper()
	for range 120 {
		w.do(chromedp.KeyEvent(kb.Tab, chromedp.KeyModifiers(modifiers...)))
		if run(w, chromedp.Evaluate[bool](fmt.Sprintf("document.activeElement?.matches(%q) ?? false", selector))) {
			return
		}
	}
	w.t.Fatalf("Tab does not lead to %s", selector)
}

// onlyDashboard is what was saved, after the page has come back.
func (w *window) onlyDashboard(s *site) tenants.Dashboard {
	w.t.Helper()
	w.eventually(`!document.documentElement.hasAttribute("data-editing") && document.querySelector("#board > .w[data-ready]")`)
	list := s.tenants.State().Dashboards(s.claimed.Tenant.ID)
	if len(list) != 1 {
		w.t.Fatalf("%d dashboards", len(list))
	}
	return list[0]
}

func TestDashboardBuiltWithTheKeyboard(t *testing.T) {
	s, b, _ := full(t)
	w := openWindow(t)
	w.become(s, b)
	w.show(s.server.URL+dashboardsPath(s.claimed.Tenant.ID), screens()[0])
	w.tabTo("#name")
	w.do(chromedp.KeyEvent("Pump hall"))
	w.tabTo("#from")
	w.do(chromedp.KeyEvent("Nothing"))
	w.tabTo("main button[type=submit]")
	w.do(chromedp.KeyEvent(kb.Enter))
	w.eventually(`document.querySelector(".board-panel") && document.activeElement?.matches(".board-add summary")`)
	w.eventually(`performance.getEntriesByName(new URL(document.getElementById("board").dataset.names, location.href).href).length > 0`)
	w.do(chromedp.KeyEvent(kb.Enter))
	w.tabTo(".board-add .menu-item")
	w.do(chromedp.KeyEvent(kb.Enter))
	w.eventually(`document.activeElement?.matches('.w[data-widget="w1"]')`)
	w.do(chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.ArrowDown))
	w.do(chromedp.KeyEvent(kb.ArrowRight, chromedp.KeyModifiers(chromedp.ModifierShift)), chromedp.KeyEvent(kb.ArrowUp, chromedp.KeyModifiers(chromedp.ModifierShift)))
	w.do(chromedp.KeyEvent(kb.Enter))
	w.eventually(`document.activeElement?.matches(".board-panel input")`)
	w.do(chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)), chromedp.KeyEvent("Temperature"))
	w.tabTo("[aria-label='Metric 1'], [aria-label='Add a metric']")
	w.do(chromedp.KeyEvent("a", chromedp.KeyModifiers(chromedp.ModifierCtrl)), chromedp.KeyEvent("temp"+kb.Tab))
	w.eventually(`document.querySelector("#board .w-title").textContent === "Temperature"`)
	w.capture("dashboard-editor-keyboard")
	w.tabTo(".board-tools .btn-primary", chromedp.ModifierShift)
	w.do(chromedp.KeyEvent(kb.Enter))
	d := w.onlyDashboard(s)
	one := d.Current().Document.Widgets[0]
	if want := (dashboard.Place{X: 2, Y: 1, W: 7, H: 7}); d.Name != "Pump hall" || one.At != want || one.Title != "Temperature" || one.Kind != dashboard.Line || one.Metrics[0].Name != "temp" {
		t.Errorf("saved %q with %+v", d.Name, one)
	}
	if complaints := w.heard(); complaints != "" {
		t.Error(complaints)
	}
}

// drag pulls with the mouse from the middle of an element.
func (w *window) drag(selector string, dx, dy float64) {
	w.t.Helper()
	at := run(w, chromedp.Evaluate[[]float64](fmt.Sprintf(`(() => { const r = document.querySelector(%q).getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()`, selector)))
	press := func(o *input.DispatchMouseEventParams) {
		o.Button, o.Buttons, o.ClickCount = input.MouseButtonLeft, 1, 1
	}
	w.do(
		chromedp.MouseEvent(input.DispatchMouseEventTypeMousePressed, at[0], at[1], press),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, at[0]+dx/2, at[1]+dy/2, press),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, at[0]+dx, at[1]+dy, press),
		chromedp.MouseEvent(input.DispatchMouseEventTypeMouseReleased, at[0]+dx, at[1]+dy, press),
	)
}

func TestDashboardBuiltWithTheMouse(t *testing.T) {
	axe := readAxe(t)
	s, b, _ := full(t)
	w := openWindow(t)
	w.become(s, b)
	w.show(s.server.URL+dashboardsPath(s.claimed.Tenant.ID), screens()[0])
	w.do(chromedp.SendKeys("#name", "Pump hall"), chromedp.SendKeys("#from", "Nothing"))
	w.click("main button[type=submit]")
	w.eventually(`document.querySelector(".board-add summary")`)
	w.eventually(`performance.getEntriesByName(new URL(document.getElementById("board").dataset.names, location.href).href).length > 0`)
	for _, nth := range []int{4, 1} { // a number, then lines
		w.click(".board-add summary")
		w.click(fmt.Sprintf(".board-add .menu-item:nth-child(%d)", nth))
	}
	w.eventually(`document.querySelectorAll("#board > .w[data-ready]").length === 2`)
	cell := run(w, chromedp.Evaluate[float64](`(document.getElementById("board").clientWidth + 8) / 12`))
	w.drag(`.w[data-widget="w2"] .w-title`, 3*cell, 72)
	w.eventually(`document.querySelector('.w[data-widget="w2"]').getAttribute("aria-label").includes("row 3")`)
	w.drag(`.w[data-widget="w2"] .w-corner`, -2*cell, 36)
	w.eventually(`document.querySelector('.w[data-widget="w2"]').getAttribute("aria-label").includes("4 wide, 9 high")`)
	w.click(".board-tools > button:nth-of-type(2)") // undo
	w.eventually(`document.querySelector('.w[data-widget="w2"]').getAttribute("aria-label").includes("6 wide, 8 high")`)
	w.click(".board-tools > button:nth-of-type(3)") // redo
	w.eventually(`document.querySelector('.w[data-widget="w2"]').getAttribute("aria-label").includes("4 wide, 9 high")`)
	for _, violation := range w.violations(axe) {
		t.Errorf("the editor: %s", violation)
	}
	w.click(".board-tools .btn-primary")
	d := w.onlyDashboard(s)
	if list := d.Current().Document.Widgets; len(list) != 2 || list[0].Kind != dashboard.Number || list[1].At.W != 4 || list[1].At.H != 9 || list[1].At.Y != 2 {
		t.Errorf("saved %+v", list)
	}
}

// TestVariablesSelect chooses a line above the page: the fleet shows its devices only, and a link shows the same.
func TestVariablesSelect(t *testing.T) {
	s, b, device := full(t)
	w := openWindow(t)
	w.become(s, b)
	w.show(s.server.URL+s.dashboardOf(device), screens()[0])
	w.do(chromedp.ScrollIntoView(".kind-fleet"))
	w.eventually(`document.querySelectorAll(".w-cell").length === 25`)
	w.do(chromedp.Evaluate[chromedp.Void](`(() => { const s = document.getElementById("var-line"); s.value = "3"; s.dispatchEvent(new Event("change", {bubbles: true})); })()`))
	w.eventually(`document.querySelectorAll(".w-cell").length === 5 && location.search.includes("var.line=3")`)
	w.do(chromedp.Reload())
	w.eventually(`document.querySelector("#board > .w")`)
	w.do(chromedp.ScrollIntoView(".kind-fleet"))
	w.eventually(`document.querySelectorAll(".w-cell").length === 5 && document.getElementById("var-line").value === "3"`)
	if query, err := url.ParseQuery("var.line=3"); err != nil || chosenValues(query)["line"] != "3" {
		t.Errorf("the address is read as %v, %v", chosenValues(query), err)
	}
}
