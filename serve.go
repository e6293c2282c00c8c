package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/net/netutil"

	"longwave/api"
	"longwave/api/proof"
	"longwave/ingest"
	"longwave/ingest/natsd"
	"longwave/ingest/telemetry"
	"longwave/processors"
	"longwave/processors/alert"
	"longwave/processors/alert/notify"
	"longwave/processors/alert/trial"
	"longwave/processors/engine"
	"longwave/processors/forward"
	"longwave/processors/forward/outbound"
	"longwave/processors/forward/reach"
	"longwave/processors/replay"
	"longwave/processors/store"
	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/tenants/picture"
	"longwave/tenants/rule"
	"longwave/tenants/seal"
	"longwave/tenants/session"
	"longwave/web"
	"longwave/web/export"
	"longwave/web/handler"
	"longwave/web/live"
	"longwave/web/oidc"
)

type serveCommand struct{ config }

// Timeouts of the HTTP server. A device on a slow link sends a packet within seconds; a socket is not bound by them.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 40 * time.Second // above the time that api gives a body, so that a slow device is told and not cut off
	idleTimeout       = 2 * time.Minute
	maxConnections    = 32_768 // 20,000 device sockets, 10,000 browsers, and some that come and go; 10 kB each when idle
	maxHeaderBytes    = 16 << 10
	startTimeout      = 2 * time.Minute // restoring streams after a power cut reads every block once
)

// Run serves until the context ends, then stops in order.
func (s *serveCommand) Run(ctx context.Context, stdout io.Writer) error {
	if err := s.validate(); err != nil {
		return err
	}
	p := &platform{config: &s.config, log: s.logger(), stdout: stdout, registry: prometheus.NewRegistry(), began: time.Now()}
	return p.serve(ctx)
}

// platform is everything that serve starts. Its fields are set once, in the order of serve, and only read afterwards.
type platform struct {
	*config
	log      *slog.Logger
	stdout   io.Writer
	registry *prometheus.Registry
	began    time.Time
	down     teardown

	listener  net.Listener
	queues    queueOptions
	broker    *natsd.Server // nil with an external NATS
	conn      *nats.Conn
	js        jetstream.JetStream
	tenants   *tenants.Service
	sessions  *session.Store
	secrets   *seal.Ring
	front     *ingest.Front
	engine    *engine.Engine // nil with an external ClickHouse
	store     *store.Store
	outside   string                 // how an external NATS keeps what it acknowledges
	anchored  atomic.Pointer[health] // what the anchors say of the control log, once they could be asked
	runner    *processors.Runner
	forward   *forward.Forwarder
	providers *oidc.Client
	mail      func(ctx context.Context, to string, m reach.Message) error // nil without a mail server
	alerts    *alert.Evaluator
	book      *alert.Book
	trials    *trial.Trials
	links     *notify.Links // in notifications
	pictures  *picture.Store
	watch     watch
	replays   *replay.Service
	hub       *live.Hub
	exports   *export.Exporter
	usage     *operation
	router    chi.Router
}

