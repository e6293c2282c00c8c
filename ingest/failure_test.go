package ingest

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
)

func TestFullLaneRefusesAndKeepsWhatItHas(t *testing.T) {
	b := open(t, t.TempDir(), func(o *Options) { o.LaneBytes = 64 << 10 })
	acknowledged := 0
	for {
		_, err := b.post(fmt.Sprintf(`{"id":"p%d","values":{"text":"%s"}}`, acknowledged, strings.Repeat("x", 4000)))
		var refused *UnavailableError
		if errors.As(err, &refused) {
			if !errors.Is(err, ErrFull) || errors.Is(err, ErrUnavailable) || refused.RetryAfter <= 0 {
				t.Fatalf("got %v", err)
			}
			break
		}
		if err != nil || acknowledged > 100 {
			t.Fatal(acknowledged, err)
		}
		acknowledged++
	}
	if got := b.inLane(telemetry.Standard); len(got) != acknowledged || acknowledged == 0 {
		t.Errorf("%d acknowledged, the lane holds %d", acknowledged, len(got))
	}
	b.mustPost(`{"kind":"status","values":{"state":"alarm"}}`) // another lane has its own room
	if err := b.purge(telemetry.Standard); err != nil {
		t.Fatal(err)
	}
	if r := b.mustPost(fmt.Sprintf(`{"id":"p%d","values":{"text":"again"}}`, acknowledged)); r.Duplicates != 0 {
		t.Errorf("the packet that was refused counts as a repetition: %+v", r)
	}
}

