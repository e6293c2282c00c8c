package tenants

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"strings"
	"time"

	"longwave/tenants/id"
)

// Credentials is what a person signs in with, and from where.
type Credentials struct {
	Email, Password string
	Address         string // network address of the caller: repeated failures from it have to wait
}

// String leaves the password out.
func (c Credentials) String() string { return c.Email + " from " + c.Address }

// GoString leaves the password out.
func (c Credentials) GoString() string { return c.String() }

// SignIn returns the person with this address and password. It returns ErrUnauthenticated, after the same work, when
// there is no such person and when the password is wrong; and a *DelayError, without looking at the password, after
// repeated failures or when too many people sign in at once.
func (s *Service) SignIn(ctx context.Context, c Credentials) (Person, error) {
	email := strings.TrimSpace(c.Email)
	who := subjects(email, c.Address)
	if wait := s.attempts.wait(s.now(), who); wait > 0 {
		return Person{}, &DelayError{RetryAfter: wait}
	}
	// Counted before the work and taken back afterwards: attempts made at the same time must not all count as the first.
	s.attempts.failed(s.now(), who)
	if len(c.Password) > maxPassword*4 { // bytes of the longest possible; no account has such a password
		return Person{}, fmt.Errorf("sign in: %w", ErrUnauthenticated)
	}
	found, known := s.State().emails.Get(foldText(email))
	hash := s.hasher.decoy
	if known {
		var err error
		if hash, err = parsePHC(found.hash); err != nil {
			return Person{}, fmt.Errorf("sign in: %w", err)
		}
	}
	matches, err := s.hasher.verify(ctx, c.Password, hash)
	switch {
	case err != nil:
		s.attempts.takeBack(who)
		return Person{}, fmt.Errorf("sign in: %w", err)
	case !matches || !known:
		s.NoteFailure(Failure{Person: found.person(), Reason: "wrong password", Address: c.Address})
		return Person{}, fmt.Errorf("sign in: %w", ErrUnauthenticated)
	}
	s.attempts.succeeded(who)
	return found.Person, nil
}

// Enter makes the principal of a person in one of their tenants, who signed in at the provider via, or with the password
// if that is empty. It returns ErrNotFound when there is no such tenant, no such person, or the person is no member: the
// three are not told apart. It returns ErrOtherSignIn for a member who proved it in a way that does not count there: a
// tenant's provider speaks for its own tenant only; and a *SuspendedError for a tenant that lets nobody in. An operator who is
// no member comes in as a guest, with the role of a viewer, if the owners consent or support access is open.
func (s *Service) Enter(p id.Person, t id.Tenant, via id.Provider) (Principal, error) {
	st := s.State()
	person, known := st.Person(p)
	tenant, exists := st.Tenant(t)
	found, isMember := st.people.members.Get(key2(p, t))
	platform, own := st.trusts(via, t)
	made := Principal{person: p, tenant: t, role: found.Role, operator: person.Operator && platform, limited: person.Scope.Limited}
	switch {
	case !known || !exists || !isMember && !(platform && st.welcomes(person, tenant, s.now())):
		return Principal{}, fmt.Errorf("tenant: %w", ErrNotFound)
	case !isMember:
		made.role, made.guest = Viewer, true
	case !platform && !own || via == "" && tenant.NoPasswords:
		return Principal{}, fmt.Errorf("tenant: %w", ErrOtherSignIn)
	}
	if tenant.Suspended.Holds() {
		return Principal{}, &SuspendedError{tenant.Suspended}
	}
	return made, nil
}

// welcomes says whether an operator may look at a tenant's data: because its owners consent, or were told why.
func (s *State) welcomes(p Person, t Tenant, now time.Time) bool {
	visit, visits := s.support.Get(key2(t.ID, p.ID))
	return p.Oversees(t.ID) && (t.Consent || visits && now.Before(visit.Until))
}

// trusts says whether a way to sign in counts on the whole installation, and whether it counts in one tenant.
func (s *State) trusts(via id.Provider, t id.Tenant) (platform, own bool) {
	if via == "" {
		return true, true
	}
	provider, ok := s.OpenProvider(via)
	return ok && provider.Tenant == "", ok && provider.Tenant == t
}

// Identify makes the principal of a person outside every tenant, for the pages of the platform. Who signed in at the
// provider of a tenant is no operator there. It returns ErrUnauthenticated when there is no such person, or no such
// provider any more.
func (s *Service) Identify(p id.Person, via id.Provider) (Principal, error) {
	st := s.State()
	person, ok := st.Person(p)
	if _, known := st.OpenProvider(via); !ok || via != "" && !known {
		return Principal{}, fmt.Errorf("person: %w", ErrUnauthenticated)
	}
	platform, _ := st.trusts(via, "")
	return Principal{person: p, operator: person.Operator && platform, limited: person.Scope.Limited}, nil
}

