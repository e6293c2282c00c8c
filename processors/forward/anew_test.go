package forward

import (
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"longwave/ingest/telemetry"
	"longwave/processors/mark"
)

// TestLaneGoesOnAtItsMark removes what NATS knows of how far a lane is forwarded: nothing is lost by it, and nothing but the
// last seconds is forwarded again.
func TestLaneGoesOnAtItsMark(t *testing.T) {
	r := newRig(t)
	own := r.addTo(r.tenant, Destination{Own: true}, "own", "")
	stop := r.start()
	r.publish(telemetry.Standard, names(0, 5), own)
	r.until("they wait", func() bool { return r.state(own).Queued == 5 })
	stop()
	if err := r.purge(t.Context(), telemetry.OutStream, telemetry.OutSubject(own.Tenant, own.Slug)); err != nil {
		t.Fatal(err)
	}
	if err := r.js.DeleteConsumer(t.Context(), telemetry.LaneStream(telemetry.Standard), stageConsumer); err != nil {
		t.Fatal(err)
	}
	r.publish(telemetry.Standard, names(5, 8), own)
	r.open()
	r.start()
	r.until("the lane is settled", func() bool {
		lags, err := r.Lag(t.Context())
		return err == nil && len(lags) == 3 && lags[1].Messages == 0
	})
	if got := r.state(own).Queued; got != 3 {
		t.Errorf("%d packets are queued, want the 3 that were not forwarded yet", got)
	}
	if got := testutil.ToFloat64(r.metrics.rewound.WithLabelValues(string(mark.Missing), telemetry.Standard.String())); got != 1 || r.LostTrack() != 1 {
		t.Errorf("the consumer is said to be missing %v times, want once; track lost %d times", got, r.LostTrack())
	}
}

// TestRetriesComeAlthoughTheClockWasPutBack has a message wait for its next attempt, at a time that moves away.
func TestRetriesComeAlthoughTheClockWasPutBack(t *testing.T) {
	r := newRig(t)
	var asked atomic.Int32
	hook := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			w.Header().Set("Retry-After", "3000")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	d := r.add("ops", hook.URL)
	r.start()
	if err := r.Send(t.Context(), r.tenant, d.ID, Message{ID: "msg_1", Type: "alert", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	var made time.Time
	r.until("it is put back", func() bool {
		c, err := r.js.Consumer(t.Context(), telemetry.OutStream, string(d.ID))
		if err != nil || asked.Load() == 0 || r.state(d).Failure == nil {
			return false
		}
		made = c.CachedInfo().Created
		return c.CachedInfo().NumAckPending == 1
	})
	r.deliverAnew(t.Context())
	r.until("it is delivered", func() bool { return r.state(d).Queued == 0 && asked.Load() == 2 })
	c, err := r.js.Consumer(t.Context(), telemetry.OutStream, string(d.ID))
	if err != nil || !c.CachedInfo().Created.After(made) {
		t.Error("the consumer was not made anew", err)
	}
}

// TestLoadedConsumerBeginsAnew starts the broker again while a message waits for its next attempt: the time of that, which a
// clock that was ahead has put far away, stands in a file of the broker.
func TestLoadedConsumerBeginsAnew(t *testing.T) {
	r := newRig(t)
	var asked atomic.Int32
	hook := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			w.Header().Set("Retry-After", "3000")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	d := r.add("ops", hook.URL)
	stop := r.start()
	if err := r.Send(t.Context(), r.tenant, d.ID, Message{ID: "msg_1", Type: "alert", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	r.until("it is put back", func() bool { return r.state(d).Failure != nil })
	stop()
	l, err := r.line(d.Tenant, d.ID)
	if err != nil {
		t.Fatal(err)
	}
	consumer := func() jetstream.Consumer {
		c, err := r.js.Consumer(t.Context(), telemetry.OutStream, string(d.ID))
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if err := l.letGo(t.Context(), true); err != nil || consumer().CachedInfo().NumAckPending != 1 {
		t.Error("one that works was removed", err)
	}
	if err := r.broker.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.until("the broker is back", func() bool { _, err := r.js.Stream(t.Context(), telemetry.OutStream); return err == nil })
	r.open()
	r.start()
	r.until("it is delivered", func() bool { return r.state(d).Queued == 0 && asked.Load() == 2 })
}
