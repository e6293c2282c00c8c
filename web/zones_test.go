package web

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"longwave/tenants"
	"longwave/tenants/dashboard"
)

// TestTimesOfASite chooses the zone of a site above a dashboard: the range is asked for and shown by its clock.
func TestTimesOfASite(t *testing.T) {
	s, b, device := full(t)
	labels := map[string]string{"zone": "Asia/Kolkata", "wrong": "x"}
	if _, _, err := s.tenants.CreateDevice(t.Context(), tenants.Actor{System: "test"}, device.Tenant, tenants.NewDevice{Name: "far away", Site: "pune", Labels: labels}); err != nil {
		t.Fatal(err)
	}
	d := s.board(dashboard.Document{Widgets: []dashboard.Widget{{ID: "temp", Kind: dashboard.Line, Metrics: []dashboard.Metric{{Name: "temp"}}, At: dashboard.Place{W: 12, H: 8}}}})
	w := openWindow(t)
	w.become(s, b)
	w.show(s.server.URL+dashboardPath(d.Tenant, d.ID), screens()[0])
	w.do(chromedp.Evaluate[chromedp.Void](`(() => { const s = document.getElementById("board-zone"); s.value = "Asia/Kolkata"; s.dispatchEvent(new Event("change", {bubbles: true})); })()`))
	w.eventually(`location.search.includes("zone=Asia") && document.getElementById("board-zone")?.selectedOptions[0].textContent.includes("pune") && document.querySelector("#board > .w[data-ready]")`)
	w.click(".board-absolute summary")
	w.eventually(`document.getElementById("absolute-to").value !== ""`)
	shown := run(w, chromedp.Evaluate[string](`document.getElementById("absolute-to").value`))
	if len(shown) == len("2006-01-02T15:04") { // browsers leave out seconds that are zero
		shown += ":00"
	}
	kolkata, err := time.LoadLocation("Asia/Kolkata")
	if err != nil {
		t.Fatal(err)
	}
	if at, err := time.ParseInLocation("2006-01-02T15:04:05", shown, kolkata); err != nil || time.Since(at).Abs() > 5*time.Minute {
		t.Errorf("the clock there shows %s: %v", shown, err)
	}
	w.click("#board-absolute button")
	w.eventually(`location.search.includes("from=")`)
	asked := run(w, chromedp.Evaluate[float64](`Number(new URLSearchParams(location.search).get("to"))`))
	if at := time.UnixMilli(int64(asked)); time.Since(at).Abs() > 5*time.Minute {
		t.Errorf("it is taken for %s", at)
	}
}
