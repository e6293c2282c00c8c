package tenants

import "longwave/tenants/id"

func (e personArrived) apply(s *State, at stamp) error {
	if _, exists := s.accounts.Get(string(e.ID)); exists || at.tenant != "" || e.Identity.Person != e.ID {
		return contradiction("person %s cannot arrive", e.ID)
	}
	s.putAccount(&account{Person: Person{ID: e.ID, Email: e.Email, Name: e.Name, Created: at.at}})
	return e.Identity.apply(s, at)
}

func (e identityLinked) apply(s *State, at stamp) error {
	_, known := s.accounts.Get(string(e.Person))
	if _, exists := s.people.identities.Get(key2(e.Issuer, e.Subject)); exists || !known || at.tenant != "" {
		return contradiction("an identity cannot be linked with person %s", e.Person)
	}
	s.putIdentity(&Identity{Person: e.Person, Issuer: e.Issuer, Subject: e.Subject, Provider: e.Provider, Since: at.at})
	return nil
}

func (s *State) putIdentity(i *Identity) {
	s.people.identities.Set(key2(i.Issuer, i.Subject), i)
	s.people.ofPerson.Set(key2(i.Person, key2(i.Issuer, i.Subject)), i)
}

func (e identityUnlinked) apply(s *State, at stamp) error {
	key := key2(e.Issuer, e.Subject)
	if found, ok := s.people.identities.Get(key); !ok || found.Person != e.Person || at.tenant != "" {
		return contradiction("person %s has no such identity", e.Person)
	}
	s.people.identities.Delete(key)
	s.people.ofPerson.Delete(key2(e.Person, key))
	return nil
}

func (e providerSet) apply(s *State, at stamp) error {
	p := &Provider{
		ID: e.ID, Tenant: at.tenant, Name: e.Name, Issuer: e.Issuer, ClientID: e.ClientID, Secret: e.Secret, Domains: e.Domains,
		Rows: e.Rows, Created: at.at, Disabled: e.Disabled,
	}
	if old, ok := s.people.byProvider.Get(string(e.ID)); ok {
		if old.Tenant != at.tenant {
			return contradiction("provider %s belongs to another tenant", e.ID)
		}
		p.Created = old.Created
		s.dropProvider(old)
	}
	s.putProvider(p)
	return nil
}

func (s *State) putProvider(p *Provider) {
	s.people.providers.Set(key2(p.Tenant, p.ID), p)
	s.people.byProvider.Set(string(p.ID), p)
	for _, domain := range p.Domains {
		s.people.domains.Set(key2(domain, p.ID), p)
	}
}

func (s *State) dropProvider(p *Provider) {
	s.people.providers.Delete(key2(p.Tenant, p.ID))
	s.people.byProvider.Delete(string(p.ID))
	for _, domain := range p.Domains {
		s.people.domains.Delete(key2(domain, p.ID))
	}
}

func (e providerRemoved) apply(s *State, at stamp) error {
	found, ok := s.people.byProvider.Get(string(e.ID))
	if !ok || found.Tenant != at.tenant {
		return contradiction("there is no provider %s", e.ID)
	}
	s.dropProvider(found)
	return nil
}

func (e passwordsSwitched) apply(s *State, at stamp) error {
	old, ok := s.tenants.Get(string(at.tenant))
	if !ok {
		return contradiction("there is no tenant %q", at.tenant)
	}
	changed := *old
	changed.NoPasswords = e.Off
	s.tenants.Set(string(at.tenant), &changed)
	return nil
}

func (e memberInvited) apply(s *State, at stamp) error {
	if _, exists := s.people.byInvite.Get(string(e.ID)); exists {
		return contradiction("invitation %s exists", e.ID)
	}
	sum, err := parseDigest(e.Sum)
	if err != nil {
		return err
	}
	s.putInvite(&openInvite{Invite{ID: e.ID, Tenant: at.tenant, For: e.For, Role: e.Role, Created: at.at, Expires: e.Expires}, sum})
	return s.count(at.tenant, 0, 0, 0)
}

func (s *State) putInvite(i *openInvite) {
	s.people.invites.Set(key2(i.Tenant, i.ID), i)
	s.people.byInvite.Set(string(i.ID), i)
}

