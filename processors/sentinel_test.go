package processors

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// look inspects the standard lane as its sentinel does, starting from what was known before.
func (p *plant) look(r *Runner, known condition) condition {
	p.t.Helper()
	l := &line{runner: r, stage: stages()[0], lane: telemetry.Standard, log: r.Log}
	now, err := l.inspect(p.t.Context(), known)
	if err != nil {
		p.t.Fatal(err)
	}
	l.report(known, now)
	return now
}

func (p *plant) lane() jetstream.Stream {
	p.t.Helper()
	stream, err := p.js.Stream(p.t.Context(), telemetry.LaneStream(telemetry.Standard))
	if err != nil {
		p.t.Fatal(err)
	}
	return stream
}

func TestSentinelNoticesWhatALaneLoses(t *testing.T) {
	p := newPlant(t)
	tenant, device := id.New[id.Tenant](), id.New[id.Device]()
	send := func(from int) { p.publish(telemetry.Standard, tenant, batch(device, from, 10)) }
	lost := func(r *Runner, how string) float64 {
		return testutil.ToFloat64(r.metrics.losses.WithLabelValues(how, telemetry.Standard.String()))
	}

	r, stop := p.start(p.store)
	for n := range 5 {
		send(10 * n)
	}
	p.settled(r)
	stop()
	known := p.look(r, condition{})
	if lost(r, "gone")+lost(r, "unread")+lost(r, "truncated") != 0 {
		t.Error("an undamaged lane is said to have lost something")
	}

	for n := range 8 { // messages 6 to 13, which nobody stores
		send(100 + 10*n)
	}
	for _, number := range []uint64{8, 9} {
		if err := p.lane().DeleteMsg(t.Context(), number); err != nil {
			t.Fatal(err)
		}
	}
	known = p.look(r, known)
	if lost(r, "gone") != 2 {
		t.Errorf("%v messages are said to be gone, want 2", lost(r, "gone"))
	}
	config := p.lane().CachedInfo().Config
	config.MaxMsgs = 4 // 10 to 13 stay; 6 and 7 go, 8 and 9 are gone already
	if _, err := p.js.UpdateStream(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	known = p.look(r, known)
	if got := lost(r, "unread"); got < 2 || got > 4 { // the numbers of those that were deleted before may count again
		t.Errorf("%v messages are said to have left unread, want 2", got)
	}
	if again := p.look(r, known); again != known {
		t.Errorf("the same lane looks different at the second look: %+v, then %+v", known, again)
	}

	// A stream that was restored from an older copy is shorter than the consumer remembers.
	known.last += 3
	p.look(r, known)
	if lost(r, "truncated") != 3 {
		t.Errorf("%v messages are said to be cut off, want 3", lost(r, "truncated"))
	}
}
