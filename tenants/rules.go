package tenants

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"longwave/tenants/id"
	"longwave/tenants/rule"
)

// maxReason bounds why somebody changed a rule, or keeps people out of a tenant: a sentence or two.
const maxReason = 300 // characters

// ruleRef names one rule of one tenant.
type ruleRef struct {
	tenant id.Tenant
	rule   id.Rule
}

// onRule is a command on one existing rule, and returns the rule as it is then. ErrNotFound if the tenant has none of
// that id.
func (s *Service) onRule(ctx context.Context, actor Actor, on ruleRef, decide func(*State, Rule) ([]event, error)) (Rule, error) {
	st, err := s.inTenant(ctx, actor, on.tenant, func(st *State, _ time.Time) ([]event, error) {
		found, ok := st.Rule(on.tenant, on.rule)
		if !ok {
			return nil, fmt.Errorf("rule: %w", ErrNotFound)
		}
		return decide(st, found)
	})
	if err != nil {
		return Rule{}, err
	}
	found, _ := st.Rule(on.tenant, on.rule) // the zero rule if it was deleted
	return found, nil
}

// DraftRule writes a rule down without letting it decide about anything. Without an id it makes a new one behind all
// others; with one it replaces that rule's draft, and what is enabled goes on as it was. It returns ErrNotFound,
// *InvalidError with the field "name", "when" or "then.…", *LimitError, and the errors of every command.
func (s *Service) DraftRule(ctx context.Context, actor Actor, t id.Tenant, r rule.Rule) (Rule, error) {
	r, err := checkRule(r)
	if err != nil {
		return Rule{}, fmt.Errorf("draft rule: %w", err)
	}
	if r.ID != "" {
		drafted, err := s.onRule(ctx, actor, ruleRef{t, r.ID}, func(st *State, old Rule) ([]event, error) {
			before := old.Current()
			if err := st.checkForward(t, r.Then); err != nil || sameRule(before, r) {
				return nil, err
			}
			return []event{ruleDrafted{From: &before, To: r}}, nil
		})
		if err != nil {
			return Rule{}, fmt.Errorf("draft rule: %w", err)
		}
		return drafted, nil
	}
	r.ID = id.New[id.Rule]()
	st, err := s.inTenant(ctx, actor, t, func(st *State, _ time.Time) ([]event, error) {
		if b, ok := st.rules.Get(string(t)); ok && len(b.list) >= rule.MaxRules {
			return nil, &LimitError{Name: "rules", Max: rule.MaxRules}
		}
		return []event{ruleDrafted{To: r}}, st.checkForward(t, r.Then)
	})
	if err != nil {
		return Rule{}, fmt.Errorf("draft rule: %w", err)
	}
	drafted, _ := st.Rule(t, r.ID)
	return drafted, nil
}

// EnableRule lets the draft of a rule decide from now on, as its next version; without a draft it enables again what was
// disabled. The reason is kept for ever. It returns ErrNotFound, *InvalidError for the reason or for a rule that cannot
// stand beside those that are enabled, and the errors of every command.
func (s *Service) EnableRule(ctx context.Context, actor Actor, t id.Tenant, r id.Rule, reason string) (Rule, error) {
	reason, err := checkReason(reason, true)
	if err != nil {
		return Rule{}, fmt.Errorf("enable rule: %w", err)
	}
	enabled, err := s.onRule(ctx, actor, ruleRef{t, r}, func(st *State, old Rule) ([]event, error) {
		if old.Enabled && old.Draft == nil {
			return nil, nil
		}
		e := ruleEnabled{Version: old.Version + 1, From: old.Live, To: old.Current(), Reason: reason}
		if old.Draft == nil {
			e.Version = old.Version
		}
		if err := st.checkForward(t, e.To.Then); err != nil {
			return nil, err
		}
		_, err := rule.Compile(st.enabledWith(t, e.To))
		return []event{e}, inWords(err)
	})
	if err != nil {
		return Rule{}, fmt.Errorf("enable rule: %w", err)
	}
	return enabled, nil
}

