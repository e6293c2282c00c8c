package live

import (
	"context"
	"errors"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

const (
	north id.Tenant = "t-north"
	south id.Tenant = "t-south"
	pump  id.Device = "d-pump" // both tenants have a device of this name: nothing but the tenant tells them apart
	valve id.Device = "d-valve"
)

// reader is a browser that comes and goes: it takes what is there, leaves at random, and resumes.
type reader struct {
	bench  *bench
	tenant id.Tenant
	filter Filter
	wake   chan struct{}
	random *rand.Rand
	sub    *Subscription
	cursor Cursor
	seen   map[string][]string // lane and device → packet ids in the order they came
	count  int
}

func newReader(b *bench, t id.Tenant, d id.Device, seed uint64) *reader {
	wake := make(chan struct{}, 1)
	return &reader{
		bench: b, tenant: t, filter: Filter{Device: d, Wake: wake}, wake: wake,
		random: rand.New(rand.NewPCG(seed, seed)), seen: make(map[string][]string),
	}
}

// join subscribes behind what was seen. Only the first time may need a snapshot.
func (r *reader) join(ctx context.Context) bool {
	sub, err := r.bench.hub.Subscribe(ctx, r.tenant, r.filter, r.cursor)
	if err != nil {
		r.bench.t.Error(err)
		return false
	}
	if r.cursor != (Cursor{}) && !sub.Resumed {
		r.bench.t.Errorf("cursor %s was not resumed", r.cursor)
		sub.Close()
		return false
	}
	r.note(sub.Backlog)
	r.sub, r.cursor = sub, sub.Cursor
	return true
}

func (r *reader) note(updates []*Update) {
	for _, u := range updates {
		key := u.Lane.String() + " " + string(u.Batch.Device)
		for i := range u.Batch.Packets {
			r.seen[key] = append(r.seen[key], u.Batch.Packets[i].ID)
			r.count++
		}
	}
}

// read goes on until it has seen as many packets as wanted.
func (r *reader) read(ctx context.Context, wanted int) {
	for r.count < wanted && ctx.Err() == nil {
		if r.sub == nil && !r.join(ctx) {
			return
		}
		d := r.sub.Take()
		if d.Skipped > 0 {
			r.bench.t.Errorf("skipped %d", d.Skipped)
			return
		}
		if !d.Empty() {
			r.note(d.Updates)
			r.cursor = d.Cursor
		} else if r.count < wanted {
			select {
			case <-r.wake:
			case <-ctx.Done():
				r.bench.t.Errorf("saw %d of %d packets", r.count, wanted)
			}
		}
		if r.random.IntN(4) == 0 {
			r.sub.Close()
			r.sub = nil
		}
	}
	if r.sub != nil {
		r.sub.Close()
	}
}

// publishAll writes the same numbers of packets for each tenant, lane and device, all at the same time.
func publishAll(b *bench, each int) {
	var writers sync.WaitGroup
	for _, t := range []id.Tenant{north, south} {
		for _, lane := range telemetry.Lanes() {
			for _, d := range []id.Device{pump, valve} {
				writers.Go(func() {
					for n := range each {
						one := batch(d, n)
						one.Packets[0].ID = string(t) + " " + one.Packets[0].ID
						b.publish(lane, t, one)
					}
				})
			}
		}
	}
	writers.Wait()
}

// What a reader saw, put together over all of its connections, is what the streams hold: each packet of its tenant and
// device once, in the order of its lane, although it left and came back at random while packets were published and the
// server lost consumers.
func TestReaderSeesEveryPacketOnceInOrder(t *testing.T) {
	b := newBench(t, Options{})
	const each = 300
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	var readers sync.WaitGroup
	var all []*reader
	for i := range uint64(6) {
		r := newReader(b, []id.Tenant{north, south}[i%2], []id.Device{"", pump, valve}[i/2], i)
		all = append(all, r)
		wanted := each * len(telemetry.Lanes())
		if r.filter.Device == "" {
			wanted *= 2
		}
		readers.Go(func() { r.read(ctx, wanted) })
	}
	var faults sync.WaitGroup
	published := make(chan struct{})
	faults.Go(func() { loseConsumers(b, published) })
	publishAll(b, each)
	close(published)
	faults.Wait()
	readers.Wait()
	for _, r := range all {
		if diff := cmp.Diff(expected(r, each), r.seen); diff != "" {
			t.Errorf("tenant %s, device %q (-stream +seen):\n%s", r.tenant, r.filter.Device, diff)
		}
	}
}

func expected(r *reader, each int) map[string][]string {
	want := make(map[string][]string)
	for _, lane := range telemetry.Lanes() {
		for _, d := range []id.Device{pump, valve} {
			if r.filter.Device != "" && r.filter.Device != d {
				continue
			}
			key := lane.String() + " " + string(d)
			for n := range each {
				want[key] = append(want[key], string(r.tenant)+" "+strconv.Itoa(n))
			}
		}
	}
	return want
}

// loseConsumers deletes every consumer of the lanes again and again, as a broker that has lost them would.
func loseConsumers(b *bench, done <-chan struct{}) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-done:
			return
		case <-tick.C:
		}
		for _, lane := range telemetry.Lanes() {
			stream, err := b.js.Stream(b.t.Context(), telemetry.LaneStream(lane))
			if err != nil {
				b.t.Error(err)
				return
			}
			for name := range stream.ConsumerNames(b.t.Context()).Name() {
				if err := stream.DeleteConsumer(b.t.Context(), name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
					b.t.Error(err)
				}
			}
		}
	}
}

