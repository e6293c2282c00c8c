package forward

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// TestPacketReachesWebhookOnce forwards packets of every lane, each published twice, as after a crash.
func TestPacketReachesWebhookOnce(t *testing.T) {
	r := newRig(t)
	hook := newReceiver(t, nil)
	d := r.add("ops", hook.URL)
	for i, lane := range telemetry.Lanes() {
		for range 2 {
			r.publish(lane, names(10*i, 10*i+10), d)
		}
	}
	r.start()
	r.until("every packet came", func() bool { return hook.count() == 30 })
	r.until("nothing is queued", func() bool { return r.state(d).Queued == 0 })
	for packet, times := range hook.seen {
		if times != 1 {
			t.Errorf("%s came %d times", packet, times)
		}
	}
	var m Message
	if err := json.Unmarshal([]byte(hook.bodies[0]), &m); err != nil || m.ID != hook.heads[0].Get("Webhook-Id") || m.Type != TypePacket || m.Text != "pump-7: temp 21.5, state idle" {
		t.Errorf("%+v, %v", m, err)
	}
	if !strings.Contains(string(m.Data), `"name":"pump-7"`) || !strings.Contains(string(m.Data), `"temp":21.5`) || !strings.HasPrefix(hook.heads[0].Get("Webhook-Signature"), "v1,") {
		t.Errorf("%s", m.Data)
	}
	r.until("the attempt is kept", func() bool { return r.state(d).Success != nil })
	if s := r.state(d); s.Condition != Well || s.Success.Status != 200 || s.Failure != nil {
		t.Errorf("%+v", s)
	}
	if lags, err := r.Lag(t.Context()); err != nil || len(lags) != 3 {
		t.Errorf("%+v, %v", lags, err)
	}
}

// TestNobodyWaitsForAnother has one destination that hangs, one that answers 500, one that is slow, one that nobody
// listens at, and one that is well: that one gets everything at once, and the lanes are settled.
func TestNobodyWaitsForAnother(t *testing.T) {
	r := newRig(t)
	hanging := newReceiver(t, func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() })
	failing := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	slow := newReceiver(t, func(_ http.ResponseWriter, req *http.Request) {
		select {
		case <-time.After(300 * time.Millisecond):
		case <-req.Context().Done():
		}
	})
	good := newReceiver(t, nil)
	well := r.add("well", good.URL)
	all := []Destination{r.add("hanging", hanging.URL), r.add("failing", failing.URL), r.add("slow", slow.URL), r.add("dead", "http://127.0.0.1:1/"), well}
	r.start()
	begun := time.Now()
	r.publish(telemetry.Standard, names(0, 200), all...)
	r.until("the one that is well has everything", func() bool { return good.count() == 200 })
	r.until("the lane is settled", func() bool {
		lags, err := r.Lag(t.Context())
		return err == nil && len(lags) == 3 && lags[1].Messages == 0
	})
	t.Logf("200 packets to the one that is well, beside four that are not: %s", good.last.Sub(begun))
	r.until("the dead one's circuit is open", func() bool { return r.state(all[3]).Condition == Broken })
	r.until("the failing one's circuit is open", func() bool { return r.state(all[1]).Condition == Broken })
	if s := r.state(all[3]); s.Failure.Cause != "connection_refused" || s.Queued != 200 || s.Oldest.IsZero() {
		t.Errorf("%+v", s)
	}
	if s := r.state(all[1]); s.Failure.Cause != "answer_500" || s.Failure.Next == nil {
		t.Errorf("%+v, %+v", s, s.Failure)
	}
}

