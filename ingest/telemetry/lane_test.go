package telemetry

import (
	"encoding/binary"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func sampleBatch() *Batch {
	return &Batch{Device: "d-7k3m", Received: 1_763_632_800_000_000, RetainDays: 400, Packets: []Packet{
		{ID: "a", Time: 1_763_632_799_999_000, Values: []Value{
			{Name: "temp", Num: 21.5}, {Name: "count", Num: 12}, {Name: "zero", Num: math.Copysign(0, -1)},
			{Name: "big", Num: 1 << 60}, {Name: "ok", Type: Bool, Num: 1}, {Name: "off", Type: Bool},
		}},
		{ID: "b", Kind: KindStatus, Time: 1_763_632_801_000_000, Stamped: true, Values: []Value{
			{Name: "state", Type: Text, Text: "Leerlauf – ß"}, {Name: "temp", Num: -3}, {Name: "", Type: Text},
		}},
		{ID: "c", Kind: KindLogs, Time: -1},
	}}
}

func read(t testing.TB, message []byte) []Batch {
	t.Helper()
	var got []Batch
	if err := EachBatch(message, func(b *Batch) error { got = append(got, *b); return nil }); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestLaneRoundTrip(t *testing.T) {
	one, two := sampleBatch(), &Batch{Device: "d-2", Packets: []Packet{{ID: "z", Values: manyValues(256)}}}
	message := AppendBatch(AppendBatch(nil, one), two)
	got := read(t, message)
	bits := cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) })
	if diff := cmp.Diff([]Batch{*one, *two}, got, bits, cmp.Transformer("nil", emptyToNil)); diff != "" {
		t.Error(diff)
	}
	clear(message) // as a reused network buffer would
	if got[0].Packets[0].Values[0].Name != "temp" {
		t.Error("what a batch points to changed with the message")
	}
}

func emptyToNil(v []Value) []Value {
	if len(v) == 0 {
		return nil
	}
	return v
}

func manyValues(n int) []Value {
	values := make([]Value, n)
	for i := range values {
		values[i] = Value{Name: "metric-" + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + string(rune('a'+i/26)), Num: float64(i) / 4}
	}
	return values
}

func TestLaneRefusesEveryFlippedBit(t *testing.T) {
	message := AppendBatch(nil, sampleBatch())
	for i := range len(message) * 8 {
		message[i/8] ^= 1 << (i % 8)
		err := EachBatch(message, func(*Batch) error { return nil })
		if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrVersion) {
			t.Fatalf("bit %d flipped: %v", i, err)
		}
		message[i/8] ^= 1 << (i % 8)
	}
	for cut := 1; cut < len(message); cut++ {
		if err := EachBatch(message[:cut], func(*Batch) error { return nil }); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("cut at %d: %v", cut, err)
		}
	}
}

func TestLaneStopsAtTheYieldersError(t *testing.T) {
	message := AppendBatch(AppendBatch(nil, sampleBatch()), sampleBatch())
	stop, calls := errors.New("stop"), 0
	err := EachBatch(message, func(*Batch) error { calls++; return stop })
	if !errors.Is(err, stop) || calls != 1 {
		t.Errorf("got %v after %d calls", err, calls)
	}
}

// FuzzEachBatch reads hostile bodies behind a right checksum: nothing may panic, no count may make the reader allocate
// much more than the message holds, and what is read must survive writing and reading again.
func FuzzEachBatch(f *testing.F) {
	whole := AppendBatch(nil, sampleBatch())
	f.Add(whole[laneHeader : len(whole)-laneTrailer])
	f.Add([]byte{})
	f.Add([]byte("\x03d-1\x00\x00\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, body []byte) {
		message := binary.LittleEndian.AppendUint32([]byte{laneVersion}, uint32(len(body)))
		message = append(message, body...)
		message = binary.LittleEndian.AppendUint32(message, castagnoli(message))
		var got []Batch
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := EachBatch(message, func(b *Batch) error { got = append(got, *b); return nil })
		runtime.ReadMemStats(&after)
		if spent := after.TotalAlloc - before.TotalAlloc; spent > uint64(200*len(body)+1<<20) {
			t.Fatalf("%d bytes made the reader allocate %d", len(body), spent)
		}
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		again := read(t, AppendBatch(nil, &got[0]))
		bits := cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) })
		if diff := cmp.Diff(got, again, bits); diff != "" {
			t.Fatal(diff)
		}
	})
}
