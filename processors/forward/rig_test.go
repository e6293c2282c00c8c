package forward

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"longwave/ingest/natsd"
	"longwave/ingest/natsd/natstest"
	"longwave/ingest/telemetry"
	"longwave/processors/forward/outbound"
	"longwave/processors/forward/reach"
	"longwave/tenants/id"
)

// patience is far above what anything here takes on a busy machine.
const patience = 90 * time.Second

// rig is a Forwarder on real lanes, with receivers on this machine.
type rig struct {
	*Forwarder
	t      testing.TB
	js     jetstream.JetStream
	dir    *directory
	tenant id.Tenant
	device id.Device
	ahead  time.Duration // of its clock

	durable bool // the broker waits for the disk
	broker  *natsd.Server
}

func newRig(t testing.TB, change ...func(*rig)) *rig {
	t.Helper()
	r := &rig{t: t, dir: newDirectory(), tenant: id.New[id.Tenant](), device: id.New[id.Device]()}
	for _, c := range change {
		c(r)
	}
	r.broker, _, r.js = natstest.StartIn(t, natsd.Options{Dir: t.TempDir(), SyncAlways: r.durable})
	for _, lane := range telemetry.Lanes() {
		_, err := r.js.CreateStream(t.Context(), jetstream.StreamConfig{Name: telemetry.LaneStream(lane), Subjects: []string{telemetry.LaneFilter(lane)}})
		if err != nil {
			t.Fatal(err)
		}
	}
	r.open()
	return r
}

// open makes the Forwarder, or another one after that.
func (r *rig) open() {
	r.t.Helper()
	reacher, err := reach.New(reach.Options{
		Guard: outbound.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}), Agent: "Longwave/test",
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(reacher.Close)
	r.Forwarder, err = Open(r.t.Context(), Options{
		JS: r.js, Directory: r.dir, Reacher: reacher, Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return time.Now().Add(r.ahead) },
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// start runs the Forwarder until stop is called, at the latest when the test ends.
func (r *rig) start() (stop func()) {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			r.t.Errorf("Run: %v", err)
		}
	})
	r.t.Cleanup(stop)
	return stop
}

// limit changes what a stream takes.
func (r *rig) limit(name string, change func(*jetstream.StreamConfig)) {
	r.t.Helper()
	stream, err := r.js.Stream(r.t.Context(), name)
	if err != nil {
		r.t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	change(&config)
	if _, err := r.js.UpdateStream(r.t.Context(), config); err != nil {
		r.t.Fatal(err)
	}
}

// directory is a list of destinations that a test changes.
type directory struct {
	mu      sync.Mutex
	list    []Destination
	urls    map[id.Destination]string
	changed chan struct{}
}

func newDirectory() *directory {
	return &directory{urls: make(map[id.Destination]string), changed: make(chan struct{})}
}

func (d *directory) Destinations() ([]Destination, <-chan struct{}) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]Destination(nil), d.list...), d.changed
}

func (d *directory) Target(_ id.Tenant, of id.Destination) (reach.Target, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return reach.Target{URL: d.urls[of], Keys: [][]byte{[]byte("a key of twenty-four byte")}}, nil
}

func (d *directory) DeviceName(id.Tenant, id.Device) string { return "pump-7" }

// edit changes the list and tells.
func (d *directory) edit(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
	close(d.changed)
	d.changed = make(chan struct{})
}

// add makes a destination of the rig's tenant.
func (r *rig) add(name, url string) Destination {
	r.t.Helper()
	return r.addTo(r.tenant, Destination{}, name, url)
}

func (r *rig) addTo(t id.Tenant, d Destination, name, url string) Destination {
	r.t.Helper()
	slug, err := id.Parse[id.Slug](name)
	if err != nil {
		r.t.Fatal(err)
	}
	now := time.Now().Add(-time.Minute)
	d.Tenant, d.ID, d.Slug, d.Created, d.Changed = t, id.New[id.Destination](), slug, now, now
	r.dir.edit(func() {
		r.dir.list = append(r.dir.list, d)
		r.dir.urls[d.ID] = url
	})
	return d
}

// publish puts packets with the given ids into a lane, for all of the destinations, which belong to the same tenant.
func (r *rig) publish(lane telemetry.Lane, ids []string, to ...Destination) {
	r.t.Helper()
	b := &telemetry.Batch{Device: r.device, Received: telemetry.At(time.Now()), RetainDays: 30}
	tenant := r.tenant
	for _, d := range to {
		tenant = d.Tenant
		b.Destinations = append(b.Destinations, d.ID)
	}
	for i, name := range ids {
		b.Packets = append(b.Packets, telemetry.Packet{
			ID: name, Time: b.Received + telemetry.Micros(i), Forward: 1<<len(to) - 1,
			Values: []telemetry.Value{{Name: "temp", Num: 21.5}, {Name: "state", Type: telemetry.Text, Text: "idle"}},
		})
	}
	if _, err := r.js.Publish(r.t.Context(), telemetry.LaneSubject(lane, tenant), telemetry.AppendBatch(nil, b)); err != nil {
		r.t.Fatal(err)
	}
}

// fill puts messages into the queue of a destination.
func (r *rig) fill(d Destination, messages int) {
	r.t.Helper()
	var parcels []parcel
	for i := range messages {
		parcels = append(parcels, parcel{newLine(r.Forwarder, d), fmt.Sprint("fill", i), []byte("{}")})
	}
	if left, err := newStage(r.Forwarder, telemetry.Standard).publish(r.t.Context(), parcels); len(left) > 0 || err != nil {
		r.t.Fatal(err)
	}
}

func names(from, to int) []string {
	var all []string
	for i := from; i < to; i++ {
		all = append(all, fmt.Sprint("p", i))
	}
	return all
}

// receiver is a webhook that remembers which packets came, how often and when.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	seen   map[string]int
	heads  []http.Header
	bodies []string
	last   time.Time
}

func newReceiver(t testing.TB, answer http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{seen: make(map[string]int)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		var m struct{ Data struct{ Packet string } }
		_ = json.Unmarshal(body, &m)
		r.mu.Lock()
		r.seen[m.Data.Packet]++
		r.heads, r.bodies, r.last = append(r.heads, req.Header), append(r.bodies, string(body)), time.Now()
		r.mu.Unlock()
		if answer != nil {
			answer(w, req)
		}
	}))
	t.Cleanup(r.Server.Close)
	return r
}

func (r *receiver) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.seen)
}

// until waits for a condition.
func (r *rig) until(what string, met func() bool) {
	r.t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !met() {
		select {
		case <-deadline.C:
			r.t.Fatalf("waited in vain until %s", what)
		case <-tick.C:
		}
	}
}

// state is how one destination is doing.
func (r *rig) state(d Destination) State {
	r.t.Helper()
	all, err := r.States(r.t.Context(), d.Tenant)
	if err != nil && !errors.Is(err, ErrUnavailable) {
		r.t.Fatal(err)
	}
	return all[d.ID]
}
