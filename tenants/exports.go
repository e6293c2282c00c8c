package tenants

import (
	"context"
	"fmt"
	"time"

	"longwave/tenants/id"
)

// dataExported says who took readings away. It changes nothing in the State: it is here for those who ask who has what.
type dataExported struct {
	Of []Difference `json:"of"`
}

func (e dataExported) apply(_ *State, at stamp) error {
	if at.tenant == "" {
		return contradiction("an export belongs to no tenant")
	}
	return nil
}

func (e dataExported) tell(p *Past) {
	p.Did, p.Subject = "exported readings of", TheTenant
	p.Changes = append(p.Changes, e.Of...)
}

// RecordExport writes down who takes which readings, before any of them leaves; of says which, with Before empty. It
// returns ErrNotFound for the tenant, and the errors of every command.
func (s *Service) RecordExport(ctx context.Context, actor Actor, t id.Tenant, of []Difference) error {
	_, err := s.inTenant(ctx, actor, t, func(*State, time.Time) ([]event, error) {
		return []event{dataExported{Of: of}}, nil
	})
	if err != nil {
		return fmt.Errorf("record export: %w", err)
	}
	return nil
}