func (s *State) dropInvite(t id.Tenant, i id.Invite) error {
	if _, ok := s.people.invites.Delete(key2(t, i)); !ok {
		return contradiction("there is no invitation %s", i)
	}
	s.people.byInvite.Delete(string(i))
	return nil
}

func (e inviteRevoked) apply(s *State, at stamp) error { return s.dropInvite(at.tenant, e.ID) }

func (e memberJoined) apply(s *State, at stamp) error {
	if e.Invite != "" {
		if err := s.dropInvite(at.tenant, e.Invite); err != nil {
			return err
		}
	}
	if _, exists := s.people.staff.Get(key2(at.tenant, e.Person)); exists {
		return contradiction("person %s is a member already", e.Person)
	}
	return s.putMember(member{Member{Person: e.Person, Role: e.Role, Via: e.Via, Since: at.at}, at.tenant})
}

func (e memberChanged) apply(s *State, at stamp) error {
	old, ok := s.people.staff.Get(key2(at.tenant, e.Person))
	if !ok {
		return contradiction("person %s is no member", e.Person)
	}
	old.Role, old.Via = e.To, e.Via
	return s.putMember(old)
}

func (e signInFailed) apply(s *State, at stamp) error {
	if at.tenant == "" {
		return nil
	}
	return s.count(at.tenant, 0, 0, 0)
}

func (e memberRemoved) apply(s *State, at stamp) error {
	old, ok := s.people.staff.Delete(key2(at.tenant, e.Person))
	if !ok {
		return contradiction("person %s is no member", e.Person)
	}
	s.people.members.Delete(key2(e.Person, at.tenant))
	return s.countOwners(at.tenant, old.Role, None)
}

// putMember puts a member in place of what the person was in the tenant.
func (s *State) putMember(m member) error {
	before, _ := s.people.staff.Set(key2(m.tenant, m.Person), m)
	s.people.members.Set(key2(m.Person, m.tenant), m)
	return s.countOwners(m.tenant, before.Role, m.Role)
}

func (s *State) countOwners(t id.Tenant, before, after Role) error {
	old, ok := s.tenants.Get(string(t))
	if !ok {
		return contradiction("there is no tenant %q", t)
	}
	changed := *old
	if before == Owner {
		changed.owners--
	}
	if after == Owner {
		changed.owners++
	}
	s.tenants.Set(string(t), &changed)
	return nil
}

// savedPeople is people in a snapshot. The other indexes are made from it.
type savedPeople struct {
	Members    []savedMember
	Providers  []Provider
	Identities []Identity
	Invites    []savedInvite
	Recoveries []recovery
}

type savedMember struct {
	Tenant id.Tenant
	Member Member
}

type savedInvite struct {
	Invite Invite
	Sum    []byte
}

func (p *people) saved() savedPeople {
	var out savedPeople
	p.staff.Scan(func(_ string, m member) bool {
		out.Members = append(out.Members, savedMember{m.tenant, m.Member})
		return true
	})
	p.byProvider.Scan(func(_ string, v *Provider) bool {
		out.Providers = append(out.Providers, *v)
		return true
	})
	p.identities.Scan(func(_ string, i *Identity) bool {
		out.Identities = append(out.Identities, *i)
		return true
	})
	p.invites.Scan(func(_ string, i *openInvite) bool {
		out.Invites = append(out.Invites, savedInvite{i.Invite, i.sum[:]})
		return true
	})
	p.recoveries.Scan(func(_ string, r *recovery) bool {
		out.Recoveries = append(out.Recoveries, *r)
		return true
	})
	return out
}

func (s *State) restorePeople(saved savedPeople) error {
	for _, m := range saved.Members {
		if err := s.putMember(member{m.Member, m.Tenant}); err != nil {
			return err
		}
	}
	for _, p := range saved.Providers {
		s.putProvider(&p)
	}
	for _, i := range saved.Identities {
		s.putIdentity(&i)
	}
	for _, i := range saved.Invites {
		sum, err := parseDigest(i.Sum)
		if err != nil {
			return err
		}
		s.putInvite(&openInvite{i.Invite, sum})
	}
	for _, r := range saved.Recoveries {
		s.people.recoveries.Set(r.Public, &r)
	}
	return nil
}
