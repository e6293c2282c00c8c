package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"
)

const (
	liveDevices = 13 // of four metrics each, of which a widget shows fifty series
	liveEvery   = 100 * time.Millisecond
	// pageWithin bounds what a page may take until it is drawn, on a busy machine.
	pageWithin = 90 * time.Second
)

// livePage is one chart of fifty series, as far as it has room.
const livePage = `longwave: dashboard/1
id: ""
name: Fifty
range: 5m
widgets:
  - {id: w1, kind: line, title: Fifty series, at: {x: 0, y: 0, w: 12, h: 8}, count: 50}
`

// measureBrowser looks at live pages with a real browser and says what they cost it.
func measureBrowser(ctx context.Context, b *bench) ([]table, error) {
	p, err := startProgram(ctx, b.settings, programOptions{durability: "process", devices: liveDevices})
	if err != nil {
		return nil, err
	}
	defer p.close()
	client, err := p.signIn(ctx)
	if err != nil {
		return nil, err
	}
	sending, stop := context.WithCancel(ctx)
	var senders sync.WaitGroup
	defer func() { stop(); senders.Wait() }()
	for _, token := range p.tokens {
		senders.Go(func() { p.tick(sending, token) })
	}
	t := table{
		title:   "The browser",
		columns: []string{"page", "frames/s", "main thread busy, % of a core", "all of its processes, cores", "first contentful paint ms", "complete after ms", "script kB, compressed", "long tasks"},
		note: fmt.Sprintf("Headless Chromium without a graphics card on the same two cores, 1600 × 1000; each of %d devices sends four values ten times a second, so a page gets ten messages a second. "+
			"Frames are those that requestAnimationFrame is called for. What all processes take contains drawing in software, which a graphics card does elsewhere. Complete: every widget has shown its past.", liveDevices),
	}
	for _, page := range []struct{ name, yaml string }{{"one chart of 50 series, live", livePage}, {"twenty widgets, live", twentyWidgets()}} {
		row, err := b.look(ctx, p, client, page.yaml)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", page.name, err)
		}
		t.rows = append(t.rows, append([]string{page.name}, row...))
		progress("%s: %s", page.name, row)
	}
	return []table{t}, nil
}

// twentyWidgets is a dashboard of all that people put on one.
func twentyWidgets() string {
	page := strings.Builder{}
	page.WriteString("longwave: dashboard/1\nid: \"\"\nname: Twenty\nrange: 1h\nwidgets:\n")
	kinds := []string{"line", "number", "gauge", "bars", "table"}
	for i := range 20 {
		fmt.Fprintf(&page, "  - {id: w%d, kind: %s, title: Widget %d, at: {x: %d, y: %d, w: 3, h: 3}, metrics: [{name: m-%d}]}\n", i+1, kinds[i%len(kinds)], i+1, i%4*3, i/4*3, i%valuesPerPacket)
	}
	return page.String()
}

// tick is one device that sends at its own pace.
func (p *program) tick(ctx context.Context, token string) {
	every := time.NewTicker(liveEvery)
	defer every.Stop()
	for n := 0; ; n++ {
		body := fmt.Sprintf(`{"m-0":%g,"m-1":%g,"m-2":%g,"m-3":%g}`, wander(1, n), wander(2, n), wander(3, n), wander(4, n))
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.address+"/ingest/v1/packets", strings.NewReader(body))
		if err != nil {
			return
		}
		request.Header.Set("Authorization", "Bearer "+token)
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close()
		}
		select {
		case <-ctx.Done():
			return
		case <-every.C:
		}
	}
}

