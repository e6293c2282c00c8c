package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
	"golang.org/x/sync/singleflight"

	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/web/handler"
	"longwave/web/live"
	"longwave/web/widget"
)

// LiveReader is what the browser socket and the charts read of one tenant's stored readings.
type LiveReader interface {
	Latest(ctx context.Context, d id.Device) ([]telemetry.Latest, error)
	Activity(ctx context.Context) ([]telemetry.Activity, error)
	Series(ctx context.Context, q telemetry.SeriesQuery) (telemetry.Series, error)
}

// SocketOptions are what the browser socket needs. All of them must be given, Version may be empty.
type SocketOptions struct {
	Hub      *live.Hub
	Readings func(id.Tenant) LiveReader
	// Known says whether the device exists and belongs to the tenant.
	Known func(id.Tenant, id.Device) bool
	// Unit is the unit of a metric, "" when it has none.
	Unit func(id.Tenant, string) string
	// Interest is what a widget of a dashboard wants to hear; tenants.ErrNotFound when the tenant has no such widget.
	Interest func(id.Tenant, WidgetRef) (widget.Interest, error)
	Feeds    *widget.Feeds
	// Rejected reads the newest rejected packets that were kept of a device, newest first.
	Rejected func(ctx context.Context, t id.Tenant, d id.Device, limit int) ([]telemetry.RejectedPacket, error)
	// Alerts is the log of alerts.
	Alerts    Alerts
	Directory Directory
	// AddressKey names the caller's address for telemetry.UnattributedSubject.
	AddressKey func(*http.Request) string
	// Version of the program; a page that was rendered by another one offers to be loaded again.
	Version string
	Log     *slog.Logger
}

func (o SocketOptions) check() error {
	if o.Hub == nil || o.Readings == nil || o.Known == nil || o.Unit == nil || o.Rejected == nil || o.Interest == nil || o.Feeds == nil || o.AddressKey == nil || o.Log == nil {
		return errors.New("web: a socket needs Hub, Readings, Known, Unit, Rejected, Interest, Feeds, AddressKey and Log")
	}
	return nil
}

// visit is who opened a socket, as the router found out from the session.
type visit struct {
	Tenant id.Tenant
	// Check says whether the session still exists and may still see the tenant. It is asked every checkEvery.
	Check func(context.Context) error
	// Screen is what an unattended screen may see and is to show; nil for people.
	Screen *wallScreen
}

// socket serves GET /t/{tenant}/live: one WebSocket per page, text frames of JSON, one or more frames a message, each
// on its own line. Times are microseconds since 1970 unless it says otherwise.
//
// The browser sends
//
//	{"sub":1,"topic":"device","device":"d-…","cursor":"…"}   values and packets of one device; cursor to resume, or absent
//	{"sub":2,"topic":"devices","devices":["d-…",…]}          when the named devices (all of them if absent) last sent
//	{"sub":4,"topic":"rate"}                                 how many packets arrive: {"sub":4,"cursor":"…","arrived":12}
//	{"sub":3,"topic":"attempts","device":"d-…"}              failed attempts of the device and from this browser's address
//	{"sub":5,"topic":"widget","dashboard":"b-…","widget":"w1","values":{"site":"plant-2"}}   what a widget is about; "draft" instead of an id shows one that is not saved
//	{"sub":5,"topic":"alerts"}                               how many alerts are open, whenever one changes; to a screen also the worst of them
//	{"sub":6,"topic":"directory"}                            how far the control log of the tenant has got: devices may have come or gone
//	{"unsub":1}
//
// and an unattended screen, which is answered about its own dashboards only,
//
//	{"sub":1,"topic":"wall"}                                 what it is to show: {"sub":1,"wall":{"name":…,"pages":[…]}}, whenever that changes
//	{"report":{"page":"b-…","version":"…","width":1920,"height":1080}}
//
// where sub is a number of its choice. The server sends, to begin with,
//
//	{"hello":{"version":"…","now":<ms>}}
//
// {"beat":<ms>} every two seconds, and for each subscription first either of
//
//	{"sub":1,"cursor":"…","snapshot":{"incomplete":false,"latest":[…],"packets":[…],"rejected":[…]}}
//	{"sub":1,"cursor":"…","resumed":true,"packets":[…],"rejected":[…]}   everything behind the cursor that was given
//	{"sub":1,"error":{"code":"not_found","detail":"…"}}                 and nothing more
//
// and then, at most ten times a second,
//
//	{"sub":1,"cursor":"…","packets":[…]}                     everything, in the order of the lanes
//	{"sub":1,"cursor":"…","latest":[…],"skipped":812}        instead, for a browser that was too slow
//	{"sub":1,"rejected":[…]}
//	{"sub":2,"devices":[{"device":"d-…","at":…,"seen":…}]}
//	{"sub":5,"points":[["d-…","temp",<µs>,21.5],…]}          the snapshot of a widget has points, too: the newest value of each series, and the last minute
//	{"sub":3,"attempts":[{"at":…,"status":401,"detail":"…","transport":"HTTP","attributed":false}]}
//
//	{"sub":5,"alerts":{"open":3,"worst":"critical"}}
//	{"sub":6,"position":4711}                                to begin with, and when it has changed, at most once a second
//
// A snapshot with "incomplete" could not read what is stored; it has what is in memory. Between snapshot and updates
// there is no gap. A reading may come twice (stored and live): the same metric, time and value is the same fact.
//
// It closes with 4401 when the session has ended, at the latest a second later; 1001 when the server stops; 1008 when
// a frame is not one of the above.
type socket struct {
	options SocketOptions
	asking  singleflight.Group

	mu      sync.Mutex
	open    int
	closing bool
	idle    chan struct{} // closed when closing and nobody is left
}

