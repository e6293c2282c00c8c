package tenants

import (
	"context"
	"crypto/subtle"
	"fmt"
	"slices"
	"strings"
	"time"

	"longwave/tenants/id"
)

// Bounds of what is chosen about a screen.
const (
	maxWallPages   = 12 // of a rotation: nobody waits longer for the page that they came for
	minWallSeconds = 5
	maxWallSeconds = 3600
	chosenSeconds  = 30
	minWallZoom    = 50
	maxWallZoom    = 300
	chosenZoom     = 100
	maxZone        = 64
)

// check completes and refuses what does not depend on the tenant.
func (c WallSettings) check() (WallSettings, error) {
	var err error
	if c.Name, err = checkName("name", c.Name); err != nil {
		return c, err
	}
	c.Dashboards = slices.Clone(c.Dashboards)
	if n := len(c.Dashboards); n == 0 || n > maxWallPages {
		return c, invalid("dashboards", "are %d, want 1 to %d", n, maxWallPages)
	}
	if c.Seconds == 0 {
		c.Seconds = chosenSeconds
	}
	if c.Zoom == 0 {
		c.Zoom = chosenZoom
	}
	if c.Seconds < minWallSeconds || c.Seconds > maxWallSeconds {
		return c, invalid("seconds", "is %d, want %d to %d", c.Seconds, minWallSeconds, maxWallSeconds)
	}
	if c.Zoom < minWallZoom || c.Zoom > maxWallZoom {
		return c, invalid("zoom", "is %d, want %d to %d per cent", c.Zoom, minWallZoom, maxWallZoom)
	}
	if c.Zone = strings.TrimSpace(c.Zone); !zoneName(c.Zone) {
		return c, invalid("zone", "is no time zone, want Europe/Berlin, UTC, or nothing for the screen's own")
	}
	return c, nil
}

// zoneName says whether a text may be the name of a time zone. The names that exist are known where clocks are drawn, which
// is not here; a program without a tz database can still pair a screen.
func zoneName(text string) bool {
	if len(text) > maxZone {
		return false
	}
	return !strings.ContainsFunc(text, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/_+-", r))
	})
}

// has refuses dashboards that the tenant does not have, and one that is there twice.
func (c WallSettings) has(s *State, t id.Tenant) error {
	for i, d := range c.Dashboards {
		found, ok := s.Dashboard(t, d)
		if !ok || !found.Deleted.IsZero() {
			return invalid("dashboards", "%q is none of this tenant", d)
		}
		if slices.Contains(c.Dashboards[:i], d) {
			return invalid("dashboards", "%s is there twice", found.Name)
		}
	}
	return nil
}

func (s *Service) wallRoom(st *State, t id.Tenant) error {
	found, _ := st.Tenant(t)
	if most := s.limits(found).Walls; len(st.Walls(t)) >= most {
		return &LimitError{Name: "walls", Max: most}
	}
	return nil
}

// PairWall makes the screen that shows a code one of the tenant's. It returns *InvalidError for "code", "name",
// "dashboards", "seconds", "zoom" or "zone", *DelayError after wrong codes, *LimitError, ErrNotFound for the tenant, and the
// errors of every command. A code works once.
func (s *Service) PairWall(ctx context.Context, actor Actor, t id.Tenant, code string, c WallSettings) (Wall, error) {
	c, err := c.check()
	if err != nil {
		return Wall{}, fmt.Errorf("pair wall: %w", err)
	}
	decide := func(screen pendingScreen) decision {
		return func(st *State, _ time.Time) ([]event, error) {
			if err := s.wallRoom(st, t); err != nil {
				return nil, err
			}
			return []event{wallPaired{ID: screen.ID, To: c, Sum: screen.Sum}}, c.has(st, t)
		}
	}
	if _, err := decide(pendingScreen{})(s.State(), s.now()); err != nil { // before the code is used up
		return Wall{}, fmt.Errorf("pair wall: %w", err)
	}
	screen, err := s.redeem(ctx, actor, code)
	if err != nil {
		return Wall{}, fmt.Errorf("pair wall: %w", err)
	}
	st, err := s.inTenant(ctx, actor, t, decide(screen))
	if err != nil {
		s.codes.restore(ctx, screen)
		return Wall{}, fmt.Errorf("pair wall: %w", err)
	}
	made, _ := st.Wall(t, screen.ID)
	return made, nil
}

