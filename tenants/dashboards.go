package tenants

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"longwave/tenants/dashboard"
	"longwave/tenants/id"
)

// MaxDashboards bounds the dashboards of one tenant: all of them, with their versions, are held in memory.
const MaxDashboards = 200

// SaveDashboard asks for a version of a dashboard.
type SaveDashboard struct {
	ID       id.Dashboard // empty for a new one; one that the tenant does not have is made under this id
	Name     string       // empty leaves it as it is
	Base     int          // the version that was changed; 0 replaces whatever is there
	Document dashboard.Document
}

// SaveDashboard makes a dashboard, or the next version of one. Saving what is there already changes nothing. It returns
// ErrNotFound for the tenant, *InvalidError for "name" or the part of the document at fault, ErrConflict when another
// version than Base is there by now, *LimitError, and the errors of every command.
func (s *Service) SaveDashboard(ctx context.Context, actor Actor, t id.Tenant, want SaveDashboard) (Dashboard, error) {
	document, err := checkDocument(want.Document)
	if err != nil {
		return Dashboard{}, fmt.Errorf("save dashboard: %w", err)
	}
	want.Document = document
	if want.ID == "" {
		want.ID = id.New[id.Dashboard]()
	}
	if want.Name != "" {
		if want.Name, err = checkName("name", want.Name); err != nil {
			return Dashboard{}, fmt.Errorf("save dashboard: %w", err)
		}
	}
	st, err := s.inTenant(ctx, actor, t, func(st *State, _ time.Time) ([]event, error) { return st.saveDashboard(t, want) })
	if err != nil {
		return Dashboard{}, fmt.Errorf("save dashboard: %w", err)
	}
	saved, _ := st.Dashboard(t, want.ID)
	return saved, nil
}

func (s *State) saveDashboard(t id.Tenant, want SaveDashboard) ([]event, error) {
	old, exists := s.Dashboard(t, want.ID)
	if !exists {
		if want.Name == "" {
			return nil, invalid("name", "must not be empty")
		}
		if len(s.Dashboards(t)) >= MaxDashboards {
			return nil, &LimitError{Name: "dashboards", Max: MaxDashboards}
		}
		return []event{dashboardSaved{ID: want.ID, Name: want.Name, Version: 1, Document: want.Document}}, nil
	}
	if want.Name == "" {
		want.Name = old.Name
	}
	current := old.Current()
	if want.Base != 0 && want.Base != current.Number {
		return nil, ErrConflict
	}
	if old.Deleted.IsZero() && want.Name == old.Name && sameDocument(current.Document, want.Document) {
		return nil, nil
	}
	return []event{dashboardSaved{ID: want.ID, Name: want.Name, Version: current.Number + 1, Document: want.Document}}, nil
}

func sameDocument(a, b dashboard.Document) bool {
	first, err := json.Marshal(a)
	second, err2 := json.Marshal(b)
	return err == nil && err2 == nil && string(first) == string(second)
}

// checkDocument is dashboard.Check in the words of this package.
func checkDocument(d dashboard.Document) (dashboard.Document, error) {
	d, err := dashboard.Check(d)
	var wrong *dashboard.InvalidError
	if errors.As(err, &wrong) {
		return d, &InvalidError{Field: wrong.Field, Detail: wrong.Detail}
	}
	return d, err
}

// onDashboard is a command on one dashboard that is not deleted, unless deleted ones are meant.
func (s *Service) onDashboard(ctx context.Context, actor Actor, on dashboardRef, decide func(*State, Dashboard) ([]event, error)) (Dashboard, error) {
	st, err := s.inTenant(ctx, actor, on.tenant, func(st *State, _ time.Time) ([]event, error) {
		found, ok := st.Dashboard(on.tenant, on.dashboard)
		if !ok || !on.deleted && !found.Deleted.IsZero() {
			return nil, fmt.Errorf("dashboard: %w", ErrNotFound)
		}
		return decide(st, found)
	})
	if err != nil {
		return Dashboard{}, err
	}
	found, _ := st.Dashboard(on.tenant, on.dashboard)
	return found, nil
}

// dashboardRef names one dashboard of one tenant.
type dashboardRef struct {
	tenant    id.Tenant
	dashboard id.Dashboard
	deleted   bool // it may be a deleted one
}

// RestoreDashboard makes an older version the newest again, as a version of its own. It returns ErrNotFound, also for a
// version that is not kept any more, and the errors of every command.
func (s *Service) RestoreDashboard(ctx context.Context, actor Actor, t id.Tenant, d id.Dashboard, number int) (Dashboard, error) {
	restored, err := s.onDashboard(ctx, actor, dashboardRef{tenant: t, dashboard: d}, func(_ *State, old Dashboard) ([]event, error) {
		version, ok := old.Version(number)
		if !ok {
			return nil, fmt.Errorf("version: %w", ErrNotFound)
		}
		if sameDocument(version.Document, old.Current().Document) {
			return nil, nil
		}
		next := dashboardSaved{ID: d, Name: old.Name, Version: old.Current().Number + 1, Document: version.Document, Restored: number}
		return []event{next}, nil
	})
	if err != nil {
		return Dashboard{}, fmt.Errorf("restore dashboard: %w", err)
	}
	return restored, nil
}

// RenameDashboard returns ErrNotFound, *InvalidError for "name", and the errors of every command.
func (s *Service) RenameDashboard(ctx context.Context, actor Actor, t id.Tenant, d id.Dashboard, name string) (Dashboard, error) {
	name, err := checkName("name", name)
	if err != nil {
		return Dashboard{}, fmt.Errorf("rename dashboard: %w", err)
	}
	renamed, err := s.onDashboard(ctx, actor, dashboardRef{tenant: t, dashboard: d}, func(_ *State, old Dashboard) ([]event, error) {
		if old.Name == name {
			return nil, nil
		}
		return []event{dashboardRenamed{ID: d, From: old.Name, To: name}}, nil
	})
	if err != nil {
		return Dashboard{}, fmt.Errorf("rename dashboard: %w", err)
	}
	return renamed, nil
}

// DeleteDashboard removes a dashboard; UndeleteDashboard takes that back while it is one of the last that were deleted.
// It returns ErrNotFound and the errors of every command.
func (s *Service) DeleteDashboard(ctx context.Context, actor Actor, t id.Tenant, d id.Dashboard) error {
	_, err := s.onDashboard(ctx, actor, dashboardRef{tenant: t, dashboard: d}, func(_ *State, old Dashboard) ([]event, error) {
		return []event{dashboardDeleted{ID: d, Name: old.Name}}, nil
	})
	if err != nil {
		return fmt.Errorf("delete dashboard: %w", err)
	}
	return nil
}

// UndeleteDashboard brings a deleted dashboard back with its versions. It returns ErrNotFound, *LimitError, and the
// errors of every command.
func (s *Service) UndeleteDashboard(ctx context.Context, actor Actor, t id.Tenant, d id.Dashboard) (Dashboard, error) {
	back, err := s.onDashboard(ctx, actor, dashboardRef{tenant: t, dashboard: d, deleted: true}, func(st *State, old Dashboard) ([]event, error) {
		if old.Deleted.IsZero() {
			return nil, nil
		}
		if len(st.Dashboards(t)) >= MaxDashboards {
			return nil, &LimitError{Name: "dashboards", Max: MaxDashboards}
		}
		return []event{dashboardUndeleted{ID: d, Name: old.Name}}, nil
	})
	if err != nil {
		return Dashboard{}, fmt.Errorf("undelete dashboard: %w", err)
	}
	return back, nil
}
