package alertrule

import (
	"errors"
	"fmt"
	"time"

	"longwave/tenants/id"
)

// Bounds of what a tenant may write. They keep the work for a packet and what is kept of a device small.
const (
	MaxRules        = 1000 // of a tenant, drafts included
	MaxTests        = 8    // of one condition
	MaxUnusual      = 1    // metrics of one rule whose usual course is learned: some kilobytes for each device
	MaxText         = 200  // bytes of a text that values are compared with
	MaxMessage      = 1000 // bytes of a template
	MaxSelector     = 100  // entries in each list of a selector
	MaxSteps        = 5    // of a notification
	MaxDestinations = 8    // of one step
	MaxDuration     = Duration(31 * 24 * time.Hour)
	maxName         = 100
	maxNote         = 2000
	maxMetric       = 128
)

// ErrInvalid is the class of every *InvalidError.
var ErrInvalid = errors.New("not a valid alert rule")

// InvalidError says what is wrong with a rule, and where.
type InvalidError struct {
	Field  string // "name", "levels.0.when.tests.1.metric", …
	Detail string // for the person who writes it
}

// Error is the sentence with its place.
func (e *InvalidError) Error() string { return e.Field + ": " + e.Detail }

// Is makes every *InvalidError an ErrInvalid.
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

func invalid(field, format string, args ...any) error {
	return &InvalidError{Field: field, Detail: fmt.Sprintf(format, args...)}
}

// Mode says what becomes of what a rule finds.
type Mode string

// The modes of a rule.
const (
	Draft   Mode = "draft"   // written, and nothing else
	Shadow  Mode = "shadow"  // evaluated and recorded; nobody is notified
	Enabled Mode = "enabled" // evaluated, and people are notified
	Paused  Mode = "paused"  // not evaluated until somebody enables it again
)

// Evaluated says whether rules of this mode are run.
func (m Mode) Evaluated() bool { return m == Shadow || m == Enabled }

// Kind says what a rule looks at.
type Kind string

// The kinds of rules.
const (
	Threshold Kind = "threshold" // conditions over values
	NoData    Kind = "no_data"   // that a device says nothing
)

// Severity says how bad it is; a higher one is worse.
type Severity uint8

// The severities. Their numbers are part of the log and of checkpoints: never renumber.
const (
	None Severity = iota
	Info
	Warning
	Critical
)

var severityWords = [...]string{"", "info", "warning", "critical"}

// String is the word as people see it; empty for None.
func (s Severity) String() string {
	if int(s) < len(severityWords) {
		return severityWords[s]
	}
	return ""
}

// MarshalText is for JSON and YAML.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText returns an *InvalidError for a word that is no severity.
func (s *Severity) UnmarshalText(text []byte) error {
	for i, word := range severityWords {
		if word == string(text) {
			*s = Severity(i)
			return nil
		}
	}
	return invalid("severity", "%.20q is none of info, warning, critical", text)
}

// GroupBy says which alerts one notification may tell of.
type GroupBy string

// The groupings.
const (
	GroupRule   GroupBy = "rule"
	GroupSite   GroupBy = "site"
	GroupDevice GroupBy = "device"
)

// Rule is one alert rule as it is written.
type Rule struct {
	ID       id.AlertRule `json:"id,omitempty" yaml:"-"`
	Name     string       `json:"name" yaml:"name"`
	Note     string       `json:"note,omitempty" yaml:"note,omitempty"` // for people: what to do
	Mode     Mode         `json:"mode,omitempty" yaml:"-"`
	Version  int          `json:"version,omitempty" yaml:"-"` // counts what was enabled; a changed rule starts afresh
	Kind     Kind         `json:"kind" yaml:"kind"`
	Selector Selector     `json:"selector,omitzero" yaml:"selector,omitempty"`
	Levels   []Level      `json:"levels" yaml:"levels"`
	// After is how long nothing may come, for NoData; 0 means three times the interval that is expected of the device.
	After Duration `json:"after,omitempty" yaml:"after,omitempty"`
	// Metric narrows NoData to packets that have it; empty for any packet.
	Metric  string `json:"metric,omitempty" yaml:"metric,omitempty"`
	Message string `json:"message,omitempty" yaml:"message,omitempty"` // a template; empty for the usual sentence
	Notify  Notify `json:"notify,omitzero" yaml:"notify,omitempty"`
}