// serve is deliberately one long line: acquire, check, push the release. What is acquired later may use what is there
// already, and is released before it.
func (p *platform) serve(ctx context.Context) (err error) {
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	p.down.log = p.log
	defer func() {
		// The context that asked us to stop has ended; stopping needs one of its own.
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		err = errors.Join(err, p.down.unwind(stop))
	}()
	start, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()

	// Bind first: the address is known and an error is immediate, long before anybody is answered.
	if p.listener, err = net.Listen("tcp", p.Listen); err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	p.down.push("listener", func(context.Context) error { return ignoreClosed(p.listener.Close()) })

	dir, err := openDataDir(p.Data)
	if err != nil {
		return err
	}
	p.down.push("data directory", dir.release)

	if p.secrets, err = p.openSecrets(dir); err != nil {
		return err
	}
	p.queues = queueOptions{natsConfig: p.natsConfig, data: dir, log: p.log,
		durable: p.Durability == "disk", size: int64(len(telemetry.Lanes()))*p.LaneBytes + besideLanes}
	if p.broker, p.conn, p.js, err = p.queues.open(start, &p.down); err != nil {
		return err
	}
	if p.broker == nil {
		p.outside = durabilityOutside(start, p.conn)
	}
	if err := p.openStorage(start, dir, fail); err != nil {
		return err
	}
	if err := p.openControl(start, dir, fail); err != nil {
		return err
	}
	if err := p.openIngest(start); err != nil {
		return err
	}
	if err := p.openProcessing(fail); err != nil {
		return err
	}
	if err := p.openForwarding(start, fail); err != nil {
		return err
	}
	if err := p.openAlerts(start, fail); err != nil {
		return err
	}
	if err := p.openReplays(start, fail); err != nil {
		return err
	}
	if err := p.openPictures(start); err != nil {
		return err
	}
	p.down.supervise("deletions of tenants", p.eraseTenants, fail)
	p.down.supervise("heap", keepHeap, fail)
	p.down.supervise("room in lanes", p.keepRoom, fail)
	if p.broker == nil {
		p.down.supervise("reach of NATS", p.keepReach, fail)
	}
	p.registry.MustRegister(newConditionCollector(&p.watch))
	p.down.supervise("conditions", p.keepWatch, fail)
	p.down.supervise("demo data", p.runDemo, fail)
	handler, err := p.openDoors(fail)
	if err != nil {
		return err
	}
	p.serveHTTP(handler, fail)
	p.announce(dir)

	<-ctx.Done()
	p.log.Info("stopping", "reason", context.Cause(ctx))
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// openControl folds the control log and follows it.
func (p *platform) openControl(ctx context.Context, dir *dataDir, fail context.CancelCauseFunc) (err error) {
	p.tenants, err = tenants.Open(ctx, tenants.Options{
		JS: p.js, Replicas: p.NATSReplicas, Log: p.log, SnapshotDir: dir.path, Anchor: p.anchor, Secrets: p.secrets,
		PlainHTTP: len(p.AllowDestinations) > 0,
		Limits:    tenants.Limits{Packets: int(p.TenantPackets), Readings: int(p.TenantReadings), Sockets: p.TenantSockets, Request: api.MaxPlain},
	})
	if err != nil {
		return err
	}
	p.controlLogHealth(ctx) // as early as possible; it logs what it finds
	p.down.supervise("control log", p.tenants.Run, fail)
	p.sessions, err = session.Open(ctx, session.Options{JS: p.js, Replicas: p.NATSReplicas, Log: p.log})
	if err != nil {
		return fmt.Errorf("opening sessions: %w", err)
	}
	p.down.supervise("sessions", p.sessions.Run, fail)
	return nil
}

func (p *platform) openIngest(ctx context.Context) (err error) {
	p.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	conn, js, err := p.queues.connect(p.broker, "longwave ingest", &p.down)
	if err != nil {
		return err
	}
	options := ingest.Options{
		JS: js, Conn: conn, Replicas: p.NATSReplicas, LaneBytes: p.LaneBytes, SyncAlways: p.Durability == "disk",
		Limits:     ingest.Limits{DevicePackets: p.DevicePackets, TenantPackets: p.TenantPackets, TenantReadings: p.TenantReadings},
		Rules:      func(t id.Tenant) *rule.Set { return p.tenants.State().RuleSet(t) },
		Registerer: p.registry, Log: p.log,
	}
	if p.broker != nil {
		options.Room = p.broker.Room
	} else {
		options.Silent = func() { p.leave(conn) }
	}
	if p.front, err = ingest.Open(ctx, options); err != nil {
		return err
	}
	if p.broker != nil {
		var lanes []string
		for _, lane := range telemetry.Lanes() {
			lanes = append(lanes, telemetry.LaneStream(lane))
		}
		p.broker.StageInMemory(lanes...)
	}
	p.down.push("ingest", p.front.Close)
	return nil
}

// openDoors mounts what programs and what browsers see on one router. When the program stops, the hub ends first, which
// tells the browsers; then their sockets and those of devices are waited for.
func (p *platform) openDoors(fail context.CancelCauseFunc) (_ http.Handler, err error) {
	p.hub, err = live.New(live.Options{JS: p.js, Log: p.log, Registerer: p.registry})
	if err != nil {
		return nil, err
	}
	adapter, err := handler.New(handler.Options{Log: p.log, Registerer: p.registry, TrustedProxies: p.TrustedProxies})
	if err != nil {
		return nil, err
	}
	proofs, err := proof.New(proof.Options{Tenants: p.tenants, Guard: outbound.New(p.AllowDestinations)})
	if err != nil {
		return nil, err
	}
	p.usage = &operation{p: p}
	p.exports, err = export.New(export.Options{Tenants: p.tenants, Readings: func(t id.Tenant) export.Reader { return p.store.ForTenant(t) }})
	if err != nil {
		return nil, err
	}
	p.providers = oidc.New(oidc.Options{Guard: outbound.New(p.AllowDestinations)})
	machines, err := api.New(p.apiOptions(adapter, proofs))
	if err != nil {
		return nil, err
	}
	pages, err := web.New(p.webOptions(adapter))
	if err != nil {
		return nil, err
	}
	p.down.push("device sockets", func(ctx context.Context) error { machines.Drain(ctx); return nil })
	p.down.push("browser sockets", pages.Drain)
	p.down.supervise("live", p.hub.Run, fail)
	p.router = chi.NewRouter()
	p.router.Use(adapter.Observe)
	machines.Mount(p.router)
	pages.Mount(p.router)
	return p.router, nil
}

// serveHTTP answers on the listener. Its release stops accepting and waits for the requests in hand; sockets have been
// told to go by then.
func (p *platform) serveHTTP(handler http.Handler, fail context.CancelCauseFunc) {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, IdleTimeout: idleTimeout,
		MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
		TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12},
	}
	if p.ClientCertificates { // asked for only: whose they must be depends on the tenant, and browsers have none
		server.TLSConfig.ClientAuth = tls.RequestClientCert
	}
	listener := netutil.LimitListener(p.listener, maxConnections) // the rest wait in the kernel's queue, which is bounded too
	go func() {
		var err error
		if p.TLSCert != "" {
			err = server.ServeTLS(listener, p.TLSCert, p.TLSKey)
		} else {
			err = server.Serve(listener)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			fail(fmt.Errorf("serving HTTP: %w", err))
		}
	}()
	p.down.push("HTTP", server.Shutdown)
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// announce prints the one block that a person who started the program needs.
func (p *platform) announce(dir *dataDir) {
	fmt.Fprintf(p.stdout, "\nLongwave is ready (%.1f s)\n\n", time.Since(p.began).Seconds())
	fmt.Fprintf(p.stdout, "  address     %s\n", p.address())
	if !p.tenants.State().Claimed() {
		fmt.Fprintf(p.stdout, "  first run   %s/first-run?token=%s\n", p.address(), p.tenants.NewFirstRun())
	}
	fmt.Fprintf(p.stdout, "  durability  %s\n", p.durabilityInWords())
	fmt.Fprintf(p.stdout, "  data        %s\n\n", dir.path)
}

// address is what people and devices put in front of a path.
func (p *platform) address() string {
	if p.PublicURL != "" {
		return p.PublicURL
	}
	host, port, _ := net.SplitHostPort(p.listener.Addr().String())
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	scheme := "http"
	if p.TLSCert != "" {
		scheme = "https"
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}

func (p *platform) durabilityInWords() string {
	switch {
	case p.broker == nil:
		return p.outside
	case p.Durability == "disk":
		return "disk: a 200 survives a power cut"
	default:
		return "process: a 200 survives a killed process, not a power cut"
	}
}

// durabilityOutside asks an external NATS how it keeps what it acknowledges; most tell only their own administrators.
func durabilityOutside(ctx context.Context, conn *nats.Conn) string {
	d := natsd.DurabilityOf(ctx, conn)
	switch {
	case !d.Known:
		return "not known: the NATS server does not tell; set sync_interval: always there for a 200 that survives a power cut"
	case d.SyncAlways:
		return fmt.Sprintf("disk: each of %d NATS servers waits for its disk, so a 200 survives a power cut", d.Servers)
	default:
		return fmt.Sprintf("process: the NATS servers write to disk every %s only; set sync_interval: always there", d.SyncInterval)
	}
}
