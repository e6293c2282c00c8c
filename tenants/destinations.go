package tenants

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"longwave/tenants/id"
	"longwave/tenants/seal"
)

const (
	// MaxDestinations bounds the destinations of one tenant: each one is a consumer and a worker of its own.
	MaxDestinations = 100

	// SecretOverlap is how long the replaced key of a webhook goes on signing beside the new one.
	SecretOverlap = 24 * time.Hour

	maxRecipients = 20
	maxURL        = 2000 // bytes; what every server takes
	maxSlug       = 40   // so that a subject stays readable
	hookKeyBytes  = 32   // Standard Webhooks wants 24 to 64
	hookKeyPrefix = "whsec_"
)

// NewDestination asks for a destination. URL is for webhooks of both kinds, To for e-mail.
type NewDestination struct {
	Name string
	Kind DestinationKind
	URL  string
	To   []string
}

// String leaves the address out, which may be a secret.
func (n NewDestination) String() string { return n.Name + " (" + n.Kind.String() + ")" }

// GoString leaves the address out, which may be a secret.
func (n NewDestination) GoString() string { return n.String() }

// DestinationChange says what is to be different about a destination; nil leaves it as it is.
type DestinationChange struct {
	Name     *string
	URL      *string
	To       *[]string
	Disabled *bool
}

// CreateDestination makes a destination. For a webhook it returns the key that its requests are signed with, which is
// shown once. It returns ErrNotFound for the tenant, *InvalidError for "name" (ErrExists if it is taken), "kind", "url"
// or "to", *LimitError, ErrNoMasterKey, and the errors of every command.
func (s *Service) CreateDestination(ctx context.Context, actor Actor, t id.Tenant, n NewDestination) (Destination, string, error) {
	created, secret, err := s.prepare(t, n)
	if err != nil {
		return Destination{}, "", fmt.Errorf("create destination: %w", err)
	}
	st, err := s.inTenant(ctx, actor, t, func(st *State, _ time.Time) ([]event, error) {
		all := st.Destinations(t)
		if len(all) >= MaxDestinations {
			return nil, &LimitError{Name: "destinations", Max: MaxDestinations}
		}
		if _, exists := st.outNames.Get(key2(t, foldText(created.Name))); exists {
			return nil, taken("name", created.Name)
		}
		slug, err := st.freeSlug(t, created.Name)
		created.Slug = slug
		return []event{created}, err
	})
	if err != nil {
		return Destination{}, "", fmt.Errorf("create destination: %w", err)
	}
	made, _ := st.Destination(t, created.ID)
	return made, secret, nil
}

// prepare checks what does not depend on the state, and seals what is secret.
func (s *Service) prepare(t id.Tenant, n NewDestination) (e destinationCreated, secret string, err error) {
	e = destinationCreated{ID: id.New[id.Destination](), Kind: n.Kind}
	if e.Name, err = checkName("name", n.Name); err != nil {
		return e, "", err
	}
	if _, err := ParseDestinationKind(n.Kind.String()); err != nil {
		return e, "", err
	}
	d := Destination{ID: e.ID, Tenant: t, Kind: n.Kind}
	if e.Reach, err = s.reachOf(d, n.URL, n.To); err != nil || n.Kind != Webhook {
		return e, "", err
	}
	secret = mintHookKey()
	e.Reach.Secret, err = s.sealKey(d, secret)
	return e, secret, err
}

// reachOf checks how a destination is reached, and seals the address of a Slack webhook and of one with a query.
func (s *Service) reachOf(d Destination, address string, to []string) (r reach, err error) {
	switch d.Kind {
	case Webhook:
		if r.URL, _, err = s.checkURL(address); err == nil && withoutQuery(r.URL) != r.URL {
			r.Address, err = s.seal(d, "address", []byte(r.URL))
			r.URL = withoutQuery(r.URL)
		}
	case SlackHook:
		var full string
		if full, r.URL, err = s.checkURL(address); err == nil {
			r.Secret, err = s.seal(d, "secret", []byte(full))
		}
	case Email:
		r.To, err = checkRecipients(to)
	}
	return r, err
}

