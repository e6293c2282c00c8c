package tenants

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"time"

	"longwave/tenants/id"
)

// Limits bound what one tenant may use. In those of a tenant, and in those of the installation but for devices and walls, 0 means
// that nothing is said.
type Limits struct {
	Packets  int   `json:"packets_per_second,omitempty"`
	Readings int   `json:"readings_per_second,omitempty"`
	Devices  int   `json:"devices,omitempty"`
	Days     int   `json:"stored_days,omitempty"` // how long readings that arrive from now on are kept
	Sockets  int   `json:"device_sockets,omitempty"`
	Request  int64 `json:"request_bytes,omitempty"` // after decompression
	Walls    int   `json:"walls,omitempty"`         // wall screens that are paired
}

// KeepDays is how long readings of a tenant that arrive from now on are kept.
func (t Tenant) KeepDays() uint16 {
	if t.Limits.Days > 0 {
		return uint16(t.Limits.Days) // check has bounded it
	}
	return t.RetainDays
}

const (
	maxRate    = 100_000_000 // a second: beyond every machine, and far from overflowing a bucket
	maxDays    = 10 * 366
	maxRequest = 2 << 20 // what the program takes at most; a tenant can only be given less

	// defaultWalls is what a tenant may have when nothing is said: each screen holds a socket and its widgets' feeds day and night.
	defaultWalls = 100
	// MaxWalls bounds the wall screens of one tenant: one page shows all of them.
	MaxWalls = 1000
)

// check refuses what cannot be meant. What a tenant may have at most is what the program was measured with.
func (l Limits) check() error {
	for _, each := range []struct {
		field      string
		value, max int64
	}{
		{"packets_per_second", int64(l.Packets), maxRate}, {"readings_per_second", int64(l.Readings), maxRate}, {"devices", int64(l.Devices), MaxDevices},
		{"stored_days", int64(l.Days), maxDays}, {"device_sockets", int64(l.Sockets), MaxDevices}, {"request_bytes", l.Request, maxRequest},
		{"walls", int64(l.Walls), MaxWalls},
	} {
		if each.value < 0 || each.value > each.max {
			return invalid(each.field, "is %d, want 1 to %d, or 0 for what holds on this installation", each.value, each.max)
		}
	}
	return nil
}

// or is the limits where those that say nothing are taken from others.
func (l Limits) or(others Limits) Limits {
	return Limits{
		Packets: cmp.Or(l.Packets, others.Packets), Readings: cmp.Or(l.Readings, others.Readings), Devices: cmp.Or(l.Devices, others.Devices),
		Days: cmp.Or(l.Days, others.Days), Sockets: cmp.Or(l.Sockets, others.Sockets), Request: cmp.Or(l.Request, others.Request),
		Walls: cmp.Or(l.Walls, others.Walls),
	}
}

// LimitsOf are the limits that hold for a tenant: its own, else those of the installation. 0 means that there is none.
func (s *Service) LimitsOf(t id.Tenant) Limits {
	found, _ := s.State().Tenant(t)
	return s.limits(found)
}

// limits are those that hold for a tenant.
func (s *Service) limits(t Tenant) Limits {
	return t.Limits.or(s.defaults).or(Limits{Days: int(t.RetainDays), Devices: MaxDevices, Walls: defaultWalls})
}

// DefaultLimits are those of tenants without limits of their own.
func (s *Service) DefaultLimits() Limits { return s.limits(Tenant{RetainDays: defaultRetainDays}) }

// SetLimits gives a tenant limits of its own. It returns ErrNotFound, *InvalidError, and the errors of every command.
func (s *Service) SetLimits(ctx context.Context, actor Actor, t id.Tenant, l Limits) error {
	if err := l.check(); err != nil {
		return fmt.Errorf("set limits: %w", err)
	}
	_, err := s.inTenant(ctx, actor, t, func(st *State, _ time.Time) ([]event, error) {
		have, _ := st.Tenant(t)
		if have.Limits == l {
			return nil, nil
		}
		return []event{tenantLimited{From: have.Limits, To: l}}, nil
	})
	if err != nil {
		return fmt.Errorf("set limits: %w", err)
	}
	return nil
}

func (e tenantLimited) tell(p *Past) {
	p.Did, p.Subject = "changed the limits of", "the tenant"
	differ := func(what string, before, after int64) {
		p.differ(what, limitWord(before), limitWord(after))
	}
	differ("packets per second", int64(e.From.Packets), int64(e.To.Packets))
	differ("readings per second", int64(e.From.Readings), int64(e.To.Readings))
	differ("devices", int64(e.From.Devices), int64(e.To.Devices))
	differ("days that readings are kept", int64(e.From.Days), int64(e.To.Days))
	differ("device sockets", int64(e.From.Sockets), int64(e.To.Sockets))
	differ("bytes of a request", e.From.Request, e.To.Request)
	differ("wall screens", int64(e.From.Walls), int64(e.To.Walls))
}

func limitWord(n int64) string {
	if n == 0 {
		return "as on the installation"
	}
	return strconv.FormatInt(n, 10)
}