// Limits of one socket, and of all.
const (
	maxSockets    = 10_000   // about 100 kB each with buffers: 1 GB
	readLimit     = 32 << 10 // a subscription to maxDevices devices fits
	maxTopics     = 64       // a dashboard has one for each of its widgets
	writeTimeout  = 5 * time.Second
	openTimeout   = 4 * time.Second // below the five seconds after which a browser takes the connection for lost
	beatEvery     = 2 * time.Second
	checkEvery    = 500 * time.Millisecond // so that who lost access is gone within a second
	flushEvery    = 100 * time.Millisecond
	comeBackAfter = 5 * time.Second // what a browser that cannot be served is told
	statusRevoked = websocket.StatusCode(4401)
)

func newSocket(o SocketOptions) (*socket, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	return &socket{options: o, idle: make(chan struct{})}, nil
}

// serve runs one socket to its end. It returns an error only while the answer is still HTTP.
func (s *socket) serve(w http.ResponseWriter, r *http.Request, v visit) error {
	if err := sameOrigin(r); err != nil {
		return err
	}
	if !s.enter() {
		return handler.Problem{
			Status: http.StatusServiceUnavailable, Code: "no_socket", Title: "No live connection available",
			Detail:     "The server is stopping or has as many live connections as it can serve. Try again shortly.",
			RetryAfter: comeBackAfter,
		}.Because(nil)
	}
	defer s.leave()
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{CompressionMode: websocket.CompressionDisabled})
	if err != nil {
		s.options.Log.DebugContext(r.Context(), "not a WebSocket handshake", "error", err)
		return nil // Accept has answered
	}
	conn.SetReadLimit(readLimit)
	newBrowser(s, conn, v, s.options.AddressKey(r)).run(r.Context())
	return nil
}

// sameOrigin insists on an Origin: a cookie alone does not prove that one of our pages opened the socket, for SameSite
// does not hold for every upgrade and websocket.Accept admits a missing Origin.
func sameOrigin(r *http.Request) error {
	origin, err := url.Parse(r.Header.Get("Origin"))
	if err != nil || origin.Host == "" || !strings.EqualFold(origin.Host, r.Host) {
		return fmt.Errorf("%w: a live connection must be opened by a page of this server", tenants.ErrForbidden)
	}
	return nil
}

// enter refuses once the hub has ended, too: a page must not take a greeting from a server that is deaf for a live one.
func (s *socket) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.options.Hub.Done():
		return false
	default:
	}
	if s.closing || s.open >= maxSockets {
		return false
	}
	s.open++
	return true
}

func (s *socket) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
	if s.closing && s.open == 0 {
		close(s.idle)
	}
}

// drain refuses new sockets and waits until every browser has been told to go; the hub must have ended, for that is
// what tells them. It fails when the context ends first.
func (s *socket) drain(ctx context.Context) error {
	s.mu.Lock()
	if !s.closing {
		s.closing = true
		if s.open == 0 {
			close(s.idle)
		}
	}
	s.mu.Unlock()
	select {
	case <-s.idle:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("web: live connections still open: %w", ctx.Err())
	}
}
