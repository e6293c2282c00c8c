package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/systeminfo"
	"github.com/chromedp/chromedp"
)

// hallYAML is a dashboard with a number, the line that leads to it, and a limit.
const hallYAML = `longwave: dashboard/1
id: b-hall
name: Pump hall
range: 5m
widgets:
  - {id: w1, kind: number, title: Temperature, at: {x: 0, y: 0, w: 6, h: 8}, metrics: [{name: temp}]}
  - {id: w2, kind: line, title: History, at: {x: 0, y: 8, w: 12, h: 10}, metrics: [{name: temp}]}
`

// hanging is a screen in front of a program, with a network between them that can be cut.
type hanging struct {
	t     *testing.T
	ctx   context.Context
	cable *cable
	p     *program
	i     installation
	d     device
	sent  []string // values in their order
}

// TestAWallComesBackByItself hangs a real browser in front of the real program and does to it what happens to a screen that
// nobody stands at. After each it shows the right number or says that it cannot know, and nobody loads it again by hand.
func TestAWallComesBackByItself(t *testing.T) {
	t.Parallel() // it waits most of the time
	h := hang(t)
	h.send("1.5")
	h.shows("the first value", "1.5")
	markPage(t, h.ctx)

	h.p.kill()
	h.lost("the server was killed")
	h.p = start(t, h.i.data)
	h.cable.lead(h.p.base)
	h.send("2.5")
	h.shows("the server is back", "2.5")

	h.cable.cut()
	h.lost("the network is cut")
	for i, value := range []string{"3.25", "3.5", "3.75"} {
		h.sendAt(value, time.Now().Add(time.Duration(i-2)*apart))
	}
	h.cable.mend()
	h.shows("the network is back", "3.75")

	h.freeze(func() { h.send("4.25") })
	h.shows("the page has thawed", "4.25")

	do(t, h.ctx, "set the clock back", chromedp.Evaluate[chromedp.Void](`(() => { const real = Date.now; Date.now = () => real() - 3600_000; })()`))
	h.send("4.75")
	h.shows("the clock was set back by an hour", "4.75")
	do(t, h.ctx, "its age is that of the server", until(`/^(now|\d+ s ago)$/.test(document.querySelector(".seen .kind-number time").textContent)`))
	unmoved(t, h.ctx)
	h.gapFree()

	if err := h.p.stop(); err != nil {
		t.Fatal(err)
	}
	h.lost("the server is stopped")
	h.p = startOther(t, h.i.data)
	h.cable.lead(h.p.base)
	h.send("5.5")
	h.within("a new version is shown", `document.body.dataset.version === "next" && `+shown("5.5"))
	h.gapFree()

	var walls struct {
		Items []struct{ ID, Version string }
	}
	status, body := h.p.call(http.MethodGet, "/manage/v1/walls", h.i.Key, "")
	if err := json.Unmarshal(body, &walls); err != nil || status != http.StatusOK || len(walls.Items) != 1 {
		t.Fatalf("the walls are %d %s", status, body)
	}
	if status, body := h.p.call(http.MethodDelete, "/manage/v1/walls/"+walls.Items[0].ID, h.i.Key, ""); status != http.StatusNoContent {
		t.Fatalf("revoking: %d %s", status, body)
	}
	h.within("it says that it was revoked, and shows a code", `document.getElementById("pair-before")?.textContent.includes("“Hall 2”") && document.getElementById("pair-code").textContent.length === 9`)
}

// hang starts everything and pairs the screen by the code that it shows.
func hang(t *testing.T) *hanging {
	t.Helper()
	h := &hanging{t: t, i: setup(t)}
	h.p = start(t, h.i.data)
	h.cable = newCable(t, h.p.base)
	h.d = h.p.register(h.i, "pump-7")
	h.importBoard()
	h.ctx = browser(t)
	do(t, h.ctx, "open the screen", chromedp.EmulateViewport(1280, 720), chromedp.Navigate(h.cable.base+"/wall"),
		until(`document.getElementById("pair-code")?.textContent.length === 9`))
	code := run(t, h.ctx, "read the code", chromedp.TextContent(chromedp.CSS("#pair-code")))
	status, body := h.p.call(http.MethodPost, "/manage/v1/walls", h.i.Key, fmt.Sprintf(`{"code":%q,"name":"Hall 2","dashboards":["b-hall"]}`, code))
	if status != http.StatusCreated {
		t.Fatalf("pairing: %d %s", status, body)
	}
	do(t, h.ctx, "it becomes the wall", until(`document.querySelector(".wall-layer.seen > .w[data-ready]")`))
	return h
}

// importBoard makes the dashboard as somebody who is signed in.
func (h *hanging) importBoard() {
	h.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	client := &http.Client{Jar: jar, Timeout: time.Minute}
	h.post(client, "/sign-in", url.Values{"email": {operator}, "password": {password}})
	h.post(client, "/t/"+h.i.Tenant+"/dashboards/import", url.Values{"yaml": {hallYAML}})
}