// TestFailureIsTriedAgain answers 503 first.
func TestFailureIsTriedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var asked atomic.Int32
	hook := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
		if asked.Add(1) == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	d := r.add("ops", hook.URL)
	r.start()
	if err := r.Send(t.Context(), r.tenant, d.ID, Message{ID: "msg_1", Type: "alert", At: time.Now(), Title: "Pump", Text: "too hot"}); err != nil {
		t.Fatal(err)
	}
	r.until("it is delivered", func() bool { return r.state(d).Queued == 0 && r.state(d).Success != nil })
	if asked.Load() != 2 || hook.heads[0].Get("Webhook-Id") != "msg_1" || hook.heads[1].Get("Webhook-Id") != "msg_1" {
		t.Errorf("asked %d times", asked.Load())
	}
	list, err := r.Attempts(t.Context(), r.tenant, d.ID, 10)
	if err != nil || len(list) != 2 || list[0].Outcome != Delivered || list[0].Tries != 2 || list[1].Outcome != Failed || list[1].Status != 503 {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestWorkList refuses for good, then mends the cause and sends again what was given up.
func TestWorkList(t *testing.T) {
	r := newRig(t)
	var mended atomic.Bool
	hook := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
		if !mended.Load() {
			w.WriteHeader(http.StatusNotFound)
		}
	})
	d := r.add("ops", hook.URL)
	r.start()
	r.publish(telemetry.Critical, names(0, 4), d)
	r.until("all are given up", func() bool { return r.state(d).Undelivered == 4 && r.state(d).Queued == 0 })
	groups, err := r.Undelivered(t.Context(), r.tenant, d.ID)
	if err != nil || len(groups) != 1 || groups[0].Cause != "answer_404" || groups[0].Count != 4 || len(groups[0].Samples) != samplesShown || groups[0].Samples[0].Message.ID == "" {
		t.Fatalf("%+v, %v", groups, err)
	}
	if s := r.state(d); s.Condition != Failing || s.Failure.Outcome != Undelivered {
		t.Errorf("%+v", s)
	}
	mended.Store(true)
	if done, err := r.Redrive(t.Context(), r.tenant, d.ID, "timeout"); err != nil || done.Moved != 0 {
		t.Errorf("another cause: %+v, %v", done, err)
	}
	if done, err := r.Redrive(t.Context(), r.tenant, d.ID, "answer_404"); err != nil || done != (Redriven{Moved: 4}) {
		t.Errorf("%+v, %v", done, err)
	}
	r.until("all are delivered", func() bool { s := r.state(d); return s.Undelivered == 0 && s.Queued == 0 && s.Condition == Well })
	if hook.count() != 4 {
		t.Errorf("%d packets came", hook.count())
	}
}

// TestGivesUpAfterADay looks a day later at what nobody took.
func TestGivesUpAfterADay(t *testing.T) {
	r := newRig(t, func(r *rig) { r.ahead = giveUpAfter + time.Minute })
	hook := newReceiver(t, nil)
	d := r.add("ops", hook.URL)
	r.start()
	r.publish(telemetry.Bulk, names(0, 3), d)
	r.until("all are given up", func() bool { return r.state(d).Undelivered == 3 && r.state(d).Queued == 0 })
	if groups, err := r.Undelivered(t.Context(), r.tenant, d.ID); err != nil || groups[0].Cause != causeExpired || hook.count() != 0 {
		t.Errorf("%+v, %v", groups, err)
	}
}

// TestFullQueueDiscardsWhatIsNew fills a queue that nobody empties.
func TestFullQueueDiscardsWhatIsNew(t *testing.T) {
	r := newRig(t)
	r.limit(telemetry.OutStream, func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 5 })
	own := r.addTo(r.tenant, Destination{Own: true}, "own", "")
	r.start()
	r.publish(telemetry.Standard, names(0, 8), own)
	r.until("what does not fit is counted", func() bool { s := r.state(own); return s.Discard != nil && s.Discard.Count == 3 })
	if s := r.state(own); s.Queued != 5 || s.Discard.Cause != "queue_full" {
		t.Errorf("%+v", s)
	}
	if err := r.Send(t.Context(), r.tenant, own.ID, Message{ID: "x"}); !errors.Is(err, ErrFull) {
		t.Error(err)
	}
}

// TestNobodyTakesTheOthersPlace fills OUT by one tenant, and sees that another one still has room.
func TestNobodyTakesTheOthersPlace(t *testing.T) {
	r := newRig(t)
	r.limit(telemetry.OutStream, func(c *jetstream.StreamConfig) { c.MaxBytes = 64 << 10 })
	greedy := r.addTo(r.tenant, Destination{Own: true}, "greedy", "")
	modest := r.addTo(id.New[id.Tenant](), Destination{Own: true}, "modest", "")
	full := false
	for i := 0; i < 1000 && !full; i++ {
		err := r.Send(t.Context(), greedy.Tenant, greedy.ID, Message{ID: fmt.Sprint(i), Text: strings.Repeat("x", 500)})
		full = errors.Is(err, ErrFull)
		if err != nil && !full {
			t.Fatal(err)
		}
		r.ahead += shareKnown // so that each look is a new one
	}
	if !full || r.state(greedy).Queued > 100 {
		t.Errorf("full: %v, queued %d", full, r.state(greedy).Queued)
	}
	if err := r.Send(t.Context(), modest.Tenant, modest.ID, Message{ID: "a"}); err != nil {
		t.Errorf("the other tenant: %v", err)
	}
}

