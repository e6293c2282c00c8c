package alertrule

import (
	"errors"
	"math"
	"strings"
	"testing"

	"longwave/ingest/telemetry"
)

// What is too long, too deep, too large or no number is refused when a rule is written, by the name of what is wrong.
func TestHostileRulesAreRefused(t *testing.T) {
	huge := strings.Repeat("a", 1<<20)
	test := func(change func(*Test)) func(*Rule) {
		return func(r *Rule) { change(&r.Levels[0].When.Tests[0]) }
	}
	matches := func(text string) func(*Rule) {
		return test(func(t *Test) { t.Op, t.Text = TextMatches, text })
	}
	for name, c := range map[string]struct {
		change func(*Rule)
		field  string
	}{
		"a huge name":                {func(r *Rule) { r.Name = huge }, "name"},
		"a name with a line end":     {func(r *Rule) { r.Name = "hot\r\nBcc: eve@example.com" }, "name"},
		"a huge note":                {func(r *Rule) { r.Note = huge }, "note"},
		"a huge message":             {func(r *Rule) { r.Message = huge }, "message"},
		"a message that nests":       {func(r *Rule) { r.Message = strings.Repeat("{", 500) + "device" + strings.Repeat("}", 500) }, "message"},
		"a message with a program":   {func(r *Rule) { r.Message = "{{range .}}{{end}}" }, "message"},
		"a message with a header":    {func(r *Rule) { r.Message = "hot\rBcc: eve@example.com" }, "message"},
		"a huge metric":              {test(func(t *Test) { t.Metric = huge }), "levels.0.when.tests.0.metric"},
		"a huge text":                {test(func(t *Test) { t.Op, t.Text = TextIs, huge }), "levels.0.when.tests.0.text"},
		"no number":                  {test(func(t *Test) { t.Value = math.NaN() }), "levels.0.when.tests.0.value"},
		"an endless number":          {test(func(t *Test) { t.Value = math.Inf(1) }), "levels.0.when.tests.0.value"},
		"a rate per nothing":         {test(func(t *Test) { t.Op, t.Per = RateAbove, "0s" }), "levels.0.when.tests.0.per"},
		"a bit that is none":         {test(func(t *Test) { t.Op, t.Value = BitSet, 1e300 }), "levels.0.when.tests.0.value"},
		"repetitions of repetitions": {matches("((a{100}){100}){100}"), "levels.0.when.tests.0.text"},
		"a large expression":         {matches("(a{30}){30}"), "levels.0.when.tests.0.text"},
		"a deep expression":          {matches(strings.Repeat("(", 60) + "a" + strings.Repeat(")*", 60) + "{9}{9}{9}"), "levels.0.when.tests.0.text"},
		"half an expression":         {matches("(a"), "levels.0.when.tests.0.text"},
		"too many tests": {func(r *Rule) {
			for range MaxTests {
				r.Levels[0].When.Tests = append(r.Levels[0].When.Tests, r.Levels[0].When.Tests[0])
			}
		}, "levels.0.when"},
		"too many names": {func(r *Rule) { r.Selector.Names = strings.Split(strings.Repeat("x,", 5000), ",") }, "selector.names"},
	} {
		r := Rule{Name: "hot", Kind: Threshold, Levels: []Level{{Severity: Warning, When: when(Test{Metric: "temp", Op: Above, Value: 80})}}}
		c.change(&r)
		_, err := Compile(r)
		var wrong *InvalidError
		if !errors.As(err, &wrong) || !strings.HasPrefix(wrong.Field, c.field) || len(err.Error()) > 1000 {
			t.Errorf("%s: %.300v, want something about %s", name, err, c.field)
		}
	}
}

// TestHostileYAMLIsRefused has texts that are small and mean a lot.
func TestHostileYAMLIsRefused(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for n := 'b'; n < 'k'; n++ {
		bomb += strings.ReplaceAll("N: &N [*P,*P,*P,*P,*P,*P,*P,*P,*P]\n", "N", string(n))
		bomb = strings.ReplaceAll(bomb, "P", string(n-1))
	}
	for name, text := range map[string]string{
		"too long": strings.Repeat("#", maxYAML+1), "names within names": bomb, "nested": "levels: " + strings.Repeat("[", 10_000),
		"nothing": "", "two": "name: a\n---\nname: b\n", "no member": "name: a\nrun: /bin/sh\n", "a type": "name: !!binary aGk=\nlevels: !!python/object:os.system {}\n",
		"endless": "name: a\nkind: threshold\nlevels: [{severity: info, when: {tests: [{metric: temp, op: above, value: .inf}]}}]\n",
	} {
		if _, err := FromYAML(text); !errors.Is(err, ErrInvalid) || len(err.Error()) > 1000 {
			t.Errorf("%s: %.200v", name, err)
		}
	}
}

// TestHostileValuesHarmNoState has values at the ends of what a packet may hold, and rates over no time at all.
func TestHostileValuesHarmNoState(t *testing.T) {
	r := begin(t, Rule{Levels: []Level{
		{Severity: Warning, When: Condition{Any: true, Tests: []Test{
			{Metric: "temp", Op: RateAbove, Value: math.MaxFloat64, Per: "h"}, {Metric: "temp", Op: RateBelow, Value: -math.MaxFloat64, Per: "h"}}}},
		{Severity: Critical, When: when(Test{Metric: "state", Op: TextMatches, Text: "(a*)*b$"})},
	}})
	text := strings.Repeat("a", 64<<10)
	for i, value := range []float64{math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64, 0, math.Copysign(0, -1), 1e308} {
		r.step(pack(float64(i), "temp", value, "state", text), pack(float64(i), "temp", -value), pack(float64(i)+1e-6, "temp", -value, "state", "b"))
		b := r.p.AppendState(nil, &r.s)
		back, err := r.p.ParseState(b)
		if err != nil || len(b) > MaxState || back.Status != r.s.Status {
			t.Fatalf("%g: %d bytes, %v", value, len(b), err)
		}
		r.s = back
	}
	for _, when := range []telemetry.Micros{math.MinInt64, math.MaxInt64, -1, 0} {
		r.step(Sample{At: when, Received: when, Values: []telemetry.Value{{Name: "temp", Num: 1}}})
		if _, err := r.p.ParseState(r.p.AppendState(nil, &r.s)); err != nil {
			t.Errorf("at %d: %v", when, err)
		}
	}
}
