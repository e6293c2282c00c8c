package ingest

import (
	"testing"
	"time"

	"longwave/ingest/telemetry"
)

// noMonotonic is a time as a machine without a monotonic clock would have it: the worst case of a jump.
var noMonotonic = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func TestLimitsGoOnWhenTheClockJumps(t *testing.T) {
	for name, jump := range map[string]time.Duration{"forwards": 3 * 24 * time.Hour, "backwards": -3 * 24 * time.Hour, "a little": -time.Minute} {
		b := newBuckets[string](100)
		full := int(b.burst)
		if wait, _ := b.take("d", full, noMonotonic); wait != 0 {
			t.Fatal("a fresh bucket is not full")
		}
		now := noMonotonic.Add(jump)
		if wait, _ := b.take("d", 1, now); wait > time.Second {
			t.Errorf("%s: one packet has to wait %s", name, wait)
		}
		if wait, _ := b.take("d", 100, now.Add(2*time.Second)); wait != 0 {
			t.Errorf("%s: two seconds later 100 packets have to wait %s", name, wait)
		}
		if wait, _ := b.take("d", full, now.Add(3*time.Second)); wait == 0 && jump < 0 {
			t.Errorf("%s: more than the limit is let through", name)
		}
	}
}

func TestRepetitionsAreKnownWhenTheClockJumps(t *testing.T) {
	for name, jump := range map[string]time.Duration{"forwards": 3 * 24 * time.Hour, "backwards": -3 * 24 * time.Hour} {
		w := newWindow(noMonotonic)
		keys := w.keys("t-acme", "d-pump")
		w.remember(keys.of("before"), 0, noMonotonic.Add(time.Second))
		w.remember(keys.of("after"), 0, noMonotonic.Add(jump))
		for _, packet := range []string{"before", "after"} {
			if v, _ := w.claim(&item{key: keys.of(packet), packet: &telemetry.Packet{}}, &items{}); v != stored {
				t.Errorf("%s: the packet %s is not known", name, packet)
			}
		}
	}
}

// A generation that lasts for as long as the clock was put back would grow to its bound.
func TestGenerationsGoOnWhenTheClockWasPutBack(t *testing.T) {
	w := newWindow(noMonotonic)
	put := noMonotonic.Add(-3 * 24 * time.Hour)
	w.remember(claimKey{1, 1}, 0, put)
	w.remember(claimKey{2, 1}, 0, put.Add(windowAge))
	w.remember(claimKey{3, 1}, 0, put.Add(2*windowAge))
	if size := w.size(); size.Entries > 2 {
		t.Errorf("%d packets are remembered after two generations, want those of the last", size.Entries)
	}
}
