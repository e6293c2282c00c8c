package tenants

import (
	"context"
	"crypto/subtle"
	"fmt"
	"strings"
	"time"

	"longwave/tenants/id"
)

// RecoveryLasts is how long a link for a new password works: it is handed over by somebody who is there.
const RecoveryLasts = time.Hour

type (
	// recovery is an open way to a new password. Whoever has the link becomes the person, so an owner can make one only for
	// somebody who can enter nothing but the owner's tenant.
	recovery struct {
		Person  id.Person `json:"person"`
		Tenant  id.Tenant `json:"tenant,omitempty"` // whose owner made it; empty for an operator
		Public  string    `json:"public"`
		Sum     []byte    `json:"sha256"`
		Expires time.Time `json:"expires"`
	}
	recoveryMade    struct{ recovery }
	passwordChanged struct {
		Person   id.Person `json:"person"`
		Hash     string    `json:"password_hash"`
		Recovery string    `json:"recovery,omitempty"` // the link that was used; empty when the old password was known
	}
)

// apply replaces what was made for the person before: only the newest link works.
func (e recoveryMade) apply(s *State, at stamp) error {
	if found, ok := s.accounts.Get(string(e.Person)); !ok || found.hash == "" {
		return contradiction("person %s has no password", e.Person)
	}
	s.dropRecoveries(e.Person)
	made := e.recovery
	s.people.recoveries.Set(e.Public, &made)
	if at.tenant == "" {
		return nil
	}
	return s.count(at.tenant, 0, 0, 0)
}

func (s *State) dropRecoveries(p id.Person) {
	var old []string
	s.people.recoveries.Scan(func(public string, r *recovery) bool {
		if r.Person == p {
			old = append(old, public)
		}
		return true
	})
	for _, public := range old {
		s.people.recoveries.Delete(public)
	}
}

func (e passwordChanged) apply(s *State, at stamp) error {
	old, ok := s.accounts.Get(string(e.Person))
	if !ok || old.hash == "" || at.tenant != "" {
		return contradiction("person %s has no password", e.Person)
	}
	changed := *old
	changed.hash = e.Hash
	s.putAccount(&changed)
	s.dropRecoveries(e.Person)
	return nil
}

func (e recoveryMade) tell(p *Past) {
	p.Did, p.Subject = "made a link for a new password of", string(e.Person)
	p.differ("the link is valid until", "", e.Expires.UTC().Format(time.RFC3339))
}

func (e passwordChanged) tell(p *Past) {
	p.Did, p.Subject = "changed the password of", string(e.Person)
	if e.Recovery != "" {
		p.differ("by", "", "a link")
	}
}

// NewPassword is what a person types who changes the own one.
type NewPassword struct {
	Current, New string
	Address      string // network address of the caller: repeated failures from it have to wait
}

// String shows nothing of it.
func (NewPassword) String() string { return "a password" }

// GoString shows nothing of it.
func (NewPassword) GoString() string { return "a password" }

// ChangePassword gives a person, who is signed in, another password. It returns ErrUnauthenticated when the current one is
// wrong, which counts like a failed sign-in; a *DelayError as SignIn does; *InvalidError for the new one, ErrNotFound for
// somebody without a password, and the errors of every command.
func (s *Service) ChangePassword(ctx context.Context, actor Actor, n NewPassword) error {
	person, _ := s.State().Person(actor.Person)
	if !s.State().HasPassword(person.ID) {
		return fmt.Errorf("change password: %w", ErrNotFound)
	}
	if _, err := s.SignIn(ctx, Credentials{Email: person.Email, Password: n.Current, Address: n.Address}); err != nil {
		return fmt.Errorf("change password: %w", err)
	}
	return s.setPassword(ctx, actor, passwordChanged{Person: person.ID}, n.New)
}

// setPassword checks, hashes and stores a new password.
func (s *Service) setPassword(ctx context.Context, actor Actor, change passwordChanged, password string) error {
	person, _ := s.State().Person(change.Person)
	local, _, _ := strings.Cut(person.Email, "@")
	if err := checkPassword(password, person.Email, local, person.Name); err != nil {
		return fmt.Errorf("new password: %w", err)
	}
	hash, err := s.hasher.hash(ctx, password)
	if err != nil {
		return fmt.Errorf("new password: %w", err)
	}
	change.Hash = hash
	_, err = s.command(ctx, actor, platformSubject, func(st *State, now time.Time) ([]event, error) {
		if !st.HasPassword(change.Person) {
			return nil, fmt.Errorf("person: %w", ErrNotFound)
		}
		if found, ok := st.people.recoveries.Get(change.Recovery); change.Recovery != "" && (!ok || !st.recovers(found, now)) {
			return nil, ErrUnauthenticated // used, replaced, or worth more than its maker may give by now
		}
		return []event{change}, nil
	})
	if err != nil {
		return fmt.Errorf("new password: %w", err)
	}
	return nil
}

