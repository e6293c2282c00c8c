package tenants

import (
	"fmt"
	"time"

	"longwave/tenants/id"
	"longwave/tenants/seal"
)

// DestinationKind says how a destination is reached. Its names are part of the control log.
type DestinationKind uint8

// The kinds of destinations. The zero value is none of them.
const (
	Webhook     DestinationKind = iota + 1 // HTTPS, signed
	Email                                  // through the operator's mail server
	SlackHook                              // a webhook that takes {"text": …}
	NATSSubject                            // a subject that the tenant's own consumers read
)

// DestinationKinds lists every kind.
func DestinationKinds() []DestinationKind {
	return []DestinationKind{Webhook, Email, SlackHook, NATSSubject}
}

// String is the kind's name in events and JSON.
func (k DestinationKind) String() string {
	switch k {
	case Webhook:
		return "webhook"
	case Email:
		return "email"
	case SlackHook:
		return "slack"
	case NATSSubject:
		return "nats"
	default:
		return "none"
	}
}

// ParseDestinationKind reads a kind's name. It returns an *InvalidError for anything that DestinationKinds does not list.
func ParseDestinationKind(text string) (DestinationKind, error) {
	for _, k := range DestinationKinds() {
		if k.String() == text {
			return k, nil
		}
	}
	return 0, invalid("kind", "%.40q is no kind of destination, want webhook, email, slack or nats", text)
}

