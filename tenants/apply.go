package tenants

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"longwave/tenants/id"
)

// contradiction is the error of an event that no command can have decided on the state before it.
func contradiction(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrLog, fmt.Sprintf(format, args...))
}

func (e personCreated) apply(s *State, at stamp) error {
	if _, exists := s.emails.Get(foldText(e.Email)); exists || at.tenant != "" {
		return contradiction("person %s cannot be created", e.ID)
	}
	s.putAccount(&account{Person: Person{ID: e.ID, Email: e.Email, Name: e.Name, Created: at.at}, hash: e.Password})
	return nil
}

func (e operatorGranted) apply(s *State, at stamp) error {
	old, ok := s.accounts.Get(string(e.Person))
	if !ok || old.Operator || at.tenant != "" {
		return contradiction("person %s cannot become an operator", e.Person)
	}
	changed := *old
	changed.Operator = true
	s.putAccount(&changed)
	s.operators++
	return nil
}

func (s *State) putAccount(a *account) {
	s.accounts.Set(string(a.ID), a)
	if a.hash != "" { // of the others the address is a word of their provider, and nobody signs in with it
		s.emails.Set(foldText(a.Email), a)
	}
}

func (e tenantCreated) apply(s *State, at stamp) error {
	if _, exists := s.tenants.Get(string(e.ID)); exists || at.tenant != "" {
		return contradiction("tenant %s cannot be created", e.ID)
	}
	s.tenants.Set(string(e.ID), &tenant{Tenant: Tenant{ID: e.ID, Name: e.Name, Created: at.at, RetainDays: e.RetainDays}})
	if e.Owner == "" { // somebody is invited to be it
		return nil
	}
	return s.putMember(member{Member{Person: e.Owner, Role: Owner, Since: at.at}, e.ID})
}

// count changes the counters of a tenant. It fails when there is no such tenant, which every event of one finds out here.
func (s *State) count(t id.Tenant, devices, keys, metrics int) error {
	old, ok := s.tenants.Get(string(t))
	if !ok {
		return contradiction("there is no tenant %q", t)
	}
	changed := *old
	changed.devices += devices
	changed.keys += keys
	changed.metrics += metrics
	s.tenants.Set(string(t), &changed)
	return nil
}

func (e keyCreated) apply(s *State, at stamp) error {
	if _, exists := s.keys.Get(key2(at.tenant, e.ID)); exists {
		return contradiction("key %s exists", e.ID)
	}
	if err := s.putKey(e.key(at), e.Sum); err != nil {
		return err
	}
	return s.count(at.tenant, 0, 1, 0)
}

func (s *State) putKey(k Key, hash []byte) error {
	sum, err := parseDigest(hash)
	if err != nil {
		return err
	}
	made := &apiKey{Key: k, sum: sum}
	s.keys.Set(key2(k.Tenant, k.ID), made)
	s.keyIndex.Set(publicOf(k.ID), made)
	return nil
}

func (e keyCreated) key(at stamp) Key {
	return Key{ID: e.ID, Tenant: at.tenant, Name: e.Name, Role: e.Role, Created: at.at, Expires: e.Expires, Scope: e.Scope}
}

func (e keyRevoked) apply(s *State, at stamp) error {
	if _, ok := s.keys.Delete(key2(at.tenant, e.ID)); !ok {
		return contradiction("there is no key %s", e.ID)
	}
	s.keyIndex.Delete(publicOf(e.ID))
	return s.count(at.tenant, 0, -1, 0)
}

func publicOf(k id.Key) string { return strings.TrimPrefix(string(k), publicKeyPrefix) }

func parseDigest(b []byte) (sum digest, err error) {
	if copy(sum[:], b) != len(b) || len(b) != len(sum) {
		return sum, contradiction("a hash has %d bytes", len(b))
	}
	return sum, nil
}

func (e deviceCreated) apply(s *State, at stamp) error {
	if _, exists := s.devices.Get(key2(at.tenant, e.ID)); exists {
		return contradiction("device %s exists", e.ID)
	}
	made, err := e.device(at)
	if err != nil {
		return err
	}
	if err := s.putDevice(nil, &device{Device: made}); err != nil {
		return err
	}
	return s.count(at.tenant, 1, 0, 0)
}

func (e deviceCreated) device(at stamp) (Device, error) {
	token, err := e.Token.at(at.at)
	return Device{
		ID: e.ID, Tenant: at.tenant, Name: e.Name, Labels: e.Labels, Created: at.at, Interval: e.Interval,
		Site: e.Site, Profile: e.Profile, Demo: e.Demo, Tokens: []Token{token},
	}, err
}

func (t tokenIssued) at(created time.Time) (Token, error) {
	sum, err := parseDigest(t.Sum)
	return Token{ID: t.ID, Created: created, index: indexOf(t.ID), sum: sum}, err
}

