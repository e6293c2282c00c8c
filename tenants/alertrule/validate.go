package alertrule

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"longwave/tenants/id"
)

// Validate returns an *InvalidError for the first thing that is wrong with the rule.
func (r *Rule) Validate() error {
	if err := r.validateTexts(); err != nil {
		return err
	}
	if err := r.Selector.Validate(); err != nil {
		return err
	}
	if err := r.validateKind(); err != nil {
		return err
	}
	if len(r.Levels) == 0 || len(r.Levels) > int(Critical) {
		return invalid("levels", "want one to three, one for each severity")
	}
	for i := range r.Levels {
		if err := r.validateLevel(i); err != nil {
			return err
		}
	}
	if err := r.validateUnusual(); err != nil {
		return err
	}
	if _, err := parseMessage(r.Message); err != nil {
		return err
	}
	return r.Notify.validate()
}

func (r *Rule) validateTexts() error {
	switch n := utf8.RuneCountInString(r.Name); {
	case strings.TrimSpace(r.Name) == "":
		return invalid("name", "must not be empty")
	case n > maxName:
		return invalid("name", "has %d characters, at most %d are allowed", n, maxName)
	case !visible(r.Name):
		return invalid("name", "contains an invisible character")
	}
	if len(r.Note) > maxNote || !utf8.ValidString(r.Note) {
		return invalid("note", "want at most %d bytes of text", maxNote)
	}
	return nil
}

func (r *Rule) validateKind() error {
	switch r.Kind {
	case Threshold:
		if r.After != 0 || r.Metric != "" {
			return invalid("after", "belongs to rules about missing data")
		}
	case NoData:
		if r.After < 0 || r.After > MaxDuration || r.After%Duration(time.Second) != 0 {
			return invalid("after", "want 0 or whole seconds, at most %s", MaxDuration)
		}
		if r.Metric != "" && !metricName(r.Metric) {
			return invalid("metric", "want 1 to %d visible characters", maxMetric)
		}
	default:
		return invalid("kind", "%.20q is neither %s nor %s", r.Kind, Threshold, NoData)
	}
	return nil
}

func (r *Rule) validateLevel(i int) error {
	l, field := &r.Levels[i], fmt.Sprintf("levels.%d", i)
	switch {
	case l.Severity < Info || l.Severity > Critical:
		return invalid(field+".severity", "want info, warning or critical")
	case slices.IndexFunc(r.Levels, func(o Level) bool { return o.Severity == l.Severity }) != i:
		return invalid(field+".severity", "%s stands there twice", l.Severity)
	case l.For < 0 || l.For > MaxDuration || l.For%Duration(time.Second) != 0:
		return invalid(field+".for", "want whole seconds, at most %s", MaxDuration)
	case r.Kind == NoData && !(l.When.IsZero() && l.Clear.IsZero()):
		return invalid(field+".when", "a rule about missing data has no condition")
	case r.Kind == NoData:
		return nil
	case l.When.IsZero():
		return invalid(field+".when", "needs a test")
	}
	if err := l.When.validate(field + ".when"); err != nil {
		return err
	}
	return l.Clear.validate(field + ".clear")
}

func (c *Condition) validate(field string) error {
	if len(c.Tests) > MaxTests {
		return invalid(field, "has %d tests, at most %d are allowed", len(c.Tests), MaxTests)
	}
	for i := range c.Tests {
		if err := c.Tests[i].validate(fmt.Sprintf("%s.tests.%d", field, i)); err != nil {
			return err
		}
	}
	return nil
}

