package rule

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cespare/xxhash/v2"
	"github.com/expr-lang/expr/ast"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// Set is the ordered rules of one tenant, ready to decide. The nil Set has no rules.
type Set struct {
	rules        []compiled
	names        *names
	destinations []id.Destination
	labels       []telemetry.Label
	sameName     []uint64 // for each label those with its name
	index        index
}

// compiled is one rule of a set.
type compiled struct {
	Rule
	sender  []conjunct // about nothing but the device; the same for all packets of a request
	packet  []conjunct // the rest, in the order written
	forward uint64     // bits of Set.destinations
	labels  uint64     // bits of Set.labels
	seed    uint64     // of sampling
	lane    telemetry.Lane
	hasLane bool
	decides bool
}

// Compile makes a set of rules, the first one first. It returns an *InvalidError, its Field with the position of the rule in
// front ("rules[3].when"), for a rule that Check would refuse, for two of one id, and when all rules together name more than
// telemetry.MaxMarked destinations or labels.
func Compile(rules []Rule) (*Set, error) {
	if len(rules) > MaxRules {
		return nil, invalid("rules", "are %d, at most %d are allowed", len(rules), MaxRules)
	}
	s := &Set{names: newNames(), rules: make([]compiled, 0, len(rules))}
	seen := make(map[id.Rule]bool, len(rules))
	for i, r := range rules {
		if err := r.Then.check(); err != nil {
			return nil, inRule(i, err)
		}
		if seen[r.ID] {
			return nil, invalid(fmt.Sprintf("rules[%d].id", i), "%s is there twice", r.ID)
		}
		seen[r.ID] = true
		conjuncts, err := compile(r.When, s.names)
		if err != nil {
			return nil, inRule(i, err)
		}
		if err := s.add(r, conjuncts); err != nil {
			return nil, inRule(i, err)
		}
	}
	for i := range s.labels {
		var same uint64
		for j := range s.labels {
			if s.labels[i].Name == s.labels[j].Name {
				same |= 1 << j
			}
		}
		s.sameName = append(s.sameName, same)
	}
	s.index = indexOf(s)
	return s, nil
}

func inRule(i int, err error) error {
	var at *InvalidError
	if errors.As(err, &at) {
		return &InvalidError{Field: fmt.Sprintf("rules[%d].%s", i, at.Field), Column: at.Column, Detail: at.Detail}
	}
	return err
}

func (s *Set) add(r Rule, conjuncts []conjunct) (err error) {
	c := compiled{Rule: r, decides: r.Then.Decides(), seed: xxhash.Sum64String(string(r.ID))}
	c.lane, c.hasLane = laneOf(r.Then.Lane)
	for _, one := range conjuncts {
		if one.aboutSender() {
			c.sender = append(c.sender, one)
		} else {
			c.packet = append(c.packet, one)
		}
	}
	for _, d := range r.Then.Forward {
		if s.destinations, err = mark(&c.forward, s.destinations, d); err != nil {
			return invalid("then.forward", "the enabled rules forward to more than %d destinations", telemetry.MaxMarked)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Then.Labels)) {
		if s.labels, err = mark(&c.labels, s.labels, telemetry.Label{Name: name, Text: r.Then.Labels[name]}); err != nil {
			return invalid("then.labels", "the enabled rules add more than %d different labels", telemetry.MaxMarked)
		}
	}
	s.rules = append(s.rules, c)
	return nil
}

// mark sets the bit of a thing, which gets the next one if it has none.
func mark[T comparable](bits *uint64, list []T, thing T) ([]T, error) {
	at := slices.Index(list, thing)
	if at < 0 {
		if at = len(list); at == telemetry.MaxMarked {
			return list, ErrInvalid
		}
		list = append(list, thing)
	}
	*bits |= 1 << at
	return list, nil
}

// aboutSender says that a conjunct asks for the device only, in a form that cannot fail.
func (c *conjunct) aboutSender() bool {
	return len(c.uses) == 1 && c.uses[0].field != "" && c.uses[0].field != kindField && c.simple()
}

// aboutKind is the same for the packet's kind.
func (c *conjunct) aboutKind() bool {
	return len(c.uses) == 1 && c.uses[0].field == kindField && c.simple()
}

// simple compares one field for being equal, or asks where a site is.
func (c *conjunct) simple() bool {
	switch n := c.node.(type) {
	case *ast.BinaryNode:
		return (n.Operator == "==" || n.Operator == "!=" || n.Operator == "in") && plain(n.Left) && plain(n.Right)
	case *ast.CallNode:
		return len(n.Arguments) == 2 && c.uses[0].static == text // within
	}
	return false
}

// Len is how many rules there are.
func (s *Set) Len() int {
	if s == nil {
		return 0
	}
	return len(s.rules)
}

// Rule is the i-th rule as it was written.
func (s *Set) Rule(i int) Rule { return s.rules[i].Rule }

// Forwards is what the i-th rule forwards to, as bits of Verdict.Forward.
func (s *Set) Forwards(i int) uint64 { return s.rules[i].forward }

// Destinations is what the bits of Verdict.Forward stand for. It must not be changed.
func (s *Set) Destinations() []id.Destination { return s.destinations }

// Labels is what the bits of Verdict.Labels stand for. It must not be changed.
func (s *Set) Labels() []telemetry.Label { return s.labels }
