package tenants

import (
	"slices"

	"longwave/tenants/id"
)

// editTenant replaces a tenant by a changed one.
func (s *State) editTenant(t id.Tenant, edit func(*Tenant)) error {
	old, ok := s.tenants.Get(string(t))
	if !ok {
		return contradiction("there is no tenant %q", t)
	}
	changed := *old
	edit(&changed.Tenant)
	s.tenants.Set(string(t), &changed)
	return nil
}

func (e tenantRenamed) apply(s *State, at stamp) error {
	return s.editTenant(at.tenant, func(t *Tenant) { t.Name = e.To })
}

func (e tenantSuspended) apply(s *State, at stamp) error {
	return s.editTenant(at.tenant, func(t *Tenant) { t.Suspended.Reason, t.Suspended.Since = e.Reason, at.at })
}

func (tenantResumed) apply(s *State, at stamp) error {
	return s.editTenant(at.tenant, func(t *Tenant) {
		if !t.Suspended.Deleting { // which was ordered in the same instant, on another subject
			t.Suspended = Suspension{}
		}
	})
}

func (e tenantLimited) apply(s *State, at stamp) error {
	return s.editTenant(at.tenant, func(t *Tenant) { t.Limits = e.To })
}

func (e consentSwitched) apply(s *State, at stamp) error {
	return s.editTenant(at.tenant, func(t *Tenant) { t.Consent = e.On })
}

func (e supportOpened) apply(s *State, at stamp) error {
	s.support.Set(key2(at.tenant, e.Person), Support{Tenant: at.tenant, Person: e.Person, Reason: e.Reason, Since: at.at, Until: e.Until})
	return s.count(at.tenant, 0, 0, 0)
}

func (e supportEnded) apply(s *State, at stamp) error {
	if _, ok := s.support.Delete(key2(at.tenant, e.Person)); !ok {
		return contradiction("person %s has no support access", e.Person)
	}
	return nil
}

func (e deletionOrdered) apply(s *State, at stamp) error {
	if _, ordered := s.endings.Get(string(e.Tenant)); ordered || at.tenant != "" {
		return contradiction("tenant %s cannot be deleted", e.Tenant)
	}
	s.endings.Set(string(e.Tenant), Ending{Tenant: e.Tenant, Name: e.Name, Since: at.at, Counts: e.Counts})
	return s.editTenant(e.Tenant, func(t *Tenant) {
		t.Suspended = Suspension{Reason: "it is being deleted", Since: at.at, Deleting: true}
	})
}

// apply takes a tenant out of every index.
func (e tenantDeleted) apply(s *State, at stamp) error {
	ending, ordered := s.endings.Get(string(at.tenant))
	if _, ok := s.tenants.Delete(string(at.tenant)); !ok || !ordered {
		return contradiction("tenant %s cannot be deleted", at.tenant)
	}
	ending.Emptied = at.at
	s.endings.Set(string(at.tenant), ending)
	s.dropPeople(at.tenant)
	s.dropThings(at.tenant)
	return nil
}

func (e tenantErased) apply(s *State, at stamp) error {
	if ending, ok := s.endings.Delete(string(e.Tenant)); !ok || ending.Emptied.IsZero() || at.tenant != "" {
		return contradiction("tenant %s is not being deleted", e.Tenant)
	}
	return nil
}

// dropPeople takes out whoever may enter a tenant.
func (s *State) dropPeople(t id.Tenant) {
	for _, m := range s.Members(t) {
		s.people.staff.Delete(key2(t, m.Person))
		s.people.members.Delete(key2(m.Person, t))
	}
	for _, p := range s.Providers(t) {
		s.dropProvider(&p)
	}
	for _, i := range s.Invites(t) {
		_ = s.dropInvite(t, i.ID) // it was listed, so it is there
	}
	for _, k := range s.Keys(t) {
		s.keys.Delete(key2(t, k.ID))
		s.keyIndex.Delete(publicOf(k.ID))
	}
	dropPrefix(&s.support, t)
	for _, p := range s.Operators() {
		if !slices.Contains(p.Scope.Tenants, t) {
			continue
		}
		changed, _ := s.accounts.Get(string(p.ID))
		next := *changed
		next.Scope.Tenants = slices.DeleteFunc(slices.Clone(p.Scope.Tenants), func(each id.Tenant) bool { return each == t })
		s.putAccount(&next)
	}
}

// dropThings takes out what a tenant has.
func (s *State) dropThings(t id.Tenant) {
	var devices []*device
	ascend(&s.devices, string(t)+separator, func(_ string, d *device) bool {
		devices = append(devices, d)
		return true
	})
	for _, d := range devices {
		s.dropDevice(d, nil)
	}
	dropPrefix(&s.destinations, t)
	dropPrefix(&s.outNames, t)
	dropPrefix(&s.outSlugs, t)
	dropPrefix(&s.metrics, t)
	dropPrefix(&s.proofs.all, t)
	dropPrefix(&s.proofs.certificates, t)
	dropPrefix(&s.proofs.ofDevice, t)
	dropPrefix(&s.dashboards, t)
	s.walls.drop(t)
	dropPrefix(&s.erasing, t)
	s.rules.Delete(string(t))
	s.alertRules.Delete(string(t))
	s.silences.Delete(string(t))
}

func (e operatorScoped) apply(s *State, at stamp) error {
	old, ok := s.accounts.Get(string(e.Person))
	if !ok || !old.Operator || at.tenant != "" {
		return contradiction("person %s is no operator", e.Person)
	}
	changed := *old
	changed.Scope = Scope{Limited: e.Limited, Tenants: e.To}
	s.putAccount(&changed)
	return nil
}

func (e operatorRevoked) apply(s *State, at stamp) error {
	old, ok := s.accounts.Get(string(e.Person))
	if !ok || !old.Operator || at.tenant != "" {
		return contradiction("person %s is no operator", e.Person)
	}
	changed := *old
	changed.Operator, changed.Scope = false, Scope{}
	s.putAccount(&changed)
	s.operators--
	for _, k := range s.OperatorKeys() {
		if k.Person == e.Person {
			s.opKeys.Delete(publicOf(k.ID))
		}
	}
	return nil
}

func (e operatorKeyCreated) apply(s *State, at stamp) error {
	owner, ok := s.accounts.Get(string(e.Person))
	if _, exists := s.opKeys.Get(publicOf(e.ID)); exists || !ok || !owner.Operator || at.tenant != "" {
		return contradiction("key %s cannot be a key of the operator %s", e.ID, e.Person)
	}
	return s.putOperatorKey(OperatorKey{ID: e.ID, Person: e.Person, Name: e.Name, Reach: e.Reach, Created: at.at, Expires: e.Expires}, e.Sum)
}

func (s *State) putOperatorKey(k OperatorKey, hash []byte) error {
	sum, err := parseDigest(hash)
	if err == nil {
		s.opKeys.Set(publicOf(k.ID), &operatorKey{OperatorKey: k, sum: sum})
	}
	return err
}

func (e operatorKeyRevoked) apply(s *State, at stamp) error {
	if _, ok := s.opKeys.Delete(publicOf(e.ID)); !ok || at.tenant != "" {
		return contradiction("there is no operator's key %s", e.ID)
	}
	return nil
}
