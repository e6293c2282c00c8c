package tenants

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// The events. Their JSON names are the format of the control log: a changed meaning is a new version with an upgrade.
type (
	personCreated struct {
		ID       id.Person `json:"id"`
		Email    string    `json:"email"`
		Name     string    `json:"name"`
		Password string    `json:"password_hash"`
	}
	operatorGranted struct {
		Person id.Person `json:"person"`
	}
	tenantCreated struct {
		ID         id.Tenant `json:"id"`
		Name       string    `json:"name"`
		RetainDays uint16    `json:"retain_days"`
		Owner      id.Person `json:"owner"` // its first member
	}
	keyCreated struct {
		ID   id.Key `json:"id"`
		Name string `json:"name"`
		Role Role   `json:"role"`
		Sum  []byte `json:"sha256"`
	}
	keyRevoked struct {
		ID id.Key `json:"id"`
	}
	deviceCreated struct {
		ID       id.Device         `json:"id"`
		Name     string            `json:"name"`
		Labels   map[string]string `json:"labels,omitempty"`
		Interval time.Duration     `json:"interval_ns,omitempty"`
		Demo     bool              `json:"demo,omitempty"`
		Token    tokenIssued       `json:"token"`
	}
	tokenIssued struct {
		ID  string `json:"id"`
		Sum []byte `json:"sha256"`
	}
	deviceRenamed struct {
		ID   id.Device `json:"id"`
		From string    `json:"from"`
		To   string    `json:"to"`
	}
	deviceSwitched struct {
		ID       id.Device `json:"id"`
		Disabled bool      `json:"disabled"`
	}
	tokenRotated struct {
		ID       id.Device   `json:"id"`
		Token    tokenIssued `json:"token"`
		OldUntil time.Time   `json:"old_until"`
	}
	deviceDeleted struct {
		ID   id.Device `json:"id"`
		Name string    `json:"name"`
	}
	deviceErased struct {
		ID     id.Device        `json:"id"`
		Erased telemetry.Erased `json:"erased"`
	}
	metricDescribed struct {
		Name string `json:"name"`
		Unit string `json:"unit"`
	}
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
	s.emails.Set(foldText(a.Email), a)
}

func (e tenantCreated) apply(s *State, at stamp) error {
	if _, exists := s.tenants.Get(string(e.ID)); exists || at.tenant != "" {
		return contradiction("tenant %s cannot be created", e.ID)
	}
	s.tenants.Set(string(e.ID), &tenant{Tenant: Tenant{ID: e.ID, Name: e.Name, Created: at.at, RetainDays: e.RetainDays}})
	s.members.Set(key2(e.Owner, e.ID), Owner)
	return nil
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
	sum, err := parseDigest(e.Sum)
	if err != nil {
		return err
	}
	k := &apiKey{Key: e.key(at), sum: sum}
	if _, exists := s.keys.Set(key2(at.tenant, e.ID), k); exists {
		return contradiction("key %s exists", e.ID)
	}
	s.keyIndex.Set(publicOf(e.ID), k)
	return s.count(at.tenant, 0, 1, 0)
}

func (e keyCreated) key(at stamp) Key {
	return Key{ID: e.ID, Tenant: at.tenant, Name: e.Name, Role: e.Role, Created: at.at}
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
		Demo: e.Demo, Tokens: []Token{token},
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
		if other, replaced := s.byToken.Set(token.index, d); replaced && other.ID != d.ID {
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
			s.byToken.Delete(token.index)
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
