package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"longwave/api/proof"
	"longwave/ingest"
	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/tenants/rule"
	"longwave/web/export"
	"longwave/web/handler"
)

// Accepter is what the API needs of ingest. Accept returns only when everything it accepted is durable, keeps nothing
// of the request's body afterwards, and gives up by itself when the broker does not answer. Begin, Refused,
// RefusedUnknown and LimitMet never block.
type Accepter interface {
	Accept(context.Context, ingest.Principal, ingest.Request) (ingest.Receipt, error)
	Begin(p ingest.Principal, r ingest.Request, told func()) ingest.Pending
	Refused(id.Tenant, id.Device, telemetry.Attempt)
	RefusedUnknown(addressKey string, attempt telemetry.Attempt)
	LimitMet(id.Tenant, id.Device, telemetry.Met)
	Rejected(ctx context.Context, t id.Tenant, d id.Device, limit int) ([]telemetry.RejectedPacket, error)
	Recent(ctx context.Context, t id.Tenant, limit int) ([]telemetry.Recent, error)
	RuleCounts(t id.Tenant) map[id.Rule]rule.Count
}

// Reader answers questions about the readings of the one tenant it was made for.
type Reader interface {
	Latest(context.Context, id.Device) ([]telemetry.Latest, error)
	Series(context.Context, telemetry.SeriesQuery) (telemetry.Series, error)
	Each(context.Context, telemetry.SeriesQuery, func(telemetry.Point) error) error
	Events(context.Context, telemetry.EventQuery) ([]telemetry.Event, error)
}

// Check is one thing that must be well for the server to be useful.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Reason string `json:"reason,omitempty"` // what is wrong, or what is worth knowing
}

// Options configure an API. Everything without a comment is required.
type Options struct {
	Handler  *handler.Adapter
	Tenants  *tenants.Service
	Accept   Accepter
	Readings func(id.Tenant) Reader
	// Exports makes files, and knows how many run at once.
	Exports *export.Exporter
	// Destinations is what delivers to destinations.
	Destinations Deliverer
	WorkList     WorkList
	Alerts       Alerts
	Trials       Trials
	Jobs         Jobs
	// Operation knows what tenants use, for operators.
	Operation Operation
	// Providers asks identity providers about themselves.
	Providers Discoverer
	// Proofs checks what devices show instead of a token of ours.
	Proofs     *proof.Checker
	Ready      func(context.Context) []Check
	Gatherer   prometheus.Gatherer
	Registerer prometheus.Registerer
	Log        *slog.Logger
	Version    string // of the program, for the description of the API
	// MetricsToken is what callers of /metrics must carry, and those of /readyz who want reasons. Without one these are
	// only for programs on this machine.
	MetricsToken string
	// Profiling serves profiles of the program to insiders on this machine.
	Profiling  bool
	MaxBody    int64            // DefaultMaxBody when 0
	BodyMemory int64            // what all bodies together may take; DefaultBodyMemory when 0
	MaxSockets int              // DefaultMaxSockets when 0
	BodyWithin time.Duration    // how long a body may take to arrive; DefaultBodyWithin when 0
	PingEvery  time.Duration    // how often a device socket is pinged; DefaultPingEvery when 0
	Now        func() time.Time // time.Now when nil
}