// checkURL returns the address, and the part of it that is never secret.
func (s *Service) checkURL(text string) (full, shown string, err error) {
	text = strings.TrimSpace(text)
	u, err := url.Parse(text)
	switch {
	case len(text) > maxURL:
		return "", "", invalid("url", "has %d bytes, at most %d are allowed", len(text), maxURL)
	case err != nil || u.Hostname() == "" || u.Opaque != "" || (u.Scheme != "https" && u.Scheme != "http"):
		return "", "", invalid("url", "is no address, want https://host/path")
	case u.Scheme == "http" && !s.plainHTTP:
		return "", "", invalid("url", "must begin with https://: without it, everybody on the way can read what is sent")
	case u.User != nil:
		return "", "", invalid("url", "must not hold a user name or password")
	case strings.HasSuffix(text, hiddenQuery):
		return "", "", invalid("url", "must be whole: what stands behind ? is kept sealed and not shown")
	case u.Fragment != "":
		return "", "", invalid("url", "must not have a part behind #")
	}
	return text, u.Scheme + "://" + u.Host + "/…", checkText("url", text)
}

func checkRecipients(to []string) ([]string, error) {
	if len(to) == 0 || len(to) > maxRecipients {
		return nil, invalid("to", "has %d addresses, want 1 to %d", len(to), maxRecipients)
	}
	out := make([]string, len(to))
	for i, text := range to {
		address, err := checkEmail("to", text)
		if err != nil {
			return nil, invalid("to", "%.60q is not an e-mail address", text)
		}
		out[i] = address
	}
	return out, nil
}

func mintHookKey() string {
	key := make([]byte, hookKeyBytes)
	rand.Read(key) // documented to never return an error
	return hookKeyPrefix + base64.StdEncoding.EncodeToString(key)
}

// sealKey seals the bytes that a key's text stands for.
func (s *Service) sealKey(d Destination, text string) (seal.Sealed, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, hookKeyPrefix))
	if err != nil {
		return "", err
	}
	return s.seal(d, "secret", key)
}

func (s *Service) seal(d Destination, field string, secret []byte) (seal.Sealed, error) {
	if s.secrets == nil {
		return "", ErrNoMasterKey
	}
	return s.secrets.Seal(d.sealedAt(field), secret)
}

// freeSlug makes a name into a token that no destination of the tenant has.
func (s *State) freeSlug(t id.Tenant, name string) (id.Slug, error) {
	base := slugOf(name)
	for n := 1; ; n++ {
		text := base
		if n > 1 {
			text = fmt.Sprintf("%s-%d", base, n)
		}
		slug, err := id.Parse[id.Slug](text)
		if err != nil {
			return "", err
		}
		if _, exists := s.outSlugs.Get(key2(t, slug)); !exists {
			return slug, nil
		}
	}
}

// slugOf keeps letters and digits of ASCII, and puts one hyphen for everything between them.
func slugOf(name string) string {
	plain := func(r rune) bool { return r >= 'a' && r <= 'z' || r >= '0' && r <= '9' }
	words := strings.FieldsFunc(foldText(name), func(r rune) bool { return !plain(r) })
	slug := strings.Join(words, "-")
	if len(slug) > maxSlug {
		slug = strings.TrimRight(slug[:maxSlug], "-")
	}
	if slug == "" {
		return "destination"
	}
	return slug
}

// onDestination is a command on one existing destination, and returns it as it is then. ErrNotFound if the tenant has
// none of that id.
func (s *Service) onDestination(ctx context.Context, actor Actor, on destinationRef, decide func(*State, Destination, time.Time) ([]event, error)) (Destination, error) {
	st, err := s.inTenant(ctx, actor, on.tenant, func(st *State, now time.Time) ([]event, error) {
		found, ok := st.Destination(on.tenant, on.destination)
		if !ok {
			return nil, fmt.Errorf("destination: %w", ErrNotFound)
		}
		return decide(st, found, now)
	})
	if err != nil {
		return Destination{}, err
	}
	found, _ := st.Destination(on.tenant, on.destination)
	return found, nil
}

