package widget

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/natsd/natstest"
	"longwave/ingest/telemetry"
	"longwave/tenants/id"
	"longwave/web/live"
)

const (
	north id.Tenant = "t-north"
	pump  id.Device = "d-pump"
	fan   id.Device = "d-fan"
)

// counted is a storage that knows one value and counts how often it is asked.
type counted struct {
	Reader
	asked atomic.Int32
}

func (c *counted) LatestOf(context.Context, []id.Device) (map[id.Device][]telemetry.Latest, error) {
	c.asked.Add(1)
	return map[id.Device][]telemetry.Latest{pump: {{Metric: "temp", Value: telemetry.Value{Name: "temp", Num: 1}, Time: 5}}}, nil
}

type bench struct {
	t      *testing.T
	js     jetstream.JetStream
	feeds  *Feeds
	stored *counted
	end    context.CancelFunc
}

func newBench(t *testing.T) *bench {
	t.Helper()
	_, _, js := natstest.Start(t)
	for _, lane := range telemetry.Lanes() {
		if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: telemetry.LaneStream(lane), Subjects: []string{telemetry.LaneFilter(lane)}}); err != nil {
			t.Fatal(err)
		}
	}
	log := slog.New(slog.DiscardHandler)
	hub, err := live.New(live.Options{JS: js, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, js: js, stored: &counted{}}
	ctx, end := context.WithCancel(context.Background())
	b.end = end
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := hub.Run(ctx); err != nil {
			t.Error(err)
		}
	}()
	if b.feeds, err = NewFeeds(FeedsOptions{Hub: hub, Readings: func(id.Tenant) Reader { return b.stored }, Log: log}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		end()
		<-ended
		b.feeds.Wait()
	})
	return b
}

func (b *bench) publish(d id.Device, metric string, value float64) {
	b.t.Helper()
	now := telemetry.At(time.Now())
	batch := telemetry.Batch{Device: d, Received: now, Packets: []telemetry.Packet{{ID: fmt.Sprint(metric, value), Time: now, Values: []telemetry.Value{{Name: metric, Num: value}}}}}
	if _, err := b.js.Publish(b.t.Context(), telemetry.LaneSubject(telemetry.Standard, north), telemetry.AppendBatch(nil, &batch)); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) join(i Interest) (*Listener, chan struct{}) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.t.Context(), 30*time.Second)
	defer cancel()
	wake := make(chan struct{}, 1)
	l, err := b.feeds.Join(ctx, north, i, wake)
	if err != nil {
		b.t.Fatal(err)
	}
	return l, wake
}

// heard waits for the next update of a listener.
func (b *bench) heard(l *Listener, wake <-chan struct{}) [][]byte {
	b.t.Helper()
	for {
		select {
		case <-wake:
		case <-time.After(30 * time.Second):
			b.t.Fatal("nothing was heard")
		}
		if updates, _ := l.Take(); len(updates) > 0 {
			return updates
		}
	}
}

// A thousand screens cost the server one subscription, one question and one encoding of each update: they are handed the
// very same bytes.
func TestAThousandListenersShareOneEncoding(t *testing.T) {
	b := newBench(t)
	const screens = 1000
	listeners, wakes := make([]*Listener, screens), make([]chan struct{}, screens)
	for i := range screens {
		listeners[i], wakes[i] = b.join(Interest{Devices: []id.Device{pump}, Metrics: []string{"temp"}})
	}
	b.publish(fan, "temp", 9)
	b.publish(pump, "humidity", 9)
	b.publish(pump, "temp", 21.5)
	first := b.heard(listeners[0], wakes[0])
	for i := range listeners[1:] {
		got := b.heard(listeners[i+1], wakes[i+1])
		if len(got) != 1 || &got[0][0] != &first[0][0] {
			t.Fatalf("listener %d got bytes of its own: %s", i+1, got)
		}
	}
	var points [][]any
	if err := json.Unmarshal(first[0], &points); err != nil || len(points) != 1 || points[0][0] != "d-pump" || points[0][3] != 21.5 {
		t.Errorf("the update is %s: %v", first[0], err)
	}
	if asked := b.stored.asked.Load(); asked != 1 || len(b.feeds.open) != 1 {
		t.Errorf("%d questions, %d feeds", asked, len(b.feeds.open))
	}
	for _, l := range listeners {
		l.Close()
	}
	if len(b.feeds.open) != 0 {
		t.Error("a feed outlives its listeners")
	}
}

// One that never takes what it is given gets a snapshot in the end, and nobody waits for it.
func TestASlowListenerGetsASnapshot(t *testing.T) {
	b := newBench(t)
	slow, _ := b.join(Interest{Devices: []id.Device{pump}})
	quick, wake := b.join(Interest{Devices: []id.Device{pump}})
	for i := range maxWaiting + 2 {
		b.publish(pump, "temp", float64(i))
		b.heard(quick, wake)
	}
	updates, snapshot := slow.Take()
	var got struct{ Points [][]any }
	if err := json.Unmarshal(snapshot, &got); err != nil || len(updates) != 0 || got.Points[len(got.Points)-1][3] != float64(maxWaiting+1) {
		t.Errorf("it gets %d updates and %s: %v", len(updates), snapshot, err)
	}
	slow.Close()
	quick.Close()
}

// Where only the newest counts, an update has one point of each series.
func TestNewestConflates(t *testing.T) {
	p := func(d id.Device, metric string, at telemetry.Micros, v float64) point {
		return point{device: d, value: telemetry.Value{Name: metric, Num: v}, at: at}
	}
	got := newest([]point{p(pump, "temp", 2, 20), p(fan, "temp", 1, 5), p(pump, "temp", 3, 30), p(pump, "temp", 1, 10)})
	if len(got) != 2 || got[0].device != fan || got[1].value.Num != 30 {
		t.Errorf("newest is %+v", got)
	}
}

func TestNobodyAndTheEnd(t *testing.T) {
	b := newBench(t)
	if _, err := b.feeds.Join(t.Context(), north, Interest{}, nil); !errors.Is(err, ErrNobody) {
		t.Errorf("an interest in nobody: %v", err)
	}
	l, _ := b.join(Interest{Devices: []id.Device{pump}})
	b.end()
	b.feeds.Wait() // a feed ends with the hub, whoever still listens
	l.Close()
}
