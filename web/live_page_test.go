package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/go-chi/chi/v5"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"longwave/ingest/telemetry"
	"longwave/processors/alert"
	"longwave/processors/alert/notify"
	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/tenants/rule"
	"longwave/tenants/seal"
	"longwave/web/export"
	"longwave/web/handler"
	"longwave/web/live"
	"longwave/web/oidc"
)

// history is a store that remembers what the test has published.
type history struct {
	reader
	mu     sync.Mutex
	points map[string][]telemetry.Point
}

func (h *history) Series(_ context.Context, q telemetry.SeriesQuery) (telemetry.Series, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return telemetry.Series{Metric: q.Metric, Step: "raw", Points: append([]telemetry.Point(nil), h.points[q.Metric]...)}, nil
}

// plant is a site whose pages are live, with one device and one browser that looks at it.
type plant struct {
	*site
	device  tenants.Device
	history *history
	endHub  context.CancelFunc
	window  *window
	sent    int
}

func newPlant(t *testing.T) *plant {
	s := start(t)
	owner := s.owner()
	p := &plant{site: s, device: s.device("pump-7", nil)}
	p.history = &history{reader: reader{s.storage, s.claimed.Tenant.ID}, points: map[string][]telemetry.Point{}}
	for _, lane := range telemetry.Lanes() {
		_, err := s.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: telemetry.LaneStream(lane), Subjects: []string{telemetry.LaneFilter(lane)}})
		if err != nil {
			t.Fatal(err)
		}
	}
	hub, err := live.New(live.Options{JS: s.js, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	p.endHub = runHub(t, hub)
	p.serveLive(hub)
	p.window = openWindow(t)
	p.window.become(s, owner)
	return p
}

// serveLive replaces the site's server by one with a hub. Cookies do not care about ports.
func (p *plant) serveLive(hub *live.Hub) {
	log := slog.New(slog.DiscardHandler)
	adapter, err := handler.New(handler.Options{Log: log, Registerer: prometheus.NewRegistry()})
	if err != nil {
		p.t.Fatal(err)
	}
	secrets, err := seal.Ensure(p.t.TempDir())
	if err != nil {
		p.t.Fatal(err)
	}
	book, err := alert.OpenBook(p.t.Context(), alert.BookOptions{JS: p.js, Log: log})
	if err != nil {
		p.t.Fatal(err)
	}
	background(p.t, book.Run)
	exports, err := export.New(export.Options{Tenants: p.tenants, Readings: func(t id.Tenant) export.Reader { return reader{newStorage(), t} }})
	if err != nil {
		p.t.Fatal(err)
	}
	pages, err := New(Options{
		Pictures:  p.pictures(),
		Alerts:    book,
		Exports:   exports,
		Trials:    (&past{}).trials(p.t),
		AlertLink: (&notify.Links{Ring: secrets}).Open,
		Providers: oidc.New(oidc.Options{}), Secrets: secrets,
		Tenants: p.tenants, Sessions: p.sessions, Handler: adapter, Log: log, Version: "test", Hub: hub,
		Readings:  func(id.Tenant) Reader { return p.history },
		Rejected:  func(context.Context, id.Tenant, id.Device, int) ([]telemetry.RejectedPacket, error) { return nil, nil },
		Recent:    func(context.Context, id.Tenant, int) ([]telemetry.Recent, error) { return nil, nil },
		LimitsMet: func(id.Tenant) []telemetry.Met { return nil }, LimitsMetBy: func(id.Tenant, id.Device) []telemetry.Met { return nil },
		RuleCounts:     func(id.Tenant) map[id.Rule]rule.Count { return nil },
		WorkList:       p.desk,
		Jobs:           p.desk,
		System:         func(context.Context) System { return System{} },
		Operation:      fakeOperation{},
		Destinations:   &deliverer{},
		AddressKey:     func(string) string { return "k1" },
		QueueRetention: time.Hour,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	root := chi.NewRouter()
	root.Use(adapter.Observe)
	pages.Mount(root)
	p.server = httptest.NewServer(root)
	p.t.Cleanup(p.server.Close)
}

// publish puts one packet into the lane, as if it had been accepted, and into the store. Its id is its number.
func (p *plant) publish(values ...telemetry.Value) {
	p.t.Helper()
	p.sent++
	now := telemetry.At(time.Now())
	batch := telemetry.Batch{Device: p.device.ID, Received: now, Packets: []telemetry.Packet{{ID: fmt.Sprint(p.sent), Time: now, Values: values}}}
	p.history.mu.Lock()
	for _, v := range values {
		p.history.points[v.Name] = append(p.history.points[v.Name], telemetry.Point{Time: now, Value: v.Num, Min: v.Num, Max: v.Num, Count: 1})
	}
	p.history.mu.Unlock()
	_, err := p.js.Publish(p.t.Context(), telemetry.LaneSubject(telemetry.Standard, p.device.Tenant), telemetry.AppendBatch(nil, &batch))
	if err != nil {
		p.t.Fatal(err)
	}
}

func temp(celsius float64) telemetry.Value { return telemetry.Value{Name: "temp", Num: celsius} }

func (p *plant) open(tab string) {
	p.window.show(p.server.URL+devicePath(p.device)+tab, screens()[0])
	p.await(`document.documentElement.dataset.connection === "live"`)
}

// await waits until an expression is true in the page.
func (p *plant) await(expression string) {
	p.t.Helper()
	p.window.do(chromedp.Poll[chromedp.Void](expression, chromedp.WithPollingInterval(20*time.Millisecond)))
}

func (p *plant) value(expression string) string {
	p.t.Helper()
	return run(p.window, chromedp.Evaluate[string](expression))
}

// A value is on the page a moment after it is safe, without a reload, as the text that it is.
func TestPageFollowsItsDevice(t *testing.T) {
	p := newPlant(t)
	p.open("")
	p.publish(temp(21.5), telemetry.Value{Name: "state", Type: telemetry.Text, Text: "<b>idle</b>"})
	p.await(`document.querySelector('#latest [data-metric=temp] [data-slot=value]')?.textContent === "21.5"`)
	p.await(`document.querySelector('#latest [data-metric=state] [data-slot=value]')?.textContent === "<b>idle</b>"`)
	p.await(`document.querySelector('[data-state-of=device-seen]').textContent === "Live"`)
	p.await(`document.querySelector('#charts [data-metric=temp] canvas') !== null`)
	p.await(`document.querySelector('#charts [data-metric=temp] [data-slot=note]').textContent === "Every reading"`)
	if got := p.value(`String(document.querySelectorAll('#charts [data-metric]').length)`); got != "1" {
		t.Errorf("%s charts, want one for the number and none for the text", got)
	}
	if heard := p.window.heard(); heard != "" {
		t.Errorf("the console complains: %s", heard)
	}
}

// A page that lost its connection shows, once it is back, each packet that came meanwhile once and in order.
func TestPageResumes(t *testing.T) {
	p := newPlant(t)
	p.open("?tab=packets")
	p.publish(temp(1))
	const listed = `[...document.querySelectorAll('#packets > li [data-slot=id]')].map(e => e.textContent).join(" ")`
	p.await(listed + ` === "1"`)
	p.value(`dispatchEvent(new Event("pagehide")), ""`) // closes the socket, as leaving the page does
	for range 3 {
		p.publish(temp(2))
	}
	p.value(`dispatchEvent(new Event("pageshow")), ""`)
	p.await(listed + ` === "4 3 2 1"`)
	p.publish(temp(3))
	p.await(listed + ` === "5 4 3 2 1"`)
}

// A page that hears nothing says so, and claims nothing about any value.
func TestPageSaysThatItIsCutOff(t *testing.T) {
	p := newPlant(t)
	p.open("")
	p.publish(temp(21.5))
	p.await(`document.querySelector('#latest [data-metric=temp] [data-slot=state]')?.textContent === "Live"`)
	p.endHub()
	p.await(`document.documentElement.dataset.connection === "lost"`)
	if got := p.value(`document.getElementById("connection").innerText`); !strings.Contains(got, "Connection lost") {
		t.Errorf("the banner says %q", got)
	}
	p.await(`document.querySelector('#latest [data-metric=temp] [data-slot=state]').textContent === "Unknown"`)
}