// destinationRef names one destination of one tenant.
type destinationRef struct {
	tenant      id.Tenant
	destination id.Destination
}

// ChangeDestination changes several things about a destination in one command: all of them or none. What is queued goes
// where the destination points to by then. It returns ErrNotFound and the errors of CreateDestination.
func (s *Service) ChangeDestination(ctx context.Context, actor Actor, t id.Tenant, d id.Destination, c DestinationChange) (Destination, error) {
	changed, err := s.onDestination(ctx, actor, destinationRef{t, d}, func(st *State, old Destination, _ time.Time) ([]event, error) {
		return s.destinationEvents(st, old, c)
	})
	if err != nil {
		return Destination{}, fmt.Errorf("change destination: %w", err)
	}
	return changed, nil
}

// destinationEvents is what really changes, one event for each thing.
func (s *Service) destinationEvents(st *State, old Destination, c DestinationChange) ([]event, error) {
	var list []event
	if c.Name != nil {
		name, err := checkName("name", *c.Name)
		if err != nil {
			return nil, err
		}
		if other, exists := st.outNames.Get(key2(old.Tenant, foldText(name))); exists && other.ID != old.ID {
			return nil, taken("name", name)
		}
		if name != old.Name {
			list = append(list, destinationRenamed{ID: old.ID, From: old.Name, To: name})
		}
	}
	moved, err := s.moved(old, c)
	if err != nil {
		return nil, err
	}
	if moved != nil {
		list = append(list, moved)
	}
	if c.Disabled != nil && *c.Disabled != old.Disabled {
		list = append(list, destinationSwitched{ID: old.ID, Disabled: *c.Disabled})
	}
	return list, nil
}

// moved is the event of a destination that is reached in another way from now on; nil if it is not.
func (s *Service) moved(old Destination, c DestinationChange) (event, error) {
	address, to := old.URL, old.To
	switch {
	case c.URL != nil && (old.Kind == Webhook || old.Kind == SlackHook):
		address = *c.URL
	case c.To != nil && old.Kind == Email:
		to = *c.To
	default:
		return nil, nil
	}
	if old.address != "" && address == old.URL {
		return nil, nil // as it is shown: who changes something else need not know what is secret
	}
	next, err := s.reachOf(old, address, to)
	if err != nil {
		return nil, err
	}
	if next.URL == old.URL && slices.Equal(next.To, old.To) && next.Secret == "" && next.Address == "" {
		return nil, nil
	}
	return destinationMoved{ID: old.ID, From: reach{URL: withoutQuery(old.URL), To: old.To}, To: next}, nil
}

// ReplaceDestinationSecret gives a webhook a new key, returned here and never again. The old one goes on signing beside
// it for SecretOverlap, so that the receiver can be changed over. It returns ErrNotFound, *InvalidError for another kind,
// ErrNoMasterKey, and the errors of every command.
func (s *Service) ReplaceDestinationSecret(ctx context.Context, actor Actor, t id.Tenant, d id.Destination) (string, error) {
	secret := mintHookKey()
	_, err := s.onDestination(ctx, actor, destinationRef{t, d}, func(_ *State, old Destination, now time.Time) ([]event, error) {
		if old.Kind != Webhook {
			return nil, invalid("kind", "only the requests of a webhook are signed")
		}
		sealed, err := s.sealKey(old, secret)
		return []event{destinationSecret{ID: d, Secret: sealed, OldUntil: now.Add(SecretOverlap)}}, err
	})
	if err != nil {
		return "", fmt.Errorf("replace secret: %w", err)
	}
	return secret, nil
}

// DeleteDestination removes a destination and, soon after, what is queued for it. It returns ErrNotFound and the errors
// of every command.
func (s *Service) DeleteDestination(ctx context.Context, actor Actor, t id.Tenant, d id.Destination) error {
	_, err := s.onDestination(ctx, actor, destinationRef{t, d}, func(_ *State, old Destination, _ time.Time) ([]event, error) {
		return []event{destinationDeleted{ID: d, Name: old.Name}}, nil
	})
	if err != nil {
		return fmt.Errorf("delete destination: %w", err)
	}
	return nil
}