// putDevice puts a device into every index, in place of old unless that is nil.
func (s *State) putDevice(old, d *device) error {
	d.folded = foldText(d.Name)
	d.search = searchText(&d.Device)
	if old != nil {
		s.dropDevice(old, d)
	}
	if other, replaced := s.byName.Set(key2(d.Tenant, d.folded), d); replaced && other.ID != d.ID {
		return contradiction("the name of device %s is taken", d.ID)
	}
	for _, token := range d.Tokens {
		replaced := s.byToken.set(holder{token.index, token.sum, token.Expires, d})
		if replaced != nil && replaced.device.ID != d.ID {
			return contradiction("the token of device %s is taken", d.ID)
		}
	}
	s.devices.Set(key2(d.Tenant, d.ID), d)
	s.byCreated.Set(createdKey(d), d)
	return nil
}

// dropDevice takes a device out of every index, except from where next is about to take its place. next may be nil.
func (s *State) dropDevice(d, next *device) {
	if next == nil {
		s.devices.Delete(key2(d.Tenant, d.ID))
		s.byCreated.Delete(createdKey(d))
	}
	if next == nil || next.folded != d.folded {
		s.byName.Delete(key2(d.Tenant, d.folded))
	}
	for _, token := range d.Tokens {
		if next == nil || !slices.ContainsFunc(next.Tokens, func(t Token) bool { return t.index == token.index }) {
			s.byToken.remove(token.index)
		}
	}
}

// createdKey sorts the devices of a tenant by the time of their creation: 16 hexadecimal digits sort as the number does.
func createdKey(d *device) string {
	hex := strconv.FormatInt(d.Created.UnixMicro(), 16)
	return string(d.Tenant) + separator + strings.Repeat("0", max(0, 16-len(hex))) + hex + separator + string(d.ID)
}

// change replaces a device by a changed one.
func (s *State) change(t id.Tenant, d id.Device, edit func(*Device)) error {
	old, ok := s.devices.Get(key2(t, d))
	if !ok {
		return contradiction("there is no device %s", d)
	}
	changed := &device{Device: old.Device}
	edit(&changed.Device)
	return s.putDevice(old, changed)
}

func (e deviceRenamed) apply(s *State, at stamp) error {
	return s.change(at.tenant, e.ID, func(d *Device) { d.Name = e.To })
}

func (e deviceSwitched) apply(s *State, at stamp) error {
	return s.change(at.tenant, e.ID, func(d *Device) { d.Disabled = e.Disabled })
}

func (e deviceLabelled) apply(s *State, at stamp) error {
	return s.change(at.tenant, e.ID, func(d *Device) { d.Labels = e.To })
}

func (e deviceTimed) apply(s *State, at stamp) error {
	return s.change(at.tenant, e.ID, func(d *Device) { d.Interval = e.To })
}

func (e deviceSited) apply(s *State, at stamp) error {
	return s.change(at.tenant, e.ID, func(d *Device) { d.Site = e.To })
}

func (e deviceProfiled) apply(s *State, at stamp) error {
	return s.change(at.tenant, e.ID, func(d *Device) { d.Profile = e.To })
}

// apply keeps two tokens at most: the new one, and the one it replaces until its time has come. One that was already
// being replaced is dropped.
func (e tokenRotated) apply(s *State, at stamp) error {
	token, err := e.Token.at(at.at)
	if err != nil {
		return err
	}
	return s.change(at.tenant, e.ID, func(d *Device) {
		old := d.Tokens[0]
		old.Expires = e.OldUntil
		d.Tokens = []Token{token, old}
	})
}

func (e deviceDeleted) apply(s *State, at stamp) error {
	old, ok := s.devices.Get(key2(at.tenant, e.ID))
	if !ok {
		return contradiction("there is no device %s", e.ID)
	}
	s.dropDevice(old, nil)
	s.proofs.dropDevice(at.tenant, e.ID)
	s.erasing.Set(key2(at.tenant, e.ID), Erasing{Tenant: at.tenant, Device: e.ID, Since: at.at})
	return s.count(at.tenant, -1, 0, 0)
}

func (e deviceErased) apply(s *State, at stamp) error {
	if _, ok := s.erasing.Delete(key2(at.tenant, e.ID)); !ok {
		return contradiction("device %s is not being erased", e.ID)
	}
	return nil
}

func (e metricDescribed) apply(s *State, at stamp) error {
	key := key2(at.tenant, e.Name)
	if e.Unit == "" {
		if _, ok := s.metrics.Delete(key); !ok {
			return contradiction("metric %q has no description", e.Name)
		}
		return s.count(at.tenant, 0, 0, -1)
	}
	if _, replaced := s.metrics.Set(key, Metric(e)); replaced {
		return s.count(at.tenant, 0, 0, 0)
	}
	return s.count(at.tenant, 0, 0, 1)
}
