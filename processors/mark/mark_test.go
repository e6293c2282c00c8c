package mark

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

func TestDoubt(t *testing.T) {
	now := time.Now()
	lane := &jetstream.StreamInfo{State: jetstream.StreamState{LastSeq: 100}}
	consumer := func(floor, delivered uint64, pending int, last *time.Time) *jetstream.ConsumerInfo {
		return &jetstream.ConsumerInfo{AckFloor: jetstream.SequenceInfo{Stream: floor},
			Delivered: jetstream.SequenceInfo{Stream: delivered, Last: last}, NumAckPending: pending}
	}
	for name, c := range map[string]struct {
		standing standing
		doubt    Doubt
		certain  uint64
	}{
		"new":                   {standing{lane: lane}, "", 0},
		"gone":                  {standing{lane: lane, marked: true, mark: mark{Floor: 40}}, Missing, 40},
		"as it was":             {standing{lane, consumer(40, 40, 0, nil), mark{Floor: 40}, true}, "", 40},
		"never marked":          {standing{lane, consumer(40, 50, 10, nil), mark{}, false}, "", 0},
		"delivered more":        {standing{lane, consumer(40, 50, 10, nil), mark{Floor: 40}, true}, Unproven, 40},
		"settled more":          {standing{lane, consumer(50, 50, 0, nil), mark{Floor: 40}, true}, Unproven, 40},
		"forgot":                {standing{lane, consumer(20, 30, 10, nil), mark{Floor: 40}, true}, "", 20},
		"beyond the lane":       {standing{lane, consumer(50, 101, 0, nil), mark{Floor: 40}, true}, Impossible, 40},
		"settled, undelivered":  {standing{lane, consumer(60, 50, 0, nil), mark{}, false}, Impossible, 0},
		"more than delivered":   {standing{lane, consumer(40, 50, 11, nil), mark{}, false}, Impossible, 0},
		"at work since a while": {standing{lane, consumer(60, 70, 10, &now), mark{Floor: 40}, true}, "", 40},
	} {
		if got := c.standing.doubt(); got != c.doubt {
			t.Errorf("%s: doubt is %q, want %q", name, got, c.doubt)
		}
		if got := c.standing.certain(); got != c.certain {
			t.Errorf("%s: certain up to %d, want %d", name, got, c.certain)
		}
	}
}

// The bytes as version 1 wrote them: a mark that is in the bucket of an installation must be read for ever.
func TestMarkOfVersion1IsRead(t *testing.T) {
	m, err := decodeMark([]byte(`{"v":1,"floor":81234,"lane":"2026-11-20T16:40:12.123456789Z"}`))
	if err != nil || m.Floor != 81234 || m.Lane.Nanosecond() != 123456789 {
		t.Errorf("%+v, %v", m, err)
	}
	for _, bad := range []string{"", "{}", `{"v":2,"floor":1}`, "null"} {
		if _, err := decodeMark([]byte(bad)); !errors.Is(err, errMark) {
			t.Errorf("%q: %v, want errMark", bad, err)
		}
	}
}

func TestClockThatWasPutBack(t *testing.T) {
	noon := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	before := Reading{noon, time.Hour}
	for name, c := range map[string]struct {
		now    Reading
		behind bool
	}{
		"as it should be": {Reading{noon.Add(interval), time.Hour + interval}, false},
		"corrected":       {Reading{noon.Add(interval - time.Second), time.Hour + interval}, false},
		"put back":        {Reading{noon.Add(-72 * time.Hour), time.Hour + interval}, true},
		"put forward":     {Reading{noon.Add(72 * time.Hour), time.Hour + interval}, false},
	} {
		if got := c.now.Behind(before); got != c.behind {
			t.Errorf("%s: %v", name, got)
		}
	}
}
