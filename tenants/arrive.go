package tenants

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"longwave/tenants/id"
)

// maxIdentities bounds how many ways to sign in one person links.
const maxIdentities = 20

// Arrival is somebody of whom a provider has proved who they are there.
type Arrival struct {
	Provider id.Provider
	Issuer   string
	Subject  string
	Claims   map[string]any
	Address  string // network address of the browser
}

// Arrive signs in somebody who comes from a provider: the person of that issuer and subject, who is made when the rules give
// a role to somebody new. Roles that the provider's rules gave are brought up to date, also when that takes access away. It
// returns the decision in any case; ErrNotFound when there is no such provider, ErrNoRole when the person may enter nothing
// through it, *InvalidError for a subject that cannot be one, and the errors of every command.
func (s *Service) Arrive(ctx context.Context, a Arrival) (Person, Decision, error) {
	provider, ok := s.State().OpenProvider(a.Provider)
	if !ok || provider.Issuer != a.Issuer {
		return Person{}, Decision{}, fmt.Errorf("arrive: provider: %w", ErrNotFound)
	}
	decision := provider.Decide(a.Claims)
	if err := a.check(); err != nil {
		return Person{}, decision, fmt.Errorf("arrive: %w", err)
	}
	known, ok := s.State().Identity(a.Issuer, a.Subject)
	if !ok {
		if len(decision.Roles) == 0 {
			return Person{}, decision, fmt.Errorf("arrive: %w", ErrNoRole)
		}
		var err error
		if known, err = s.welcome(ctx, a); err != nil {
			return Person{}, decision, fmt.Errorf("arrive: %w", err)
		}
	}
	if err := s.settle(ctx, a, known.Person, decision); err != nil {
		return Person{}, decision, fmt.Errorf("arrive: %w", err)
	}
	person, _ := s.State().Person(known.Person)
	if !s.State().admits(provider, person) {
		return Person{}, decision, fmt.Errorf("arrive: %w", ErrNoRole)
	}
	return person, decision, nil
}

// check refuses what could not be a key or be shown; a subject has at most 255 ASCII characters.
func (a Arrival) check() error {
	if a.Subject == "" || len(a.Subject) > 255 {
		return invalid("subject", "has %d characters, want 1 to 255", len(a.Subject))
	}
	return checkText("subject", a.Subject)
}

// admits says whether there is anything that the person may enter after signing in at the provider.
func (s *State) admits(p Provider, person Person) bool {
	if p.Tenant == "" {
		return person.Operator || len(s.TenantsOf(person.ID)) > 0
	}
	_, member := s.Member(p.Tenant, person.ID)
	return member
}

// welcome makes the account of somebody new. Another account with the same address is nobody's business here.
func (s *Service) welcome(ctx context.Context, a Arrival) (Identity, error) {
	made := id.New[id.Person]()
	st, err := s.command(ctx, Actor{Person: made, Address: a.Address}, platformSubject, func(st *State, _ time.Time) ([]event, error) {
		if _, exists := st.Identity(a.Issuer, a.Subject); exists { // signed in twice at once
			return nil, nil
		}
		link := identityLinked{Person: made, Issuer: a.Issuer, Subject: a.Subject, Provider: a.Provider}
		return []event{personArrived{ID: made, Email: a.email(), Name: a.name(), Identity: link}}, nil
	})
	if err != nil {
		return Identity{}, err
	}
	found, _ := st.Identity(a.Issuer, a.Subject)
	return found, nil
}

// email is the address that the provider vouches for, if any.
func (a Arrival) email() string {
	text, _ := a.Claims["email"].(string)
	if email, err := checkEmail("email", text); err == nil && EmailVerified(a.Claims) {
		return email
	}
	return ""
}

// name is what to call the person.
func (a Arrival) name() string {
	for _, claim := range []string{"name", "preferred_username", "nickname"} {
		text, _ := a.Claims[claim].(string)
		if utf8.RuneCountInString(text) > maxName {
			text = string([]rune(text)[:maxName])
		}
		if name, err := checkName("name", text); err == nil {
			return name
		}
	}
	if local, _, ok := strings.Cut(a.email(), "@"); ok {
		return local
	}
	return "Person " + a.Subject[:min(len(a.Subject), 40)]
}

