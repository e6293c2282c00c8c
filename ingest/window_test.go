package ingest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"longwave/ingest/telemetry"
)

func TestRepetitions(t *testing.T) {
	cases := map[string]struct {
		body, again, key string
	}{
		"same id":            {body: `{"id":"p","values":{"a":1}}`},
		"same time":          {body: `{"ts":"` + time.Now().UTC().Format(time.RFC3339) + `","values":{"a":1,"b":2}}`},
		"idempotency key":    {body: `[{"a":1},{"a":1}]`, key: "k-1"},
		"twice in a request": {body: `[{"id":"p","values":{"a":1}},{"id":"p","values":{"a":1}}]`},
		"other order":        {body: `{"id":"p","values":{"a":1,"b":2}}`, again: `{"values":{"b":2,"a":1},"id":"p"}`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			b := open(t, t.TempDir(), nil)
			if c.again == "" {
				c.again = c.body
			}
			first, err := b.Accept(t.Context(), pump, Request{Body: []byte(c.body), IdempotencyKey: c.key})
			if err != nil {
				t.Fatal(err)
			}
			second, err := b.Accept(t.Context(), pump, Request{Body: []byte(c.again), IdempotencyKey: c.key})
			if err != nil {
				t.Fatal(err)
			}
			if second.Duplicates != second.Accepted || second.Accepted != first.Accepted ||
				fmt.Sprint(first.PacketIDs) != fmt.Sprint(second.PacketIDs) {
				t.Errorf("first %+v, second %+v", first, second)
			}
			for packet, times := range b.inLane(telemetry.Standard) {
				if times != 1 {
					t.Errorf("%s is there %d times", packet, times)
				}
			}
		})
	}
}

func TestSameIDOfOthersIsNoRepetition(t *testing.T) {
	b := open(t, t.TempDir(), nil)
	for _, p := range []Principal{pump, {Tenant: "t-other", Device: "d-pump"}, {Tenant: "t-acme", Device: "d-other"}} {
		r, err := b.Accept(t.Context(), p, Request{Body: []byte(`{"id":"p","values":{"a":1}}`)})
		if err != nil || r.Duplicates != 0 {
			t.Errorf("%+v: %+v, %v", p, r, err)
		}
	}
	if got := b.inLane(telemetry.Standard); len(got) != 3 {
		t.Errorf("the lane holds %v", got)
	}
}

func TestIDReused(t *testing.T) {
	b := open(t, t.TempDir(), nil)
	b.mustPost(`{"id":"p","values":{"a":1}}`)
	r := b.mustPost(`[{"id":"q","values":{"a":1}},{"id":"p","values":{"a":2}},{"id":"q","values":{"a":3}}]`)
	if r.Accepted != 1 || len(r.Rejected) != 2 || r.Rejected[0].Index != 1 || r.Rejected[1].Index != 2 || r.Rejected[1].Code != "id_reused" {
		t.Errorf("receipt %+v", r)
	}
	_, err := b.post(`{"id":"p","values":{"a":2}}`)
	var refused *RefusedError
	if !errors.Is(err, ErrNothingAccepted) || !errors.As(err, &refused) || refused.Rejected[0].Code != "id_reused" {
		t.Errorf("got %v", err)
	}
}

func TestWindowSurvivesReopening(t *testing.T) {
	dir := t.TempDir()
	b := open(t, dir, nil)
	b.mustPost(`[{"id":"p","values":{"a":1.5,"s":"x","ok":true}},{"id":"s","kind":"status","values":{"a":-1}}]`)
	for range 2 {
		if err := b.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		b.reopen(nil)
		r := b.mustPost(`[{"id":"s","kind":"status","values":{"a":-1}},{"id":"p","values":{"s":"x","ok":true,"a":1.5}}]`)
		if r.Duplicates != 2 {
			t.Errorf("after reopening: %+v", r)
		}
	}
}

func TestConcurrentRepetitionsShareOneFate(t *testing.T) {
	b := open(t, t.TempDir(), nil)
	var fresh atomic.Int32
	var wg sync.WaitGroup
	for n := range 32 {
		wg.Go(func() { // half of them the other way round: two requests hold each other's packets
			body := `[{"id":"p","values":{"a":1}},{"id":"s","kind":"status","values":{"b":1}}]`
			if n%2 == 1 {
				body = `[{"id":"s","kind":"status","values":{"b":1}},{"id":"p","values":{"a":1}}]`
			}
			r, err := b.post(body)
			if err != nil || r.Accepted != 2 {
				t.Errorf("%+v, %v", r, err)
			}
			fresh.Add(int32(r.Accepted - r.Duplicates))
		})
	}
	wg.Wait()
	if fresh.Load() != 2 || b.inLane(telemetry.Standard)["t-acme/d-pump/p"] != 1 || b.inLane(telemetry.Critical)["t-acme/d-pump/s"] != 1 {
		t.Errorf("%d were called fresh; lanes %v, %v", fresh.Load(), b.inLane(telemetry.Standard), b.inLane(telemetry.Critical))
	}
}

func TestWindowForgetsWholeGenerations(t *testing.T) {
	now := time.Now()
	w := newWindow(now)
	keys := w.keys("t-acme", "d-pump")
	has := func(packet string) bool {
		v, _ := w.claim(&item{key: keys.of(packet), packet: &telemetry.Packet{}}, &items{})
		delete(w.pending, keys.of(packet))
		return v == stored
	}
	w.remember(keys.of("old"), 0, now)
	w.remember(keys.of("young"), 0, now.Add(windowAge))
	if !has("old") || !has("young") || has("other") {
		t.Error("a packet of the last ten minutes is not known, or one that never was is")
	}
	w.remember(keys.of("youngest"), 0, now.Add(2*windowAge))
	if has("old") || !has("young") || !has("youngest") {
		t.Error("generations do not follow each other")
	}
	if got := w.size().Reaches; got != 0 {
		t.Errorf("the window reaches back %s although no generation was full before its time", got)
	}
	for n := range windowEntries + 1 {
		w.remember(claimKey{uint64(n) * 0x9e3779b97f4a7c15, 1}, 0, now.Add(2*windowAge+time.Minute))
	}
	if got := w.size().Reaches; got != time.Minute {
		t.Errorf("the window reaches back %s, want one minute", got)
	}
	if got := w.size(); got.Entries > windowEntries+2 || got.Bytes > 2*windowEntries*slotBytes*4/3 {
		t.Errorf("%d entries in %d bytes, bounded to two generations of %d", got.Entries, got.Bytes, windowEntries)
	}
}

func TestTableRemembersEverything(t *testing.T) {
	const n = 100_000
	got := newTable(leastSlots)
	keys := newWindow(time.Now()).keys("t-acme", "d-pump")
	for i := range n {
		got.put(keys.of(fmt.Sprint(i)), uint64(i))
		got.put(keys.of(fmt.Sprint(i)), uint64(i)+1)
	}
	for i := range n {
		if content, ok := got.get(keys.of(fmt.Sprint(i))); !ok || content != uint64(i)+1 {
			t.Fatalf("packet %d: %d, %v", i, content, ok)
		}
		if _, ok := got.get(keys.of(fmt.Sprint(-1 - i))); ok {
			t.Fatalf("packet %d was never put in", -1-i)
		}
	}
	if got.used != n || len(got.slots) != roomFor(n) {
		t.Errorf("%d used of %d", got.used, len(got.slots))
	}
}
