package alertrule

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"longwave/ingest/telemetry"
)

const start = telemetry.Micros(1_700_000_000_000_000)

func when(tests ...Test) Condition { return Condition{Tests: tests} }

func compile(t testing.TB, r Rule) *Program {
	t.Helper()
	if r.Name == "" {
		r.Name = "test"
	}
	if r.Kind == "" {
		r.Kind = Threshold
	}
	p, err := Compile(r)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func at(seconds float64) telemetry.Micros { return start + telemetry.Micros(seconds*1e6) }

// pack is a packet that became known at the time that it bears.
func pack(seconds float64, values ...any) Sample {
	s := Sample{At: at(seconds), Received: at(seconds)}
	for i := 0; i < len(values); i += 2 {
		v := telemetry.Value{Name: values[i].(string)}
		switch content := values[i+1].(type) {
		case string:
			v.Type, v.Text = telemetry.Text, content
		case bool:
			v.Type = telemetry.Bool
			if content {
				v.Num = 1
			}
		case int:
			v.Num = float64(content)
		case float64:
			v.Num = content
		}
		s.Values = append(s.Values, v)
	}
	return s
}

// words tells changes as a test reads them best: "5 ok>firing warning".
func words(changes []Change) string {
	var out []string
	for _, c := range changes {
		out = append(out, fmt.Sprintf("%g %s>%s %s", float64(c.At-start)/1e6, c.From, c.To, max(c.Severity, c.Was)))
	}
	return strings.Join(out, ", ")
}

type run struct {
	p *Program
	s State
}

func (r *run) step(samples ...Sample) string {
	var all []Change
	for _, s := range samples {
		all = append(all, r.p.Step(&r.s, s)...)
	}
	return words(all)
}

func begin(t testing.TB, rule Rule) *run {
	p := compile(t, rule)
	return &run{p, p.Start(Known{Seen: start})}
}

func TestLevels(t *testing.T) {
	hot := func(v float64) Condition { return when(Test{Metric: "temp", Op: Above, Value: v}) }
	cool := when(Test{Metric: "temp", Op: Below, Value: 75})
	cases := map[string]struct {
		levels  []Level
		samples []Sample
		want    string
	}{
		"at once":     {[]Level{{Severity: Warning, When: hot(80)}}, []Sample{pack(1, "temp", 81), pack(2, "temp", 80)}, "1 ok>firing warning, 2 firing>ok warning"},
		"hysteresis":  {[]Level{{Severity: Warning, When: hot(80), Clear: cool}}, []Sample{pack(1, "temp", 81), pack(2, "temp", 78), pack(3, "temp", 74)}, "1 ok>firing warning, 3 firing>ok warning"},
		"for":         {[]Level{{Severity: Info, When: hot(80), For: Duration(3 * time.Second)}}, []Sample{pack(1, "temp", 81), pack(2, "temp", 79), pack(3, "temp", 81), pack(5, "temp", 82), pack(6, "temp", 82)}, "1 ok>pending info, 2 pending>ok info, 3 ok>pending info, 6 pending>firing info"},
		"for, silent": {[]Level{{Severity: Info, When: hot(80), For: Duration(3 * time.Second)}}, []Sample{pack(1, "temp", 81), pack(9, "temp", 60)}, "1 ok>pending info, 4 pending>firing info, 9 firing>ok info"},
		"late":        {[]Level{{Severity: Info, When: hot(80)}}, []Sample{pack(5, "temp", 60), pack(4, "temp", 90), pack(5, "temp", 90)}, ""},
		"two levels": {[]Level{{Severity: Warning, When: hot(80)}, {Severity: Critical, When: hot(90)}}, []Sample{pack(1, "temp", 81), pack(2, "temp", 95), pack(3, "temp", 85), pack(4, "temp", 1)},
			"1 ok>firing warning, 2 firing>firing critical, 3 firing>firing critical, 4 firing>ok warning"},
		"not there": {[]Level{{Severity: Info, When: hot(80)}}, []Sample{pack(1, "hum", 90), pack(2, "temp", "90")}, ""},
		"both": {[]Level{{Severity: Info, When: when(Test{Metric: "a", Op: Equals, Value: 1}, Test{Metric: "b", Op: TextIs, Text: "on"})}},
			[]Sample{pack(1, "a", true), pack(2, "b", "on"), pack(3, "a", 0)}, "2 ok>firing info, 3 firing>ok info"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if got := begin(t, Rule{Levels: c.levels}).step(c.samples...); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestTests(t *testing.T) {
	cases := []struct {
		test   Test
		first  any
		second any
		holds  bool
	}{
		{Test{Op: Above, Value: 1}, 0, 1, false}, {Test{Op: Above, Value: 1}, 0, 1.1, true},
		{Test{Op: Below, Value: 1}, 0, 0.9, true}, {Test{Op: Outside, Value: 1, To: 2}, 0, 1.5, false},
		{Test{Op: Outside, Value: 1, To: 2}, 0, 3, true}, {Test{Op: Inside, Value: 1, To: 2}, 0, 2, true},
		{Test{Op: Equals, Value: 1}, 0, true, true}, {Test{Op: Equals, Value: 1}, 0, "1", false},
		{Test{Op: Differs, Value: 1}, 0, 2, true}, {Test{Op: Differs, Value: 1}, 0, "2", false},
		{Test{Op: Changed}, 1, 1, false}, {Test{Op: Changed}, 1, 2, true}, {Test{Op: Changed}, 1, true, true}, {Test{Op: Changed}, "a", "b", true},
		{Test{Op: Changed}, strings.Repeat("x", 99) + "a", strings.Repeat("x", 99) + "b", true},
		{Test{Op: RateAbove, Value: 59, Per: "min"}, 0, 10, true}, {Test{Op: RateAbove, Value: 60, Per: "min"}, 0, 10, false},
		{Test{Op: RateBelow, Value: -1, Per: "s"}, 20, 0, true}, {Test{Op: RateAbove, Value: 0, Per: "h"}, "a", 10, false},
		{Test{Op: TextIs, Text: "open"}, 0, "open", true}, {Test{Op: TextContains, Text: "err"}, 0, "an error", true},
		{Test{Op: TextMatches, Text: "^E[0-9]+$"}, 0, "E17", true}, {Test{Op: TextMatches, Text: "^E[0-9]+$"}, 0, "E17 ", false},
		{Test{Op: BitSet, Value: 2}, 0, 4, true}, {Test{Op: BitSet, Value: 2}, 0, 4.5, false}, {Test{Op: BitClear, Value: 2}, 0, 3, true},
	}
	for _, c := range cases {
		c.test.Metric = "m"
		r := begin(t, Rule{Levels: []Level{{Severity: Info, When: when(c.test)}}})
		r.step(pack(1, "m", c.first), pack(11, "m", c.second))
		if got := r.s.Status == Firing; got != c.holds {
			t.Errorf("%+v after %v and %v: %v", c.test, c.first, c.second, got)
		}
	}
}

func TestForFiresWithoutAnotherReading(t *testing.T) {
	r := begin(t, Rule{Levels: []Level{{Severity: Warning, When: when(Test{Metric: "door", Op: Equals, Value: 1}), For: Duration(time.Minute)}}})
	r.step(pack(0.5, "door", true))
	due, ok := r.p.Due(&r.s)
	if !ok || due != at(61) {
		t.Fatalf("due at %v", due-start)
	}
	if got := words(r.p.Tick(&r.s, at(60.9))); got != "" {
		t.Errorf("too early: %s", got)
	}
	if got := words(r.p.Tick(&r.s, at(61))); got != "60.5 pending>firing warning" {
		t.Errorf("got %s", got)
	}
	if _, ok := r.p.Due(&r.s); ok {
		t.Error("still waits")
	}
}

func TestNoData(t *testing.T) {
	r := begin(t, Rule{Kind: NoData, After: Duration(30 * time.Second), Levels: []Level{{Severity: Warning}, {Severity: Critical, For: Duration(time.Minute)}}})
	if due, ok := r.p.Due(&r.s); !ok || due != at(31) {
		t.Errorf("due at %v, %v", due-start, ok)
	}
	got := []string{r.step(pack(10.7, "x", 1)), words(r.p.Tick(&r.s, at(40.9))), words(r.p.Tick(&r.s, at(41))), r.step(pack(120, "x", 1)), r.step(pack(10.7, "x", 1), pack(121, "y", 2))}
	want := []string{"", "", "40 ok>firing warning", "100 firing>firing critical, 120 firing>ok critical", ""}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%d: got %q, want %q", i, got[i], want[i])
		}
	}
}

func TestNoDataLearnsTheInterval(t *testing.T) {
	r := begin(t, Rule{Kind: NoData, Levels: []Level{{Severity: Info}}})
	for i := range 4 {
		if _, ok := r.p.Due(&r.s); ok {
			t.Fatalf("knows after %d packets", i)
		}
		r.step(pack(float64(60*i+5), "x", 1))
	}
	if due, ok := r.p.Due(&r.s); !ok || due != at(185+180+1) {
		t.Errorf("due at %v, %v", (due-start)/1e6, ok)
	}
	r.s.Interval = 10 * time.Second
	if due, _ := r.p.Due(&r.s); due != at(185+30+1) {
		t.Errorf("due at %v", (due-start)/1e6)
	}
}

func TestMessage(t *testing.T) {
	r := Rule{Name: "hot", Message: "{severity} {device} {metric}={value} > {threshold} {metric.door} {metric.none}",
		Levels: []Level{{Severity: Warning, When: when(Test{Metric: "temp", Op: Above, Value: 80}, Test{Metric: "door", Op: TextIs, Text: "{device}"})}}}
	p := compile(t, r)
	s := p.Start(Known{})
	changes := p.Step(&s, pack(1, "temp", 81.5, "door", "{device}"))
	if len(changes) != 1 {
		t.Fatal(words(changes))
	}
	if got := p.Message(MessageData{Device{Name: "{rule}"}, changes[0]}); got != "warning {rule} temp=81.5 > 80 {device} unknown" {
		t.Errorf("got %s", got)
	}
}
