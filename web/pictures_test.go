package web

import (
	"bytes"
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"longwave/tenants"
	"longwave/tenants/dashboard"
)

// drawing is two tanks and a pipe.
func drawing(t *testing.T) []byte {
	t.Helper()
	pixels := image.NewRGBA(image.Rect(0, 0, 640, 400))
	for x := range 640 {
		for y := range 400 {
			shade := color.RGBA{244, 246, 249, 255}
			if tank := y > 120 && y < 320 && (x > 80 && x < 220 || x > 420 && x < 560); tank || y > 210 && y < 230 && x >= 220 && x <= 420 {
				shade = color.RGBA{150, 170, 195, 255}
			}
			pixels.Set(x, y, shade)
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, pixels); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// picture uploads one and returns its name.
func (b *visitor) picture(t *testing.T) string {
	t.Helper()
	got := b.send(dashboardsPath(b.s.claimed.Tenant.ID)+"/pictures", string(drawing(t)))
	var made struct{ Name string }
	if err := json.Unmarshal([]byte(got.body), &made); err != nil || got.status != http.StatusOK || made.Name == "" {
		t.Fatalf("uploading answers %d %s: %v", got.status, got.body, err)
	}
	return made.Name
}

func TestPicturesAreServedAsNothingElse(t *testing.T) {
	s := start(t)
	b := s.owner()
	path := dashboardsPath(s.claimed.Tenant.ID) + "/pictures"
	got := b.get(path + "/" + b.picture(t))
	if got.status != http.StatusOK || got.header.Get("Content-Type") != "image/png" || got.header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(got.header.Get("Content-Security-Policy"), "sandbox") || !strings.Contains(got.header.Get("Cache-Control"), "private") {
		t.Errorf("answers %d with %v", got.status, got.header)
	}
	for body, status := range map[string]int{`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`: http.StatusUnsupportedMediaType, strings.Repeat("x", 5<<20): http.StatusRequestEntityTooLarge} {
		if got := b.send(path, body); got.status != status || !strings.Contains(got.body, "try again") {
			t.Errorf("%.20s answers %d %s", body, got.status, got.body)
		}
	}
	if got := b.get(path + "/00000000000000000000000000000000"); got.status != http.StatusNotFound {
		t.Errorf("a missing one answers %d", got.status)
	}
}

// placed is a dashboard with a picture and a map.
func placed(t *testing.T, s *site, b *visitor, device tenants.Device) tenants.Dashboard {
	t.Helper()
	for i, at := range []string{"52.52,13.40", "40.42,-3.70", "59.33,28.07"} {
		_, _, err := s.tenants.CreateDevice(t.Context(), tenants.Actor{System: "test"}, device.Tenant, tenants.NewDevice{Name: "gate " + at, Site: "works-" + string(rune('a'+i)), Labels: map[string]string{"location": at}})
		if err != nil {
			t.Fatal(err)
		}
	}
	return s.board(dashboard.Document{Widgets: []dashboard.Widget{
		{ID: "hall", Kind: dashboard.Image, Title: "Pump hall", At: dashboard.Place{W: 6, H: 12}, Picture: b.picture(t), Spots: []dashboard.Spot{
			{X: 20, Y: 40, Metric: "temp", Device: string(device.ID), Label: "Tank 1"}, {X: 75, Y: 50, Metric: "flow"}, {X: 50, Y: 80, Metric: "nothing"},
		}, Thresholds: []dashboard.Threshold{{From: 0, Level: "good", Word: "Normal"}, {From: 80, Level: "critical", Word: "Hot"}}},
		{ID: "map", Kind: dashboard.Map, Title: "Sites", At: dashboard.Place{X: 6, W: 6, H: 12}},
	}})
}

// TestPictureAndMapInABrowser looks at both on every screen, moves a value by keyboard and by mouse, and the map by keyboard.
func TestPictureAndMapInABrowser(t *testing.T) {
	axe := readAxe(t)
	s, b, device := full(t)
	d := placed(t, s, b, device)
	address := s.server.URL + dashboardPath(d.Tenant, d.ID)
	w := openWindow(t)
	w.become(s, b)
	w.examine(address, "dashboard-places", axe)
	w.show(address, screens()[0])
	w.eventually(`document.querySelectorAll(".w-spot").length === 3 && document.querySelector(".w-spot").textContent.includes("Tank 1") && document.querySelector(".w-spot").textContent.includes("21.46 °C")`)
	w.eventually(`document.querySelector('[data-spot="1"] .w-value').textContent.startsWith("118") && document.querySelector('[data-spot="2"]').textContent.includes("nothing sent")`)
	w.eventually(`document.querySelectorAll(".w-map-mark").length === 3 && document.querySelector('[data-key="works-a"]').textContent.includes("works-a: 1 device, the worst is never")`)
	// In hundredths of the map, which may be laid out anew meanwhile.
	place := `(() => {
		const map = document.querySelector(".w-map").getBoundingClientRect(), mark = document.querySelector('[data-key="works-a"]').closest("li").style;
		return [parseFloat(mark.left) / map.width, parseFloat(mark.top) / map.height].map((part) => Math.round(100 * part)).join();
	})()`
	before := run(w, chromedp.Evaluate[string](place))
	w.do(chromedp.Focus(".w-map"), chromedp.KeyEvent(kb.ArrowLeft), chromedp.KeyEvent("+"))
	w.eventually(place + " !== '" + before + "'")
	w.do(chromedp.KeyEvent("0"))
	w.eventually(place + " === '" + before + "'")

	w.click("#board-edit")
	w.eventually(`document.querySelector('.w-spot[tabindex="0"]') && document.querySelector(".board-panel")`)
	w.do(chromedp.Focus(`[data-spot="0"]`), chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.ArrowDown, chromedp.KeyModifiers(chromedp.ModifierShift)))
	w.eventually(`document.querySelector('[data-spot="0"]').style.left === "21%" && document.querySelector('[data-spot="0"]').style.top === "45%" && document.activeElement.dataset.spot === "0"`)
	w.drag(`[data-spot="1"]`, -40, 30)
	w.eventually(`parseFloat(document.querySelector('[data-spot="1"]').style.left) < 75`)
	for _, violation := range w.violations(axe) {
		t.Errorf("the editor: %s", violation)
	}
	w.capture("dashboard-places-editor")
	w.click(".board-tools .btn-primary")
	saved := w.onlyDashboard(s)
	spots := saved.Current().Document.Widgets[0].Spots
	if spots[0].X != 21 || spots[0].Y != 45 || spots[1].X >= 75 || spots[1].Y <= 50 {
		t.Errorf("saved %+v", spots)
	}
	if complaints := w.heard(); complaints != "" {
		t.Error(complaints)
	}
}
