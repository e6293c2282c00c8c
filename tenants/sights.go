package tenants

import (
	"context"
	"fmt"
	"sync"
	"time"

	"longwave/tenants/id"
)

const (
	// sightEvery is how often one actor's looking at one thing is written down, at most: the log keeps everything for
	// ever, and says that somebody looked, not how often.
	sightEvery = time.Hour

	// maxSights bounds what is remembered of the last hour. Beyond it all is forgotten, and written down once more.
	maxSights = 20_000
)

// Sight is a way of looking at what is sensitive.
type Sight string

// The sights that are written down, before anything is shown.
const (
	ExportedAudit   Sight = "audit"     // the audit was taken away as a file, or by a script
	ExportedDevices Sight = "devices"   // the list of devices was taken away as a file
	OpenedKeys      Sight = "keys"      // the list of API keys
	OpenedProvider  Sight = "provider"  // the settings of an identity provider
	ReadRejected    Sight = "rejected"  // bodies of rejected packets
	UsedSupport     Sight = "as_guest"  // anything, as an operator who is no member
	OpenedOperators Sight = "operators" // who operates the installation
)

// words say what was done, in front of what it was done to.
func (w Sight) words() string {
	switch w {
	case ExportedAudit:
		return "took away the audit of"
	case ExportedDevices:
		return "took away the list of devices of"
	case OpenedKeys:
		return "looked at the API keys of"
	case OpenedProvider:
		return "looked at the settings of the identity provider"
	case ReadRejected:
		return "looked at rejected packets of"
	case UsedSupport:
		return "looked, as an operator who is no member, into"
	case OpenedOperators:
		return "looked at the operators of"
	default:
		return "looked at"
	}
}

// sightNoted changes nothing: it is there to be read.
type sightNoted struct {
	What  Sight  `json:"what"`
	Thing string `json:"thing,omitempty"` // an id; empty for the tenant, or the installation, as a whole
}

func (e sightNoted) apply(s *State, at stamp) error {
	if at.tenant == "" {
		return nil
	}
	return s.count(at.tenant, 0, 0, 0)
}

func (e sightNoted) tell(p *Past) {
	p.Did, p.Subject = e.What.words(), e.Thing
	if e.Thing == "" {
		p.Subject = TheTenant
	}
}

// Look is one look at something sensitive of the principal's tenant, or of the installation outside of one.
type Look struct {
	What    Sight
	Thing   string // id of what was looked at; empty for the tenant as a whole
	Address string // network address of the caller
}

// NoteSight writes down that a principal is about to look at something sensitive, unless that was done within the hour. Call
// it before anything is shown, and show nothing when it fails. It returns the errors of every command.
func (s *Service) NoteSight(ctx context.Context, p Principal, l Look) error {
	seen := sight{p.tenant, p.person, p.key, l.What, l.Thing}
	now := s.now()
	if !s.sights.due(seen, now) {
		return nil
	}
	_, err := s.inRealm(ctx, p.Actor(l.Address), p.tenant, func(*State, time.Time) ([]event, error) {
		return []event{sightNoted{What: l.What, Thing: l.Thing}}, nil
	})
	if err != nil {
		return fmt.Errorf("note what is looked at: %w", err)
	}
	s.sights.noted(seen, now)
	return nil
}

// sight is who looked at what.
type sight struct {
	tenant id.Tenant
	person id.Person
	key    id.Key
	what   Sight
	thing  string
}

// sights remembers what was written down within the hour, in this process.
type sights struct {
	mu   sync.Mutex
	last map[sight]time.Time
}

func newSights() *sights { return &sights{last: map[sight]time.Time{}} }

func (s *sights) due(of sight, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	last, ok := s.last[of]
	return !ok || now.Sub(last) >= sightEvery
}

func (s *sights) noted(of sight, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.last) >= maxSights {
		clear(s.last)
	}
	s.last[of] = now
}