// TestOwnConsumersRead binds to the consumer that is there for the tenant.
func TestOwnConsumersRead(t *testing.T) {
	r := newRig(t)
	own := r.addTo(r.tenant, Destination{Own: true}, "line-4", "")
	r.start()
	r.publish(telemetry.Standard, names(0, 3), own)
	r.until("they wait", func() bool { return r.state(own).Queued == 3 })
	if answer, err := r.Test(t.Context(), r.tenant, own.ID, "Ada"); err != nil || !strings.Contains(answer.Body, "out."+string(r.tenant)+".line-4") {
		t.Errorf("%+v, %v", answer, err)
	}
	var consumer jetstream.Consumer
	r.until("there is a consumer", func() (ok bool) {
		var err error
		consumer, err = r.js.Consumer(t.Context(), telemetry.OutStream, string(own.ID))
		return err == nil
	})
	batch, err := consumer.Fetch(4, jetstream.FetchMaxWait(patience))
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for m := range batch.Messages() {
		if m.Subject() != "out."+string(r.tenant)+".line-4" || m.DoubleAck(t.Context()) != nil {
			t.Errorf("%s", m.Subject())
		}
		read++
	}
	if read != 4 || r.state(own).Queued != 0 {
		t.Errorf("%d were read, %d wait", read, r.state(own).Queued)
	}
}

func TestTestAndResend(t *testing.T) {
	r := newRig(t)
	hook := newReceiver(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTeapot)
		_, _ = w.Write([]byte("short and stout"))
	})
	d := r.add("ops", hook.URL)
	foreign := r.addTo(id.New[id.Tenant](), Destination{}, "ops", hook.URL)
	answer, err := r.Test(t.Context(), r.tenant, d.ID, "Ada")
	if err == nil || answer.Status != http.StatusTeapot || answer.Body != "short and stout" {
		t.Errorf("%+v, %v", answer, err)
	}
	r.until("the test is kept", func() bool { return r.state(d).Failure != nil })
	if s := r.state(d); s.Undelivered != 0 {
		t.Error("a test is on the work list")
	}
	kept, err := r.Attempts(t.Context(), r.tenant, d.ID, 10)
	if err != nil || len(kept) != 1 {
		t.Fatalf("%+v, %v", kept, err)
	}
	for _, where := range []struct {
		t id.Tenant
		d id.Destination
	}{{foreign.Tenant, foreign.ID}, {foreign.Tenant, d.ID}, {r.tenant, foreign.ID}, {r.tenant, id.New[id.Destination]()}} {
		if err := r.Resend(t.Context(), where.t, where.d, kept[0].Place); !errors.Is(err, ErrUnknown) {
			t.Errorf("%v: %v", where, err)
		}
	}
	if err := r.Resend(t.Context(), r.tenant, d.ID, kept[0].Place+100); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
	if err := r.Resend(t.Context(), r.tenant, d.ID, kept[0].Place); err != nil || r.state(d).Queued != 1 {
		t.Error(err)
	}
}

// TestDeletedAndDisabled leaves nothing of a destination that is gone, and queues nothing for one that is switched off.
func TestDeletedAndDisabled(t *testing.T) {
	r := newRig(t)
	d := r.addTo(r.tenant, Destination{Own: true}, "own", "")
	off := r.addTo(r.tenant, Destination{Disabled: true}, "off", "")
	good := newReceiver(t, nil)
	on := r.add("on", good.URL)
	r.start()
	r.publish(telemetry.Standard, names(0, 3), d, off, on)
	r.until("they wait", func() bool { return r.state(d).Queued == 3 && good.count() == 3 })
	if s := r.state(off); s.Queued != 0 || s.Condition != Disabled {
		t.Errorf("%+v", s)
	}
	if err := r.Send(t.Context(), r.tenant, off.ID, Message{ID: "x"}); !errors.Is(err, ErrDisabled) {
		t.Error(err)
	}
	r.dir.edit(func() { r.dir.list = r.dir.list[1:] })
	r.until("nothing is left", func() bool {
		counts, err := r.counts(t.Context(), telemetry.OutStream, telemetry.OutTenantFilter(r.tenant))
		_, err2 := r.js.Consumer(t.Context(), telemetry.OutStream, string(d.ID))
		return err == nil && len(counts) == 0 && errors.Is(err2, jetstream.ErrConsumerNotFound)
	})
	if err := r.Send(t.Context(), r.tenant, d.ID, Message{ID: "x"}); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
}
