package tenants

import (
	"context"
	"errors"
	"fmt"

	"longwave/tenants/id"
	"longwave/tenants/rule"
)

// RestoreRule makes what a rule said once its draft again: at is the Position of a change in its history that wrote or
// enabled a text. What is enabled goes on as it is. It returns ErrNotFound when no such change of this rule stands there,
// *InvalidError when the text would not be taken today (a destination may be gone), and the errors of every command.
func (s *Service) RestoreRule(ctx context.Context, actor Actor, t id.Tenant, r id.Rule, at uint64) (Rule, error) {
	old, err := textAt(ctx, s, place{at, wholeMessage}, tenantSubject(t), func(e event) *rule.Rule {
		switch e := e.(type) {
		case ruleDrafted:
			return ofRule(&e.To, r)
		case ruleEnabled:
			return ofRule(&e.To, r)
		}
		return nil
	})
	if err != nil {
		return Rule{}, fmt.Errorf("restore rule: %w", err)
	}
	return s.DraftRule(ctx, actor, t, *old)
}

func ofRule(text *rule.Rule, r id.Rule) *rule.Rule {
	if text.ID != r {
		return nil
	}
	return text
}

// textAt looks for a text in the events of one message of the log; ErrNotFound when there is no such message on the
// subject, or nothing in it is what was looked for: the two are never told apart.
func textAt[T any](ctx context.Context, s *Service, at place, subject string, find func(event) *T) (*T, error) {
	ctx, cancel := context.WithTimeout(ctx, historyTimeout)
	defer cancel()
	m, err := s.past(ctx, subject, at)
	if errors.Is(err, ErrInvalid) {
		return nil, fmt.Errorf("version: %w", ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	for _, record := range m.Events {
		e, err := decodeEvent(record)
		if err != nil {
			return nil, err
		}
		if text := find(e); text != nil {
			return text, nil
		}
	}
	return nil, fmt.Errorf("version: %w", ErrNotFound)
}
