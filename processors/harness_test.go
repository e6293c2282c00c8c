package processors

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"longwave/ingest/natsd"
	"longwave/ingest/telemetry"
	"longwave/processors/engine/enginetest"
	"longwave/processors/store"
	"longwave/tenants/id"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

// patience is far above what anything here takes on a busy machine.
const patience = 90 * time.Second

// plant is a whole data plane behind the lanes: real NATS, real ClickHouse.
type plant struct {
	t      testing.TB
	dir    string
	broker *natsd.Server
	js     jetstream.JetStream
	store  *store.Store

	mu   sync.Mutex
	gone map[id.Device]bool
}

func newPlant(t testing.TB) *plant {
	writer, reader := enginetest.Database(t)
	return newPlantOn(t, writer, reader)
}

func newPlantOn(t testing.TB, writer, reader *clickhouse.Options) *plant {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Connect: writer, Reader: reader})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	p := &plant{t: t, dir: t.TempDir(), store: s, gone: make(map[id.Device]bool)}
	p.startBroker()
	for _, lane := range telemetry.Lanes() {
		p.stream(telemetry.LaneStream(lane), telemetry.LaneFilter(lane))
	}
	p.stream(telemetry.RejectedStream, telemetry.RejectedFilter())
	return p
}

func (p *plant) stream(name, subject string) {
	p.t.Helper()
	_, err := p.js.CreateStream(p.t.Context(), jetstream.StreamConfig{Name: name, Subjects: []string{subject}})
	if err != nil {
		p.t.Fatal(err)
	}
}

func (p *plant) alive(_ id.Tenant, d id.Device) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.gone[d]
}

func (p *plant) remove(d id.Device, removed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone[d] = removed
}

func (p *plant) runner(s Inserter) *Runner {
	p.t.Helper()
	r, err := New(Options{JS: p.js, Store: s, Alive: p.alive, Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		p.t.Fatal(err)
	}
	return r
}

// start runs a Runner until stop is called, which waits for it; at the latest when the test ends.
func (p *plant) start(s Inserter) (r *Runner, stop func()) {
	p.t.Helper()
	r = p.runner(s)
	return r, p.run(r)
}

func (p *plant) run(r *Runner) (stop func()) {
	p.t.Helper()
	ctx, cancel := context.WithCancel(p.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			p.t.Errorf("Run: %v", err)
		}
	})
	p.t.Cleanup(stop)
	return stop
}

// settled waits until everything in the lanes is settled.
func (p *plant) settled(r *Runner) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	until(p.t, "the lanes are settled", func() bool { return r.Settled(ctx) == nil })
}

func (p *plant) publish(lane telemetry.Lane, t id.Tenant, batches ...*telemetry.Batch) {
	p.t.Helper()
	var message []byte
	for _, b := range batches {
		message = telemetry.AppendBatch(message, b)
	}
	p.publishRaw(telemetry.LaneSubject(lane, t), message)
}

func (p *plant) publishRaw(subject string, message []byte) {
	p.t.Helper()
	if _, err := p.js.Publish(p.t.Context(), subject, message); err != nil {
		p.t.Fatal(err)
	}
}

// fact is what must be in the store once for each time that it was published at least once.
type fact struct {
	device id.Device
	metric string
	at     telemetry.Micros
	value  float64
}

// facts are those of batches.
func facts(into map[fact]bool, batches ...*telemetry.Batch) map[fact]bool {
	for _, b := range batches {
		for _, packet := range b.Packets {
			for _, v := range packet.Values {
				into[fact{b.Device, v.Name, packet.Time, v.Num}] = true
			}
		}
	}
	return into
}

// expect compares what is stored of a tenant with what should be.
func (p *plant) expect(t id.Tenant, want map[fact]bool) {
	p.t.Helper()
	type series struct {
		device id.Device
		metric string
	}
	all := make(map[series]bool)
	for f := range want {
		all[series{f.device, f.metric}] = true
	}
	stored := 0
	for s := range all {
		q := telemetry.SeriesQuery{Device: s.device, Metric: s.metric, From: base.add(-400 * 24 * time.Hour), To: base.add(24 * time.Hour)}
		err := p.store.ForTenant(t).Each(p.t.Context(), q, func(point telemetry.Point) error {
			stored++
			if f := (fact{s.device, s.metric, point.Time, point.Value}); !want[f] {
				return fmt.Errorf("stored, but never published: %+v", f)
			}
			return nil
		})
		if err != nil {
			p.t.Fatal(err)
		}
	}
	if stored != len(want) {
		p.t.Fatalf("%d readings are stored, want %d", stored, len(want))
	}
}

// base is when the packets of these tests were received: long enough ago that no device of theirs may still be new.
var base = clock(telemetry.At(time.Now().Add(-time.Hour).Truncate(time.Second)))

type clock telemetry.Micros

func (c clock) add(d time.Duration) telemetry.Micros {
	return telemetry.Micros(int64(c) + d.Microseconds())
}

// batch makes packets of two metrics, one a second from the given second on.
func batch(d id.Device, from, packets int) *telemetry.Batch {
	b := &telemetry.Batch{Device: d, Received: base.add(0), RetainDays: 30}
	for n := from; n < from+packets; n++ {
		b.Packets = append(b.Packets, telemetry.Packet{
			ID:   fmt.Sprintf("p%d", n),
			Time: base.add(time.Duration(n) * time.Second),
			Values: []telemetry.Value{
				{Name: "temperature", Num: float64(n % 97)},
				{Name: "pressure", Num: 1000 + float64(n%13)/4},
			},
		})
	}
	return b
}

// load is batches of several devices, every one of them published twice, in different messages.
func (p *plant) load(t id.Tenant, messages int) map[fact]bool {
	p.t.Helper()
	want := make(map[fact]bool)
	devices := make([]id.Device, 5)
	for i := range devices {
		devices[i] = id.New[id.Device]()
	}
	var before *telemetry.Batch
	for n := range messages {
		b := batch(devices[rand.IntN(len(devices))], n*20, 30) // ten packets of each overlap the device's next ones
		lane := telemetry.Lanes()[n%3]
		if facts(want, b); before == nil {
			p.publish(lane, t, b)
		} else {
			p.publish(lane, t, b, before)
		}
		before = b
	}
	return want
}

// until waits for a condition.
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

// inserter lets a test stand in front of the real store.
type inserter func(ctx context.Context, b *store.Block) error

func (f inserter) Insert(ctx context.Context, b *store.Block) error { return f(ctx, b) }
