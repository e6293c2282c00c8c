package rule

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// Bounds of what a tenant may write. They keep the work for a packet, an event of the control log and a page small.
const (
	MaxRules   = 1000 // of a tenant, drafts included
	MaxWhen    = 2000 // bytes of an expression
	MaxOneIn   = 1_000_000
	MaxLabels  = 8  // that one rule adds
	MaxForward = 16 // destinations of one rule
	maxName    = 100
	maxLabel   = 63 // bytes of a label's name
	maxText    = 200
)

// ErrInvalid is the class of every *InvalidError.
var ErrInvalid = errors.New("not a valid rule")

// InvalidError says what is wrong with a rule, and where.
type InvalidError struct {
	Field  string // "name", "when", "then.lane", …, or "yaml"
	Column int    // of the expression, or line of YAML, from 1; 0 when the place is not known
	Detail string // for the person who writes it
}

// Error is the sentence with its place.
func (e *InvalidError) Error() string {
	if e.Column > 0 {
		return fmt.Sprintf("%s: at %d: %s", e.Field, e.Column, e.Detail)
	}
	return e.Field + ": " + e.Detail
}

// Is makes every *InvalidError an ErrInvalid.
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

func invalid(field, format string, args ...any) error {
	return &InvalidError{Field: field, Detail: fmt.Sprintf(format, args...)}
}

// Rule is one routing rule as it is written.
type Rule struct {
	ID   id.Rule `json:"id"`
	Name string  `json:"name"`
	// When is the expression that must be true; empty for every packet.
	When string `json:"when,omitempty"`
	Then Then   `json:"then"`
}

// Then is what happens to a packet that a rule matches. A Then that names a lane, drops or samples decides, and so does one
// that says nothing at all: it keeps the packet as it is. One that only labels or forwards leaves the decision to the
// rules below.
type Then struct {
	Lane    string            `json:"lane,omitempty"` // "critical", "standard" or "bulk"; empty leaves it to the packet's kind
	Drop    bool              `json:"drop,omitempty"`
	OneIn   int               `json:"one_in,omitempty"` // keep one packet in so many and drop the rest; 0 or 1 keeps all
	Labels  map[string]string `json:"labels,omitempty"`
	Forward []id.Destination  `json:"forward,omitempty"`
}

// Decides says whether a match ends the search for the lane and for keeping.
func (t Then) Decides() bool {
	return t.Lane != "" || t.Drop || t.OneIn > 1 || len(t.Labels)+len(t.Forward) == 0
}

// Check returns the rule without spaces around its texts, or an *InvalidError for the first thing that is wrong with it.
func Check(r Rule) (Rule, error) {
	r.Name, r.When = strings.TrimSpace(r.Name), strings.TrimSpace(r.When)
	switch n := utf8.RuneCountInString(r.Name); {
	case n == 0:
		return r, invalid("name", "must not be empty")
	case n > maxName:
		return r, invalid("name", "has %d characters, at most %d are allowed", n, maxName)
	case !visible(r.Name):
		return r, invalid("name", "contains an invisible character")
	}
	if err := r.Then.check(); err != nil {
		return r, err
	}
	_, err := compile(r.When, newNames())
	return r, err
}

func (t Then) check() error {
	if _, ok := laneOf(t.Lane); !ok && t.Lane != "" {
		return invalid("then.lane", "%.40q is no lane, want critical, standard or bulk", t.Lane)
	}
	if t.OneIn < 0 || t.OneIn > MaxOneIn {
		return invalid("then.one_in", "is %d, want 1 to %d", t.OneIn, MaxOneIn)
	}
	if t.Drop && (t.Lane != "" || t.OneIn > 1 || len(t.Labels)+len(t.Forward) > 0) {
		return invalid("then.drop", "what is dropped cannot be sampled, labelled, forwarded or given a lane")
	}
	if len(t.Labels) > MaxLabels {
		return invalid("then.labels", "has %d labels, at most %d are allowed", len(t.Labels), MaxLabels)
	}
	for name, text := range t.Labels {
		if !labelName(name) {
			return invalid("then.labels", "%.70q is no label name: want 1 to %d of a-z, A-Z, 0-9, '.', '_', '-', '/'", name, maxLabel)
		}
		if utf8.RuneCountInString(text) > maxText || !visible(text) {
			return invalid("then.labels", "%s: want at most %d characters, all of them visible", name, maxText)
		}
	}
	if len(t.Forward) > MaxForward {
		return invalid("then.forward", "has %d destinations, at most %d are allowed", len(t.Forward), MaxForward)
	}
	for i, d := range t.Forward {
		if _, err := id.Parse[id.Destination](string(d)); err != nil || slices.Index(t.Forward, d) != i {
			return invalid("then.forward", "%.70q is no destination, or is named twice", d)
		}
	}
	return nil
}

func laneOf(word string) (telemetry.Lane, bool) {
	for _, lane := range telemetry.Lanes() {
		if lane.String() == word {
			return lane, true
		}
	}
	return 0, false
}

func labelName(name string) bool {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-/", r)
	}
	return name != "" && len(name) <= maxLabel && strings.IndexFunc(name, func(r rune) bool { return !plain(r) }) < 0
}