// DisableRule keeps a rule from deciding until it is enabled again. The reason may be empty. It returns ErrNotFound,
// *InvalidError for the reason, and the errors of every command.
func (s *Service) DisableRule(ctx context.Context, actor Actor, t id.Tenant, r id.Rule, reason string) (Rule, error) {
	reason, err := checkReason(reason, false)
	if err != nil {
		return Rule{}, fmt.Errorf("disable rule: %w", err)
	}
	disabled, err := s.onRule(ctx, actor, ruleRef{t, r}, func(_ *State, old Rule) ([]event, error) {
		if !old.Enabled {
			return nil, nil
		}
		return []event{ruleDisabled{ID: r, Name: old.Live.Name, Reason: reason}}, nil
	})
	if err != nil {
		return Rule{}, fmt.Errorf("disable rule: %w", err)
	}
	return disabled, nil
}

// MoveRule puts a rule at a position among all rules of its tenant, the first being 1; what is beyond the last is the
// last. It returns ErrNotFound, *InvalidError for a position below 1, and the errors of every command.
func (s *Service) MoveRule(ctx context.Context, actor Actor, t id.Tenant, r id.Rule, to int) (Rule, error) {
	if to < 1 {
		return Rule{}, fmt.Errorf("move rule: %w", invalid("position", "is %d, the first is 1", to))
	}
	moved, err := s.onRule(ctx, actor, ruleRef{t, r}, func(st *State, old Rule) ([]event, error) {
		b, _ := st.rules.Get(string(t))
		from, to := b.find(r)+1, min(to, len(b.list))
		if from == to {
			return nil, nil
		}
		return []event{ruleMoved{ID: r, Name: old.Current().Name, From: from, To: to}}, nil
	})
	if err != nil {
		return Rule{}, fmt.Errorf("move rule: %w", err)
	}
	return moved, nil
}

// DeleteRule removes a rule; its history stays in the log. It returns ErrNotFound, *InvalidError for the reason, which may
// be empty, and the errors of every command.
func (s *Service) DeleteRule(ctx context.Context, actor Actor, t id.Tenant, r id.Rule, reason string) error {
	reason, err := checkReason(reason, false)
	if err != nil {
		return fmt.Errorf("delete rule: %w", err)
	}
	_, err = s.onRule(ctx, actor, ruleRef{t, r}, func(_ *State, old Rule) ([]event, error) {
		return []event{ruleDeleted{ID: r, Name: old.Current().Name, Reason: reason}}, nil
	})
	if err != nil {
		return fmt.Errorf("delete rule: %w", err)
	}
	return nil
}

// checkRule is rule.Check in the words of this package.
func checkRule(r rule.Rule) (rule.Rule, error) {
	r, err := rule.Check(r)
	var wrong *rule.InvalidError
	if errors.As(err, &wrong) {
		detail := wrong.Detail
		if wrong.Column > 0 {
			detail = fmt.Sprintf("at character %d: %s", wrong.Column, detail)
		}
		return r, &InvalidError{Field: wrong.Field, Detail: detail}
	}
	return r, err
}

// checkForward refuses destinations that the tenant does not have.
func (s *State) checkForward(t id.Tenant, then rule.Then) error {
	for _, d := range then.Forward {
		if _, ok := s.Destination(t, d); !ok {
			return invalid("then.forward", "there is no destination %s", d)
		}
	}
	return nil
}

// inWords is an error of a set of rules in the words of this package.
func inWords(err error) error {
	var wrong *rule.InvalidError
	if !errors.As(err, &wrong) {
		return err
	}
	_, field, _ := strings.Cut(wrong.Field, ".")
	return invalid(field, "%s", wrong.Detail)
}

func checkReason(reason string, needed bool) (string, error) {
	reason = strings.TrimSpace(reason)
	switch n := utf8.RuneCountInString(reason); {
	case n == 0 && needed:
		return "", invalid("reason", "must not be empty: say why, for whoever reads the history")
	case n > maxReason:
		return "", invalid("reason", "has %d characters, at most %d are allowed", n, maxReason)
	}
	return reason, checkText("reason", reason)
}

func sameRule(a, b rule.Rule) bool {
	return a.Name == b.Name && a.When == b.When && a.Then.Lane == b.Then.Lane && a.Then.Drop == b.Then.Drop && a.Then.OneIn == b.Then.OneIn &&
		maps.Equal(a.Then.Labels, b.Then.Labels) && slices.Equal(a.Then.Forward, b.Then.Forward)
}
