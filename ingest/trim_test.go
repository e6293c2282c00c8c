package ingest

import (
	"fmt"
	"testing"
	"time"

	"longwave/ingest/telemetry"
)

// Whatever the clock says, a lane drops by age only what is processed, and that only when it is old.
func TestTrimTakesWhatOutlivedItsLane(t *testing.T) {
	now := time.Now()
	clock := func() time.Time { return now }
	b := open(t, t.TempDir(), func(o *Options) { o.Now = clock })
	if done, err := b.Trim(t.Context(), telemetry.Critical, 0); err != nil || done != (Trimmed{}) {
		t.Errorf("an empty lane: %+v, %v", done, err)
	}
	for n := range 20 {
		b.mustPost(fmt.Sprintf(`{"id":"p%d","values":{"a":1}}`, n))
	}
	border := time.Now()
	for n := range 20 {
		b.mustPost(fmt.Sprintf(`{"id":"q%d","values":{"a":1}}`, n))
	}
	stream, err := b.js.Stream(t.Context(), telemetry.LaneStream(telemetry.Standard))
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.DeleteMsg(t.Context(), 20); err != nil { // a gap where the search looks
		t.Fatal(err)
	}
	trim := func(at time.Time, floor uint64) uint64 {
		t.Helper()
		now = at
		done, err := b.Trim(t.Context(), telemetry.Standard, floor)
		if err != nil || done.Stuck {
			t.Fatalf("%+v, %v", done, err)
		}
		return done.Messages
	}
	for limit, want := range map[uint64]uint64{40: 19, 33: 19, 20: 19, 7: 7, 0: 0} {
		if n, err := olderThan(t.Context(), stream, border, limit); n != want || err != nil {
			t.Errorf("of %d messages %d are older, want %d: %v", limit, n, want, err)
		}
	}
	late := border.Add(laneAge)
	if n := trim(late, 40); n != 0 {
		t.Errorf("%d messages are dropped at once, which asks too often", n)
	}
	if n := trim(late.Add(2*trimLate), 0); n != 0 {
		t.Errorf("%d messages are dropped that are not processed", n)
	}
	if n := trim(late.Add(2*trimLate), 5); n != 5 || b.first() != 6 {
		t.Errorf("%d messages are dropped, the lane begins with %d; 5 are processed", n, b.first())
	}
}