// look opens a page and watches the browser.
func (b *bench) look(ctx context.Context, p *program, client *http.Client, yaml string) ([]string, error) {
	base := "http://" + p.address
	made, err := client.PostForm(base+"/t/"+p.tenant+"/dashboards/import", url.Values{"yaml": {yaml}})
	if err != nil {
		return nil, err
	}
	made.Body.Close()
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.NoSandbox, chromedp.DisableGPU, chromedp.WindowSize(1600, 1000), chromedp.UserDataDir(b.dir+"/browser"))
	allocator, end := chromedp.NewExecAllocator(ctx, options...)
	defer end()
	tab, closeTab := chromedp.NewContext(allocator)
	defer closeTab()
	tab, give := context.WithTimeout(tab, pageWithin+b.duration)
	defer give()
	at, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	for _, cookie := range client.Jar.Cookies(at) {
		if _, err := chromedp.Call(tab, network.SetCookie, network.SetCookieParams{Name: cookie.Name, Value: cookie.Value, URL: base}); err != nil {
			return nil, err
		}
	}
	if _, err := chromedp.Call(tab, performance.Enable, performance.EnableParams{}); err != nil {
		return nil, err
	}
	if _, err := chromedp.Run(tab, chromedp.Navigate(made.Request.URL.String())); err != nil {
		return nil, err
	}
	loaded, err := chromedp.Run(tab, chromedp.Evaluate[pageLoad](whenComplete, chromedp.EvalAwaitPromise))
	if err != nil {
		return nil, err
	}
	return b.watch(tab, loaded)
}

// pageLoad is how a page came to be.
type pageLoad struct {
	Paint    float64 `json:"paint"`
	Complete float64 `json:"complete"`
	Script   float64 `json:"script"`
}

// whenComplete waits for every widget to have shown its past.
const whenComplete = `new Promise((resolve) => {
  const look = () => {
    const all = [...document.querySelectorAll("#board > .w")];
    if (all.length === 0 || all.some((w) => !("ready" in w.dataset))) return requestAnimationFrame(look);
    const bytes = performance.getEntriesByType("resource").filter((r) => r.name.endsWith(".js")).reduce((sum, r) => sum + r.encodedBodySize, 0);
    resolve({ paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0, complete: performance.now(), script: bytes });
  };
  look();
})`

// countFrames counts for as long as it is told, and the tasks that kept the page from answering.
const countFrames = `new Promise((resolve) => {
  const until = performance.now() + %d, began = performance.now();
  let frames = 0, long = 0;
  new PerformanceObserver((list) => (long += list.getEntries().length)).observe({ entryTypes: ["longtask"] });
  const next = (now) => {
    frames++;
    if (now < until) return requestAnimationFrame(next);
    resolve({ frames: (frames * 1000) / (performance.now() - began), long });
  };
  requestAnimationFrame(next);
})`

func (b *bench) watch(tab context.Context, loaded pageLoad) ([]string, error) {
	busy, err := taskSeconds(tab)
	if err != nil {
		return nil, err
	}
	browser := chromedp.FromContext(tab).Browser.Process().Pid
	spent, began := family(browser), time.Now()
	seen, err := chromedp.Run(tab, chromedp.Evaluate[struct{ Frames, Long float64 }](fmt.Sprintf(countFrames, b.duration.Milliseconds()), chromedp.EvalAwaitPromise))
	if err != nil {
		return nil, err
	}
	took := time.Since(began).Seconds()
	after, err := taskSeconds(tab)
	if err != nil {
		return nil, err
	}
	return []string{fmt.Sprintf("%.1f", seen.Frames), fmt.Sprintf("%.1f", 100*(after-busy)/took), fmt.Sprintf("%.2f", (family(browser)-spent).Seconds()/took),
		fmt.Sprintf("%.0f", loaded.Paint), fmt.Sprintf("%.0f", loaded.Complete), fmt.Sprintf("%.0f", loaded.Script/1000), fmt.Sprintf("%.0f", seen.Long)}, nil
}

// taskSeconds is how long the page's main thread has been busy.
func taskSeconds(tab context.Context) (float64, error) {
	all, err := chromedp.Call(tab, performance.GetMetrics, cdp.Empty{})
	if err != nil {
		return 0, err
	}
	for _, m := range all.Metrics {
		if m.Name == "TaskDuration" {
			return m.Value, nil
		}
	}
	return 0, fmt.Errorf("the browser does not tell how busy it is")
}

// family is the processor time of a process and all that it has started.
func family(pid int) time.Duration {
	total, _ := usage(pid)
	for _, child := range children(pid) {
		total += family(child)
	}
	return total
}
