package web

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"longwave/tenants"
)

// screen is one size and theme that a page is looked at in.
type screen struct {
	name          string
	width, height int64
	theme         string
}

func screens() []screen {
	return []screen{
		{"wide-light", 1920, 1080, "light"}, {"wide-dark", 1920, 1080, "dark"},
		{"phone-light", 390, 844, "light"}, {"phone-dark", 390, 844, "dark"},
	}
}

// examined are the screens on which every page is examined: each size and each theme once. All of them when somebody wants pictures.
func examined() []screen {
	all := screens()
	if os.Getenv("LONGWAVE_SCREENSHOTS") != "" {
		return all
	}
	return []screen{all[0], all[3]}
}

// look is a page that is looked at.
type look struct {
	name, path string
	signedIn   bool
}

// window is a real browser with the cookies of one visitor. It keeps what its console complains of.
type window struct {
	t   *testing.T
	ctx context.Context

	mu         sync.Mutex
	complaints []string
}

func openWindow(t *testing.T) *window {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.UserDataDir(t.TempDir()))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, end := chromedp.NewContext(allocator)
	w := &window{t: t, ctx: ctx}
	t.Cleanup(func() {
		if err := chromedp.Cancel(ctx); err != nil {
			t.Error(err)
		}
		end()
		stop()
	})
	if err := chromedp.Listen(ctx, w.hear); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, log.Enable, cdp.Empty{}); err != nil {
		t.Fatal(err)
	}
	return w
}

// hear keeps exceptions and violations of the page's policy.
func (w *window) hear(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		w.complaints = append(w.complaints, e.ExceptionDetails.Text+" "+e.ExceptionDetails.URL)
	case *log.EventEntryAdded:
		if strings.Contains(e.Entry.Text, "Content Security Policy") {
			w.complaints = append(w.complaints, e.Entry.Text)
		}
	}
}

func (w *window) heard() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := strings.Join(w.complaints, "\n")
	w.complaints = nil
	return all
}

func (w *window) do(actions ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	run(w, chromedp.Steps(actions...))
}

// run does one thing in the window, within a time that nothing here needs.
func run[T any](w *window, action chromedp.Action[T]) T {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, 60*time.Second)
	defer cancel()
	result, err := chromedp.Run(ctx, action)
	if err != nil {
		w.t.Fatal(err)
	}
	return result
}

// become takes over the cookies of a visitor; nil is nobody.
func (w *window) become(s *site, b *visitor) {
	w.t.Helper()
	if _, err := chromedp.Call(w.ctx, network.ClearBrowserCookies, cdp.Empty{}); err != nil {
		w.t.Fatal(err)
	}
	if b == nil {
		return
	}
	base, err := url.Parse(s.server.URL)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, cookie := range b.client.Jar.Cookies(base) {
		if _, err := chromedp.Call(w.ctx, network.SetCookie, network.SetCookieParams{Name: cookie.Name, Value: cookie.Value, URL: s.server.URL}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// drawn is true when every chart that can be seen is there; the others are drawn when somebody scrolls to them.
const drawn = `[...document.querySelectorAll("#charts figure")].every(f => f.getBoundingClientRect().top > innerHeight - 80 || f.querySelector("canvas")) &&
	[...document.querySelectorAll("#board > .w")].every(w => w.getBoundingClientRect().top > innerHeight || "ready" in w.dataset) && (!document.getElementById("board") || document.querySelector("#board > .w, #board-empty:not([hidden])"))`

func (w *window) show(address string, size screen) {
	w.t.Helper()
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: size.theme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}}
	if _, err := chromedp.Call(w.ctx, emulation.SetEmulatedMedia, media); err != nil {
		w.t.Fatal(err)
	}
	w.do(
		chromedp.EmulateViewport(size.width, size.height),
		chromedp.Navigate(address),
		chromedp.WaitReady("#main"),
		chromedp.Poll[chromedp.Void]("document.readyState === 'complete'"), // the scripts of the page have run
		chromedp.Poll[chromedp.Void]("document.documentElement.dataset.bsTheme === '"+size.theme+"'"),
		chromedp.Poll[chromedp.Void](drawn),
	)
}

// capture writes the page into the directory that LONGWAVE_SCREENSHOTS names, for people to look at.
func (w *window) capture(name string) {
	directory := os.Getenv("LONGWAVE_SCREENSHOTS")
	if directory == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(directory, name+".png"), run(w, chromedp.CaptureScreenshot()), 0o644); err != nil {
		w.t.Fatal(err)
	}
}

// violations runs axe-core in the page.
func (w *window) violations(axe string) []string {
	w.t.Helper()
	const ask = `axe.run(document, {resultTypes: ["violations"]}).then(r => r.violations.flatMap(v =>
		v.nodes.map(n => v.id + ": " + n.target.join(" ") + ": " + (n.any[0]?.message ?? n.failureSummary))))`
	w.do(chromedp.Evaluate[chromedp.Void](axe + "; undefined"))
	return run(w, chromedp.Evaluate[[]string](ask, chromedp.EvalAwaitPromise))
}

