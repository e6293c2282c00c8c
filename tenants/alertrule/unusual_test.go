package alertrule

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"longwave/ingest/telemetry"
)

func unusualRule(score float64) Rule {
	return Rule{Name: "strange", Kind: Threshold, Levels: []Level{{Severity: Warning, When: when(Test{Metric: "a", Op: Unusual, Value: score})}}}
}

// course goes up and down, and is far off from place 700 to 720. A text and late values among it teach nothing.
func course(n int) (samples []Sample) {
	for i := range n {
		v := 20 + 5*math.Sin(float64(i)/9) + math.Mod(float64(i)*0.618, 1)
		if i >= 700 && i < 720 {
			v += 60
		}
		samples = append(samples, pack(float64(60*i), "a", v, "b", 1))
		switch i % 50 {
		case 10:
			samples = append(samples, pack(float64(60*i-300), "a", 999.0))
		case 20:
			samples = append(samples, pack(float64(60*i+1), "a", "sensor off"))
		}
	}
	return samples
}

func TestUnusualFiresForWhatIsNew(t *testing.T) {
	p := compile(t, unusualRule(0.7))
	s := p.Start(Known{Seen: start})
	var fired []string
	for _, sample := range course(900) {
		for _, c := range p.Step(&s, sample) {
			if c.To == Firing {
				fired = append(fired, fmt.Sprint((c.At-start)/oneSecond/60))
			}
		}
	}
	if got := strings.Join(fired, " "); !strings.HasPrefix(got, "700") || len(fired) > 3 {
		t.Errorf("fired at %s", got)
	}
	if p.Learns() != 1 || len(p.AppendState(nil, &s)) > MaxState {
		t.Errorf("learns %d, %d bytes", p.Learns(), len(p.AppendState(nil, &s)))
	}
}

func TestWhatIsLearnedSurvivesARestart(t *testing.T) {
	p := compile(t, unusualRule(0))
	plain, restless := p.Start(Known{Seen: start}), p.Start(Known{Seen: start})
	for i, sample := range course(800) {
		if i%7 == 0 {
			encoded := p.AppendState(nil, &restless)
			parsed, err := p.ParseState(encoded)
			if err != nil || !bytes.Equal(p.AppendState(nil, &parsed), encoded) {
				t.Fatalf("%d: %v", i, err)
			}
			restless = parsed
		}
		if got, want := fmt.Sprint(values(p.Step(&restless, sample))), fmt.Sprint(values(p.Step(&plain, sample))); got != want {
			t.Fatalf("%d: %s, want %s", i, got, want)
		}
	}
	encoded := p.AppendState(nil, &plain)
	for cut := 0; cut < len(encoded); cut += 13 {
		if _, err := p.ParseState(encoded[:cut]); !errors.Is(err, ErrState) {
			t.Errorf("%d bytes: %v", cut, err)
		}
	}
}

func TestUnusualHasBounds(t *testing.T) {
	for _, score := range []float64{0.4, 1, -1} {
		r := unusualRule(score)
		if err := r.Validate(); !errors.Is(err, ErrInvalid) {
			t.Errorf("a score above %g: %v", score, err)
		}
	}
	two := unusualRule(0.5)
	two.Levels = append(two.Levels, Level{Severity: Critical, When: when(Test{Metric: "b", Op: Unusual})})
	if err := two.Validate(); !errors.Is(err, ErrInvalid) {
		t.Errorf("two metrics: %v", err)
	}
	if got := (Test{Metric: "a", Op: Unusual, Value: 0.7}).Sentence(); got != "a is unusual (score above 0.7)" {
		t.Error(got)
	}
	if got := (Test{Metric: "a", Op: Unusual}).Sentence(); got != "a is unusual" {
		t.Error(got)
	}
	p := compile(t, unusualRule(0))
	s := p.Start(Known{Seen: start})
	p.Step(&s, Sample{At: start, Received: start, Values: []telemetry.Value{{Name: "a", Num: math.MaxFloat64}}})
}

func BenchmarkUnusual(b *testing.B) {
	p, samples := compile(b, unusualRule(0.7)), course(2000)
	s := p.Start(Known{Seen: start})
	for i := 0; b.Loop(); i++ {
		if i%len(samples) == 0 {
			s = p.Start(Known{Seen: start})
		}
		p.Step(&s, samples[i%len(samples)])
	}
}