func (h *hanging) post(client *http.Client, path string, form url.Values) {
	h.t.Helper()
	request, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.p.base+path, strings.NewReader(form.Encode()))
	if err != nil {
		h.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Origin", h.p.base)
	response, err := client.Do(request)
	if err != nil {
		h.t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		h.t.Fatalf("%s answers %s", path, response.Status)
	}
}

// apart is how far readings are from each other that a chart of five minutes shows one by one.
const apart = 1500 * time.Millisecond

// send is a reading that goes to the program directly, whatever is between it and the screen.
func (h *hanging) send(value string) {
	h.t.Helper()
	h.sendAt(value, time.Now())
}

func (h *hanging) sendAt(value string, at time.Time) {
	h.t.Helper()
	body := fmt.Sprintf(`{"ts":%q,"values":{"temp":%s}}`, at.UTC().Format(time.RFC3339Nano), value)
	if status, body := h.p.call(http.MethodPost, "/ingest/v1/packets", h.d.Token, body); status != http.StatusOK {
		h.t.Fatalf("%d %s", status, body)
	}
	h.sent = append(h.sent, value)
}

// shown is true while the screen has a value and claims that it is the newest.
func shown(value string) string {
	return `document.documentElement.dataset.connection === "live" && document.querySelector(".seen .kind-number .w-value .number")?.textContent === "` + value + `"`
}

// within waits for something and says how long it took: on an idle machine below five seconds.
func (h *hanging) within(what, condition string) {
	h.t.Helper()
	began := time.Now()
	do(h.t, h.ctx, what, until(condition))
	h.t.Logf("%s: after %.1f s", what, time.Since(began).Seconds())
}

func (h *hanging) shows(what, value string) {
	h.t.Helper()
	h.within(what, shown(value))
}

// lost waits until the screen says across all values that they are not current.
func (h *hanging) lost(what string) {
	h.t.Helper()
	h.within(what+", and the screen says so", `document.documentElement.dataset.connection === "lost" && document.getElementById("connection").innerText.includes("values are not current") &&
		[...document.querySelectorAll(".seen .w-head")].every((head) => getComputedStyle(head, "::after").content === '"not current"')`)
}

// freeze stops everything of the page for longer than a connection may be quiet, as sleep does.
func (h *hanging) freeze(meanwhile func()) {
	h.t.Helper()
	processes, err := chromedp.CallBrowser(h.ctx, systeminfo.GetProcessInfo, cdp.Empty{})
	if err != nil {
		h.t.Fatal(err)
	}
	signal := func(what syscall.Signal) {
		for _, process := range processes.ProcessInfo {
			if process.Type != "renderer" {
				continue
			}
			if err := syscall.Kill(int(process.ID), what); err != nil {
				h.t.Fatal(err)
			}
		}
	}
	signal(syscall.SIGSTOP)
	meanwhile()
	began := time.Now()
	eventually(h.t, time.Minute, "it was frozen for longer than a connection may be quiet", func() error {
		if quiet := time.Since(began); quiet < 6*time.Second {
			return fmt.Errorf("frozen for %s", quiet)
		}
		return nil
	})
	signal(syscall.SIGCONT)
}

// spoken walks through the points of the chart as its arrow keys do, and collects what is said of each.
const spoken = `(() => {
	const plot = document.querySelector(".seen .kind-line .uplot[role=slider]");
	if (!plot) return [];
	const press = (key) => plot.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
	press("Home");
	const all = [plot.getAttribute("aria-valuetext")];
	for (let i = Number(plot.getAttribute("aria-valuemax")); i > 0; i--) {
		press("ArrowRight");
		all.push(plot.getAttribute("aria-valuetext"));
	}
	return [...new Set(all)].map((text) => text.match(/temp ([\d.]+)/)?.[1]).filter(Boolean);
})()`

// gapFree compares the points of the chart with what is stored: every reading once, in order.
func (h *hanging) gapFree() {
	h.t.Helper()
	want, err := json.Marshal(h.sent)
	if err != nil {
		h.t.Fatal(err)
	}
	eventually(h.t, time.Minute, "everything is stored", func() error {
		stored, err := h.p.readings(h.i, h.d, "temp")
		if err == nil && len(stored) != len(h.sent) {
			err = fmt.Errorf("%d of %d readings", len(stored), len(h.sent))
		}
		return err
	})
	h.within("the series on the wall is the stored one", `JSON.stringify(`+spoken+`) === '`+string(want)+`'`)
}

// startOther is start with a build of another version.
func startOther(t *testing.T, data string) *program {
	t.Helper()
	next := filepath.Join(t.TempDir(), "longwave-next")
	if out, err := exec.Command("go", "build", "-o", next, "-ldflags", "-X main.version=next", "longwave").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return startAs(t, next, data)
}
