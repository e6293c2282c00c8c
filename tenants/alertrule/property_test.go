package alertrule

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"longwave/ingest/telemetry"
)

// randomRule is a rule over the metrics a and b with small numbers, so that its tests hold and fail all the time.
func randomRule(r *rand.Rand) Rule {
	condition := func() (c Condition) {
		c.Any = r.IntN(2) == 0
		ops := []Op{Above, Below, Equals, Outside, Changed, RateAbove}
		for range 1 + r.IntN(2) {
			c.Tests = append(c.Tests, Test{Metric: []string{"a", "b"}[r.IntN(2)], Op: ops[r.IntN(len(ops))], Value: float64(r.IntN(4)), To: 3, Per: "min"})
		}
		return c
	}
	out := Rule{Name: "random", Kind: Threshold}
	for severity := Info; severity <= Critical; severity++ {
		if r.IntN(2) == 0 && severity < Critical {
			continue
		}
		l := Level{Severity: severity, When: condition(), For: Duration(time.Duration(r.IntN(4)*5) * time.Second)}
		if r.IntN(2) == 0 {
			l.Clear = condition()
		}
		out.Levels = append(out.Levels, l)
	}
	return out
}

// randomStream is packets with gaps, late ones, repeated ones and ones in the wrong order.
func randomStream(r *rand.Rand) (all []Sample) {
	now := 0.0
	for range 5 + r.IntN(40) {
		now += r.Float64() * 8
		var values []any
		for _, name := range []string{"a", "b", "c"} {
			if r.IntN(2) == 0 {
				values = append(values, name, r.IntN(5))
			}
		}
		s := pack(now, values...)
		switch r.IntN(6) {
		case 0:
			s.At -= telemetry.Micros(r.IntN(20_000_000))
		case 1:
			if len(all) > 0 {
				s.Values, s.At = all[len(all)-1].Values, all[len(all)-1].At
			}
		}
		all = append(all, s)
	}
	return all
}

// span is a time during which a level fires, or is pending.
type span struct {
	severity Severity
	status   Status
	from, to telemetry.Micros
}

// reference says what a rule finds in a stream, from the whole history at once and with nothing in common with the evaluator
// but the answer to one test about two values.
func reference(p *Program, stream []Sample) string {
	history := map[string][]Reading{}
	type instant struct {
		at    telemetry.Micros
		truth []bool
	}
	var instants []instant
	newest := never
	for _, s := range stream {
		news := false
		for _, v := range s.Values {
			seen := history[v.Name]
			if slices.Contains(p.Metrics(), v.Name) && (len(seen) == 0 || s.At > seen[len(seen)-1].At) {
				history[v.Name], news = append(seen, Reading{At: s.At, Num: v.Num}), true
			}
		}
		if !news {
			continue
		}
		newest = max(newest, s.At)
		truth := make([]bool, len(p.tests))
		for i, t := range p.tests {
			truth[i] = answers(t.Test, history[t.Metric])
		}
		instants = append(instants, instant{newest, truth})
	}
	holds := func(c Condition, truth []bool) bool {
		yes := 0
		for _, t := range c.Tests {
			if i := slices.IndexFunc(p.tests, func(have test) bool { return have.Test == t }); truth[i] {
				yes++
			}
		}
		return yes > 0 && (c.Any || yes == len(c.Tests))
	}
	var spans []span
	for _, l := range p.rule.Levels {
		var open *span
		for _, i := range instants {
			if open != nil && open.status == Pending && open.from+micros(l.For) < i.at {
				spans = append(spans, span{l.Severity, Pending, open.from, open.from + micros(l.For)})
				open = &span{l.Severity, Firing, open.from + micros(l.For), 0}
			}
			when := holds(l.When, i.truth)
			if open != nil && !when && (open.status == Pending || l.Clear.IsZero() || holds(l.Clear, i.truth)) {
				open.to = i.at
				spans, open = append(spans, *open), nil
			}
			if open == nil && when {
				open = &span{l.Severity, Pending, i.at, 0}
			}
			if open != nil && open.status == Pending && open.from+micros(l.For) <= i.at {
				spans = append(spans, span{l.Severity, Pending, open.from, i.at})
				open = &span{l.Severity, Firing, i.at, 0}
			}
		}
		if open != nil {
			open.to = 1 << 62
			spans = append(spans, *open)
		}
	}
	return tell(spans)
}

func answers(t Test, seen []Reading) bool {
	if len(seen) == 0 {
		return false
	}
	last := seen[len(seen)-1]
	switch t.Op {
	case Changed:
		return len(seen) > 1 && seen[len(seen)-2].Num != last.Num
	case RateAbove:
		if len(seen) < 2 {
			return false
		}
		before := seen[len(seen)-2]
		return (last.Num-before.Num)/(float64(last.At-before.At)/1e6)*60 > t.Value
	}
	return map[Op]bool{Above: last.Num > t.Value, Below: last.Num < t.Value, Equals: last.Num == t.Value, Outside: last.Num < t.Value || last.Num > t.To}[t.Op]
}

