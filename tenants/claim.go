package tenants

import (
	"context"
	"fmt"
	"strings"
	"time"

	"longwave/tenants/id"
)

// defaultRetainDays is how long readings are kept until a tenant has a policy of its own.
const defaultRetainDays = 365

// Claim makes the first operator and the first tenant of a fresh installation, the operator as its owner. It returns
// ErrClaimed when there is an operator already, also to the slower of two claims at the same time; an *InvalidError
// for what was typed; a *DelayError when too many passwords are being hashed; and the errors of every command.
func (s *Service) Claim(ctx context.Context, actor Actor, c Claim) (Claimed, error) {
	if s.State().Claimed() { // before the work of hashing; decided again below
		return Claimed{}, ErrClaimed
	}
	c, err := c.check()
	if err != nil {
		return Claimed{}, fmt.Errorf("claim: %w", err)
	}
	hash, err := s.hasher.hash(ctx, c.Password)
	if err != nil {
		return Claimed{}, fmt.Errorf("claim: %w", err)
	}
	person, tenant := id.New[id.Person](), id.New[id.Tenant]()
	st, err := s.command(ctx, actor, platformSubject, func(st *State, _ time.Time) ([]event, error) {
		if st.Claimed() {
			return nil, ErrClaimed
		}
		return []event{
			personCreated{ID: person, Email: c.Email, Name: c.Name, Password: hash},
			operatorGranted{Person: person},
			tenantCreated{ID: tenant, Name: c.Tenant, RetainDays: defaultRetainDays, Owner: person},
		}, nil
	})
	if err != nil {
		return Claimed{}, fmt.Errorf("claim: %w", err)
	}
	var made Claimed
	made.Person, _ = st.Person(person)
	made.Tenant, _ = st.Tenant(tenant)
	return made, nil
}

func (c Claim) check() (_ Claim, err error) {
	if c.Email, err = checkEmail("email", c.Email); err != nil {
		return c, err
	}
	local, _, _ := strings.Cut(c.Email, "@")
	if strings.TrimSpace(c.Name) == "" {
		c.Name = local
	}
	if c.Name, err = checkName("name", c.Name); err != nil {
		return c, err
	}
	if c.Tenant, err = checkName("tenant", c.Tenant); err != nil {
		return c, err
	}
	return c, checkPassword(c.Password, c.Email, local, c.Name, c.Tenant)
}

// CreateTenant makes another tenant, owned by the operator who makes it. It returns *InvalidError for the name,
// ErrForbidden when the actor does not operate the whole installation, and the errors of every command.
func (s *Service) CreateTenant(ctx context.Context, actor Actor, name string) (Tenant, error) {
	return s.createTenant(ctx, actor, newTenant{name: name, owner: actor.Person})
}

// CreateTenantFor makes a tenant without members, and the invitation of its first owner, whose secret is returned here and
// never again. When it fails after the tenant was made, somebody can be invited anew. It returns what CreateTenant and Invite
// return.
func (s *Service) CreateTenantFor(ctx context.Context, actor Actor, name, whom string) (Tenant, string, error) {
	return s.createTenantFor(ctx, actor, newTenant{name: name}, whom)
}

// CreateNamedTenant is CreateTenantFor for scripts, which may repeat themselves: a name that a tenant has already is ErrExists.
func (s *Service) CreateNamedTenant(ctx context.Context, actor Actor, name, whom string) (Tenant, string, error) {
	return s.createTenantFor(ctx, actor, newTenant{name: name, once: true}, whom)
}

func (s *Service) createTenantFor(ctx context.Context, actor Actor, n newTenant, whom string) (Tenant, string, error) {
	if _, err := checkName("for", whom); err != nil {
		return Tenant{}, "", fmt.Errorf("create tenant: %w", err)
	}
	made, err := s.createTenant(ctx, actor, n)
	if err != nil {
		return Tenant{}, "", err
	}
	_, secret, err := s.Invite(ctx, actor, made.ID, NewInvite{For: whom, Role: Owner})
	return made, secret, err
}

// newTenant asks for a tenant.
type newTenant struct {
	name  string
	owner id.Person // empty when somebody is going to be invited
	once  bool      // refused when there is one of that name
}

func (s *Service) createTenant(ctx context.Context, actor Actor, n newTenant) (Tenant, error) {
	name, err := checkName("name", n.name)
	if err != nil {
		return Tenant{}, fmt.Errorf("create tenant: %w", err)
	}
	tenant := id.New[id.Tenant]()
	st, err := s.command(ctx, actor, platformSubject, func(st *State, _ time.Time) ([]event, error) {
		if err := st.operates(actor); err != nil {
			return nil, err
		}
		if n.once && st.tenantNamed(name) {
			return nil, taken("name", name)
		}
		return []event{tenantCreated{ID: tenant, Name: name, RetainDays: defaultRetainDays, Owner: n.owner}}, nil
	})
	if err != nil {
		return Tenant{}, fmt.Errorf("create tenant: %w", err)
	}
	made, _ := st.Tenant(tenant)
	return made, nil
}

// tenantNamed says whether a tenant has a name, however it is written.
func (s *State) tenantNamed(name string) (found bool) {
	folded := foldText(name)
	s.tenants.Scan(func(_ string, t *tenant) bool {
		found = foldText(t.Name) == folded
		return !found
	})
	return found
}