func TestLostAcknowledgementStoresOnce(t *testing.T) {
	b := open(t, t.TempDir(), nil)
	b.acks(telemetry.Standard, false)
	impatient, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	body := []byte(`{"id":"p","values":{"a":1}}`)
	if _, err := b.Accept(impatient, pump, Request{Body: body}); !errors.Is(err, ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	b.acks(telemetry.Standard, true)
	r := b.mustPost(string(body)) // waits for the outcome of the first
	if r.Accepted != 1 || r.Duplicates != 1 {
		t.Errorf("receipt %+v", r)
	}
	if got := b.inLane(telemetry.Standard); got["t-acme/d-pump/p"] != 1 || len(got) != 1 {
		t.Errorf("the lane holds %v", got)
	}
}

func TestASilentStreamIsTold(t *testing.T) {
	told := make(chan struct{}, 1)
	b := open(t, t.TempDir(), func(o *Options) {
		o.Silent = func() {
			select {
			case told <- struct{}{}:
			default:
			}
		}
	})
	b.mustPost(`{"id":"p","values":{"a":1}}`)
	b.acks(telemetry.Standard, false)
	if _, err := b.post(`{"id":"q","values":{"a":1}}`); !errors.Is(err, ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	select {
	case <-told:
	case <-time.After(30 * time.Second):
		t.Fatal("nobody was told")
	}
	b.acks(telemetry.Standard, true)
	b.mustPost(`{"id":"q","values":{"a":1}}`)
}

func TestMissingStreamIsUnavailable(t *testing.T) {
	b := open(t, t.TempDir(), nil)
	if err := b.js.DeleteStream(t.Context(), telemetry.LaneStream(telemetry.Standard)); err != nil {
		t.Fatal(err)
	}
	_, err := b.post(`{"id":"p","values":{"a":1}}`)
	var refused *UnavailableError
	if !errors.Is(err, ErrUnavailable) || !errors.As(err, &refused) || refused.RetryAfter <= 0 {
		t.Fatalf("got %v", err)
	}
	if err := ensureStreams(t.Context(), b.o); err != nil {
		t.Fatal(err)
	}
	if r := b.mustPost(`{"id":"p","values":{"a":1}}`); r.Duplicates != 0 {
		t.Errorf("receipt %+v", r)
	}
}

func TestBrokerRestartUnderLoad(t *testing.T) {
	dir := t.TempDir()
	broker := listen(t, dir, -1)
	port := broker.Addr().(*net.TCPAddr).Port
	nc, err := nats.Connect(broker.ClientURL(), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond), nats.ReconnectBufSize(-1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, conn: nc, js: js}
	b.reopen(nil)

	var restarted, accepted, refused atomic.Int64
	var acknowledged sync.Map
	var wg sync.WaitGroup
	for s := range 8 {
		wg.Go(func() {
			for n := 0; restarted.Load() == 0 || n%20 != 0; {
				packet := fmt.Sprintf("%d-%d", s, n)
				_, err := b.post(fmt.Sprintf(`{"id":"%s","values":{"a":%d}}`, packet, n))
				switch {
				case err == nil:
					acknowledged.Store("t-acme/d-pump/"+packet, true)
					accepted.Add(1)
					n++
				case errors.Is(err, ErrUnavailable):
					refused.Add(1) // and the same packet goes again
				default:
					t.Errorf("%s: %v", packet, err)
					return
				}
			}
		})
	}
	waitFor(t, func() bool { return accepted.Load() > 200 })
	broker.Shutdown()
	broker.WaitForShutdown()
	waitFor(t, func() bool { return refused.Load() > 0 })
	listen(t, dir, port)
	before := accepted.Load()
	waitFor(t, func() bool { return accepted.Load() > before+200 })
	restarted.Store(1)
	wg.Wait()
	b.checkOnce(&acknowledged)
}

func TestCloseFinishesWhatIsInside(t *testing.T) {
	b := open(t, t.TempDir(), nil)
	b.acks(telemetry.Standard, false)
	answer := make(chan error, 1)
	go func() {
		_, err := b.post(`{"id":"p","values":{"a":1}}`)
		answer <- err
	}()
	waitFor(t, func() bool { return b.publishers.waitingBytes() > 0 })
	closed := make(chan error, 1)
	go func() { closed <- b.Close(context.Background()) }()
	waitFor(t, func() bool { b.mu.Lock(); defer b.mu.Unlock(); return b.closed })
	if _, err := b.post(`{"a":1}`); !errors.Is(err, ErrUnavailable) {
		t.Errorf("a request after closing got %v", err)
	}
	b.acks(telemetry.Standard, true)
	if err := <-answer; err != nil {
		t.Errorf("the request inside got %v", err)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	if got := b.inLane(telemetry.Standard); got["t-acme/d-pump/p"] != 1 {
		t.Errorf("the lane holds %v", got)
	}
}

func TestCloseGivesUpWithItsContext(t *testing.T) {
	b := open(t, t.TempDir(), nil)
	b.acks(telemetry.Standard, false)
	answer := make(chan error, 1)
	go func() {
		_, err := b.post(`{"id":"p","values":{"a":1}}`)
		answer <- err
	}()
	waitFor(t, func() bool { return b.publishers.waitingBytes() > 0 })
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if err := b.Close(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("close: %v", err)
	}
	if err := <-answer; !errors.Is(err, ErrUnavailable) {
		t.Errorf("the request inside got %v", err)
	}
}

func TestALongLineIsRefusedAtOnce(t *testing.T) {
	b := open(t, t.TempDir(), nil)
	b.acks(telemetry.Standard, false)
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	members := make([]string, 60)
	for i := range members {
		members[i] = fmt.Sprintf(`"v%d":"%s"`, i, strings.Repeat("x", 4000))
	}
	body := []byte("{" + strings.Join(members, ",") + "}") // a quarter of a megabyte
	var atOnce, waited atomic.Int32
	var wg sync.WaitGroup
	for range 2 * waitingPerLane / len(body) {
		wg.Go(func() {
			_, err := b.Accept(ctx, pump, Request{Body: body})
			var refused *UnavailableError
			if !errors.As(err, &refused) {
				t.Errorf("got %v", err)
			} else if refused.RetryAfter == retrySoon {
				atOnce.Add(1)
			} else {
				waited.Add(1)
			}
		})
	}
	waitFor(t, func() bool { return atOnce.Load() > 0 })
	if got := b.publishers.waitingBytes(); got > waitingPerLane {
		t.Errorf("%d bytes wait", got)
	}
	wg.Wait()
	b.acks(telemetry.Standard, true)
	waitFor(t, func() bool { return b.publishers.waitingBytes() == 0 })
	if got := b.inLane(telemetry.Standard); len(got) != int(waited.Load()) {
		t.Errorf("the lane holds %d packets, %d had waited", len(got), waited.Load())
	}
}