// tell says what the state is after every instant at which a span begins or ends, where it differs from before.
func tell(spans []span) string {
	var times []telemetry.Micros
	for _, s := range spans {
		times = append(times, s.from, s.to)
	}
	slices.Sort(times)
	var out []string
	was := "ok "
	for _, at := range slices.Compact(times) {
		status, severity := OK, None
		for _, s := range spans {
			if s.from <= at && at < s.to && (s.status > status || s.status == status && s.severity > severity) {
				status, severity = s.status, s.severity
			}
		}
		if is := status.String() + " " + severity.String(); is != was && at < 1<<62 {
			out, was = append(out, fmt.Sprintf("%d %s", at-start, is)), is
		}
	}
	return strings.Join(out, ", ")
}

// final drops what was undone in the same instant, which the reference, that knows no order within one, cannot tell.
func final(changes []Change) string {
	var out []string
	was := "ok "
	for i, c := range changes {
		if i+1 < len(changes) && changes[i+1].At == c.At {
			continue
		}
		if is := c.To.String() + " " + c.Severity.String(); is != was {
			out, was = append(out, fmt.Sprintf("%d %s", c.At-start, is)), is
		}
	}
	return strings.Join(out, ", ")
}

func TestEvaluatorAgainstTheReference(t *testing.T) {
	for seed := range uint64(5_000) {
		r := rand.New(rand.NewPCG(seed, 6))
		p, stream := compile(t, randomRule(r)), randomStream(r)
		s := p.Start(Known{})
		var changes []Change
		for _, sample := range stream { // as of the past, with no ticks: what was not ticked is made up for
			sample.Received = 0
			changes = append(changes, p.Step(&s, sample)...)
		}
		if got, want := final(changes), reference(p, stream); got != want {
			t.Fatalf("seed %d\nrule %+v\ngot  %s\nwant %s", seed, p.rule.Levels, got, want)
		}
	}
}

// TestRestartsAndTicksChangeNothing runs the same stream as it is, and with a restart or a tick wherever there may be one.
func TestRestartsAndTicksChangeNothing(t *testing.T) {
	for seed := range uint64(2_000) {
		r := rand.New(rand.NewPCG(seed, 7))
		rule := randomRule(r)
		if r.IntN(3) == 0 {
			rule = Rule{Name: "silent", Kind: NoData, After: Duration(time.Duration(r.IntN(3)*3) * time.Second), Levels: []Level{{Severity: Info}, {Severity: Critical, For: Duration(4 * time.Second)}}}
		}
		p, stream := compile(t, rule), randomStream(r)
		plain, restless := p.Start(Known{Seen: start}), p.Start(Known{Seen: start})
		var a, b []Change
		for _, sample := range stream {
			a = append(a, p.Step(&plain, sample)...)
			for range r.IntN(3) {
				b = append(b, p.Tick(&restless, start+telemetry.Micros(r.Int64N(int64(sample.Received-start)+1)))...)
			}
			encoded := p.AppendState(nil, &restless)
			parsed, err := p.ParseState(encoded)
			if err != nil || len(encoded) > MaxState || !bytes.Equal(p.AppendState(nil, &parsed), encoded) {
				t.Fatalf("seed %d: %d bytes, %v", seed, len(encoded), err)
			}
			restless = parsed
			b = append(b, p.Step(&restless, sample)...)
		}
		if got, want := fmt.Sprintf("%+v", values(b)), fmt.Sprintf("%+v", values(a)); got != want || plain.Late != restless.Late {
			t.Fatalf("seed %d\ngot  %s\nwant %s", seed, got, want)
		}
	}
}

// values follows the pointers, so that changes can be compared.
func values(changes []Change) (out []string) {
	for _, c := range changes {
		test := c.Test
		c.Test = nil
		out = append(out, fmt.Sprintf("%+v %+v", c, test))
	}
	return out
}

// golden is a state as the first version of the program wrote it. It must be read for ever.
const golden = "01020300030103809be0848389850680e0ba84bf03809be0848389850600020201809be084838985060200028092f401018089ec828389850600000000000000044001809be0848389850602706356b50758b008026f6e"

func TestStateIsReadForEver(t *testing.T) {
	p := compile(t, Rule{Levels: []Level{{Severity: Warning, When: when(Test{Metric: "a", Op: Above, Value: 1}), For: Duration(time.Second)},
		{Severity: Critical, When: when(Test{Metric: "b", Op: TextIs, Text: "on"})}}})
	s := p.Start(Known{Seen: start, Interval: time.Minute})
	for _, sample := range []Sample{pack(1, "a", 2.5, "b", "off"), pack(1, "a", 9), pack(3, "b", "on")} {
		p.Step(&s, sample)
	}
	encoded := hex.EncodeToString(p.AppendState(nil, &s))
	if encoded != golden {
		t.Errorf("got  %s\nwant %s", encoded, golden)
	}
	raw, _ := hex.DecodeString(encoded)
	for cut := range raw {
		if _, err := p.ParseState(raw[:cut]); !errors.Is(err, ErrState) {
			t.Errorf("%d bytes: %v", cut, err)
		}
	}
	if _, err := p.ParseState(append(raw, 0)); !errors.Is(err, ErrState) {
		t.Errorf("one byte more: %v", err)
	}
}

func FuzzParseState(f *testing.F) {
	p := compile(f, Rule{Levels: []Level{{Severity: Warning, When: when(Test{Metric: "a", Op: Above, Value: 1})}}})
	s := p.Start(Known{})
	p.Step(&s, pack(1, "a", 2))
	f.Add(p.AppendState(nil, &s))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := p.ParseState(b)
		if err != nil {
			return
		}
		p.Step(&s, pack(5, "a", 3))
		p.Tick(&s, start)
	})
}
