package ingest

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"longwave/ingest/natsd"
	"longwave/ingest/natsd/natstest"
	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

var pump = Principal{Tenant: "t-acme", Device: "d-pump", RetainDays: 400}

// bench is a Front over a server of its own.
type bench struct {
	*Front
	t      testing.TB
	server *natsd.Server
	conn   *nats.Conn
	js     jetstream.JetStream
}

func open(t testing.TB, dir string, change func(*Options)) *bench {
	t.Helper()
	b := &bench{t: t}
	b.server, b.conn, b.js = natstest.StartIn(t, natsd.Options{Dir: dir, SyncAlways: true})
	b.reopen(change)
	b.server.StageInMemory(telemetry.LaneStream(telemetry.Critical), telemetry.LaneStream(telemetry.Standard), telemetry.LaneStream(telemetry.Bulk))
	return b
}

func (b *bench) reopen(change func(*Options)) {
	b.t.Helper()
	o := Options{JS: b.js, Conn: b.conn, LaneBytes: 64 << 20, SyncAlways: true, Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&o)
	}
	f, err := Open(b.t.Context(), o)
	if err != nil {
		b.t.Fatal(err)
	}
	b.Front = f
	b.t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		_ = f.Close(ctx) // a test that is about closing has done it
	})
}

func (b *bench) post(body string) (Receipt, error) {
	return b.Accept(b.t.Context(), pump, Request{Body: []byte(body), Transport: "HTTP"})
}

func (b *bench) mustPost(body string) Receipt {
	b.t.Helper()
	r, err := b.post(body)
	if err != nil {
		b.t.Fatalf("%.80s: %v", body, err)
	}
	return r
}

// inLane returns what a lane holds: how often each packet id of each tenant stands in it.
func (b *bench) inLane(lane telemetry.Lane) map[string]int {
	b.t.Helper()
	found := map[string]int{}
	b.eachBatch(lane, func(t id.Tenant, batch *telemetry.Batch) {
		for i := range batch.Packets {
			found[string(t)+"/"+string(batch.Device)+"/"+batch.Packets[i].ID]++
		}
	})
	return found
}

func (b *bench) eachBatch(lane telemetry.Lane, visit func(id.Tenant, *telemetry.Batch)) {
	b.t.Helper()
	c, err := b.reader(b.t.Context(), telemetry.LaneStream(lane), jetstream.ConsumerConfig{DeliverPolicy: jetstream.DeliverAllPolicy})
	if err != nil {
		b.t.Fatal(err)
	}
	defer b.dropReader(c)
	err = eachMessage(b.t.Context(), c, func(m jetstream.Msg) {
		_, tenant, err := telemetry.ParseLaneSubject(m.Subject())
		if err != nil {
			b.t.Fatal(err)
		}
		if err := telemetry.EachBatch(m.Data(), func(batch *telemetry.Batch) error { visit(tenant, batch); return nil }); err != nil {
			b.t.Fatal(err)
		}
	})
	if err != nil {
		b.t.Fatal(err)
	}
}

// checkOnce checks that the standard lane holds exactly what was acknowledged, each once.
func (b *bench) checkOnce(acknowledged *sync.Map) {
	b.t.Helper()
	inLane := b.inLane(telemetry.Standard)
	acknowledged.Range(func(packet, _ any) bool {
		if inLane[packet.(string)] != 1 {
			b.t.Errorf("%v was acknowledged and is there %d times", packet, inLane[packet.(string)])
		}
		delete(inLane, packet.(string))
		return true
	})
	if len(inLane) > 0 {
		b.t.Errorf("never acknowledged: %v", inLane)
	}
}

func (b *bench) purge(lane telemetry.Lane) error {
	stream, err := b.js.Stream(b.t.Context(), telemetry.LaneStream(lane))
	if err != nil {
		return err
	}
	return stream.Purge(b.t.Context())
}

// acks switches the acknowledgements of a lane, as a network that loses them would.
func (b *bench) acks(lane telemetry.Lane, on bool) {
	b.t.Helper()
	stream, err := b.js.Stream(b.t.Context(), telemetry.LaneStream(lane))
	if err != nil {
		b.t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	config.NoAck = !on
	if _, err := b.js.UpdateStream(b.t.Context(), config); err != nil {
		b.t.Fatal(err)
	}
}

// waitFor waits for a condition that another goroutine brings about.
func waitFor(t *testing.T, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(); {
		if time.Now().After(deadline) {
			t.Fatal("it did not come about")
		}
		<-time.After(time.Millisecond)
	}
}

// listen runs a broker as it runs elsewhere: over TCP.
func listen(t *testing.T, dir string, port int) *server.Server {
	t.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: port, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("the broker is not ready")
	}
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	return s
}
