package alertrule

import (
	"strconv"
	"strings"
)

// Sentence is the rule as a person would say it: "temp is above 80 for 5m".
func (r *Rule) Sentence() string {
	if r.Kind == NoData {
		what := "nothing comes"
		if r.Metric != "" {
			what = "no " + r.Metric + " comes"
		}
		if r.After == 0 {
			return what + " for three expected intervals"
		}
		return what + " for " + r.After.String()
	}
	words := make([]string, 0, len(r.Levels))
	for severity := Critical; severity > None; severity-- {
		for i := range r.Levels {
			if r.Levels[i].Severity == severity {
				words = append(words, r.Levels[i].Sentence()+" ("+severity.String()+")")
			}
		}
	}
	return strings.Join(words, "; ")
}

// Sentence is when the level fires, and when it ends if that is said: "temp is above 80 for 5m, until temp is below 75".
func (l *Level) Sentence() string {
	text := l.When.Sentence()
	if l.For > 0 {
		text = strings.TrimSpace(text + " for " + l.For.String())
	}
	if !l.Clear.IsZero() {
		text += ", until " + l.Clear.Sentence()
	}
	return text
}

// Sentence joins the tests: with "and" when all must hold, with "or" when one is enough.
func (c Condition) Sentence() string {
	words := make([]string, len(c.Tests))
	for i := range c.Tests {
		words[i] = c.Tests[i].Sentence()
	}
	if c.Any {
		return strings.Join(words, " or ")
	}
	return strings.Join(words, " and ")
}

// Sentence is the test in words: "temp rises faster than 2 per min".
func (t Test) Sentence() string {
	value, to := strconv.FormatFloat(t.Value, 'g', -1, 64), strconv.FormatFloat(t.To, 'g', -1, 64)
	words := map[Op]string{
		Above: "is above " + value, Below: "is below " + value,
		Outside: "is outside " + value + " to " + to, Inside: "is inside " + value + " to " + to,
		Equals: "equals " + value, Differs: "differs from " + value, Changed: "changes",
		RateAbove: "rises faster than " + value + " per " + t.Per, RateBelow: "changes by less than " + value + " per " + t.Per,
		TextIs: "is " + strconv.Quote(t.Text), TextContains: "contains " + strconv.Quote(t.Text), TextMatches: "matches " + strconv.Quote(t.Text),
		BitSet: "has bit " + value + " set", BitClear: "has bit " + value + " clear",
		Unusual: "is unusual",
	}[t.Op]
	if t.Op == Unusual && t.Value > 0 {
		words += " (score above " + value + ")"
	}
	return t.Metric + " " + words
}