// The first subscriber of a tenant finds the last minute.
func TestFirstSubscriptionIsWarm(t *testing.T) {
	b := newBench(t, Options{})
	for n := range 50 {
		b.publish(telemetry.Standard, north, batch(pump, n))
	}
	b.publish(telemetry.Standard, south, batch(pump, 999))
	s := b.subscribe(north, Filter{Device: pump}, Cursor{})
	if s.Resumed || len(s.Backlog) != 50 || s.Cursor.seq != 50 {
		t.Fatalf("resumed %t, %d in the ring, cursor %s; want a fresh start with all 50", s.Resumed, len(s.Backlog), s.Cursor)
	}
	if d := s.Take(); !d.Empty() {
		t.Errorf("what was replayed came again: %v", ids(d.Updates))
	}
}

func TestCursorThatCannotBeResumed(t *testing.T) {
	b := newBench(t, Options{RingBytes: 20 * newUpdateSize()})
	s := b.subscribe(north, Filter{}, Cursor{})
	early := s.Cursor
	for n := range 60 {
		b.publish(telemetry.Bulk, north, batch(pump, n))
	}
	eventually(t, "60 packets seen", func() bool { d := s.Take(); return d.Cursor.seq == 60 })
	recent := Cursor{s.Cursor.epoch, 50}
	for name, from := range map[string]Cursor{
		"too old":        early,
		"of another hub": ParseCursor("ELSEWHERE.7"),
		"of the future":  {s.Cursor.epoch, 61},
		"garbage":        ParseCursor("drop table"),
		"none":           {},
	} {
		if got := b.subscribe(north, Filter{}, from); got.Resumed || len(got.Backlog) == 0 {
			t.Errorf("%s: resumed %t with %d updates; want a fresh start with what the ring has", name, got.Resumed, len(got.Backlog))
		}
	}
	got := b.subscribe(north, Filter{}, ParseCursor(recent.String()))
	want := []string{"50", "51", "52", "53", "54", "55", "56", "57", "58", "59"}
	if diff := cmp.Diff(want, ids(got.Backlog)); !got.Resumed || diff != "" {
		t.Errorf("resumed %t (-want +got):\n%s", got.Resumed, diff)
	}
}

// newUpdateSize is what one of the updates of these tests costs.
func newUpdateSize() int {
	one := batch(pump, 10)
	return newUpdate(telemetry.Bulk, &one).size
}
