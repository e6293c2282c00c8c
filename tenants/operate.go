package tenants

import (
	"context"
	"fmt"
	"time"

	"longwave/tenants/id"
)

// Suspension says why nobody gets into a tenant. The zero value says that everybody does.
type Suspension struct {
	Reason   string
	Since    time.Time
	Deleting bool // it is about to be gone
}

// Holds says whether there is one.
func (s Suspension) Holds() bool { return !s.Since.IsZero() }

// RenameTenant gives a tenant another name. It returns ErrNotFound, *InvalidError, and the errors of every command.
func (s *Service) RenameTenant(ctx context.Context, actor Actor, t id.Tenant, name string) error {
	name, err := checkName("name", name)
	if err != nil {
		return fmt.Errorf("rename tenant: %w", err)
	}
	_, err = s.inTenant(ctx, actor, t, func(st *State, _ time.Time) ([]event, error) {
		have, _ := st.Tenant(t)
		if have.Name == name {
			return nil, nil
		}
		return []event{tenantRenamed{From: have.Name, To: name}}, nil
	})
	if err != nil {
		return fmt.Errorf("rename tenant: %w", err)
	}
	return nil
}

// SuspendTenant keeps everybody and everything out of a tenant, at once and everywhere, until ResumeTenant. What stands in
// the lanes is stored all the same. Suspending again changes the reason. It returns ErrNotFound, *InvalidError for the
// reason, and the errors of every command.
func (s *Service) SuspendTenant(ctx context.Context, actor Actor, t id.Tenant, reason string) error {
	reason, err := checkReason(reason, true)
	if err != nil {
		return fmt.Errorf("suspend tenant: %w", err)
	}
	_, err = s.inTenant(ctx, actor, t, func(st *State, _ time.Time) ([]event, error) {
		if have, _ := st.Tenant(t); have.Suspended.Reason == reason {
			return nil, nil
		}
		return []event{tenantSuspended{Reason: reason}}, nil
	})
	if err != nil {
		return fmt.Errorf("suspend tenant: %w", err)
	}
	return nil
}

// ResumeTenant ends a suspension. It returns ErrNotFound and the errors of every command.
func (s *Service) ResumeTenant(ctx context.Context, actor Actor, t id.Tenant) error {
	_, err := s.inTenant(ctx, actor, t, func(st *State, _ time.Time) ([]event, error) {
		if have, _ := st.Tenant(t); !have.Suspended.Holds() {
			return nil, nil
		}
		return []event{tenantResumed{}}, nil
	})
	if err != nil {
		return fmt.Errorf("resume tenant: %w", err)
	}
	return nil
}

// SwitchConsent says whether operators may look at a tenant's data whenever they want to. It returns ErrNotFound and the
// errors of every command.
func (s *Service) SwitchConsent(ctx context.Context, actor Actor, t id.Tenant, on bool) error {
	_, err := s.inTenant(ctx, actor, t, func(st *State, _ time.Time) ([]event, error) {
		if have, _ := st.Tenant(t); have.Consent == on {
			return nil, nil
		}
		return []event{consentSwitched{On: on}}, nil
	})
	if err != nil {
		return fmt.Errorf("switch consent: %w", err)
	}
	return nil
}