func (o *Options) complete() error {
	if o.Handler == nil || o.Tenants == nil || o.Accept == nil || o.Readings == nil || o.Exports == nil || o.Destinations == nil || o.WorkList == nil || o.Jobs == nil || o.Alerts == nil || o.Operation == nil || o.Trials == nil || o.Proofs == nil || o.Providers == nil || o.Ready == nil ||
		o.Gatherer == nil || o.Registerer == nil || o.Log == nil {
		return errors.New("api: options are incomplete: Handler, Tenants, Accept, Readings, Exports, Destinations, WorkList, Jobs, Alerts, Operation, Trials, Proofs, Providers, Ready, Gatherer, Registerer and Log are required")
	}
	if o.MaxBody < 0 || o.BodyMemory < 0 || o.MaxSockets < 0 || o.BodyWithin < 0 || o.PingEvery < 0 {
		return errors.New("api: MaxBody, BodyMemory, MaxSockets, BodyWithin and PingEvery must not be negative")
	}
	o.MaxBody = cmp.Or(o.MaxBody, DefaultMaxBody)
	o.BodyMemory = cmp.Or(o.BodyMemory, DefaultBodyMemory)
	o.MaxSockets = cmp.Or(o.MaxSockets, DefaultMaxSockets)
	o.BodyWithin = cmp.Or(o.BodyWithin, DefaultBodyWithin)
	o.PingEvery = cmp.Or(o.PingEvery, DefaultPingEvery)
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

// API serves programs. Make it with New.
type API struct {
	adapter      *handler.Adapter
	tenants      *tenants.Service
	accept       Accepter
	readings     func(id.Tenant) Reader
	exports      *export.Exporter
	destinations Deliverer
	workList     WorkList
	jobs         Jobs
	operation    Operation
	alerts       Alerts
	trials       Trials
	proofs       *proof.Checker
	providers    Discoverer
	ready        readiness
	gatherer     prometheus.Gatherer
	log          *slog.Logger
	now          func() time.Time
	version      string
	maxBody      int64
	within       time.Duration // Options.BodyWithin

	pingEvery    time.Duration
	metricsToken string
	profiling    bool

	bodies   bodies
	decoders decoders
	sockets  *sockets
	refusals *prometheus.CounterVec
}

// New makes an API. It returns an error for incomplete options and for metrics that are already registered.
func New(o Options) (*API, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	a := &API{
		adapter: o.Handler.With(handler.WriteProblem), tenants: o.Tenants, accept: o.Accept, readings: o.Readings, exports: o.Exports, destinations: o.Destinations, workList: o.WorkList, jobs: o.Jobs, operation: o.Operation, alerts: o.Alerts, trials: o.Trials, proofs: o.Proofs, providers: o.Providers,
		ready: readiness{check: o.Ready, now: o.Now}, metricsToken: o.MetricsToken, profiling: o.Profiling, gatherer: o.Gatherer, log: o.Log, now: o.Now, version: o.Version, maxBody: o.MaxBody, within: o.BodyWithin, pingEvery: o.PingEvery,
		sockets: newSockets(o.MaxSockets), bodies: bodies{reading: newRoom(o.BodyMemory / 2), working: newRoom(o.BodyMemory / 2)},
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "longwave_device_refusals_total", Help: "Requests and frames of devices that were refused as a whole, by cause.",
		}, []string{"transport", "code"}),
	}
	if err := errors.Join(o.Registerer.Register(a.refusals), o.Registerer.Register(a.sockets.open)); err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	return a, nil
}

// Mount puts every address of the API on the router: this function and mountManagement are the list of them. It goes on
// the root router, whose first middleware must be the adapter's Observe.
func (a *API) Mount(root chi.Router) {
	root.Group(func(r chi.Router) {
		r.Use(a.adapter.MachineHeaders)

		for _, method := range []string{http.MethodGet, http.MethodHead} { // several probers send HEAD
			r.Method(method, "/livez", http.HandlerFunc(a.live))
			r.Method(method, "/readyz", a.adapter.Handle(a.sayReady))
		}
		r.With(a.insidersOnly).Method(http.MethodGet, "/metrics", promhttp.HandlerFor(a.gatherer, promhttp.HandlerOpts{
			ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelError),
		}))
		if a.profiling {
			r.With(a.insidersOnly, a.locals).Get("/debug/pprof/{profile}", profile)
		}
		r.Post("/ingest/v1/packets", a.adapter.Handle(a.postPackets)) // not in a sub-router: each costs every packet eight allocations
		r.Get("/ingest/v1/ws", a.adapter.Handle(a.openSocket))
		r.Route("/ingest/v1", a.refuseOthers)
		r.Route(managePrefix, func(r chi.Router) {
			a.refuseOthers(r)
			a.mountManagement(r)
		})
	})
}

// refuseOthers says what is not there in the API's own way, whatever the router around says to browsers.
func (a *API) refuseOthers(r chi.Router) {
	r.NotFound(a.adapter.NotFound)
	r.MethodNotAllowed(a.adapter.MethodNotAllowed)
}

// Drain tells every device socket to go away once its frames in flight are answered, refuses new ones, and returns when
// all are closed. When ctx ends first the rest are cut.
func (a *API) Drain(ctx context.Context) { a.sockets.drain(ctx) }

// live answers as long as the process does.
func (a *API) live(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte("ok\n")) // a prober that does not read its answer is no error of ours
}