// settle brings the roles that the provider gave up to date. Roles that a person gave are not touched.
func (s *Service) settle(ctx context.Context, a Arrival, p id.Person, d Decision) error {
	st := s.State()
	concerned := make([]id.Tenant, 0, len(d.Roles))
	for t := range d.Roles {
		if _, ok := st.Tenant(t); ok { // a row outlives the tenant that it is about
			concerned = append(concerned, t)
		}
	}
	for _, m := range st.TenantsOf(p) {
		if found, _ := st.Member(m.Tenant.ID, p); found.Via == a.Provider {
			concerned = append(concerned, m.Tenant.ID)
		}
	}
	slices.Sort(concerned)
	for _, t := range slices.Compact(concerned) {
		_, err := s.inTenant(ctx, Actor{System: "sign-in", Address: a.Address}, t, func(st *State, _ time.Time) ([]event, error) {
			return st.settled(t, Member{Person: p, Role: d.Roles[t], Via: a.Provider})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// settled decides what changes when a provider gives somebody a role, or none.
func (s *State) settled(t id.Tenant, want Member) ([]event, error) {
	have, exists := s.Member(t, want.Person)
	switch {
	case !exists && want.Role == None, exists && have.Via != want.Via, exists && have.Role == want.Role:
		return nil, nil
	case !exists:
		return []event{memberJoined{Person: want.Person, Role: want.Role, Via: want.Via}}, nil
	case have.Role == Owner && s.owners(t) == 1:
		return nil, ErrLastOwner
	case want.Role == None:
		return []event{memberRemoved{Person: want.Person, Role: have.Role, Via: want.Via}}, nil
	}
	return []event{memberChanged{Person: want.Person, From: have.Role, To: want.Role, Via: want.Via}}, nil
}

// Link gives a person, who is signed in, another way to sign in. It returns ErrNotFound for an unknown provider or person,
// ErrExists when the identity belongs to somebody already, *LimitError, and the errors of every command.
func (s *Service) Link(ctx context.Context, actor Actor, a Arrival) error {
	provider, ok := s.State().OpenProvider(a.Provider)
	if !ok || provider.Issuer != a.Issuer {
		return fmt.Errorf("link: provider: %w", ErrNotFound)
	}
	if err := a.check(); err != nil {
		return fmt.Errorf("link: %w", err)
	}
	_, err := s.command(ctx, actor, platformSubject, func(st *State, _ time.Time) ([]event, error) {
		_, known := st.Person(actor.Person)
		other, exists := st.Identity(a.Issuer, a.Subject)
		switch {
		case !known:
			return nil, fmt.Errorf("person: %w", ErrNotFound)
		case exists && other.Person == actor.Person:
			return nil, nil
		case exists:
			return nil, ErrExists
		case len(st.Identities(actor.Person)) >= maxIdentities:
			return nil, &LimitError{Name: "ways to sign in", Max: maxIdentities}
		}
		return []event{identityLinked{Person: actor.Person, Issuer: a.Issuer, Subject: a.Subject, Provider: a.Provider}}, nil
	})
	if err != nil {
		return fmt.Errorf("link: %w", err)
	}
	return nil
}

// Unlink takes a way to sign in from the person who acts. It returns ErrNotFound, an *InvalidError when it is the only one,
// and the errors of every command.
func (s *Service) Unlink(ctx context.Context, actor Actor, issuer, subject string) error {
	_, err := s.command(ctx, actor, platformSubject, func(st *State, _ time.Time) ([]event, error) {
		found, ok := st.Identity(issuer, subject)
		switch {
		case !ok || found.Person != actor.Person:
			return nil, fmt.Errorf("identity: %w", ErrNotFound)
		case len(st.Identities(actor.Person)) == 1 && !st.HasPassword(actor.Person):
			return nil, invalid("identity", "is the only way to sign in")
		}
		return []event{identityUnlinked{Person: actor.Person, Issuer: issuer, Subject: subject}}, nil
	})
	if err != nil {
		return fmt.Errorf("unlink: %w", err)
	}
	return nil
}
