package forward

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"longwave/ingest/provision"
	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// TestFullQueueCostsTheOthersNothing has one queue without room among others that have some, in one hand.
func TestFullQueueCostsTheOthersNothing(t *testing.T) {
	r := newRig(t)
	full := r.addTo(r.tenant, Destination{Own: true}, "full", "")
	roomy := r.addTo(r.tenant, Destination{Own: true}, "roomy", "")
	r.limit(telemetry.OutStream, func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 20 })
	r.refresh()
	r.fill(full, 18)
	s := newStage(r.Forwarder, telemetry.Standard)
	parcels := func(from, to int) (out []parcel) {
		for i := from; i < to; i++ {
			for _, d := range []Destination{full, roomy} {
				l, err := r.line(d.Tenant, d.ID)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, parcel{l, fmt.Sprint(i), []byte("{}")})
			}
		}
		return out
	}
	if left, err := s.publish(t.Context(), parcels(0, 8)); len(left) > 0 || err != nil {
		t.Fatal(left, err)
	}
	if a, b := r.state(full).Queued, r.state(roomy).Queued; a != 20 || b != 8 {
		t.Errorf("%d and %d are queued, want 20 and 8", a, b)
	}
	if got := testutil.ToFloat64(r.metrics.discarded.WithLabelValues(reasonFull)); got != 6 {
		t.Errorf("%v were discarded, want 6", got)
	}
	l, _ := r.line(full.Tenant, full.ID)
	if !l.full() || l.wants("") {
		t.Error("what does not fit is still made ready")
	}
	if err := r.purge(t.Context(), telemetry.OutStream, telemetry.OutSubject(full.Tenant, full.Slug)); err != nil {
		t.Fatal(err)
	}
	if err := r.survey(t.Context()); err != nil || l.full() {
		t.Error("a queue that was emptied is still full", err)
	}
}

func TestJudge(t *testing.T) {
	t.Parallel()
	a, b, c := id.New[id.Tenant](), id.New[id.Tenant](), id.New[id.Tenant]()
	everybody := func() []id.Tenant { return []id.Tenant{a, b, c} }
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	h := &hurry{passedOver: &passedOver{until: make(map[id.Tenant]time.Time)}, sent: make(map[id.Tenant]int)}
	for i, look := range []struct {
		behind float64
		sent   map[id.Tenant]int
		passed []id.Tenant
	}{
		{0.1, map[id.Tenant]int{a: 100, b: 1000}, nil},
		{0.26, map[id.Tenant]int{a: 100, b: 1000}, []id.Tenant{b}},
		{0.25, map[id.Tenant]int{a: 100}, []id.Tenant{b}}, // not far enough behind
		{0.3, map[id.Tenant]int{a: 100, c: 5}, []id.Tenant{a, b}},
		{0.28, map[id.Tenant]int{c: 5}, []id.Tenant{a, b}}, // it catches up
		{0.6, nil, []id.Tenant{a, b, c}},
		{0.01, nil, []id.Tenant{a, b, c}}, // too soon
	} {
		h.sent = look.sent
		if h.sent == nil {
			h.sent = make(map[id.Tenant]int)
		}
		h.judge(now, look.behind, everybody)
		for _, tenant := range everybody() {
			if h.has(tenant) != slices.Contains(look.passed, tenant) {
				t.Errorf("look %d: tenant %d is passed over: %v", i, slices.Index(everybody(), tenant), h.has(tenant))
			}
		}
	}
	if h.judge(now.Add(passOver+time.Second), caughtUp, everybody); h.has(a) || h.has(b) || h.has(c) {
		t.Error("somebody is passed over for ever")
	}
}

// TestNothingThatCannotBeForwardedHoldsALane takes OUT away: forwarding is given up before the lane is full, and said.
func TestNothingThatCannotBeForwardedHoldsALane(t *testing.T) {
	r := newRig(t)
	one := r.addTo(r.tenant, Destination{Own: true}, "one", "")
	another := r.addTo(id.New[id.Tenant](), Destination{Own: true}, "another", "")
	r.start()
	r.publish(telemetry.Standard, names(0, 3), one)
	r.until("forwarding works", func() bool { return r.state(one).Queued == 3 })
	if err := r.js.DeleteStream(t.Context(), telemetry.OutStream); err != nil {
		t.Fatal(err)
	}
	for i := range 10 {
		r.publish(telemetry.Standard, names(10*i, 10*i+10), one)
		r.publish(telemetry.Standard, names(10*i, 10*i+10), another)
	}
	r.limitLane(1.5)
	r.until("the lane is settled", func() bool {
		lags, err := r.Lag(t.Context())
		return err == nil && len(lags) == 3 && lags[1].Messages == 0
	})
	if got := r.PassedOver(); got != 2 {
		t.Errorf("%d tenants are passed over, want both", got)
	}
	if err := provision.Streams(t.Context(), r.js, streams(1)...); err != nil {
		t.Fatal(err)
	}
	for _, d := range []Destination{one, another} {
		r.until("it is shown", func() bool { s := r.state(d); return s.Discard != nil && s.Discard.Cause == reasonBehind })
	}
}

// limitLane has the standard lane hold some times as much as is in it.
func (r *rig) limitLane(times float64) {
	r.t.Helper()
	lane, err := r.js.Stream(r.t.Context(), telemetry.LaneStream(telemetry.Standard))
	if err != nil {
		r.t.Fatal(err)
	}
	holds := float64(lane.CachedInfo().State.Bytes)
	r.limit(telemetry.LaneStream(telemetry.Standard), func(c *jetstream.StreamConfig) { c.MaxBytes = int64(times * holds) })
}

// TestWhoForwardsMostIsGivenUpFirst is behind by a third of the lane, most of it of one tenant.
func TestWhoForwardsMostIsGivenUpFirst(t *testing.T) {
	r := newRig(t)
	much := r.addTo(r.tenant, Destination{Own: true}, "much", "")
	little := r.addTo(id.New[id.Tenant](), Destination{Own: true}, "little", "")
	s := newStage(r.Forwarder, telemetry.Standard)
	consumer, err := s.mark.Find(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	pass := func(messages int) {
		batch, err := consumer.Fetch(messages, jetstream.FetchMaxWait(patience))
		if err != nil {
			t.Fatal(err)
		}
		var hand []jetstream.Msg
		for m := range batch.Messages() {
			hand = append(hand, m)
		}
		if err := s.pass(t.Context(), hand); err != nil || len(hand) != messages {
			t.Fatalf("%d messages, %v", len(hand), err)
		}
	}
	for i := range 4 {
		r.publish(telemetry.Standard, names(5*i, 5*i+5), little)
		r.publish(telemetry.Standard, names(50*i, 50*i+50), much)
	}
	pass(2)
	r.limitLane(3)
	s.hurry.looked = time.Time{}
	s.keepUp(t.Context())
	pass(6)
	if a, b := r.state(much).Queued, r.state(little).Queued; a != 50 || b != 20 {
		t.Errorf("%d and %d packets are queued, want 50 and all 20 of the tenant that forwards little", a, b)
	}
	if got := testutil.ToFloat64(r.metrics.discarded.WithLabelValues(reasonBehind)); got != 150 || r.PassedOver() != 1 {
		t.Errorf("%v packets were discarded, want 150; %d tenants are passed over", got, r.PassedOver())
	}
}