// onWall is a command on one screen.
func (s *Service) onWall(ctx context.Context, actor Actor, on wallRef, decide func(*State, Wall) ([]event, error)) (Wall, error) {
	st, err := s.inTenant(ctx, actor, on.tenant, func(st *State, _ time.Time) ([]event, error) {
		found, ok := st.Wall(on.tenant, on.wall)
		if !ok {
			return nil, fmt.Errorf("wall: %w", ErrNotFound)
		}
		return decide(st, found)
	})
	if err != nil {
		return Wall{}, err
	}
	found, _ := st.Wall(on.tenant, on.wall)
	return found, nil
}

// wallRef names one screen of one tenant.
type wallRef struct {
	tenant id.Tenant
	wall   id.Wall
}

// ChangeWall gives a screen another name or something else to show; it follows at once. It returns ErrNotFound, *InvalidError
// as PairWall does, and the errors of every command.
func (s *Service) ChangeWall(ctx context.Context, actor Actor, t id.Tenant, w id.Wall, c WallSettings) (Wall, error) {
	c, err := c.check()
	if err != nil {
		return Wall{}, fmt.Errorf("change wall: %w", err)
	}
	changed, err := s.onWall(ctx, actor, wallRef{t, w}, func(st *State, old Wall) ([]event, error) {
		if sameSettings(old.WallSettings, c) {
			return nil, nil
		}
		return []event{wallChanged{ID: w, From: old.WallSettings, To: c}}, c.has(st, t)
	})
	if err != nil {
		return Wall{}, fmt.Errorf("change wall: %w", err)
	}
	return changed, nil
}

func sameSettings(a, b WallSettings) bool {
	same := slices.Equal(a.Dashboards, b.Dashboards)
	a.Dashboards, b.Dashboards = nil, nil
	return same && a.Name == b.Name && a.Seconds == b.Seconds && a.PauseOnAlert == b.PauseOnAlert && a.Zoom == b.Zoom && a.Zone == b.Zone && a.Light == b.Light
}

// AskWall has a screen do something, now if it is connected and else never. It returns ErrNotFound, *InvalidError for
// "what", and the errors of every command.
func (s *Service) AskWall(ctx context.Context, actor Actor, t id.Tenant, w id.Wall, what WallRequest) (Wall, error) {
	if what != WallReload && what != WallIdentify {
		return Wall{}, fmt.Errorf("ask wall: %w", invalid("what", "is %q, want %s or %s", what, WallReload, WallIdentify))
	}
	asked, err := s.onWall(ctx, actor, wallRef{t, w}, func(_ *State, old Wall) ([]event, error) {
		return []event{wallAsked{ID: w, Name: old.Name, What: what}}, nil
	})
	if err != nil {
		return Wall{}, fmt.Errorf("ask wall: %w", err)
	}
	return asked, nil
}

// RevokeWall makes the token of a screen worthless at once. It returns ErrNotFound and the errors of every command.
func (s *Service) RevokeWall(ctx context.Context, actor Actor, t id.Tenant, w id.Wall) error {
	_, err := s.onWall(ctx, actor, wallRef{t, w}, func(_ *State, old Wall) ([]event, error) {
		return []event{wallRevoked{ID: w, Name: old.Name}}, nil
	})
	if err != nil {
		return fmt.Errorf("revoke wall: %w", err)
	}
	s.reports.forget(ctx, wallRef{t, w})
	return nil
}

// WallByToken makes the principal of a paired screen. It returns ErrUnauthenticated for a token that is none, is not paired
// yet or was revoked, and a *SuspendedError for one whose tenant lets nobody in. It reaches no other process.
func (s *Service) WallByToken(token string) (Principal, error) {
	public, _, sound := splitToken(token, wallPrefix)
	if !sound {
		return Principal{}, ErrUnauthenticated
	}
	var want digest // of no token: an unknown screen is compared like a known one
	st := s.State()
	found, known := st.walls.byID.Get(publicWallPrefix + public)
	if known {
		want = found.sum
	}
	got := digestOf(token)
	if subtle.ConstantTimeCompare(got[:], want[:]) != 1 || !known {
		return Principal{}, ErrUnauthenticated
	}
	if err := st.open(found.Tenant); err != nil {
		return Principal{}, err
	}
	return Principal{wall: found, tenant: found.Tenant}, nil
}
