package alertrule

import (
	"slices"
	"time"

	"longwave/tenants/id"
)

// Silence is a time during which nobody is notified of some alerts; they fire and are recorded all the same. One that
// begins later is a maintenance window.
type Silence struct {
	ID         id.Silence     `json:"id"`
	Everything bool           `json:"everything,omitempty"` // all rules and all devices, said in so many words
	Rules      []id.AlertRule `json:"rules,omitempty"`      // of these only; empty for all
	Selector   Selector       `json:"selector,omitzero"`
	From       time.Time      `json:"from"`
	Until      time.Time      `json:"until"`
	Reason     string         `json:"reason"`
}

// Active says whether the silence is in force at an instant: from From up to, and not at, Until.
func (s *Silence) Active(at time.Time) bool { return !at.Before(s.From) && at.Before(s.Until) }

// Covers says whether the silence, while it is in force, is about alerts of a rule for a device.
func (s *Silence) Covers(rule id.AlertRule, d *Device) bool {
	return (len(s.Rules) == 0 || slices.Contains(s.Rules, rule)) && s.Selector.Matches(d)
}

// Validate returns an *InvalidError for a silence about nothing in particular that does not say so, and for what no
// Selector may hold. Its times are the caller's.
func (s *Silence) Validate() error {
	if about := len(s.Rules) > 0 || !s.Selector.IsZero(); about == s.Everything {
		return invalid("selector", "say which devices, sites, labels or rules, or that it is about everything")
	}
	if len(s.Rules) > MaxSelector {
		return invalid("rules", "has %d entries, at most %d are allowed", len(s.Rules), MaxSelector)
	}
	return s.Selector.Validate()
}