// recovers says whether a link still does what it was made for.
func (s *State) recovers(r *recovery, now time.Time) bool {
	return now.Before(r.Expires) && s.recoverable(r.Person, r.Tenant) == nil
}

// recoverable says whether an owner of the tenant, or an operator where it is empty, may make somebody a new password:
// ErrNotFound when there is no such member or person with a password, and ErrForbidden when it would open more to an owner
// than the own tenant.
func (s *State) recoverable(p id.Person, t id.Tenant) error {
	person, ok := s.Person(p)
	_, member := s.Member(t, p)
	switch {
	case !ok || !s.HasPassword(p) || t != "" && !member:
		return fmt.Errorf("person: %w", ErrNotFound)
	case t != "" && (person.Operator || len(s.TenantsOf(p)) > 1 || len(s.Identities(p)) > 0):
		return fmt.Errorf("%w: the account opens more than this tenant", ErrForbidden)
	}
	return nil
}

// Recoverable says whether an owner of the tenant may make a link for a new password of a member: only when it opens nothing
// else. Operators may for everybody who has one.
func (s *State) Recoverable(t id.Tenant, p id.Person) bool { return s.recoverable(p, t) == nil }

// MakeRecovery makes the secret of a link with which a person sets a new password, without the old one; one that was made
// before works no more. It is for an owner of the tenant, or an operator of the whole installation where it is empty. It
// returns ErrNotFound when there is no such member or the person has no password, ErrForbidden when the account opens more
// than the tenant, and the errors of every command.
func (s *Service) MakeRecovery(ctx context.Context, actor Actor, t id.Tenant, p id.Person) (secret string, err error) {
	secret, public, sum := mintToken(recoveryPrefix)
	_, err = s.inRealm(ctx, actor, t, func(st *State, now time.Time) ([]event, error) {
		if err := st.recoverable(p, t); err != nil {
			return nil, err
		}
		made := recovery{Person: p, Tenant: t, Public: public, Sum: sum[:], Expires: now.Add(RecoveryLasts)}
		return []event{recoveryMade{made}}, nil
	})
	if err != nil {
		return "", fmt.Errorf("make recovery: %w", err)
	}
	return secret, nil
}

// RecoveryByToken returns whose link it is. It returns ErrUnauthenticated for one that is not valid, was used, or whose time
// is over: the three are not told apart.
func (s *Service) RecoveryByToken(token string) (Person, error) {
	found, err := s.recoveryOf(token)
	if err != nil {
		return Person{}, err
	}
	person, _ := s.State().Person(found.Person)
	return person, nil
}

func (s *Service) recoveryOf(token string) (*recovery, error) {
	public, _, sound := splitToken(token, recoveryPrefix)
	st := s.State()
	found, ok := st.people.recoveries.Get(public)
	if !ok || !sound {
		found = &recovery{Sum: make([]byte, len(digest{}))} // compared all the same
	}
	got := digestOf(token)
	if subtle.ConstantTimeCompare(got[:], found.Sum) != 1 || !ok || !st.recovers(found, s.now()) {
		return nil, fmt.Errorf("recovery: %w", ErrUnauthenticated)
	}
	return found, nil
}

// Recover sets a new password with a link, which is used up. It returns ErrUnauthenticated for a link that does not work,
// *InvalidError for the password, a *DelayError when too many are being hashed, and the errors of every command.
func (s *Service) Recover(ctx context.Context, actor Actor, token, password string) (Person, error) {
	found, err := s.recoveryOf(token)
	if err != nil {
		return Person{}, fmt.Errorf("recover: %w", err)
	}
	actor.Person = found.Person
	if err := s.setPassword(ctx, actor, passwordChanged{Person: found.Person, Recovery: found.Public}, password); err != nil {
		return Person{}, fmt.Errorf("recover: %w", err)
	}
	person, _ := s.State().Person(found.Person)
	return person, nil
}
