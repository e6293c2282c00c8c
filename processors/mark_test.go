package processors

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"longwave/ingest/telemetry"
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
	if got := testutil.ToFloat64(r.metrics.rewound.WithLabelValues(doubtMissing, telemetry.Standard.String())); got != 1 {
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

func TestDoubt(t *testing.T) {
	now := time.Now()
	lane := &jetstream.StreamInfo{State: jetstream.StreamState{LastSeq: 100}}
	consumer := func(floor, delivered uint64, pending int, last *time.Time) *jetstream.ConsumerInfo {
		return &jetstream.ConsumerInfo{AckFloor: jetstream.SequenceInfo{Stream: floor},
			Delivered: jetstream.SequenceInfo{Stream: delivered, Last: last}, NumAckPending: pending}
	}
	for name, c := range map[string]struct {
		standing standing
		doubt    string
		certain  uint64
	}{
		"new":                   {standing{lane: lane}, "", 0},
		"gone":                  {standing{lane: lane, marked: true, mark: mark{Floor: 40}}, doubtMissing, 40},
		"as it was":             {standing{lane, consumer(40, 40, 0, nil), mark{Floor: 40}, true}, "", 40},
		"never marked":          {standing{lane, consumer(40, 50, 10, nil), mark{}, false}, "", 0},
		"delivered more":        {standing{lane, consumer(40, 50, 10, nil), mark{Floor: 40}, true}, doubtUnproven, 40},
		"settled more":          {standing{lane, consumer(50, 50, 0, nil), mark{Floor: 40}, true}, doubtUnproven, 40},
		"forgot":                {standing{lane, consumer(20, 30, 10, nil), mark{Floor: 40}, true}, "", 20},
		"beyond the lane":       {standing{lane, consumer(50, 101, 0, nil), mark{Floor: 40}, true}, doubtImpossible, 40},
		"settled, undelivered":  {standing{lane, consumer(60, 50, 0, nil), mark{}, false}, doubtImpossible, 0},
		"more than delivered":   {standing{lane, consumer(40, 50, 11, nil), mark{}, false}, doubtImpossible, 0},
		"at work since a while": {standing{lane, consumer(60, 70, 10, &now), mark{Floor: 40}, true}, "", 40},
	} {
		if got := c.standing.doubt(); got != c.doubt {
			t.Errorf("%s: doubt is %q, want %q", name, got, c.doubt)
		}
		if got := c.standing.certain(); got != c.certain {
			t.Errorf("%s: certain up to %d, want %d", name, got, c.certain)
		}
	}
}

// The bytes as version 1 wrote them: a mark that is in the bucket of an installation must be read for ever.
func TestMarkOfVersion1IsRead(t *testing.T) {
	m, err := decodeMark([]byte(`{"v":1,"floor":81234,"lane":"2026-11-20T16:40:12.123456789Z"}`))
	if err != nil || m.Floor != 81234 || m.Lane.Nanosecond() != 123456789 {
		t.Errorf("%+v, %v", m, err)
	}
	for _, bad := range []string{"", "{}", `{"v":2,"floor":1}`, "null"} {
		if _, err := decodeMark([]byte(bad)); !errors.Is(err, errMark) {
			t.Errorf("%q: %v, want errMark", bad, err)
		}
	}
}

func TestClockThatWasPutBack(t *testing.T) {
	noon := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	before := reading{noon, time.Hour}
	for name, c := range map[string]struct {
		now    reading
		behind bool
	}{
		"as it should be": {reading{noon.Add(markInterval), time.Hour + markInterval}, false},
		"corrected":       {reading{noon.Add(markInterval - time.Second), time.Hour + markInterval}, false},
		"put back":        {reading{noon.Add(-72 * time.Hour), time.Hour + markInterval}, true},
		"put forward":     {reading{noon.Add(72 * time.Hour), time.Hour + markInterval}, false},
	} {
		if got := c.now.behind(before); got != c.behind {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A message that is put back is to come again at a time, which a clock that is put back moves away.
func TestPostponedMessagesComeAlthoughTheClockWasPutBack(t *testing.T) {
	p := newPlant(t)
	tenant, device := id.New[id.Tenant](), id.New[id.Device]()
	p.publish(telemetry.Standard, tenant, batch(device, 0, 10))
	r, _ := p.start(inserter(func(ctx context.Context, b *store.Block) error { return errors.New("away") }))
	l := &line{runner: r, stage: stages()[0], lane: telemetry.Standard, log: r.Log}
	state := func() *jetstream.ConsumerInfo {
		s, err := l.standing(t.Context())
		if err != nil || s.consumer == nil {
			return &jetstream.ConsumerInfo{}
		}
		return s.consumer
	}
	until(t, "the message is in hand", func() bool { return state().NumAckPending == 1 })
	made := state().Created
	l.deliverAnew(t.Context())
	until(t, "it is delivered by a new consumer", func() bool { return state().Created.After(made) && state().NumAckPending == 1 })
}
