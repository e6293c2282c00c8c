package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"longwave/api"
	"longwave/api/proof"
	"longwave/ingest"
	"longwave/ingest/simulate"
	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/web"
	"longwave/web/handler"
)

// queueRetention is the longest that a lane keeps a copy of a packet; the pages name it when something is deleted.
const queueRetention = 7 * 24 * time.Hour

// demoSeriesLabel is the label of a demo device that names its series, so that it can be renamed.
const demoSeriesLabel = "series"

func (p *platform) apiOptions(adapter *handler.Adapter, proofs *proof.Checker) api.Options {
	return api.Options{
		Proofs: proofs, Providers: p.providers,
		Handler: adapter, Tenants: p.tenants, Accept: p.front,
		Readings:     func(t id.Tenant) api.Reader { return p.store.ForTenant(t) },
		Exports:      p.exports,
		Destinations: p.forward,
		WorkList:     p.replays, Jobs: p.replays, Alerts: p.book, Operation: p.usage, Trials: p.trials,
		MetricsToken: p.MetricsToken, Profiling: p.Profiling, Ready: p.ready, Gatherer: p.registry, Registerer: p.registry, Log: p.log, Version: version,
	}
}

func (p *platform) webOptions(adapter *handler.Adapter) web.Options {
	return web.Options{
		Handler: adapter, Tenants: p.tenants, Sessions: p.sessions, Hub: p.hub, Secrets: p.secrets, PublicURL: p.PublicURL,
		Providers:    p.providers,
		Readings:     func(t id.Tenant) web.Reader { return p.store.ForTenant(t) },
		Exports:      p.exports,
		Destinations: p.forward,
		WorkList:     p.replays, Jobs: p.replays, Alerts: p.book, Trials: p.trials, AlertLink: p.links.Open,
		Mail:     p.mail,
		Rejected: p.front.Rejected, Recent: p.front.Recent, LimitsMet: p.front.LimitsMet, LimitsMetBy: p.front.LimitsMetBy, Began: p.began, RuleCounts: p.front.RuleCounts, System: p.system, AddressKey: ingest.AddressKey, StartDemo: p.startDemo, Operation: p.usage,
		Pictures: p.pictures,
		Version:  version, QueueRetention: queueRetention, Log: p.log,
	}
}

// health is one part and what is wrong with it, if anything.
type health struct {
	name, detail string
	err          error
}

// checks asks every part how it is. It takes as long as the slowest answer, bounded by the parts' own deadlines.
func (p *platform) checks(ctx context.Context) []health {
	return []health{
		{"durability", p.durabilityInWords(), nil},
		{"queues", p.queuesDetail(), p.queuesHealth(ctx)},
		{"engine", p.engineDetail(), p.engineHealth()},
		{"storage", "ClickHouse answers", p.store.Ping(ctx)},
		p.controlLogHealth(ctx),
		{"lanes' contents", "everything acknowledged is there", p.lanesDamage()},
	}
}

// lanesDamage says what was found missing in lanes, in the words of an operator.
func (p *platform) lanesDamage() error {
	var damages []error
	for _, d := range p.front.Damage() {
		if d.Missing+d.Corrupt+d.Truncated > 0 {
			damages = append(damages, fmt.Errorf("lane %s: %d messages missing, %d damaged, %d cut off at its end", d.Lane, d.Missing, d.Corrupt, d.Truncated))
		}
	}
	return errors.Join(damages...)
}

func (p *platform) queuesDetail() string {
	if p.broker != nil {
		return fmt.Sprintf("embedded NATS, JetStream on disk, %d restarts in place", p.broker.Restarts())
	}
	return "NATS at " + p.conn.ConnectedUrlRedacted()
}

func (p *platform) queuesHealth(ctx context.Context) error {
	if p.broker != nil {
		return errors.Join(p.broker.Healthy(), p.broker.Room())
	}
	if _, err := p.js.AccountInfo(ctx); err != nil {
		return fmt.Errorf("JetStream does not answer: %w", err)
	}
	return nil
}

func (p *platform) engineDetail() string {
	if p.engine == nil {
		return "external ClickHouse"
	}
	h := p.engine.Health()
	return fmt.Sprintf("embedded, %d restarts", h.Restarts)
}

func (p *platform) engineHealth() error {
	if p.engine == nil {
		return nil
	}
	if h := p.engine.Health(); !h.Running {
		return errors.New("it is being started again: " + h.LastExit)
	}
	return nil
}

// ready is what /readyz answers.
func (p *platform) ready(ctx context.Context) []api.Check {
	var checks []api.Check
	for _, h := range p.checks(ctx) {
		check := api.Check{Name: h.name, OK: h.err == nil, Reason: h.detail}
		if h.err != nil { // anybody may ask, so the cause is for the system page and the log
			check.Reason = "it does not work; the system page says why"
			p.log.WarnContext(ctx, "not ready", "part", h.name, "error", h.err)
		}
		checks = append(checks, check)
	}
	checks = append(checks, p.conditionsCheck())
	lags, err := p.runner.Lag(ctx)
	if err != nil {
		return append(checks, api.Check{Name: "lanes", Reason: "their consumers do not answer"})
	}
	for _, lag := range lags {
		checks = append(checks, api.Check{Name: "lane " + lag.Lane.String(), OK: true,
			Reason: fmt.Sprintf("%d messages wait for %s, the oldest for %.1f s", lag.Messages, lag.Consumer, lag.Seconds)})
	}
	return checks
}

