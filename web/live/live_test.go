package live

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"longwave/ingest/natsd/natstest"
	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

const patience = 20 * time.Second

// bench is a hub over a real server with the three lanes.
type bench struct {
	t   *testing.T
	hub *Hub
	js  jetstream.JetStream
	end context.CancelFunc
	ran chan struct{}
}

func newBench(t *testing.T, o Options) *bench {
	t.Helper()
	_, _, js := natstest.Start(t)
	for _, lane := range telemetry.Lanes() {
		_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: telemetry.LaneStream(lane), Subjects: []string{telemetry.LaneFilter(lane)}})
		if err != nil {
			t.Fatal(err)
		}
	}
	o.JS, o.Log, o.Registerer = js, slog.New(slog.NewTextHandler(t.Output(), nil)), prometheus.NewRegistry()
	hub, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b := &bench{t: t, hub: hub, js: js, end: cancel, ran: make(chan struct{})}
	go func() {
		defer close(b.ran)
		if err := hub.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(b.stop)
	return b
}

func (b *bench) stop() {
	b.end()
	select {
	case <-b.ran:
	case <-time.After(patience):
		b.t.Error("the hub did not end")
	}
}

func (b *bench) subscribe(t id.Tenant, f Filter, from Cursor) *Subscription {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	s, err := b.hub.Subscribe(ctx, t, f, from)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(s.Close)
	return s
}

// publish puts one message of one batch into a lane; it may be called from any goroutine of the test.
func (b *bench) publish(lane telemetry.Lane, t id.Tenant, batch telemetry.Batch) {
	_, err := b.js.Publish(b.t.Context(), telemetry.LaneSubject(lane, t), telemetry.AppendBatch(nil, &batch))
	if err != nil {
		b.t.Error(err)
	}
}

// batch has one packet with one number, which is also its id.
func batch(d id.Device, number int) telemetry.Batch {
	now := telemetry.At(time.Now())
	return telemetry.Batch{Device: d, Received: now, RetainDays: 1, Packets: []telemetry.Packet{{
		ID: fmt.Sprint(number), Time: now, Values: []telemetry.Value{{Name: "n", Num: float64(number)}},
	}}}
}

// ids are the packets of updates in order.
func ids(updates []*Update) (list []string) {
	for _, u := range updates {
		for i := range u.Batch.Packets {
			list = append(list, u.Batch.Packets[i].ID)
		}
	}
	return list
}

// eventually waits for a condition, looking at it again and again; there is nothing to be woken by.
func eventually(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("still not: %s", what)
		}
	}
}

// consumers counts those of all lanes on the server.
func (b *bench) consumers() int {
	count := 0
	for _, lane := range telemetry.Lanes() {
		stream, err := b.js.Stream(b.t.Context(), telemetry.LaneStream(lane))
		if err != nil {
			b.t.Fatal(err)
		}
		count += stream.CachedInfo().State.Consumers
	}
	return count
}
