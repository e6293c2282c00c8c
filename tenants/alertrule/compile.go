package alertrule

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"longwave/ingest/telemetry"
)

// Program is a rule that is ready to run.
type Program struct {
	rule    Rule
	metrics []string
	tests   []test
	levels  []compiledLevel // the worst first
	message []piece
	learned int // in metrics: whose usual course is learned; -1 for none
}

// compiledLevel is a level with its tests as bits of State.holds.
type compiledLevel struct {
	severity Severity
	when     compiledCondition
	clear    compiledCondition
	lasts    telemetry.Micros
}

type compiledCondition struct {
	any  bool
	mask uint64
}

func (c compiledCondition) holds(tests uint64) bool {
	if c.any {
		return tests&c.mask != 0
	}
	return c.mask != 0 && tests&c.mask == c.mask
}

// test is a Test with what it takes to answer it fast.
type test struct {
	Test
	metric  int // in Program.metrics
	pattern *regexp.Regexp
	unit    float64 // seconds, of rates
}

// Compile makes a rule ready to run. It returns what Validate returns.
func Compile(r Rule) (*Program, error) {
	if err := r.Validate(); err != nil {
		return nil, err
	}
	p := &Program{rule: r, learned: -1}
	p.message, _ = parseMessage(r.message()) // Validate has parsed it
	if r.Metric != "" {
		p.metrics = []string{r.Metric}
	}
	for _, l := range r.Levels {
		p.levels = append(p.levels, compiledLevel{severity: l.Severity, lasts: micros(l.For), when: p.condition(l.When), clear: p.condition(l.Clear)})
	}
	slices.SortFunc(p.levels, func(a, b compiledLevel) int { return int(b.severity) - int(a.severity) })
	return p, nil
}

func (p *Program) condition(c Condition) compiledCondition {
	out := compiledCondition{any: c.Any}
	for _, t := range c.Tests {
		out.mask |= 1 << p.add(t)
	}
	return out
}

// add returns the bit of a test. The same test in several places has one bit.
func (p *Program) add(t Test) int {
	if i := slices.IndexFunc(p.tests, func(have test) bool { return have.Test == t }); i >= 0 {
		return i
	}
	compiled := test{Test: t, metric: slices.Index(p.metrics, t.Metric)}
	if compiled.metric < 0 {
		compiled.metric = len(p.metrics)
		p.metrics = append(p.metrics, t.Metric)
	}
	if t.Op == TextMatches {
		compiled.pattern, _ = pattern(t.Text) // Validate has compiled it
	}
	compiled.unit, _ = perSecond(t.Per)
	if t.Op == Unusual {
		p.learned = compiled.metric
	}
	p.tests = append(p.tests, compiled)
	return len(p.tests) - 1
}

// Rule is what the program was made of. What it points to is shared: never change it.
func (p *Program) Rule() *Rule { return &p.rule }

// Metrics are the names that the rule looks at; none means every packet concerns it.
func (p *Program) Metrics() []string { return p.metrics }

// Learns is how many series' usual course the program learns of each device.
func (p *Program) Learns() int {
	if p.learned < 0 {
		return 0
	}
	return 1
}

// maxBit is the highest bit that a number keeps exactly.
const maxBit = 52

// holds answers the test for a value that has just become the latest of its metric.
func (t *test) holds(v *telemetry.Value, before *metric) bool {
	switch t.Op {
	case TextIs:
		return v.Type == telemetry.Text && v.Text == t.Text
	case TextContains:
		return v.Type == telemetry.Text && strings.Contains(v.Text, t.Text)
	case TextMatches:
		return v.Type == telemetry.Text && t.pattern.MatchString(v.Text[:min(len(v.Text), maxMatched)])
	case Changed:
		return before.At != never && (before.Type != v.Type || before.Num != v.Num || before.sum != sum(v.Text))
	}
	return v.Type != telemetry.Text && t.compares(v.Num)
}

// maxMatched bounds the text that a regular expression is run over: the time is linear in both.
const maxMatched = 4096

func (t *test) compares(n float64) bool {
	switch t.Op {
	case Above:
		return n > t.Value
	case Below:
		return n < t.Value
	case Outside:
		return n < t.Value || n > t.To
	case Inside:
		return n >= t.Value && n <= t.To
	case Equals:
		return n == t.Value
	case Differs:
		return n != t.Value
	case BitSet, BitClear:
		if n != float64(int64(n)) {
			return false
		}
		return (int64(n)>>uint(t.Value)&1 == 1) == (t.Op == BitSet)
	}
	return false
}

// slope answers a test about the rate between two readings of a metric.
func (t *test) slope(rate float64, known bool) bool {
	switch t.Op {
	case RateAbove:
		return known && rate*t.unit > t.Value
	case RateBelow:
		return known && rate*t.unit < t.Value
	}
	return false
}

// perSecond is how many seconds a unit of rates has.
func perSecond(unit string) (float64, bool) {
	switch unit {
	case "s":
		return 1, true
	case "min":
		return 60, true
	case "h":
		return 3600, true
	}
	return 0, false
}

func micros(d Duration) telemetry.Micros {
	return telemetry.Micros(time.Duration(d) / time.Microsecond)
}