// system is what the system page shows.
func (p *platform) system(ctx context.Context) web.System {
	window := p.front.Window()
	s := web.System{Version: version, Started: p.began, DataDir: p.Data, Durability: p.durabilityInWords(),
		Conditions: p.webConditions(), Remembered: window.Entries, RememberedBytes: uint64(window.Bytes)}
	for _, h := range p.checks(ctx) {
		s.Checks = append(s.Checks, web.Check{Name: h.name, Detail: h.detail, Err: h.err})
	}
	// Not a reason to take no packets, so not among the checks of /readyz.
	s.Checks = append(s.Checks, web.Check{Name: "stored data", Detail: "no part was set aside as damaged", Err: p.store.Undamaged(ctx)})
	s.Checks = append(s.Checks, p.destinationsCheck(ctx))
	lags, err := p.runner.Lag(ctx)
	if err != nil {
		s.Checks = append(s.Checks, web.Check{Name: "lanes", Err: err})
	}
	for _, lag := range lags {
		s.Lanes = append(s.Lanes, web.Lane{Lane: lag.Lane.String(), Consumer: lag.Consumer, Messages: lag.Messages, Packets: lag.Packets, Behind: time.Duration(lag.Seconds * float64(time.Second))})
	}
	s.DiskUsed, s.DiskFree = diskUsage(p.Data)
	if sizes, err := p.store.Disk(ctx); err == nil {
		for _, size := range sizes {
			s.Tables = append(s.Tables, web.Table{Name: size.Table, Rows: size.Rows, Bytes: size.Bytes})
		}
	}
	return s
}

// startDemo registers a device for each recorded series and names the units.
func (p *platform) startDemo(ctx context.Context, actor tenants.Actor, t id.Tenant) error {
	var devices []tenants.NewDevice
	for _, series := range simulate.DemoSeriesList() {
		devices = append(devices, tenants.NewDevice{Name: series.Name, Labels: map[string]string{demoSeriesLabel: series.Name}})
		if err := p.tenants.DescribeMetric(ctx, actor, t, tenants.MetricDescription{Name: series.Metric, Unit: series.Unit}); err != nil {
			return err
		}
	}
	_, err := p.tenants.CreateDemo(ctx, actor, t, devices)
	return err
}

// runDemo replays recorded series for the demo devices of every tenant, through the same front door as real devices.
func (p *platform) runDemo(ctx context.Context) error {
	feed := &demoFeed{tenants: p.tenants}
	return simulate.RunDemo(ctx, simulate.DemoOptions{Devices: feed.devices, Deliver: p.deliverDemo, Newest: p.newestDemo, Log: p.log})
}

// demoFeed finds the demo devices, and looks again only when the control log has moved. It belongs to one goroutine.
type demoFeed struct {
	tenants  *tenants.Service
	position uint64
	found    []simulate.DemoDevice
}

func (f *demoFeed) devices() []simulate.DemoDevice {
	state := f.tenants.State()
	if state.Position() == f.position {
		return f.found
	}
	f.position, f.found = state.Position(), nil
	for d := range state.DemoDevices() {
		if tenant, _ := state.Tenant(d.Tenant); !d.Disabled && !tenant.Suspended.Holds() {
			f.found = append(f.found, simulate.DemoDevice{Tenant: d.Tenant, Device: d.ID, Name: d.Labels[demoSeriesLabel]})
		}
	}
	return f.found
}

// deliverDemo takes the front door: what a demo device reports is treated like everything else.
func (p *platform) deliverDemo(ctx context.Context, t id.Tenant, d id.Device, packets []telemetry.Packet) error {
	receipt, err := p.front.Accept(ctx, p.principal(t, d), ingest.Request{Body: simulate.Body(packets), Transport: "demo"})
	if err == nil && len(receipt.Rejected) > 0 {
		err = fmt.Errorf("demo data was rejected: %s", receipt.Rejected[0].Detail)
	}
	return err
}

// newestDemo says how far a demo device got before, so that a restart does not deliver its whole day again.
func (p *platform) newestDemo(ctx context.Context, t id.Tenant, d id.Device) (time.Time, error) {
	latest, err := p.store.ForTenant(t).Latest(ctx, d)
	var newest time.Time
	for _, l := range latest {
		if at := l.Time.Time(); at.After(newest) {
			newest = at
		}
	}
	return newest, err
}

func (p *platform) principal(t id.Tenant, d id.Device) ingest.Principal {
	state := p.tenants.State()
	tenant, _ := state.Tenant(t)
	device, _ := state.Device(t, d)
	return ingest.Principal{Tenant: t, Device: d, RetainDays: tenant.KeepDays(), Profile: device.Profile, Site: device.Site, Labels: device.Labels}
}
