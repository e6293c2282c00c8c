package tenants

import (
	"context"
	"time"

	"golang.org/x/time/rate"

	"longwave/tenants/id"
)

// Failed sign-ins are kept in the control log like everything else, but anybody can cause them, and it keeps everything for
// ever: failureBurst in a row and one every failureEvery are written down, the others counted.
const (
	failureBurst = 30
	failureEvery = time.Minute
	failureQueue = 64 // beyond it they are counted too

	// failureTenants bounds in how many tenants of a person one failure is written down.
	failureTenants = 5
)

// Failure is a sign-in that was refused.
type Failure struct {
	Person   id.Person   // whose account it was; empty when it is not known
	Provider id.Provider // where it was tried; empty for a password
	Reason   string      // in words, without anything that was typed
	Address  string      // network address of the caller
}

// NoteFailure has a failed sign-in written down. It never waits, and takes the same time whoever it was.
func (s *Service) NoteFailure(f Failure) {
	select {
	case s.failures <- f:
	default:
		s.unlisted.Add(1)
	}
}

// recordFailures writes down what NoteFailure was told, until ctx ends.
func (s *Service) recordFailures(ctx context.Context) {
	budget := rate.NewLimiter(rate.Every(failureEvery), failureBurst)
	for {
		select {
		case <-ctx.Done():
			return
		case f := <-s.failures:
			if !budget.Allow() {
				s.unlisted.Add(1)
				continue
			}
			s.recordFailure(ctx, f)
		}
	}
}

func (s *Service) recordFailure(ctx context.Context, f Failure) {
	failed := signInFailed{Person: f.Person, Provider: f.Provider, Reason: f.Reason, Others: s.unlisted.Swap(0)}
	actor := Actor{System: "sign-in", Address: f.Address}
	for _, realm := range s.State().concernedBy(f) {
		_, err := s.inRealm(ctx, actor, realm, func(*State, time.Time) ([]event, error) { return []event{failed}, nil })
		if err != nil && ctx.Err() == nil {
			s.log.Warn("a failed sign-in could not be written down", "person", f.Person, "provider", f.Provider, "error", err)
		}
	}
}

// concernedBy lists the tenants whose owners should know: the provider's, or those of the person. It is the platform when
// there is none.
func (s *State) concernedBy(f Failure) []id.Tenant {
	if p, ok := s.Provider(f.Provider); ok {
		return []id.Tenant{p.Tenant}
	}
	var list []id.Tenant
	for _, m := range s.TenantsOf(f.Person) {
		if list = append(list, m.Tenant.ID); len(list) == failureTenants {
			break
		}
	}
	if len(list) == 0 {
		return []id.Tenant{""}
	}
	return list
}
