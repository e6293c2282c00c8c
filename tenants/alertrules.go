package tenants

import (
	"context"
	"fmt"
	"strings"
	"time"

	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

// alertRuleRef names one alert rule of one tenant.
type alertRuleRef struct {
	tenant id.Tenant
	rule   id.AlertRule
}

// onAlertRule is a command on one existing alert rule, and returns it as it is then. ErrNotFound if the tenant has none of
// that id.
func (s *Service) onAlertRule(ctx context.Context, actor Actor, on alertRuleRef, decide func(*State, AlertRule) ([]event, error)) (AlertRule, error) {
	st, err := s.inTenant(ctx, actor, on.tenant, func(st *State, _ time.Time) ([]event, error) {
		found, ok := st.AlertRule(on.tenant, on.rule)
		if !ok {
			return nil, fmt.Errorf("alert rule: %w", ErrNotFound)
		}
		return decide(st, found)
	})
	if err != nil {
		return AlertRule{}, err
	}
	found, _ := st.AlertRule(on.tenant, on.rule) // the zero rule if it was deleted
	return found, nil
}

// DraftAlertRule writes an alert rule down without running it. Without an id it makes a new one; with one it replaces that
// rule's draft, and what runs goes on as it was. Mode and version are not the caller's. It returns ErrNotFound,
// *InvalidError with the field as alertrule.InvalidError names it, *LimitError, and the errors of every command.
func (s *Service) DraftAlertRule(ctx context.Context, actor Actor, t id.Tenant, r alertrule.Rule) (AlertRule, error) {
	r, err := checkAlertRule(r)
	if err != nil {
		return AlertRule{}, fmt.Errorf("draft alert rule: %w", err)
	}
	if r.ID != "" {
		drafted, err := s.onAlertRule(ctx, actor, alertRuleRef{t, r.ID}, func(st *State, old AlertRule) ([]event, error) {
			before := old.Current()
			if err := st.checkAlertRule(t, r); err != nil || sameAlertRule(before, r) {
				return nil, err
			}
			return []event{alertRuleDrafted{From: &before, To: r}}, nil
		})
		if err != nil {
			return AlertRule{}, fmt.Errorf("draft alert rule: %w", err)
		}
		return drafted, nil
	}
	r.ID = id.New[id.AlertRule]()
	st, err := s.inTenant(ctx, actor, t, func(st *State, _ time.Time) ([]event, error) {
		if err := st.roomForAlertRule(t); err != nil {
			return nil, err
		}
		return []event{alertRuleDrafted{To: r}}, st.checkAlertRule(t, r)
	})
	if err != nil {
		return AlertRule{}, fmt.Errorf("draft alert rule: %w", err)
	}
	drafted, _ := st.AlertRule(t, r.ID)
	return drafted, nil
}

func (s *State) roomForAlertRule(t id.Tenant) error {
	if b, ok := s.alertRules.Get(string(t)); ok && len(b.list) >= alertrule.MaxRules {
		return &LimitError{Name: "alert rules", Max: alertrule.MaxRules}
	}
	return nil
}

// AlertRuleStart says how a rule is to run from now on, and why.
type AlertRuleStart struct {
	Mode   alertrule.Mode // Shadow or Enabled
	Reason string         // kept for ever
}

// StartAlertRule runs the draft of an alert rule from now on, as its next version; without a draft it runs again what ran
// last, in that mode. Every start begins afresh: what an earlier version had found is over. What runs in that mode already
// is left alone. It returns ErrNotFound, *InvalidError for the mode, the reason or a destination that is gone, and the
// errors of every command.
func (s *Service) StartAlertRule(ctx context.Context, actor Actor, t id.Tenant, r id.AlertRule, as AlertRuleStart) (AlertRule, error) {
	reason, err := checkReason(as.Reason, true)
	if err == nil && !as.Mode.Evaluated() {
		err = invalid("mode", "%.20q is neither shadow nor enabled", as.Mode)
	}
	if err != nil {
		return AlertRule{}, fmt.Errorf("start alert rule: %w", err)
	}
	started, err := s.onAlertRule(ctx, actor, alertRuleRef{t, r}, func(st *State, old AlertRule) ([]event, error) {
		if old.Mode == as.Mode && old.Draft == nil {
			return nil, nil
		}
		next := old.Current()
		next.Mode, next.Version = as.Mode, old.Version+1
		return []event{alertRuleStarted{From: old.Live, To: next, Reason: reason}}, st.checkAlertRule(t, next)
	})
	if err != nil {
		return AlertRule{}, fmt.Errorf("start alert rule: %w", err)
	}
	return started, nil
}

// PauseAlertRule keeps an alert rule from being evaluated until it is started again; its open alerts end. The reason may be
// empty. It returns ErrNotFound, *InvalidError for the reason, and the errors of every command.
func (s *Service) PauseAlertRule(ctx context.Context, actor Actor, t id.Tenant, r id.AlertRule, reason string) (AlertRule, error) {
	reason, err := checkReason(reason, false)
	if err != nil {
		return AlertRule{}, fmt.Errorf("pause alert rule: %w", err)
	}
	paused, err := s.onAlertRule(ctx, actor, alertRuleRef{t, r}, func(_ *State, old AlertRule) ([]event, error) {
		if !old.Mode.Evaluated() {
			return nil, nil
		}
		return []event{alertRulePaused{ID: r, Name: old.Live.Name, Reason: reason}}, nil
	})
	if err != nil {
		return AlertRule{}, fmt.Errorf("pause alert rule: %w", err)
	}
	return paused, nil
}

// DeleteAlertRule removes an alert rule and returns the position in the log with which ReviveAlertRule takes that back. Its
// open alerts end. It returns ErrNotFound and the errors of every command.
func (s *Service) DeleteAlertRule(ctx context.Context, actor Actor, t id.Tenant, r id.AlertRule) (uint64, error) {
	st, err := s.inTenant(ctx, actor, t, func(st *State, _ time.Time) ([]event, error) {
		old, ok := st.AlertRule(t, r)
		if !ok {
			return nil, fmt.Errorf("alert rule: %w", ErrNotFound)
		}
		return []event{alertRuleDeleted{ID: r, Draft: old.Draft, Live: old.Live, Mode: old.Mode, Version: old.Version}}, nil
	})
	if err != nil {
		return 0, fmt.Errorf("delete alert rule: %w", err)
	}
	at, _ := st.subjects.Get(tenantSubject(t)) // a later change of the tenant at most: then there is nothing to undo there
	return at, nil
}

// ReviveAlertRule takes back the deletion of a rule that stands at a position of the log: it is as it was, and starts afresh
// if it ran. It returns ErrNotFound when no such deletion stands there, *LimitError, and the errors of every command.
func (s *Service) ReviveAlertRule(ctx context.Context, actor Actor, t id.Tenant, r id.AlertRule, at uint64) (AlertRule, error) {
	old, err := textAt(ctx, s, place{at, wholeMessage}, tenantSubject(t), func(e event) *alertRuleDeleted {
		if deleted, ok := e.(alertRuleDeleted); ok && deleted.ID == r {
			return &deleted
		}
		return nil
	})
	if err != nil {
		return AlertRule{}, fmt.Errorf("revive alert rule: %w", err)
	}
	st, err := s.inTenant(ctx, actor, t, func(st *State, _ time.Time) ([]event, error) {
		if _, exists := st.AlertRule(t, old.ID); exists {
			return nil, nil
		}
		return []event{alertRuleRevived{Rule: *old}}, st.roomForAlertRule(t)
	})
	if err != nil {
		return AlertRule{}, fmt.Errorf("revive alert rule: %w", err)
	}
	revived, _ := st.AlertRule(t, old.ID)
	return revived, nil
}

// RestoreAlertRule makes what an alert rule said once its draft again, as RestoreRule does for routing rules.
func (s *Service) RestoreAlertRule(ctx context.Context, actor Actor, t id.Tenant, r id.AlertRule, at uint64) (AlertRule, error) {
	old, err := textAt(ctx, s, place{at, wholeMessage}, tenantSubject(t), func(e event) *alertrule.Rule {
		var text alertrule.Rule
		switch e := e.(type) {
		case alertRuleDrafted:
			text = e.To
		case alertRuleStarted:
			text = e.To
		}
		if text.ID != r {
			return nil
		}
		return &text
	})
	if err != nil {
		return AlertRule{}, fmt.Errorf("restore alert rule: %w", err)
	}
	return s.DraftAlertRule(ctx, actor, t, *old)
}

// checkAlertRule looks at what does not depend on the state.
func checkAlertRule(r alertrule.Rule) (alertrule.Rule, error) {
	r.Name, r.Note, r.Mode, r.Version = strings.TrimSpace(r.Name), strings.TrimSpace(r.Note), "", 0
	if err := r.Validate(); err != nil {
		return r, inAlertWords(err)
	}
	_, err := alertrule.Compile(r)
	return r, inAlertWords(err)
}

// checkAlertRule refuses destinations and devices that the tenant does not have.
func (s *State) checkAlertRule(t id.Tenant, r alertrule.Rule) error {
	for i, step := range r.Notify.Steps {
		for _, d := range step.Destinations {
			if _, ok := s.Destination(t, d); !ok {
				return invalid(fmt.Sprintf("notify.steps.%d.destinations", i), "there is no destination %s", d)
			}
		}
	}
	return nil
}
