package unusual

import (
	"bytes"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"unsafe"

	"longwave/ingest/telemetry"
)

const fiveMinutes = telemetry.Micros(300_000_000)

// daily is a noisy daily rhythm, one reading every five minutes.
func daily(days int) []float64 {
	noise := rand.New(rand.NewPCG(1, 2))
	readings := make([]float64, days*288)
	for i := range readings {
		readings[i] = 20 + 5*math.Sin(2*math.Pi*float64(i)/288) + 0.3*noise.NormFloat64()
	}
	return readings
}

func judge(readings []float64) []Verdict {
	var s Series
	all := make([]Verdict, len(readings))
	for i, x := range readings {
		all[i] = s.Add(telemetry.Micros(i)*fiveMinutes, x)
	}
	return all
}

func notes(all []Verdict) (at []int) {
	for i := range all {
		if all[i].Score > 0.5 {
			at = append(at, i)
		}
	}
	return at
}

func TestNewsIsToldOnceAndAtOnce(t *testing.T) {
	for name, disturb := range map[string]func(readings []float64, from int){
		"spike":          func(r []float64, from int) { r[from] += 15 },
		"step":           func(r []float64, from int) { shift(r[from:], 12) },
		"wrong hour":     func(r []float64, from int) { shift(r[from:from+40], -6) },
		"stands still":   func(r []float64, from int) { copy(r[from:], make([]float64, 200)) },
		"noise explodes": func(r []float64, from int) { alternate(r[from:from+30], 4) },
	} {
		t.Run(name, func(t *testing.T) {
			readings := daily(14)
			const from = 10 * 288
			disturb(readings, from)
			var in, before int
			for _, at := range notes(judge(readings)) {
				if at >= from && at < from+40 {
					in++
				} else if at < from {
					before++
				}
			}
			if in == 0 || in > 3 || before > 6 {
				t.Errorf("%d notes of the disturbance and %d before it", in, before)
			}
		})
	}
}

func shift(r []float64, by float64) {
	for i := range r {
		r[i] += by
	}
}

func alternate(r []float64, by float64) {
	for i := range r {
		r[i] += by * float64(1-2*(i%2))
	}
}

func TestTheUsualIsNoNews(t *testing.T) {
	if at := notes(judge(make([]float64, 5000))); at != nil {
		t.Errorf("a constant is unusual at %v", at)
	}
	if at := notes(judge(daily(60))); len(at) > 20 { // one in 864 readings
		t.Errorf("%d notes in 60 usual days", len(at))
	}
}

func TestHeldLastsAsLongAsTheDisturbance(t *testing.T) {
	readings := daily(14)
	shift(readings[3000:3030], 15)
	all := judge(readings)
	if all[3000].Score < 0.5 || all[3000].Held != all[3000].Score {
		t.Fatalf("it begins with %+v", all[3000])
	}
	if all[3020].Score != 0 || all[3020].Held == 0 {
		t.Errorf("while it lasts: %+v", all[3020])
	}
	if all[3200].Held != 0 {
		t.Errorf("long after: %+v", all[3200])
	}
}

func TestBandHoldsTheUsual(t *testing.T) {
	readings := daily(14)
	all := judge(readings)
	outside := 0
	for i := 5 * 288; i < len(all); i++ {
		if v := all[i]; !v.Known || readings[i] < v.Low || readings[i] > v.High {
			outside++
		}
	}
	if outside > 8 {
		t.Errorf("%d readings of nine usual days are outside", outside)
	}
	if v := all[12*288+72]; v.Expected < 22 || v.Low < 15 {
		t.Errorf("in the morning it expects %+v", v)
	}
}

// Scores say nothing about units: a series in another one scores the same, but for the last digits of logarithms.
func TestUnitsDoNotMatter(t *testing.T) {
	readings := daily(10)
	readings[2000] += 10
	scaled := make([]float64, len(readings))
	for i := range readings {
		scaled[i] = -1024 * readings[i]
	}
	one, other := judge(readings), judge(scaled)
	for i := range one {
		if math.Abs(one[i].Score-other[i].Score) > 1e-9 || math.Abs(one[i].Held-other[i].Held) > 1e-9 {
			t.Fatalf("reading %d: %+v and %+v", i, one[i], other[i])
		}
	}
}

