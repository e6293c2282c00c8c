package tenants

import (
	"context"
	"fmt"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

const (
	// MaxOverlap bounds how long a replaced token stays valid: long enough to reach devices that report once a month.
	MaxOverlap = 45 * 24 * time.Hour

	// maxDescribed bounds the described metrics of one tenant.
	maxDescribed = 10_000
)

// deviceRef names one device of one tenant.
type deviceRef struct {
	tenant id.Tenant
	device id.Device
}

// onDevice is a command on one existing device, and returns the device as it is then. ErrNotFound if the tenant has
// none of that id.
func (s *Service) onDevice(ctx context.Context, actor Actor, on deviceRef, decide func(*State, Device, time.Time) ([]event, error)) (Device, error) {
	st, err := s.inTenant(ctx, actor, on.tenant, func(st *State, now time.Time) ([]event, error) {
		found, ok := st.Device(on.tenant, on.device)
		if !ok {
			return nil, fmt.Errorf("device: %w", ErrNotFound)
		}
		return decide(st, found, now)
	})
	if err != nil {
		return Device{}, err
	}
	found, _ := st.Device(on.tenant, on.device) // the zero device if it was deleted in the same instant
	return found, nil
}

// RenameDevice gives a device another name. It returns ErrNotFound, *InvalidError (ErrExists if the name is taken) and
// the errors of every command. The name it has already changes nothing.
func (s *Service) RenameDevice(ctx context.Context, actor Actor, t id.Tenant, d id.Device, name string) (Device, error) {
	name, err := checkName("name", name)
	if err != nil {
		return Device{}, fmt.Errorf("rename device: %w", err)
	}
	changed, err := s.onDevice(ctx, actor, deviceRef{t, d}, func(st *State, old Device, _ time.Time) ([]event, error) {
		if old.Name == name {
			return nil, nil
		}
		if other, exists := st.byName.Get(key2(t, foldText(name))); exists && other.ID != d {
			return nil, taken("name", name)
		}
		return []event{deviceRenamed{ID: d, From: old.Name, To: name}}, nil
	})
	if err != nil {
		return Device{}, fmt.Errorf("rename device: %w", err)
	}
	return changed, nil
}

// DisableDevice makes ingest refuse a device until it is enabled again. It returns ErrNotFound and the errors of every
// command; a disabled device stays disabled.
func (s *Service) DisableDevice(ctx context.Context, actor Actor, t id.Tenant, d id.Device) (Device, error) {
	return s.switchDevice(ctx, actor, deviceRef{t, d}, true)
}

// EnableDevice lets a disabled device send again. It returns ErrNotFound and the errors of every command.
func (s *Service) EnableDevice(ctx context.Context, actor Actor, t id.Tenant, d id.Device) (Device, error) {
	return s.switchDevice(ctx, actor, deviceRef{t, d}, false)
}

func (s *Service) switchDevice(ctx context.Context, actor Actor, on deviceRef, off bool) (Device, error) {
	changed, err := s.onDevice(ctx, actor, on, func(_ *State, old Device, _ time.Time) ([]event, error) {
		if old.Disabled == off {
			return nil, nil
		}
		return []event{deviceSwitched{ID: on.device, Disabled: off}}, nil
	})
	if err != nil {
		return Device{}, fmt.Errorf("switch device: %w", err)
	}
	return changed, nil
}

// RotateToken gives a device a new token, returned here and never again. The one it replaces stays valid for overlap;
// with 0 it is worthless at once, and so is one that was being replaced already. It returns ErrNotFound, *InvalidError
// for an overlap below 0 or above MaxOverlap, and the errors of every command.
func (s *Service) RotateToken(ctx context.Context, actor Actor, t id.Tenant, d id.Device, overlap time.Duration) (string, error) {
	if overlap < 0 || overlap > MaxOverlap {
		return "", fmt.Errorf("rotate token: %w", invalid("overlap", "is %s, want 0 to %s", overlap, MaxOverlap))
	}
	text, public, sum := mintToken(devicePrefix)
	_, err := s.onDevice(ctx, actor, deviceRef{t, d}, func(st *State, _ Device, now time.Time) ([]event, error) {
		if _, used := st.byToken.Get(indexOf(public)); used { // as good as never; trying again makes another one
			return nil, ErrConflict
		}
		return []event{tokenRotated{ID: d, Token: tokenIssued{ID: public, Sum: sum[:]}, OldUntil: now.Add(overlap)}}, nil
	})
	if err != nil {
		return "", fmt.Errorf("rotate token: %w", err)
	}
	return text, nil
}

// DeleteDevice removes a device at once: it is in no list any more and its tokens are worthless. Its data is removed by
// whoever works through State.Erasing. It returns ErrNotFound and the errors of every command.
func (s *Service) DeleteDevice(ctx context.Context, actor Actor, t id.Tenant, d id.Device) error {
	_, err := s.onDevice(ctx, actor, deviceRef{t, d}, func(_ *State, old Device, _ time.Time) ([]event, error) {
		return []event{deviceDeleted{ID: d, Name: old.Name}}, nil
	})
	if err != nil {
		return fmt.Errorf("delete device: %w", err)
	}
	return nil
}

// RemoveDemo deletes the demo devices of a tenant, up to MaxBulk of them in one command, and returns how many there
// were. It returns ErrNotFound for the tenant and the errors of every command.
func (s *Service) RemoveDemo(ctx context.Context, actor Actor, t id.Tenant) (int, error) {
	var count int
	_, err := s.inTenant(ctx, actor, t, func(st *State, _ time.Time) ([]event, error) {
		var events []event
		for d := range st.Devices(t, "") {
			if d.Demo && len(events) < MaxBulk {
				events = append(events, deviceDeleted{ID: d.ID, Name: d.Name})
			}
		}
		count = len(events)
		return events, nil
	})
	if err != nil {
		return 0, fmt.Errorf("remove demo devices: %w", err)
	}
	return count, nil
}

// FinishErasure records that the data of a deleted device is gone, and how much there was. It returns ErrNotFound if
// the device is not being erased (any more), and the errors of every command.
func (s *Service) FinishErasure(ctx context.Context, t id.Tenant, d id.Device, erased telemetry.Erased) error {
	_, err := s.inTenant(ctx, Actor{System: "erase"}, t, func(st *State, _ time.Time) ([]event, error) {
		if _, ok := st.erasing.Get(key2(t, d)); !ok {
			return nil, fmt.Errorf("erasure: %w", ErrNotFound)
		}
		return []event{deviceErased{ID: d, Erased: erased}}, nil
	})
	if err != nil {
		return fmt.Errorf("finish erasure: %w", err)
	}
	return nil
}

// DescribeMetric sets the unit of a metric of a tenant; an empty unit removes it. It returns ErrNotFound for the
// tenant, *InvalidError, *LimitError, and the errors of every command.
func (s *Service) DescribeMetric(ctx context.Context, actor Actor, t id.Tenant, m MetricDescription) error {
	m, err := checkMetric(m)
	if err != nil {
		return fmt.Errorf("describe metric: %w", err)
	}
	_, err = s.inTenant(ctx, actor, t, func(st *State, _ time.Time) ([]event, error) {
		if st.Unit(t, m.Name) == m.Unit {
			return nil, nil
		}
		if found, _ := st.tenants.Get(string(t)); found.metrics >= maxDescribed && st.Unit(t, m.Name) == "" {
			return nil, &LimitError{Name: "described metrics", Max: maxDescribed}
		}
		return []event{metricDescribed(m)}, nil
	})
	if err != nil {
		return fmt.Errorf("describe metric: %w", err)
	}
	return nil
}