// Level is one severity of a rule.
type Level struct {
	Severity Severity  `json:"severity" yaml:"severity"`
	When     Condition `json:"when,omitzero" yaml:"when,omitempty"`   // of NoData: none
	Clear    Condition `json:"clear,omitzero" yaml:"clear,omitempty"` // none: as soon as When does not hold
	For      Duration  `json:"for,omitempty" yaml:"for,omitempty"`    // of NoData: in addition to After
}

// Condition is several tests, of which all must hold, or any.
type Condition struct {
	Any   bool   `json:"any,omitempty" yaml:"any,omitempty"`
	Tests []Test `json:"tests,omitempty" yaml:"tests,omitempty"`
}

// IsZero says whether there is no condition.
func (c Condition) IsZero() bool { return len(c.Tests) == 0 }

// Op is how a test looks at a metric.
type Op string

// The operators. Numbers are compared with Value, and Outside and Inside with Value and To; true and false are 1 and 0.
const (
	Above        Op = "above"
	Below        Op = "below"
	Outside      Op = "outside" // below Value or above To
	Inside       Op = "inside"
	Equals       Op = "equals"
	Differs      Op = "differs"
	Changed      Op = "changed"    // the latest value is another than the one before it
	RateAbove    Op = "rate_above" // the slope between the latest two values, per Per
	RateBelow    Op = "rate_below"
	TextIs       Op = "text_is"
	TextContains Op = "text_contains"
	TextMatches  Op = "text_matches" // a regular expression, RE2
	BitSet       Op = "bit_set"      // bit Value of the whole number, from 0
	BitClear     Op = "bit_clear"
	// Unusual: the metric goes on to be unusual for itself, with a score above Value, from 0.5 (0 means that) to below 1. See package unusual.
	Unusual Op = "unusual"
)

// Ops lists every operator, in the order of menus.
func Ops() []Op {
	return []Op{Above, Below, Outside, Inside, Equals, Differs, Changed, RateAbove, RateBelow, TextIs, TextContains, TextMatches, BitSet, BitClear, Unusual}
}

// Test is one question about one metric. A metric that was never seen, or holds another type of value, answers no.
type Test struct {
	Metric string  `json:"metric" yaml:"metric"`
	Op     Op      `json:"op" yaml:"op"`
	Value  float64 `json:"value,omitempty" yaml:"value,omitempty"`
	To     float64 `json:"to,omitempty" yaml:"to,omitempty"`
	Text   string  `json:"text,omitempty" yaml:"text,omitempty"`
	Per    string  `json:"per,omitempty" yaml:"per,omitempty"` // "s", "min" or "h", of rates
}

// Notify says who hears of an alert, and when.
type Notify struct {
	Steps   []Step   `json:"steps,omitempty" yaml:"steps,omitempty"`
	Repeat  Duration `json:"repeat,omitempty" yaml:"repeat,omitempty"` // while it fires and nobody acknowledged; 0 never
	GroupBy GroupBy  `json:"group_by,omitempty" yaml:"group_by,omitempty"`
}

// IsZero says whether nobody is notified.
func (n Notify) IsZero() bool { return len(n.Steps) == 0 && n.Repeat == 0 && n.GroupBy == "" }

// Step is one step of an escalation: whoever acknowledges before After ends it.
type Step struct {
	After        Duration         `json:"after,omitempty" yaml:"after,omitempty"`
	Destinations []id.Destination `json:"destinations" yaml:"destinations"`
}

// Duration is a time span in whole seconds, written as 90s, 5m or 2h30m.
type Duration time.Duration

// String is how it is written.
func (d Duration) String() string {
	rest := time.Duration(d)
	text := ""
	for _, unit := range []struct {
		size time.Duration
		name string
	}{{time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if n := rest / unit.size; n > 0 {
			text += fmt.Sprintf("%d%s", n, unit.name)
			rest -= n * unit.size
		}
	}
	if text == "" {
		return "0s"
	}
	return text
}

// MarshalText is for JSON and YAML.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText returns an *InvalidError for what is no span of whole seconds.
func (d *Duration) UnmarshalText(text []byte) error {
	span, err := time.ParseDuration(string(text))
	if err != nil || span < 0 || span%time.Second != 0 {
		return invalid("duration", "%.20q is no time span, want one such as 90s, 5m or 2h30m", text)
	}
	*d = Duration(span)
	return nil
}