func (t *Test) validate(field string) error {
	switch {
	case !metricName(t.Metric):
		return invalid(field+".metric", "want 1 to %d visible characters", maxMetric)
	case !slices.Contains(Ops(), t.Op):
		return invalid(field+".op", "%.20q is no operator", t.Op)
	case math.IsNaN(t.Value) || math.IsInf(t.Value, 0) || math.IsNaN(t.To) || math.IsInf(t.To, 0):
		return invalid(field+".value", "want a finite number")
	}
	switch t.Op {
	case Outside, Inside:
		if t.Value > t.To {
			return invalid(field+".to", "is below the lower bound")
		}
	case RateAbove, RateBelow:
		if _, ok := perSecond(t.Per); !ok {
			return invalid(field+".per", "%.20q is none of s, min, h", t.Per)
		}
	case Unusual:
		if t.Value != 0 && (t.Value < leastScore || t.Value >= 1) {
			return invalid(field+".value", "want a score from %g to below 1", leastScore)
		}
	case BitSet, BitClear:
		if t.Value != math.Trunc(t.Value) || t.Value < 0 || t.Value > maxBit {
			return invalid(field+".value", "want a whole number from 0 to %d", maxBit)
		}
	case TextIs, TextContains, TextMatches:
		return t.validateText(field + ".text")
	}
	return nil
}

// leastScore is what a reading scores from which on it is worth a look.
const leastScore = 0.5

// validateUnusual bounds what is learned for each device.
func (r *Rule) validateUnusual() error {
	var learned []string
	for i := range r.Levels {
		for _, t := range slices.Concat(r.Levels[i].When.Tests, r.Levels[i].Clear.Tests) {
			if t.Op == Unusual && !slices.Contains(learned, t.Metric) {
				learned = append(learned, t.Metric)
			}
		}
	}
	if len(learned) > MaxUnusual {
		return invalid("levels", "ask of %d metrics whether they are unusual, at most %d is allowed", len(learned), MaxUnusual)
	}
	return nil
}

func (t *Test) validateText(field string) error {
	if t.Text == "" || len(t.Text) > MaxText || !utf8.ValidString(t.Text) {
		return invalid(field, "want 1 to %d bytes of text", MaxText)
	}
	if t.Op == TextMatches {
		if _, err := pattern(t.Text); err != nil {
			return invalid(field, "%s", err)
		}
	}
	return nil
}

// maxProgram bounds a regular expression with its repetitions multiplied out.
const maxProgram = 500

// pattern compiles a regular expression whose time is linear in the text.
func pattern(text string) (*regexp.Regexp, error) {
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %s", strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	program, err := syntax.Compile(parsed.Simplify())
	if err != nil || len(program.Inst) > maxProgram {
		return nil, errors.New("is too large: use fewer and smaller repetitions")
	}
	return regexp.Compile(text)
}

func (n *Notify) validate() error {
	if len(n.Steps) > MaxSteps {
		return invalid("notify.steps", "has %d steps, at most %d are allowed", len(n.Steps), MaxSteps)
	}
	var before Duration
	for i, s := range n.Steps {
		field := fmt.Sprintf("notify.steps.%d", i)
		if s.After < before || s.After > MaxDuration {
			return invalid(field+".after", "want a time that is not before the step above, at most %s", MaxDuration)
		}
		before = s.After
		if len(s.Destinations) == 0 || len(s.Destinations) > MaxDestinations {
			return invalid(field+".destinations", "want 1 to %d", MaxDestinations)
		}
		for _, d := range s.Destinations {
			if _, err := id.Parse[id.Destination](string(d)); err != nil {
				return invalid(field+".destinations", "%.70q is no destination", d)
			}
		}
	}
	if n.Repeat < 0 || n.Repeat > MaxDuration || n.Repeat > 0 && n.Repeat < Duration(time.Minute) {
		return invalid("notify.repeat", "want 0 or between a minute and %s", MaxDuration)
	}
	if !slices.Contains([]GroupBy{"", GroupRule, GroupSite, GroupDevice}, n.GroupBy) {
		return invalid("notify.group_by", "%.20q is none of rule, site, device", n.GroupBy)
	}
	return nil
}

func metricName(name string) bool { return name != "" && len(name) <= maxMetric && visible(name) }

func visible(text string) bool {
	return utf8.ValidString(text) && strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) < 0
}
