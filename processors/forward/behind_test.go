package forward

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus/testutil"

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

// TestWhoCannotBeForwardedHoldsNoLane takes OUT away while one tenant forwards much more than another: forwarding of that
// one is given up before its lane is full, and the other one's packets wait.
func TestWhoCannotBeForwardedHoldsNoLane(t *testing.T) {
	r := newRig(t)
	much := r.addTo(r.tenant, Destination{Own: true}, "much", "")
	little := r.addTo(id.New[id.Tenant](), Destination{Own: true}, "little", "")
	r.start()
	r.publish(telemetry.Standard, names(0, 3), much)
	r.until("forwarding works", func() bool { return r.state(much).Queued == 3 })
	if err := r.js.DeleteStream(t.Context(), telemetry.OutStream); err != nil {
		t.Fatal(err)
	}
	r.publish(telemetry.Standard, names(0, 5), little)
	for i := range 25 {
		r.publish(telemetry.Standard, names(100*i, 100*i+100), much)
	}
	lane, err := r.js.Stream(t.Context(), telemetry.LaneStream(telemetry.Standard))
	if err != nil {
		t.Fatal(err)
	}
	holds := int64(lane.CachedInfo().State.Bytes)
	r.limit(telemetry.LaneStream(telemetry.Standard), func(c *jetstream.StreamConfig) { c.MaxBytes = 3 * holds })
	r.until("one tenant is passed over", func() bool { return r.PassedOver() == 1 })
	if err := ensureStreams(t.Context(), r.js, 1); err != nil {
		t.Fatal(err)
	}
	r.until("the lane is settled", func() bool {
		lags, err := r.Lag(t.Context())
		return err == nil && len(lags) == 3 && lags[1].Messages == 0
	})
	if got := r.state(little).Queued; got != 5 {
		t.Errorf("%d packets of the other tenant are queued, want 5", got)
	}
	r.until("it is shown", func() bool { s := r.state(much); return s.Discard != nil && s.Discard.Cause == reasonBehind })
	if r.state(much).Queued != 0 || !r.passed[telemetry.Standard].has(r.tenant) {
		t.Errorf("%+v", r.state(much))
	}
}
