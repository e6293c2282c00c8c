package alert

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"longwave/ingest/natsd"
	"longwave/ingest/natsd/natstest"
	"longwave/ingest/telemetry"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

// patience is far above what anything here takes on a busy machine.
const patience = 20 * time.Second

// directory is rules and devices that a test changes.
type directory struct {
	mu      sync.Mutex
	changed chan struct{}
	rules   map[id.Tenant][]alertrule.Rule
	devices map[id.Tenant][]alertrule.Device
}

func (d *directory) change(edit func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	edit()
	close(d.changed)
	d.changed = make(chan struct{})
}

func (d *directory) Changed() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.changed
}

func (d *directory) Tenants() (list []id.Tenant) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for t, rules := range d.rules {
		if len(rules) > 0 {
			list = append(list, t)
		}
	}
	return list
}

func (d *directory) Rules(t id.Tenant) []alertrule.Rule {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.rules[t])
}

func (d *directory) Devices(t id.Tenant) []alertrule.Device {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.devices[t])
}

func (d *directory) Device(t id.Tenant, name id.Device) (alertrule.Device, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	i := slices.IndexFunc(d.devices[t], func(have alertrule.Device) bool { return have.ID == name })
	if i < 0 {
		return alertrule.Device{}, false
	}
	return d.devices[t][i], true
}

// rig is real lanes, with a tenant, devices and a Book.
type rig struct {
	t       testing.TB
	server  *natsd.Server
	js      jetstream.JetStream
	dir     *directory
	tenant  id.Tenant
	devices []id.Device
	book    *Book
	now     func() time.Time
}

func newRig(t testing.TB, devices int) *rig {
	t.Helper()
	server, _, js := natstest.Start(t)
	for _, lane := range telemetry.Lanes() {
		_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: telemetry.LaneStream(lane), Subjects: []string{telemetry.LaneFilter(lane)}})
		if err != nil {
			t.Fatal(err)
		}
	}
	r := &rig{t: t, server: server, js: js, tenant: id.New[id.Tenant](), now: time.Now,
		dir: &directory{changed: make(chan struct{}), rules: map[id.Tenant][]alertrule.Rule{}, devices: map[id.Tenant][]alertrule.Device{}}}
	for range devices {
		name := id.New[id.Device]()
		r.devices = append(r.devices, name)
		r.dir.devices[r.tenant] = append(r.dir.devices[r.tenant], alertrule.Device{ID: name, Name: "device " + string(name), Site: "plant-1"})
	}
	var err error
	r.book, err = OpenBook(t.Context(), BookOptions{JS: js, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	r.run(r.book.Run)
	return r
}

// run runs something until stop is called, at the latest when the test ends.
func (r *rig) run(f func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			r.t.Errorf("Run: %v", err)
		}
	})
	r.t.Cleanup(stop)
	return stop
}

// evaluator opens one more copy, on a connection of its own.
func (r *rig) evaluator() (v *Evaluator, cut func()) {
	r.t.Helper()
	conn, err := r.server.Connect("evaluator")
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		r.t.Fatal(err)
	}
	v, err = Open(r.t.Context(), Options{JS: js, Directory: r.dir, Registerer: prometheus.NewRegistry(), Now: r.now,
		Log: slog.New(slog.NewTextHandler(r.t.Output(), nil))})
	if err != nil {
		r.t.Fatal(err)
	}
	return v, conn.Close
}

// rule adds a rule that fires above 10.
func (r *rig) rule(change ...func(*alertrule.Rule)) id.AlertRule {
	hot := alertrule.Rule{ID: id.New[id.AlertRule](), Name: "hot", Mode: alertrule.Enabled, Version: 1, Kind: alertrule.Threshold,
		Levels: []alertrule.Level{{Severity: alertrule.Warning, When: alertrule.Condition{Tests: []alertrule.Test{{Metric: "temp", Op: alertrule.Above, Value: 10}}}}}}
	for _, c := range change {
		c(&hot)
	}
	r.dir.change(func() { r.dir.rules[r.tenant] = append(r.dir.rules[r.tenant], hot) })
	return hot.ID
}

// post puts a packet into the standard lane.
func (r *rig) post(device int, temp float64) { r.postIn(telemetry.Standard, device, temp) }

func (r *rig) postIn(lane telemetry.Lane, device int, temp float64) {
	r.t.Helper()
	now := telemetry.At(time.Now())
	b := telemetry.Batch{Device: r.devices[device], Received: now, RetainDays: 30, Packets: []telemetry.Packet{
		{ID: string(id.New[id.Job]()), Time: now, Values: []telemetry.Value{{Name: "temp", Num: temp}, {Name: "other", Num: 1}}}}}
	if _, err := r.js.Publish(r.t.Context(), telemetry.LaneSubject(lane, r.tenant), telemetry.AppendBatch(nil, &b)); err != nil {
		r.t.Fatal(err)
	}
}

// until waits for a condition.
func (r *rig) until(what string, holds func() bool) {
	r.t.Helper()
	deadline := time.Now().Add(patience)
	for !holds() {
		if time.Now().After(deadline) {
			r.t.Fatalf("never: %s; %d fire of %d", what, r.open(), len(r.book.Find(r.tenant, Filter{})))
		}
		select {
		case <-r.book.Watch(r.tenant):
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (r *rig) open() int { return len(r.book.Open(r.tenant)) }

// entries are the changes in the log, as they stand there.
func (r *rig) entries() (list []Entry) {
	r.t.Helper()
	err := readAll(r.t.Context(), r.js, telemetry.AlertStream, reading{filters: []string{telemetry.AlertSubject(r.tenant)}, each: func(m jetstream.Msg, _ uint64) error {
		e, err := decodeEntry(m.Data())
		list = append(list, e)
		return err
	}})
	if err != nil {
		r.t.Fatal(err)
	}
	return list
}