func TestRestartAtAnyPointChangesNothing(t *testing.T) {
	readings := daily(10)
	readings[1500] += 20
	want := judge(readings)
	var s Series
	for i, x := range readings {
		written := s.Append([]byte("before"))
		if len(written) > MaxEncoded {
			t.Fatalf("%d bytes", len(written))
		}
		again, rest, err := Parse(append(written[6:], "after"...))
		if err != nil || string(rest) != "after" {
			t.Fatalf("after %d readings: %q, %v", i, rest, err)
		}
		s = again
		if got := s.Add(telemetry.Micros(i)*fiveMinutes, x); got != want[i] {
			t.Fatalf("reading %d: %+v, without a restart %+v", i, got, want[i])
		}
	}
}

func TestHostileReadings(t *testing.T) {
	values := []float64{0, math.MaxFloat64, -math.MaxFloat64, math.NaN(), math.Inf(1), math.SmallestNonzeroFloat64, 1, math.Copysign(0, -1)}
	chosen := rand.New(rand.NewPCG(3, 4))
	var s Series
	for range 20_000 {
		at := telemetry.Micros(chosen.Int64()) * telemetry.Micros(1-2*chosen.IntN(2))
		v := s.Add(at, values[chosen.IntN(len(values))])
		for _, score := range []float64{v.Score, v.Held} {
			if !(score >= 0 && score <= 1) {
				t.Fatalf("%+v", v)
			}
		}
		if math.IsNaN(v.Low) || math.IsInf(v.Expected, 0) {
			t.Fatalf("%+v", v)
		}
	}
	if _, _, err := Parse(s.Append(nil)); err != nil {
		t.Error(err)
	}
}

// Bytes that were written once must be read for ever, or the version must change.
func TestGoldenBytes(t *testing.T) {
	var s Series
	for i, x := range daily(2)[:200] {
		s.Add(telemetry.Micros(i)*fiveMinutes, math.Round(x)) // whole numbers, so that the bytes are those of any processor
	}
	const file = "testdata/series.v1.hex"
	if os.Getenv("LONGWAVE_UPDATE") != "" {
		if err := os.WriteFile(file, []byte(hex.EncodeToString(s.Append(nil))+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	golden, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	read, rest, err := Parse(golden)
	if err != nil || len(rest) > 0 {
		t.Fatal(rest, err)
	}
	if !bytes.Equal(read.Append(nil), golden) {
		t.Error("it is written another way than it was")
	}
	if next := read.Add(200*fiveMinutes, 60); next.Score < 0.9 {
		t.Errorf("what was read does not know what is usual: %+v", next)
	}
}

func FuzzParse(f *testing.F) {
	var s Series
	f.Add(s.Append(nil))
	s.Add(0, 1)
	f.Add(s.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, rest, err := Parse(b)
		if err != nil {
			return
		}
		if _, _, err := Parse(s.Append(nil)); err != nil {
			t.Fatalf("cannot be read again: %v", err)
		}
		if len(rest) > len(b) {
			t.Fatal("more is left than there was")
		}
		s.Add(1, 2)
	})
}

func TestMemoryAndAllocations(t *testing.T) {
	if size := unsafe.Sizeof(Series{}); size > 4<<10 {
		t.Errorf("a series takes %d bytes", size)
	}
	var s Series
	i := 0
	if n := testing.AllocsPerRun(1000, func() { i++; s.Add(telemetry.Micros(i)*fiveMinutes, float64(i%7)) }); n != 0 {
		t.Errorf("%v allocations for a reading", n)
	}
}

func BenchmarkAdd(b *testing.B) {
	readings := daily(14)
	var s Series
	for i := 0; b.Loop(); i++ {
		s.Add(telemetry.Micros(i)*fiveMinutes, readings[i%len(readings)])
	}
}
