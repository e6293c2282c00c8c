package tenants

import (
	"context"
	"fmt"
	"slices"
	"time"

	"longwave/tenants/id"
)

// SupportLongest bounds a visit of an operator: a working day, after which somebody has to say again why.
const SupportLongest = 8 * time.Hour

// Support is a visit of an operator in a tenant that they are no member of.
type Support struct {
	Tenant id.Tenant
	Person id.Person
	Reason string
	Since  time.Time
	Until  time.Time
}

// Supports lists the visits to a tenant that are not over.
func (s *State) Supports(t id.Tenant, now time.Time) []Support {
	var list []Support
	ascend(&s.support, string(t)+separator, func(_ string, v Support) bool {
		if now.Before(v.Until) {
			list = append(list, v)
		}
		return true
	})
	return list
}

// Visit asks for support access: why, and for how long.
type Visit struct {
	Reason string
	For    time.Duration
}

// OpenSupport lets the operator who acts look at a tenant's data for a while. Its owners see that, and why. It returns
// ErrNotFound, also for a tenant that the actor does not oversee, *InvalidError, and the errors of every command.
func (s *Service) OpenSupport(ctx context.Context, actor Actor, t id.Tenant, v Visit) error {
	reason, err := checkReason(v.Reason, true)
	if err == nil && (v.For < time.Minute || v.For > SupportLongest) {
		err = invalid("for", "is %s, want 1 minute to %s", v.For, SupportLongest)
	}
	if err != nil {
		return fmt.Errorf("open support access: %w", err)
	}
	_, err = s.inTenant(ctx, actor, t, func(st *State, now time.Time) ([]event, error) {
		if p, _ := st.Person(actor.Person); !p.Oversees(t) {
			return nil, fmt.Errorf("tenant: %w", ErrNotFound)
		}
		return []event{supportOpened{Person: actor.Person, Reason: reason, Until: now.Add(v.For)}}, nil
	})
	if err != nil {
		return fmt.Errorf("open support access: %w", err)
	}
	return nil
}

// EndSupport ends the visit of an operator, at once and everywhere. It returns ErrNotFound when there is none, and the errors
// of every command.
func (s *Service) EndSupport(ctx context.Context, actor Actor, t id.Tenant, p id.Person) error {
	_, err := s.inTenant(ctx, actor, t, func(st *State, _ time.Time) ([]event, error) {
		if _, ok := st.support.Get(key2(t, p)); !ok {
			return nil, fmt.Errorf("support access: %w", ErrNotFound)
		}
		return []event{supportEnded{Person: p}}, nil
	})
	if err != nil {
		return fmt.Errorf("end support access: %w", err)
	}
	return nil
}

// Operators lists the people who operate the installation or some tenants of it, in the order of their ids.
func (s *State) Operators() []Person {
	var list []Person
	s.accounts.Scan(func(_ string, a *account) bool {
		if a.Operator {
			list = append(list, a.Person)
		}
		return true
	})
	return list
}

// SetOperator makes somebody an operator of everything or of some tenants, or changes which. It returns ErrNotFound for the
// person or a tenant, ErrLastOperator, and the errors of every command.
func (s *Service) SetOperator(ctx context.Context, actor Actor, p id.Person, scope Scope) error {
	wanted := slices.Compact(slices.Sorted(slices.Values(scope.Tenants)))
	if !scope.Limited {
		wanted = nil
	}
	_, err := s.command(ctx, actor, platformSubject, func(st *State, _ time.Time) ([]event, error) {
		have, ok := st.Person(p)
		if !ok {
			return nil, fmt.Errorf("person: %w", ErrNotFound)
		}
		for _, t := range wanted {
			if _, ok := st.Tenant(t); !ok {
				return nil, fmt.Errorf("tenant: %w", ErrNotFound)
			}
		}
		if have.Operator && have.Scope.Limited == scope.Limited && slices.Equal(have.Scope.Tenants, wanted) {
			return nil, nil
		}
		if scope.Limited && have.Operator && !have.Scope.Limited && st.unlimited() == 1 {
			return nil, ErrLastOperator
		}
		var events []event
		if !have.Operator {
			events = append(events, operatorGranted{Person: p})
		}
		if scope.Limited || have.Scope.Limited {
			events = append(events, operatorScoped{Person: p, From: have.Scope.Tenants, To: wanted, Limited: scope.Limited})
		}
		return events, nil
	})
	if err != nil {
		return fmt.Errorf("set operator: %w", err)
	}
	return nil
}

// RevokeOperator makes an operator a person like any other, at once and everywhere; visits to tenants end with it. It
// returns ErrNotFound for somebody who is none, ErrLastOperator, and the errors of every command.
func (s *Service) RevokeOperator(ctx context.Context, actor Actor, p id.Person) error {
	_, err := s.command(ctx, actor, platformSubject, func(st *State, _ time.Time) ([]event, error) {
		have, _ := st.Person(p)
		switch {
		case !have.Operator:
			return nil, fmt.Errorf("operator: %w", ErrNotFound)
		case !have.Scope.Limited && st.unlimited() == 1:
			return nil, ErrLastOperator
		}
		return []event{operatorRevoked{Person: p}}, nil
	})
	if err != nil {
		return fmt.Errorf("revoke operator: %w", err)
	}
	return nil
}

// unlimited counts the operators who oversee everything.
func (s *State) unlimited() (n int) {
	for _, p := range s.Operators() {
		if !p.Scope.Limited {
			n++
		}
	}
	return n
}
