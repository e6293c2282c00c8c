package tenants

import (
	"context"
	"fmt"
	"maps"
	"time"

	"longwave/tenants/id"
)

const (
	// MaxDevices bounds the devices of one tenant: what the projection was measured with, and what a page can search.
	MaxDevices = 100_000

	// MaxBulk is how many devices one command creates. Their events are one message, which has a bound as well.
	MaxBulk = 1000
)

// CreateDevice registers a device and returns its token, which is shown once. It returns ErrNotFound for the tenant,
// *InvalidError (ErrExists if the name is taken), *LimitError, and the errors of every command.
func (s *Service) CreateDevice(ctx context.Context, actor Actor, t id.Tenant, n NewDevice) (Device, string, error) {
	batch := newBatch{field: func(_ int, field string) string { return field }, devices: []NewDevice{n}}
	made, err := s.create(ctx, actor, t, batch)
	if err != nil {
		return Device{}, "", fmt.Errorf("create device: %w", err)
	}
	return made[0].Device, made[0].Token, nil
}

// CreateDevices registers up to MaxBulk devices in one command: all of them or none. The fields of its *InvalidError
// name the position, "devices[3].name" say; the other errors are those of CreateDevice.
func (s *Service) CreateDevices(ctx context.Context, actor Actor, t id.Tenant, list []NewDevice) ([]Created, error) {
	return s.createMany(ctx, actor, t, newBatch{field: numbered, devices: list})
}

// CreateDemo is CreateDevices for devices that RemoveDemo will delete again.
func (s *Service) CreateDemo(ctx context.Context, actor Actor, t id.Tenant, list []NewDevice) ([]Created, error) {
	return s.createMany(ctx, actor, t, newBatch{field: numbered, devices: list, demo: true})
}

func numbered(i int, field string) string { return fmt.Sprintf("devices[%d].%s", i, field) }

func (s *Service) createMany(ctx context.Context, actor Actor, t id.Tenant, batch newBatch) ([]Created, error) {
	made, err := s.create(ctx, actor, t, batch)
	if err != nil {
		return nil, fmt.Errorf("create devices: %w", err)
	}
	return made, nil
}

// newBatch is devices to be created, and how a field of one of them is called in an error.
type newBatch struct {
	devices []NewDevice
	field   func(i int, name string) string
	demo    bool
}

func (s *Service) create(ctx context.Context, actor Actor, t id.Tenant, batch newBatch) ([]Created, error) {
	wanted, tokens, err := batch.prepare()
	if err != nil {
		return nil, err
	}
	var made []Created
	_, err = s.inTenant(ctx, actor, t, func(st *State, now time.Time) ([]event, error) {
		found, _ := st.Tenant(t)
		if most := s.limits(found).Devices; st.DeviceCount(t)+len(wanted) > most {
			return nil, &LimitError{Name: "devices", Max: most}
		}
		made = make([]Created, len(wanted))
		events := make([]event, len(wanted))
		for i, w := range wanted {
			if _, exists := st.byName.Get(key2(t, foldText(w.Name))); exists {
				return nil, taken(batch.field(i, "name"), w.Name)
			}
			if st.byToken.get(indexOf(w.Token.ID)) != nil { // as good as never; trying again makes another one
				return nil, ErrConflict
			}
			device, err := w.device(stamp{at: now, tenant: t})
			if err != nil {
				return nil, err
			}
			made[i], events[i] = Created{Device: device, Token: tokens[i]}, w
		}
		return events, nil
	})
	return made, err
}

// prepare checks everything that does not depend on what exists, and makes ids and tokens.
func (b newBatch) prepare() (wanted []deviceCreated, tokens []string, err error) {
	if len(b.devices) == 0 || len(b.devices) > MaxBulk {
		return nil, nil, invalid("devices", "has %d devices, want 1 to %d", len(b.devices), MaxBulk)
	}
	names := make(map[string]bool, len(b.devices))
	for i, n := range b.devices {
		if n, err = b.checkOne(i, n); err != nil {
			return nil, nil, err
		}
		if names[foldText(n.Name)] {
			return nil, nil, taken(b.field(i, "name"), n.Name)
		}
		names[foldText(n.Name)] = true
		text, public, sum := mintToken(devicePrefix)
		tokens = append(tokens, text)
		wanted = append(wanted, deviceCreated{
			ID: id.New[id.Device](), Name: n.Name, Labels: maps.Clone(n.Labels), Interval: n.Interval, Demo: b.demo,
			Site: n.Site, Profile: n.Profile,
			Token: tokenIssued{ID: public, Sum: sum[:]},
		})
	}
	return wanted, tokens, nil
}

func (b newBatch) checkOne(i int, n NewDevice) (_ NewDevice, err error) {
	if n.Name, err = checkName(b.field(i, "name"), n.Name); err != nil {
		return n, err
	}
	if err := checkLabels(b.field(i, "labels"), n.Labels); err != nil {
		return n, err
	}
	if n.Site, err = checkSite(b.field(i, "site"), n.Site); err != nil {
		return n, err
	}
	if n.Profile, err = checkProfile(b.field(i, "profile"), n.Profile); err != nil {
		return n, err
	}
	return n, checkInterval(b.field(i, "interval"), n.Interval)
}
