package replay

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"longwave/ingest"
	"longwave/ingest/natsd/natstest"
	"longwave/ingest/telemetry"
	"longwave/processors"
	"longwave/processors/engine/enginetest"
	"longwave/processors/forward"
	"longwave/processors/store"
	"longwave/tenants"
	"longwave/tenants/id"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

// patience is far above what anything here takes on a busy machine.
const patience = 90 * time.Second

// plant is the whole way of packets: the control log, the front door, the lanes, processors and the storage.
type plant struct {
	t       testing.TB
	js      jetstream.JetStream
	tenants *tenants.Service
	front   *ingest.Front
	store   *store.Store
	runner  *processors.Runner
	tenant  id.Tenant
	other   id.Tenant
	actor   tenants.Actor

	mu      sync.Mutex
	insert  func(context.Context, *store.Block) error // what jobs insert with
	outward func(context.Context, id.Tenant, forward.Replayed) (int, error)
}

func newPlant(t testing.TB) *plant {
	t.Helper()
	_, conn, js := natstest.Start(t)
	log := slog.New(slog.DiscardHandler)
	p := &plant{t: t, js: js}
	var err error
	p.tenants, err = tenants.Open(t.Context(), tenants.Options{JS: js, Log: log})
	must(t, err)
	background(t, p.tenants.Run)
	claimed, err := p.tenants.Claim(t.Context(), tenants.Actor{System: "test"}, tenants.Claim{
		Email: "ada@example.com", Name: "Ada", Password: "correct horse battery", Tenant: "North plant"})
	must(t, err)
	p.tenant, p.actor = claimed.Tenant.ID, tenants.Actor{Person: claimed.Person.ID}
	other, err := p.tenants.CreateTenant(t.Context(), p.actor, "South plant")
	must(t, err)
	p.other = other.ID
	p.front, err = ingest.Open(t.Context(), ingest.Options{JS: js, Conn: conn, LaneBytes: 256 << 20, Registerer: prometheus.NewRegistry(), Log: log})
	must(t, err)
	t.Cleanup(func() { _ = p.front.Close(context.Background()) })
	writer, reader := enginetest.Database(t)
	p.store, err = store.Open(t.Context(), store.Options{Connect: writer, Reader: reader})
	must(t, err)
	t.Cleanup(func() { p.store.Close() })
	p.insert = p.store.Insert
	p.runner, err = processors.New(processors.Options{JS: js, Store: p.store, Alive: p.alive, Registerer: prometheus.NewRegistry(), Log: log})
	must(t, err)
	background(t, p.runner.Run)
	return p
}

func (p *plant) alive(t id.Tenant, d id.Device) bool {
	_, ok := p.tenants.State().Device(t, d)
	return ok
}

func (p *plant) inserting(f func(context.Context, *store.Block) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.insert = f
}

func (p *plant) forwarding(f func(context.Context, id.Tenant, forward.Replayed) (int, error)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.outward = f
}

// service is one copy of the program's part that does jobs; stop ends it as the program does.
func (p *plant) service() (s *Service, stop func()) {
	p.t.Helper()
	s, err := Open(p.t.Context(), Options{JS: p.js, Front: p.front, Tenants: p.tenants, Registerer: prometheus.NewRegistry(),
		Log: slog.New(slog.DiscardHandler), Lease: 3 * time.Second,
		Insert: func(ctx context.Context, b *store.Block) error {
			p.mu.Lock()
			insert := p.insert
			p.mu.Unlock()
			return insert(ctx, b)
		},
		Forward: func(ctx context.Context, t id.Tenant, r forward.Replayed) (int, error) {
			p.mu.Lock()
			outward := p.outward
			p.mu.Unlock()
			return outward(ctx, t, r)
		},
		Erase: func(ctx context.Context, t id.Tenant, d id.Device) (telemetry.Erased, error) {
			return p.store.ForTenant(t).Erase(ctx, d)
		},
	})
	must(p.t, err)
	return s, background(p.t, s.Run)
}

func (p *plant) device(t id.Tenant, name string, labels map[string]string) tenants.Device {
	p.t.Helper()
	d, _, err := p.tenants.CreateDevice(p.t.Context(), p.actor, t, tenants.NewDevice{Name: name, Labels: labels, Profile: name})
	must(p.t, err)
	return d
}

// send posts packets of one device, one a second from base on, and returns how many.
func (p *plant) send(d tenants.Device, base time.Time, from, packets int) int {
	p.t.Helper()
	var list []telemetry.Packet
	for n := from; n < from+packets; n++ {
		list = append(list, telemetry.Packet{ID: fmt.Sprintf("p%d", n), Time: telemetry.At(base.Add(time.Duration(n) * time.Second)), Kind: telemetry.Kind(n % 2), Values: []telemetry.Value{
			{Name: "temp", Num: float64(n%97) / 4}, {Name: "rpm", Num: float64(1000 + n%13)}, {Name: "state", Type: telemetry.Text, Text: fmt.Sprint("s", n%3)},
		}})
	}
	body := []byte{'['}
	for i := range list {
		if i > 0 {
			body = append(body, ',')
		}
		body = telemetry.AppendPacketJSON(body, &list[i])
	}
	r, err := p.front.Accept(p.t.Context(), ingest.Principal{Tenant: d.Tenant, Device: d.ID, RetainDays: 30}, ingest.Request{Body: append(body, ']'), Transport: "test"})
	must(p.t, err)
	if r.Accepted != packets {
		p.t.Fatalf("accepted %+v", r)
	}
	return packets
}

// settled waits until the lanes are stored and rolled up.
func (p *plant) settled() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	must(p.t, p.runner.Settled(ctx))
	for {
		windows, err := p.store.Rollup(ctx)
		must(p.t, err)
		if windows == 0 {
			return
		}
	}
}

// order starts a job and waits for its end.
func (p *plant) order(s *Service, o Order) Job {
	p.t.Helper()
	job, err := s.Start(p.t.Context(), p.actor, p.tenant, o)
	must(p.t, err)
	return p.ended(s, job)
}

func (p *plant) ended(s *Service, job Job) Job {
	p.t.Helper()
	until(p.t, "the job ends", func() bool {
		found, err := s.Job(p.t.Context(), p.tenant, string(job.ID))
		job = found
		return err == nil && job.State.Ended() && (job.Told || !job.Kind.Writes())
	})
	return job
}

// reject keeps a packet as rejected, and returns its record.
func (p *plant) reject(d tenants.Device, r telemetry.Rejection) telemetry.RejectedPacket {
	p.t.Helper()
	record := telemetry.RejectedPacket{Rejection: r, Device: d.ID, Received: telemetry.At(time.Now().Add(-time.Hour))}
	_, err := p.js.Publish(p.t.Context(), telemetry.RejectedSubject(d.Tenant, d.ID), telemetry.EncodeRejected(&record))
	must(p.t, err)
	return record
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// background runs something until stop is called, which waits for it; at the latest when the test ends.
func background(t testing.TB, run func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil && ctx.Err() == nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

func until(t testing.TB, what string, met func() bool) {
	t.Helper()
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for !met() {
		select {
		case <-deadline.C:
			t.Fatalf("waited in vain until %s", what)
		case <-ticker.C:
		}
	}
}