// MarshalText writes the kind's name.
func (k DestinationKind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// UnmarshalText reads the kind's name; it returns an *InvalidError for an unknown one.
func (k *DestinationKind) UnmarshalText(text []byte) (err error) {
	*k, err = ParseDestinationKind(string(text))
	return err
}

// Destination is a place outside that packets and notifications are sent to. To is shared between all readers: never
// change it. Its secrets are only in what Service.DestinationSecrets returns.
type Destination struct {
	ID       id.Destination
	Tenant   id.Tenant
	Name     string
	Slug     id.Slug // made from the first name, and the same for ever: consumers know the subject by it
	Kind     DestinationKind
	URL      string   // of a webhook, without its query; of a Slack webhook only scheme and host: the rest is secret
	To       []string // e-mail addresses
	Disabled bool
	Created  time.Time
	Changed  time.Time // how it is reached, or whether it is enabled, was last changed

	address  seal.Sealed // of a webhook with a query, which may be a token; empty if there is none
	secret   seal.Sealed // key of a webhook's signature, or address of a Slack webhook
	replaced seal.Sealed // the key before, still signing until oldUntil
	oldUntil time.Time
}

// DestinationSecrets are the opened secrets of a destination. Nothing may log or store them.
type DestinationSecrets struct {
	Address string    // of a Slack webhook, or of a webhook whose query is secret; empty otherwise
	Keys    [][]byte  // of a webhook's signature, newest first
	Until   time.Time // when the last of two keys stops signing; zero with one
}

// String leaves the secrets out.
func (DestinationSecrets) String() string { return "(secrets)" }

// GoString leaves the secrets out.
func (DestinationSecrets) GoString() string { return "(secrets)" }

// Destination returns one destination; false if the tenant has none of that id.
func (s *State) Destination(t id.Tenant, d id.Destination) (Destination, bool) {
	found, ok := s.destinations.Get(key2(t, d))
	if !ok {
		return Destination{}, false
	}
	return *found, true
}

// Destinations lists the destinations of a tenant, by name.
func (s *State) Destinations(t id.Tenant) []Destination {
	var list []Destination
	ascend(&s.outNames, string(t)+separator, func(_ string, d *Destination) bool {
		list = append(list, *d)
		return true
	})
	return list
}

// AllDestinations lists the destinations of all tenants, for those who deliver.
func (s *State) AllDestinations() []Destination {
	list := make([]Destination, 0, s.destinations.Len())
	s.destinations.Scan(func(_ string, d *Destination) bool {
		list = append(list, *d)
		return true
	})
	return list
}

// DestinationSecrets opens what a destination needs to be reached. It returns a *seal.KeyError when the master key that
// they were sealed under is not there, and ErrNoMasterKey when there is none at all.
func (s *Service) DestinationSecrets(d Destination) (DestinationSecrets, error) {
	var out DestinationSecrets
	if d.address != "" {
		address, err := s.unseal(d, "address", d.address)
		if err != nil {
			return out, err
		}
		out.Address = string(address)
	}
	if d.secret == "" {
		return out, nil
	}
	newest, err := s.unseal(d, "secret", d.secret)
	if err != nil {
		return out, err
	}
	if d.Kind == SlackHook {
		out.Address = string(newest)
		return out, nil
	}
	out.Keys = [][]byte{newest}
	if d.replaced != "" && s.now().Before(d.oldUntil) {
		older, err := s.unseal(d, "secret", d.replaced)
		if err != nil {
			return out, err
		}
		out.Keys, out.Until = append(out.Keys, older), d.oldUntil
	}
	return out, nil
}

func (s *Service) unseal(d Destination, field string, sealed seal.Sealed) ([]byte, error) {
	if s.secrets == nil {
		return nil, fmt.Errorf("destination %s: %w", d.ID, ErrNoMasterKey)
	}
	secret, err := s.secrets.Open(d.sealedAt(field), sealed)
	if err != nil {
		return nil, fmt.Errorf("destination %s: %w", d.ID, err)
	}
	return secret, nil
}

// sealedAt is where a secret of a destination belongs.
func (d *Destination) sealedAt(field string) seal.Place {
	return seal.Place{Tenant: d.Tenant, Thing: string(d.ID), Field: field}
}

// putDestination puts a destination into every index, in place of old unless that is nil.
func (s *State) putDestination(old, d *Destination) error {
	if old != nil {
		s.dropDestination(old)
	}
	if _, exists := s.outNames.Get(key2(d.Tenant, foldText(d.Name))); exists {
		return contradiction("the name of destination %s is taken", d.ID)
	}
	if _, exists := s.outSlugs.Get(key2(d.Tenant, d.Slug)); exists {
		return contradiction("the subject of destination %s is taken", d.ID)
	}
	s.destinations.Set(key2(d.Tenant, d.ID), d)
	s.outNames.Set(key2(d.Tenant, foldText(d.Name)), d)
	s.outSlugs.Set(key2(d.Tenant, d.Slug), d)
	return nil
}

func (s *State) dropDestination(d *Destination) {
	s.destinations.Delete(key2(d.Tenant, d.ID))
	s.outNames.Delete(key2(d.Tenant, foldText(d.Name)))
	s.outSlugs.Delete(key2(d.Tenant, d.Slug))
}

// changeDestination replaces a destination by a changed one.
func (s *State) changeDestination(t id.Tenant, d id.Destination, edit func(*Destination)) error {
	old, ok := s.destinations.Get(key2(t, d))
	if !ok {
		return contradiction("there is no destination %s", d)
	}
	changed := *old
	edit(&changed)
	return s.putDestination(old, &changed)
}

func (e destinationCreated) apply(s *State, at stamp) error {
	if _, ok := s.tenants.Get(string(at.tenant)); !ok {
		return contradiction("there is no tenant %q", at.tenant)
	}
	if _, exists := s.destinations.Get(key2(at.tenant, e.ID)); exists {
		return contradiction("destination %s exists", e.ID)
	}
	return s.putDestination(nil, e.destination(at))
}

func (e destinationCreated) destination(at stamp) *Destination {
	return &Destination{
		ID: e.ID, Tenant: at.tenant, Name: e.Name, Slug: e.Slug, Kind: e.Kind, URL: e.Reach.URL, To: e.Reach.To,
		Created: at.at, Changed: at.at, secret: e.Reach.Secret, address: e.Reach.Address,
	}
}

func (e destinationRenamed) apply(s *State, at stamp) error {
	return s.changeDestination(at.tenant, e.ID, func(d *Destination) { d.Name = e.To })
}

func (e destinationSwitched) apply(s *State, at stamp) error {
	return s.changeDestination(at.tenant, e.ID, func(d *Destination) { d.Disabled, d.Changed = e.Disabled, at.at })
}

func (e destinationMoved) apply(s *State, at stamp) error {
	return s.changeDestination(at.tenant, e.ID, func(d *Destination) {
		d.URL, d.address, d.To, d.Changed = e.To.URL, e.To.Address, e.To.To, at.at
		if e.To.Secret != "" {
			d.secret = e.To.Secret
		}
	})
}

func (e destinationSecret) apply(s *State, at stamp) error {
	return s.changeDestination(at.tenant, e.ID, func(d *Destination) {
		d.secret, d.replaced, d.oldUntil = e.Secret, d.secret, e.OldUntil
	})
}

func (e destinationDeleted) apply(s *State, at stamp) error {
	old, ok := s.destinations.Get(key2(at.tenant, e.ID))
	if !ok {
		return contradiction("there is no destination %s", e.ID)
	}
	s.dropDestination(old)
	return nil
}
