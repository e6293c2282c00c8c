package processors

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"longwave/ingest/telemetry"
	"longwave/processors/mark"
	"longwave/processors/store"
	"longwave/tenants/id"
)

// countPackets stands in front of a store and counts what is stored.
func (p *plant) countPackets(stored *atomic.Int64) inserter {
	return func(ctx context.Context, b *store.Block) error {
		stored.Add(int64(b.Packets()))
		return p.store.Insert(ctx, b)
	}
}

func TestConsumerThatIsGoneBeginsWhereEverythingIsSettled(t *testing.T) {
	p := newPlant(t)
	tenant, device := id.New[id.Tenant](), id.New[id.Device]()
	p.publish(telemetry.Standard, tenant, batch(device, 0, 10))
	r, stop := p.start(p.store)
	p.settled(r)
	stop()
	if err := p.js.DeleteConsumer(t.Context(), telemetry.LaneStream(telemetry.Standard), storeConsumer); err != nil {
		t.Fatal(err)
	}
	p.publish(telemetry.Standard, tenant, batch(device, 10, 7))

	var stored atomic.Int64
	r, _ = p.start(p.countPackets(&stored))
	p.settled(r)
	if stored.Load() != 7 {
		t.Errorf("%d packets were stored, want the 7 that were not yet", stored.Load())
	}
	if got := testutil.ToFloat64(r.metrics.rewound.WithLabelValues(string(mark.Missing), telemetry.Standard.String())); got != 1 {
		t.Errorf("the consumer is said to be missing %v times, want once", got)
	}
}

func TestMarkOfAnotherLaneSaysNothing(t *testing.T) {
	p := newPlant(t)
	tenant, device := id.New[id.Tenant](), id.New[id.Device]()
	p.publish(telemetry.Standard, tenant, batch(device, 0, 10))
	r, stop := p.start(p.store)
	p.settled(r)
	stop()
	if err := p.js.DeleteStream(t.Context(), telemetry.LaneStream(telemetry.Standard)); err != nil {
		t.Fatal(err)
	}
	p.stream(telemetry.LaneStream(telemetry.Standard), telemetry.LaneFilter(telemetry.Standard))
	want := batch(device, 10, 7)
	p.publish(telemetry.Standard, tenant, want) // under the number that the mark names

	var stored atomic.Int64
	r, _ = p.start(p.countPackets(&stored))
	p.settled(r)
	if stored.Load() != 7 {
		t.Errorf("%d packets were stored, want 7", stored.Load())
	}
}

// A message that is put back is to come again at a time, which a clock that is put back moves away.
func TestPostponedMessagesComeAlthoughTheClockWasPutBack(t *testing.T) {
	p := newPlant(t)
	tenant, device := id.New[id.Tenant](), id.New[id.Device]()
	p.publish(telemetry.Standard, tenant, batch(device, 0, 10))
	r, _ := p.start(inserter(func(ctx context.Context, b *store.Block) error { return errors.New("away") }))
	state := func() *jetstream.ConsumerInfo {
		c, err := p.js.Consumer(t.Context(), telemetry.LaneStream(telemetry.Standard), storeConsumer)
		if err != nil {
			return &jetstream.ConsumerInfo{}
		}
		return c.CachedInfo()
	}
	until(t, "the message is in hand", func() bool { return state().NumAckPending == 1 })
	made := state().Created
	newLine(r, stages()[0], telemetry.Standard).mark.DeliverAnew(t.Context())
	until(t, "it is delivered by a new consumer", func() bool { return state().Created.After(made) && state().NumAckPending == 1 })
}
