package tenants

import (
	"context"
	"fmt"
	"time"

	"github.com/tidwall/btree"

	"longwave/tenants/id"
)

// CountingTimeout is how long whoever orders a deletion lets it be counted: after a restart in the middle of it nobody can tell
// any more how much there was.
const CountingTimeout = 30 * time.Second

// Ending is a tenant that somebody ordered to be deleted. It is the whole of the job: any copy of the program may go on
// with it, after any end of any other.
type Ending struct {
	Tenant  id.Tenant
	Name    string
	Since   time.Time
	Emptied time.Time // when it was taken out of the State; zero when that is still to be done
	Counts  []Count   // what there was at the beginning
}

// Gone is what a deletion has found of one kind, and has left.
type Gone struct {
	Name    string `json:"name"`
	Removed uint64 `json:"removed"`
	Left    uint64 `json:"left"`
}

// Endings lists the tenants that are being deleted, in the order of their ids.
func (s *State) Endings() []Ending {
	list := make([]Ending, 0, s.endings.Len())
	s.endings.Scan(func(_ string, e Ending) bool {
		list = append(list, e)
		return true
	})
	return list
}

// Ending returns the deletion of a tenant; false if it is not being deleted, or not any more.
func (s *State) Ending(t id.Tenant) (Ending, bool) { return s.endings.Get(string(t)) }

// OrderDeletion begins to delete a tenant: nobody gets into it from now on, and nothing ends that. counts is what the one who
// orders it was told that would be gone. It returns ErrNotFound, ErrForbidden when the actor does not operate the whole
// installation, and the errors of every command. Ordering it again changes nothing.
func (s *Service) OrderDeletion(ctx context.Context, actor Actor, t id.Tenant, counts []Count) error {
	_, err := s.command(ctx, actor, platformSubject, func(st *State, _ time.Time) ([]event, error) {
		if _, ordered := st.Ending(t); ordered {
			return nil, nil
		}
		if err := st.operates(actor); err != nil {
			return nil, err
		}
		found, ok := st.Tenant(t)
		if !ok {
			return nil, fmt.Errorf("tenant: %w", ErrNotFound)
		}
		return []event{deletionOrdered{Tenant: t, Name: found.Name, Counts: counts}}, nil
	})
	if err != nil {
		return fmt.Errorf("delete tenant: %w", err)
	}
	return nil
}

// operates returns ErrForbidden for somebody who does not operate the whole installation.
func (s *State) operates(actor Actor) error {
	if p, _ := s.Person(actor.Person); !p.Operator || p.Scope.Limited {
		return fmt.Errorf("%w: only an operator of the whole installation does this", ErrForbidden)
	}
	return nil
}

// EmptyTenant takes a tenant that is being deleted out of the State, with everything in it: credentials, people, devices. Doing
// it again changes nothing. It returns ErrNotFound when no deletion was ordered, and the errors of every command.
func (s *Service) EmptyTenant(ctx context.Context, t id.Tenant) error {
	_, err := s.command(ctx, Actor{System: "erase"}, tenantSubject(t), func(st *State, _ time.Time) ([]event, error) {
		found, ordered := st.Ending(t)
		switch {
		case !ordered:
			return nil, fmt.Errorf("deletion: %w", ErrNotFound)
		case !found.Emptied.IsZero():
			return nil, nil
		}
		return []event{tenantDeleted{Name: found.Name}}, nil
	})
	if err != nil {
		return fmt.Errorf("empty tenant: %w", err)
	}
	return nil
}

// FinishDeletion records that everything of a tenant is gone, and what it was. It returns ErrNotFound if it is not being deleted
// (any more), and the errors of every command.
func (s *Service) FinishDeletion(ctx context.Context, t id.Tenant, counts []Gone) error {
	_, err := s.command(ctx, Actor{System: "erase"}, platformSubject, func(st *State, _ time.Time) ([]event, error) {
		found, ordered := st.Ending(t)
		if !ordered || found.Emptied.IsZero() {
			return nil, fmt.Errorf("deletion: %w", ErrNotFound)
		}
		return []event{tenantErased{Tenant: t, Name: found.Name, Counts: counts}}, nil
	})
	if err != nil {
		return fmt.Errorf("finish deletion: %w", err)
	}
	return nil
}

// dropPrefix deletes what a tenant has in an index.
func dropPrefix[V any](m *btree.Map[string, V], t id.Tenant) {
	var keys []string
	ascend(m, string(t)+separator, func(key string, _ V) bool {
		keys = append(keys, key)
		return true
	})
	for _, key := range keys {
		m.Delete(key)
	}
}
