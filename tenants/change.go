package tenants

import (
	"context"
	"fmt"
	"maps"
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

// DeviceChange says what is to be different about a device; nil leaves it as it is.
type DeviceChange struct {
	Name     *string
	Labels   *map[string]string // all of them: what is not in it is removed
	Interval *time.Duration     // 0 means: learn it
	Site     *string
	Profile  *string
	Disabled *bool
}

// ChangeDevice changes several things about a device in one command: all of them or none. It returns ErrNotFound,
// *InvalidError with the field "name", "labels", "site", "profile" or "interval" (ErrExists if the name is taken), and the errors of every
// command. What is so already is not changed, and if that is everything, nothing is written.
func (s *Service) ChangeDevice(ctx context.Context, actor Actor, t id.Tenant, d id.Device, c DeviceChange) (Device, error) {
	c, err := c.check()
	if err != nil {
		return Device{}, fmt.Errorf("change device: %w", err)
	}
	changed, err := s.onDevice(ctx, actor, deviceRef{t, d}, func(st *State, old Device, _ time.Time) ([]event, error) {
		return c.events(st, old)
	})
	if err != nil {
		return Device{}, fmt.Errorf("change device: %w", err)
	}
	return changed, nil
}

// check looks at what does not depend on the device, and copies what the caller may go on changing.
func (c DeviceChange) check() (DeviceChange, error) {
	if c.Name != nil {
		name, err := checkName("name", *c.Name)
		if err != nil {
			return c, err
		}
		c.Name = &name
	}
	if c.Labels != nil {
		labels := maps.Clone(*c.Labels)
		if err := checkLabels("labels", labels); err != nil {
			return c, err
		}
		c.Labels = &labels
	}
	if c.Site != nil {
		site, err := checkSite("site", *c.Site)
		if err != nil {
			return c, err
		}
		c.Site = &site
	}
	if c.Profile != nil {
		profile, err := checkProfile("profile", *c.Profile)
		if err != nil {
			return c, err
		}
		c.Profile = &profile
	}
	if c.Interval != nil {
		return c, checkInterval("interval", *c.Interval)
	}
	return c, nil
}

// events is what really changes, one event for each thing.
func (c DeviceChange) events(st *State, old Device) ([]event, error) {
	var list []event
	if c.Name != nil && *c.Name != old.Name {
		if other, exists := st.byName.Get(key2(old.Tenant, foldText(*c.Name))); exists && other.ID != old.ID {
			return nil, taken("name", *c.Name)
		}
		list = append(list, deviceRenamed{ID: old.ID, From: old.Name, To: *c.Name})
	}
	if c.Labels != nil && !maps.Equal(*c.Labels, old.Labels) {
		list = append(list, deviceLabelled{ID: old.ID, From: old.Labels, To: *c.Labels})
	}
	if c.Interval != nil && *c.Interval != old.Interval {
		list = append(list, deviceTimed{ID: old.ID, From: old.Interval, To: *c.Interval})
	}
	if c.Site != nil && *c.Site != old.Site {
		list = append(list, deviceSited{ID: old.ID, From: old.Site, To: *c.Site})
	}
	if c.Profile != nil && *c.Profile != old.Profile {
		list = append(list, deviceProfiled{ID: old.ID, From: old.Profile, To: *c.Profile})
	}
	if c.Disabled != nil && *c.Disabled != old.Disabled {
		list = append(list, deviceSwitched{ID: old.ID, Disabled: *c.Disabled})
	}
	return list, nil
}

// RenameDevice is ChangeDevice for the name alone.
func (s *Service) RenameDevice(ctx context.Context, actor Actor, t id.Tenant, d id.Device, name string) (Device, error) {
	return s.ChangeDevice(ctx, actor, t, d, DeviceChange{Name: &name})
}

// DisableDevice is ChangeDevice that makes ingest refuse a device until it is enabled again.
func (s *Service) DisableDevice(ctx context.Context, actor Actor, t id.Tenant, d id.Device) (Device, error) {
	off := true
	return s.ChangeDevice(ctx, actor, t, d, DeviceChange{Disabled: &off})
}

// EnableDevice is ChangeDevice that lets a disabled device send again.
func (s *Service) EnableDevice(ctx context.Context, actor Actor, t id.Tenant, d id.Device) (Device, error) {
	off := false
	return s.ChangeDevice(ctx, actor, t, d, DeviceChange{Disabled: &off})
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
		if st.byToken.get(indexOf(public)) != nil { // as good as never; trying again makes another one
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
