package web

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/natsd/natstest"
	"longwave/ingest/telemetry"
	"longwave/processors/alert"
	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/web/handler"
	"longwave/web/live"
	"longwave/web/widget"
)

const (
	north   id.Tenant = "t-north"
	south   id.Tenant = "t-south"
	pump    id.Device = "d-pump"
	foreign id.Device = "d-foreign" // belongs to south

	patience = 20 * time.Second
)

// stored is what the store of these tests answers to every tenant.
type stored struct {
	latest   []telemetry.Latest
	activity []telemetry.Activity
	series   telemetry.Series
	asked    telemetry.SeriesQuery
	err      error
	latestOf atomic.Int32 // how often it was asked
}

func (s *stored) Latest(context.Context, id.Device) ([]telemetry.Latest, error) {
	return s.latest, s.err
}

func (s *stored) LatestOf(_ context.Context, devices []id.Device) (map[id.Device][]telemetry.Latest, error) {
	s.latestOf.Add(1)
	return map[id.Device][]telemetry.Latest{devices[0]: s.latest}, s.err
}

func (s *stored) SeriesMany(context.Context, telemetry.ManyQuery) (map[telemetry.SeriesKey]telemetry.Series, error) {
	return nil, s.err
}

func (s *stored) EventsOf(context.Context, telemetry.EventsQuery) ([]telemetry.Event, error) {
	return nil, s.err
}

func (s *stored) Activity(context.Context) ([]telemetry.Activity, error) { return s.activity, s.err }

func (s *stored) Series(_ context.Context, q telemetry.SeriesQuery) (telemetry.Series, error) {
	s.asked = q
	return s.series, s.err
}

// liveBench is a socket over a real hub over a real server.
type liveBench struct {
	t       *testing.T
	js      jetstream.JetStream
	book    *alert.Book
	socket  *socket
	store   *stored
	server  *httptest.Server
	endHub  context.CancelFunc
	revoked atomic.Bool
}