// KeyByToken makes the principal of an API key. It returns ErrUnauthenticated for anything that is not a valid key, and a
// *SuspendedError for one whose tenant lets nobody in.
func (s *Service) KeyByToken(token string) (Principal, error) {
	public, _, sound := splitToken(token, keyPrefix)
	if !sound {
		return Principal{}, ErrUnauthenticated
	}
	var want digest // of no token: an unknown key is compared like a known one
	st := s.State()
	k, known := st.keyIndex.Get(public)
	if known {
		want = k.sum
	}
	got := digestOf(token)
	now := s.now()
	if subtle.ConstantTimeCompare(got[:], want[:]) != 1 || !known || expired(k.Expires, now) {
		return Principal{}, ErrUnauthenticated
	}
	if err := st.open(k.Tenant); err != nil {
		return Principal{}, err
	}
	s.uses.note(k.Tenant, k.ID, now)
	p := Principal{key: k.ID, tenant: k.Tenant, role: k.Role}
	if !k.Scope.Empty() {
		p.scope = &k.Scope
	}
	return p, nil
}

// OperatorByToken makes the principal of an operator's key: it oversees what the one who made it oversees now, and never
// does more than its reach. It returns ErrUnauthenticated for anything that is not a valid key.
func (s *Service) OperatorByToken(token string) (Principal, error) {
	public, _, sound := splitToken(token, operatorPrefix)
	if !sound {
		return Principal{}, ErrUnauthenticated
	}
	var want digest // of no token: an unknown key is compared like a known one
	var found OperatorKey
	st := s.State()
	k, known := st.opKeys.Get(public)
	if known {
		want, found = k.sum, k.OperatorKey
	}
	got := digestOf(token)
	now := s.now()
	if subtle.ConstantTimeCompare(got[:], want[:]) != 1 || !known || expired(found.Expires, now) {
		return Principal{}, ErrUnauthenticated
	}
	s.uses.note(ofOperators, found.ID, now)
	person, _ := st.Person(found.Person)
	return Principal{person: found.Person, key: found.ID, operator: person.Operator, limited: person.Scope.Limited, reach: found.Reach}, nil
}

// DeviceByToken returns the device that the token belongs to. It returns an *UnknownToken (an ErrUnauthenticated) when
// the token is not valid, which says whose it is meant to be if that can be told; and ErrDisabled, with the device,
// when the token is right and the device is switched off, or a *SuspendedError when its tenant is. It takes no lock and reaches no other process.
func (s *Service) DeviceByToken(token string) (Device, error) {
	public, well, sound := splitToken(token, devicePrefix)
	if !well {
		return Device{}, &UnknownToken{Reason: RefusedMalformed}
	}
	st := s.State()
	held := st.byToken.get(indexOf(public))
	if held == nil { // compared all the same, with a token that nothing matches
		held = new(holder)
	}
	if !sound {
		return Device{}, refuse(held.device, RefusedTypo)
	}
	got := digestOf(token)
	d := held.device
	switch {
	case subtle.ConstantTimeCompare(got[:], held.sum[:]) != 1 || d == nil:
		return Device{}, refuse(d, RefusedUnknown)
	case expired(held.expires, s.now()):
		return Device{}, refuse(d, RefusedExpired)
	case d.Disabled:
		return d.Device, ErrDisabled
	}
	return d.Device, st.open(d.Tenant)
}

// open returns a *SuspendedError for a tenant that lets nobody in.
func (s *State) open(t id.Tenant) error {
	found, ok := s.tenants.Get(string(t))
	if ok && found.Suspended.Holds() {
		return &SuspendedError{found.Suspended}
	}
	return nil
}

// DeviceProved returns a device that has proved itself by something else than a token. It returns ErrUnauthenticated when
// the tenant has no such device; and, with the device, ErrDisabled when it is switched off and a *SuspendedError when its
// tenant is suspended. It takes no lock and reaches no other process.
func (s *Service) DeviceProved(t id.Tenant, d id.Device) (Device, error) {
	st := s.State()
	found, ok := st.Device(t, d)
	switch {
	case !ok:
		return Device{}, &UnknownToken{Reason: RefusedUnknown}
	case found.Disabled:
		return found, ErrDisabled
	}
	return found, st.open(t)
}

func refuse(d *device, reason Refusal) error {
	if d == nil {
		return &UnknownToken{Reason: reason}
	}
	return &UnknownToken{Tenant: d.Tenant, Device: d.ID, Known: true, Reason: reason}
}

// NewFirstRun makes the secret that entitles to claim a fresh installation, and forgets the one before. It lives in
// the memory of this process only, as a hash.
func (s *Service) NewFirstRun() (token string) {
	token = randomBase62(secretLength)
	sum := digest(sha256.Sum256([]byte(token)))
	s.firstRun.Store(&sum)
	return token
}

// CheckFirstRun returns nil if token is the one that NewFirstRun made last, ErrClaimed if the installation is claimed
// already, whatever the token, and ErrUnauthenticated otherwise.
func (s *Service) CheckFirstRun(token string) error {
	if s.State().Claimed() {
		return ErrClaimed
	}
	var want digest
	made := s.firstRun.Load()
	if made != nil {
		want = *made
	}
	got := sha256.Sum256([]byte(token))
	if subtle.ConstantTimeCompare(got[:], want[:]) != 1 || made == nil {
		return fmt.Errorf("first run: %w", ErrUnauthenticated)
	}
	return nil
}
