package tenants

import (
	"slices"
	"time"

	"github.com/tidwall/btree"

	"longwave/tenants/id"
	"longwave/tenants/seal"
)

// Member is a person in a tenant.
type Member struct {
	Person id.Person
	Role   Role
	Via    id.Provider // whose rules gave the role; empty when a person did
	Since  time.Time
}

// Provider is an identity provider, of one tenant or of the platform.
type Provider struct {
	ID       id.Provider
	Tenant   id.Tenant // empty for the platform's
	Name     string    // as people know it
	Issuer   string
	ClientID string
	Secret   seal.Sealed // at the place that SecretPlace names; empty for a public client
	Domains  []string    // e-mail domains whose people are led to it
	Rows     []RoleRow
	Created  time.Time
	Disabled bool // nobody signs in with it, and sessions that were opened with it open nothing
}

// RoleRow gives a role to those of whom the provider claims something.
type RoleRow struct {
	Claim  string    `json:"claim"` // its name; nested ones with dots: realm_access.roles
	Value  string    `json:"value"` // one of its values, or * for any
	Role   Role      `json:"role"`
	Tenant id.Tenant `json:"tenant,omitempty"` // where; empty in rows of a tenant's own provider
}

// SecretPlace is where the client secret of a provider is sealed for.
func SecretPlace(t id.Tenant, p id.Provider) seal.Place {
	return seal.Place{Tenant: t, Thing: string(p), Field: "client_secret"}
}

// Identity binds a person to a subject of an issuer. Nothing else does, above all no e-mail address.
type Identity struct {
	Person   id.Person
	Issuer   string
	Subject  string
	Provider id.Provider // where it was first used; it may be gone
	Since    time.Time
}

// Invite is an open invitation to a tenant, without its secret.
type Invite struct {
	ID      id.Invite
	Tenant  id.Tenant
	For     string // whom it is meant for, in the words of who made it
	Role    Role
	Created time.Time
	Expires time.Time
}

// people is the part of a State about who may enter.
type people struct {
	members    btree.Map[string, member]      // by person and tenant
	staff      btree.Map[string, member]      // by tenant and person
	providers  btree.Map[string, *Provider]   // by tenant, empty for the platform, and provider
	byProvider btree.Map[string, *Provider]   // by provider
	domains    btree.Map[string, *Provider]   // by e-mail domain and provider
	identities btree.Map[string, *Identity]   // by issuer and subject
	ofPerson   btree.Map[string, *Identity]   // by person, issuer and subject
	invites    btree.Map[string, *openInvite] // by tenant and invite
	byInvite   btree.Map[string, *openInvite] // by invite
	recoveries btree.Map[string, *recovery]   // by the public half of the link
}

type (
	member struct {
		Member
		tenant id.Tenant
	}
	openInvite struct {
		Invite
		sum digest
	}
)

// share is freeze for this part.
func (p *people) share() people {
	return people{
		members: *p.members.Copy(), staff: *p.staff.Copy(), providers: *p.providers.Copy(), byProvider: *p.byProvider.Copy(),
		domains: *p.domains.Copy(), identities: *p.identities.Copy(), ofPerson: *p.ofPerson.Copy(), invites: *p.invites.Copy(),
		byInvite: *p.byInvite.Copy(), recoveries: *p.recoveries.Copy(),
	}
}

// Members lists the members of a tenant, in the order of their ids.
func (s *State) Members(t id.Tenant) []Member {
	var list []Member
	ascend(&s.people.staff, string(t)+separator, func(_ string, m member) bool {
		list = append(list, m.Member)
		return true
	})
	return list
}

// Member returns one member of a tenant; false if the person is none.
func (s *State) Member(t id.Tenant, p id.Person) (Member, bool) {
	found, ok := s.people.staff.Get(key2(t, p))
	return found.Member, ok
}

// Providers lists the identity providers of a tenant, or those of the platform for an empty one.
func (s *State) Providers(t id.Tenant) []Provider {
	var list []Provider
	ascend(&s.people.providers, string(t)+separator, func(_ string, p *Provider) bool {
		list = append(list, *p)
		return true
	})
	return list
}

// Provider returns one identity provider of whomever; false if there is none.
func (s *State) Provider(p id.Provider) (Provider, bool) {
	found, ok := s.people.byProvider.Get(string(p))
	if !ok {
		return Provider{}, false
	}
	return *found, true
}

// OpenProvider returns one that people can sign in with; false if there is none of that id, or it is disabled.
func (s *State) OpenProvider(p id.Provider) (Provider, bool) {
	found, ok := s.Provider(p)
	if !ok || found.Disabled {
		return Provider{}, false
	}
	return found, true
}

// OpenProviders lists those of Providers that people can sign in with.
func (s *State) OpenProviders(t id.Tenant) []Provider {
	return slices.DeleteFunc(s.Providers(t), func(p Provider) bool { return p.Disabled })
}

// ProviderFor returns the provider that people of an e-mail domain sign in at; false if there is none. A command refuses a
// domain that another provider has; should two have claimed it at once, always the same one has it.
func (s *State) ProviderFor(domain string) (found Provider, ok bool) {
	ascend(&s.people.domains, foldText(domain)+separator, func(_ string, p *Provider) bool {
		if p.Disabled {
			return true
		}
		found, ok = *p, true
		return false
	})
	return found, ok
}

// Identity returns the binding of a subject of an issuer; false if it belongs to nobody.
func (s *State) Identity(issuer, subject string) (Identity, bool) {
	found, ok := s.people.identities.Get(key2(issuer, subject))
	if !ok {
		return Identity{}, false
	}
	return *found, true
}

// Identities lists what a person can sign in as.
func (s *State) Identities(p id.Person) []Identity {
	var list []Identity
	ascend(&s.people.ofPerson, string(p)+separator, func(_ string, i *Identity) bool {
		list = append(list, *i)
		return true
	})
	return list
}

// HasPassword says whether a person can sign in with a password.
func (s *State) HasPassword(p id.Person) bool {
	found, ok := s.accounts.Get(string(p))
	return ok && found.hash != ""
}

// Invites lists the invitations to a tenant that are open, also those whose time is over.
func (s *State) Invites(t id.Tenant) []Invite {
	var list []Invite
	ascend(&s.people.invites, string(t)+separator, func(_ string, i *openInvite) bool {
		list = append(list, i.Invite)
		return true
	})
	return list
}