func looks(s *site, d tenants.Device) []look {
	list, one := s.devices(), devicePath(d)
	out := s.destination("ops")
	s.busy(out)
	outPath := destinationPath(out)
	key := string(s.tenants.State().Keys(d.Tenant)[0].ID)
	return []look{
		{"sign-in", "/sign-in", false},
		{"home", tenantPath(d.Tenant), true}, {"devices", list, true}, {"devices-filtered", list + "?q=site%3Dplant-2&sort=-seen&state=live", true}, {"devices-none", list + "?q=nothing", true},
		{"register", list + "/register", true}, {"delete", list + "/delete?device=" + string(d.ID), true},
		{"connect", one + "/connect", true}, {"overview", one, true}, {"packets", one + "?tab=packets", true},
		{"rejected", one + "?tab=rejected", true}, {"settings", one + "?tab=settings", true}, {"rotate", one + "/rotate", true},
		{"destinations", destinationsPath(d.Tenant), true}, {"destination", outPath, true}, {"destination-edit", outPath + "/edit", true},
		{"destination-new", destinationsPath(d.Tenant) + "/new?kind=slack", true}, {"destination-delete", outPath + "/delete", true},
		{"account", "/account", true}, {"members", membersPath(d.Tenant), true}, {"providers", providersPath(d.Tenant), true},
		{"provider", providersPath(d.Tenant) + "/" + string(s.tenants.State().Providers(d.Tenant)[0].ID), true}, {"join", s.join, false},
		{"audit", auditPath(d.Tenant), true}, {"as-it-was", asItWasPath(d.Tenant) + "?about=" + string(d.ID), true}, {"as-it-was-board", asItWasPath(d.Tenant) + "?about=" + strings.TrimPrefix(s.dashboardOf(d), dashboardsPath(d.Tenant)+"/"), true}, {"recover", s.recoveryOf(d), false}, {"audit-platform", auditPath(""), true}, {"prove-again", "/sign-in/again?next=/account", true},
		{"export", exportPath(d.Tenant) + "?device=" + string(d.ID), true}, {"export-nothing", exportPath(d.Tenant) + "?metrics=none&step=1h", true}, {"export-wrong", exportPath(d.Tenant) + "?labels=x", true},
		{"dashboards", dashboardsPath(d.Tenant), true}, {"dashboard", s.dashboardOf(d), true}, {"dashboard-versions", s.dashboardOf(d) + "/versions", true},
		{"walls", s.wallsOf(d), true}, {"wall-edit", s.wallsOf(d) + "/" + string(s.tenants.State().Walls(d.Tenant)[0].ID), true},
		{"worklist", rejectedPath(d.Tenant), true}, {"worklist-filtered", rejectedPath(d.Tenant) + "?by=device&label=site&value=plant-2&range=24h", true},
		{"redrive", rejectedPath(d.Tenant) + "/redrive?code=value_type", true}, {"dismiss", rejectedPath(d.Tenant) + "/dismiss", true},
		{"replays", replaysPath(d.Tenant), true}, {"replay-running", replaysPath(d.Tenant) + "/j-running", true}, {"replay-preview", replaysPath(d.Tenant) + "/j-preview", true},
		{"trust", trustPath(d.Tenant), true}, {"keys", keysPath(d.Tenant), true}, {"revoke", keysPath(d.Tenant) + "/" + key + "/revoke", true}, {"system", "/system", true}, {"not-found", "/nothing-here", true},
	}
}

func readAxe(t testing.TB) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join("..", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal("run make build before the tests: ", err)
	}
	return string(source)
}

// examine looks at one page on every screen.
func (w *window) examine(address, name, axe string) {
	w.t.Helper()
	for _, size := range examined() {
		w.show(address, size)
		w.capture(name + "-" + size.name)
		for _, violation := range w.violations(axe) {
			w.t.Errorf("%s on %s: %s", name, size.name, violation)
		}
		if run(w, chromedp.Evaluate[bool]("document.documentElement.scrollWidth > document.documentElement.clientWidth")) {
			w.t.Errorf("%s on %s: wider than the screen", name, size.name)
		}
	}
	for _, width := range []int64{768, 1024, 1366} {
		w.do(chromedp.EmulateViewport(width, 800))
		w.eventually("innerWidth === " + fmt.Sprint(width))
		if run(w, chromedp.Evaluate[bool]("document.documentElement.scrollWidth > document.documentElement.clientWidth || document.querySelector('.bar')?.scrollWidth > innerWidth")) {
			w.t.Errorf("%s at a width of %d: wider than the screen", name, width)
			w.capture(fmt.Sprintf("%s-%d", name, width))
		}
	}
	if complaints := w.heard(); complaints != "" {
		w.t.Errorf("%s: the console says: %s", name, complaints)
	}
}

func TestPagesAreAccessibleOnEveryScreen(t *testing.T) {
	axe := readAxe(t)
	s, b, device := full(t)
	w := openWindow(t)
	for _, page := range looks(s, device) {
		w.become(s, nil)
		if page.signedIn {
			w.become(s, b)
		}
		w.examine(s.server.URL+page.path, page.name, axe)
	}
}

func TestFirstPagesAreAccessibleOnEveryScreen(t *testing.T) {
	axe := readAxe(t)
	s := start(t)
	w := openWindow(t)
	w.examine(s.server.URL+"/first-run?token="+url.QueryEscape(s.token), "first-run", axe)
	w.examine(s.server.URL+"/first-run?token=wrong", "first-run-wrong", axe)
	w.examine(s.server.URL+"/", "not-claimed", axe)
	b := s.owner()
	w.become(s, b)
	w.examine(s.server.URL+s.devices(), "devices-empty", axe)
}