func newLiveBench(t *testing.T) *liveBench {
	t.Helper()
	_, _, js := natstest.Start(t)
	for _, lane := range telemetry.Lanes() {
		_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: telemetry.LaneStream(lane), Subjects: []string{telemetry.LaneFilter(lane)}})
		if err != nil {
			t.Fatal(err)
		}
	}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	hub, err := live.New(live.Options{JS: js, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	b := &liveBench{t: t, js: js, store: &stored{}}
	b.endHub = runHub(t, hub)
	feeds, err := widget.NewFeeds(widget.FeedsOptions{Hub: hub, Readings: func(id.Tenant) widget.Reader { return b.store }, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	if b.book, err = alert.OpenBook(t.Context(), alert.BookOptions{JS: js, Log: log}); err != nil {
		t.Fatal(err)
	}
	background(t, b.book.Run)
	b.socket, err = newSocket(SocketOptions{
		Alerts: b.book,
		Interest: func(t id.Tenant, ref WidgetRef) (widget.Interest, error) {
			if t != north || ref.Widget != "w1" {
				return widget.Interest{}, tenants.ErrNotFound
			}
			return widget.Interest{Devices: []id.Device{pump}, Metrics: []string{"temp"}}, nil
		},
		Feeds: feeds,
		Hub:   hub, Log: log, Version: "v1",
		Readings:   func(id.Tenant) LiveReader { return b.store },
		Known:      func(t id.Tenant, d id.Device) bool { return t == north && d == pump || t == south && d == foreign },
		Unit:       func(_ id.Tenant, metric string) string { return map[string]string{"temp": "°C"}[metric] },
		Rejected:   func(context.Context, id.Tenant, id.Device, int) ([]telemetry.RejectedPacket, error) { return nil, nil },
		AddressKey: func(*http.Request) string { return "k1" },
	})
	if err != nil {
		t.Fatal(err)
	}
	b.server = httptest.NewServer(http.HandlerFunc(b.serve))
	t.Cleanup(b.server.Close)
	return b
}

// runHub runs a hub to the end of the test, or until the function that it returns is called.
func runHub(t *testing.T, hub *live.Hub) context.CancelFunc {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := hub.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return cancel
}

// serve is the router of these tests: everybody is signed in, in the tenant that the path names.
func (b *liveBench) serve(w http.ResponseWriter, r *http.Request) {
	tenant, err := id.Parse[id.Tenant](strings.Trim(r.URL.Path, "/"))
	if err != nil {
		b.t.Error(err)
	}
	err = b.socket.serve(w, r, visit{Tenant: tenant, Check: func(context.Context) error {
		if b.revoked.Load() {
			return errors.New("signed out")
		}
		return nil
	}})
	if err != nil {
		handler.WriteProblem(w, r, handler.Describe(err))
	}
}

// client is a browser's side of one socket.
type client struct {
	t     *testing.T
	conn  *websocket.Conn
	lines []string
}

// serverFrame is whatever the server may say.
type serverFrame struct {
	Sub      uint32
	Cursor   string
	Resumed  bool
	Skipped  int
	Arrived  int
	Beat     int64
	Hello    *struct{ Version string }
	Error    *struct{ Code string }
	Snapshot *struct {
		Incomplete bool
		Latest     []struct {
			Metric string
			Value  any
			Unit   string
		}
		Packets []struct{ ID string }
		Devices []struct{ Device string }
		Points  [][]any
		Since   int64
	}
	Points   [][]any
	Wall     *shown
	Packets  []struct{ ID string }
	Devices  []struct{ Device string }
	Attempts []struct {
		Status     int
		Attributed bool
	}
	Rejected []struct{ Code string }
}

func (b *liveBench) open(t id.Tenant) *client {
	b.t.Helper()
	conn, response, err := b.dial(t, b.server.URL)
	if err != nil {
		b.t.Fatal(err, response)
	}
	b.t.Cleanup(func() { _ = conn.CloseNow() })
	return &client{t: b.t, conn: conn}
}

func (b *liveBench) dial(t id.Tenant, origin string) (*websocket.Conn, *http.Response, error) {
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	header := http.Header{}
	if origin != "" {
		header.Set("Origin", origin)
	}
	conn, response, err := websocket.Dial(ctx, b.server.URL+"/"+string(t), &websocket.DialOptions{HTTPHeader: header})
	if conn != nil {
		conn.SetReadLimit(1 << 20)
	}
	return conn, response, err
}

func (p *client) send(frame string) {
	p.t.Helper()
	if err := p.conn.Write(p.t.Context(), websocket.MessageText, []byte(frame)); err != nil {
		p.t.Fatal(err)
	}
}

// next is the next frame that is neither greeting nor heartbeat.
func (p *client) next() serverFrame {
	p.t.Helper()
	for {
		f, err := p.read()
		if err != nil {
			p.t.Fatal(err)
		}
		if f.Sub != 0 {
			return f
		}
	}
}

func (p *client) read() (f serverFrame, err error) {
	if len(p.lines) == 0 {
		ctx, cancel := context.WithTimeout(p.t.Context(), patience)
		defer cancel()
		_, data, err := p.conn.Read(ctx)
		if err != nil {
			return f, err
		}
		p.lines = strings.Split(string(data), "\n")
	}
	line := p.lines[0]
	p.lines = p.lines[1:]
	return f, json.Unmarshal([]byte(line), &f)
}

// closed reads to the end and returns the code that the server closed with.
func (p *client) closed() websocket.StatusCode {
	p.t.Helper()
	for {
		if _, err := p.read(); err != nil {
			return websocket.CloseStatus(err)
		}
	}
}

// publish may be called from any goroutine of the test.
func (b *liveBench) publish(t id.Tenant, d id.Device, packetID string) {
	b.t.Helper()
	now := telemetry.At(time.Now())
	batch := telemetry.Batch{Device: d, Received: now, Packets: []telemetry.Packet{{
		ID: packetID, Time: now, Values: []telemetry.Value{{Name: "temp", Num: 21.5}},
	}}}
	_, err := b.js.Publish(b.t.Context(), telemetry.LaneSubject(telemetry.Standard, t), telemetry.AppendBatch(nil, &batch))
	if err != nil {
		b.t.Error(err)
	}
}
