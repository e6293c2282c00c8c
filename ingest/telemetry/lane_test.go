package telemetry

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"longwave/tenants/id"
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

// markedBatch is one that rules forward and label.
func markedBatch() *Batch {
	b := sampleBatch()
	for i := range MaxMarked {
		b.Destinations = append(b.Destinations, id.Destination("o-"+strconv.Itoa(i)))
	}
	b.Labels = []Label{{"team", "ops"}, {"", ""}, {"ort", "Köln"}}
	b.Packets[0].Forward, b.Packets[0].Labels = 1<<63|1, 5
	b.Packets[2].Forward = math.MaxUint64
	return b
}

func TestMarksTravelWithTheirPackets(t *testing.T) {
	plain, marked := sampleBatch(), markedBatch()
	got := read(t, AppendBatch(AppendBatch(AppendBatch(nil, plain), marked), plain))
	if diff := cmp.Diff([]Batch{*plain, *marked, *plain}, got, cmp.Transformer("nil", emptyToNil)); diff != "" {
		t.Error(diff)
	}
}

// A batch of which nothing is forwarded is written as programs without rules wrote it, byte for byte.
func TestUnmarkedBatchIsOfVersionOne(t *testing.T) {
	unused := sampleBatch()
	unused.Destinations, unused.Labels = []id.Destination{"o-1"}, []Label{{"a", "b"}}
	if got := AppendBatch(nil, unused); got[0] != lanePlain || !bytes.Equal(got, AppendBatch(nil, sampleBatch())) {
		t.Errorf("%x", got)
	}
}

// What an older program left in a lane is read as it was meant, byte for byte.
func TestVersionOneIsRead(t *testing.T) {
	old, err := hex.DecodeString("012f00000003642d3180a0f7a8f880a206900302000161cf0f02000474656d7000000000008035400" +
		"3026f6b810162d00f01090603615415")
	if err != nil {
		t.Fatal(err)
	}
	want := Batch{Device: "d-1", Received: 1_763_632_800_000_000, RetainDays: 400, Packets: []Packet{
		{ID: "a", Time: 1_763_632_799_999_000, Values: []Value{{Name: "temp", Num: 21.5}, {Name: "ok", Type: Bool, Num: 1}}},
		{ID: "b", Kind: KindStatus, Time: 1_763_632_800_000_000, Stamped: true, Values: []Value{{Name: "temp", Num: 3}}},
	}}
	if diff := cmp.Diff([]Batch{want}, read(t, old)); diff != "" {
		t.Error(diff)
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
	for _, b := range []*Batch{sampleBatch(), markedBatch()} {
		refusesEveryFlippedBit(t, AppendBatch(nil, b))
	}
}

func refusesEveryFlippedBit(t *testing.T, message []byte) {
	t.Helper()
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
	marked := AppendBatch(nil, markedBatch())
	f.Add(byte(lanePlain), whole[laneHeader:len(whole)-laneTrailer])
	f.Add(byte(laneMarked), marked[laneHeader:len(marked)-laneTrailer])
	f.Add(byte(lanePlain), []byte{})
	f.Add(byte(lanePlain), []byte("\x03d-1\x00\x00\xff\xff\xff\xff\x0f"))
	f.Add(byte(laneMarked), []byte("\x03d-1\x00\x00\x40\x40\xff\xff\xff\xff\x0f"))
	f.Fuzz(func(t *testing.T, version byte, body []byte) {
		version = lanePlain + version&1
		message := binary.LittleEndian.AppendUint32([]byte{version}, uint32(len(body)))
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
		if !got[0].Marked() { // then there is nothing that needs them, and they are not written again
			got[0].Destinations, got[0].Labels = nil, nil
		}
		again := read(t, AppendBatch(nil, &got[0]))
		bits := cmp.Comparer(func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) })
		if diff := cmp.Diff(got, again, bits); diff != "" {
			t.Fatal(diff)
		}
	})
}
