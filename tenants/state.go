package tenants

import (
	"iter"
	"time"

	"github.com/tidwall/btree"

	"longwave/tenants/id"
)

// State is everything the control log says, at one position of it. It never changes.
type State struct {
	seq       uint64                          // position in the log
	head      digest                          // hash of the log up to seq
	before    digest                          // hash of the log up to the message before
	subjects  btree.Map[string, uint64]       // last position of each subject: what a command expects
	tenants   btree.Map[string, *tenant]      // by tenant
	accounts  btree.Map[string, *account]     // by person
	emails    btree.Map[string, *account]     // by folded address
	keys      btree.Map[string, *apiKey]      // by tenant and key
	keyIndex  btree.Map[string, *apiKey]      // by the public half of the secret
	opKeys    btree.Map[string, *operatorKey] // by the public half of the secret
	devices   btree.Map[string, *device]      // by tenant and device
	byName    btree.Map[string, *device]      // by tenant and folded name, which is unique
	byCreated btree.Map[string, *device]      // by tenant, time of creation and device
	byToken   tokenTable
	metrics   btree.Map[string, Metric]  // by tenant and name
	erasing   btree.Map[string, Erasing] // by tenant and device

	destinations btree.Map[string, *Destination] // by tenant and destination
	outNames     btree.Map[string, *Destination] // by tenant and folded name, which is unique
	outSlugs     btree.Map[string, *Destination] // by tenant and slug, which is unique
	rules        btree.Map[string, *ruleBook]    // by tenant
	alertRules   btree.Map[string, *alertBook]   // by tenant
	silences     btree.Map[string, []Silence]    // by tenant; a list never changes
	dashboards   btree.Map[string, *Dashboard]   // by tenant and dashboard
	walls        walls
	people       people
	support      btree.Map[string, Support] // by tenant and person
	endings      btree.Map[string, Ending]  // by tenant
	proofs       proofs
	operators    int

	changed chan struct{} // closed when a newer State is there; nil in a draft
}

// The things in a State never change once they are in it: a change puts a new one in their place. None of them may
// have a method named Copy, which the tree would call.
type (
	tenant struct {
		Tenant
		devices, keys, metrics, owners int
	}
	account struct {
		Person
		hash string // PHC string of the password; not in Person, so that no log line can show it
	}
	apiKey struct {
		Key
		sum digest
	}
	operatorKey struct {
		OperatorKey
		sum digest
	}
	device struct {
		Device
		folded string // name as it is compared
		search string // name, id, site, profile and labels, folded, as the search looks through them
	}
)

// person is whose account it is; empty for none.
func (a *account) person() id.Person {
	if a == nil {
		return ""
	}
	return a.ID
}

// freeze returns a State that shares everything with s and is never written to again. s stays the private draft of its
// only writer: what either of them shares is copied before it is changed.
func (s *State) freeze() *State {
	return &State{
		seq: s.seq, head: s.head, before: s.before, operators: s.operators, changed: make(chan struct{}),
		subjects: *s.subjects.Copy(), tenants: *s.tenants.Copy(), accounts: *s.accounts.Copy(),
		emails: *s.emails.Copy(), people: s.people.share(), proofs: s.proofs.share(), keys: *s.keys.Copy(), keyIndex: *s.keyIndex.Copy(), opKeys: *s.opKeys.Copy(),
		devices: *s.devices.Copy(), byName: *s.byName.Copy(), byCreated: *s.byCreated.Copy(),
		byToken: s.byToken.share(), metrics: *s.metrics.Copy(), erasing: *s.erasing.Copy(),
		destinations: *s.destinations.Copy(), outNames: *s.outNames.Copy(), outSlugs: *s.outSlugs.Copy(),
		rules: *s.rules.Copy(), alertRules: *s.alertRules.Copy(), silences: *s.silences.Copy(),
		dashboards: *s.dashboards.Copy(), walls: s.walls.share(),
		support: *s.support.Copy(), endings: *s.endings.Copy(),
	}
}

// separator sorts before every character of an id or a name, so that the keys of one tenant lie together.
const separator = "\x00"

func key2[A, B ~string](a A, b B) string { return string(a) + separator + string(b) }

// Claimed says whether the installation has an operator.
func (s *State) Claimed() bool { return s.operators > 0 }

// Position is the place in the control log that this State was folded up to.
func (s *State) Position() uint64 { return s.seq }

// PositionOf is the place in the control log of the newest change within a tenant; 0 when there is none.
func (s *State) PositionOf(t id.Tenant) uint64 {
	position, _ := s.subjects.Get(tenantSubject(t))
	return position
}

// Tenant returns one tenant; false if there is none.
func (s *State) Tenant(t id.Tenant) (Tenant, bool) {
	found, ok := s.tenants.Get(string(t))
	if !ok {
		return Tenant{}, false
	}
	return found.Tenant, true
}

// Tenants lists all tenants, in the order of their ids, for operators.
func (s *State) Tenants() []Tenant {
	list := make([]Tenant, 0, s.tenants.Len())
	s.tenants.Scan(func(_ string, t *tenant) bool {
		list = append(list, t.Tenant)
		return true
	})
	return list
}

// Person returns one person; false if there is none.
func (s *State) Person(p id.Person) (Person, bool) {
	found, ok := s.accounts.Get(string(p))
	if !ok {
		return Person{}, false
	}
	return found.Person, true
}

// PersonByEmail returns the person who signs in with an address and a password; false if nobody does.
func (s *State) PersonByEmail(email string) (Person, bool) {
	found, ok := s.emails.Get(foldText(email))
	if !ok {
		return Person{}, false
	}
	return found.Person, true
}

// HasOwner says whether a tenant has an owner; one whose first owner is invited has none yet.
func (s *State) HasOwner(t id.Tenant) bool { return s.owners(t) > 0 }

// TenantsOf lists the tenants of a person, in the order of their ids.
func (s *State) TenantsOf(p id.Person) []Membership {
	var list []Membership
	ascend(&s.people.members, string(p)+separator, func(_ string, m member) bool {
		if found, ok := s.tenants.Get(string(m.tenant)); ok {
			list = append(list, Membership{Tenant: found.Tenant, Role: m.Role})
		}
		return true
	})
	return list
}

// Device returns one device; false if the tenant has none of that id.
func (s *State) Device(t id.Tenant, d id.Device) (Device, bool) {
	found, ok := s.devices.Get(key2(t, d))
	if !ok {
		return Device{}, false
	}
	return found.Device, true
}

// Devices walks the devices of a tenant in the order of their ids, starting behind after, which may be empty.
func (s *State) Devices(t id.Tenant, after id.Device) iter.Seq[Device] {
	return func(yield func(Device) bool) {
		prefix := string(t) + separator
		s.devices.Ascend(prefix+string(after), func(key string, d *device) bool {
			if d.Tenant != t {
				return false
			}
			return d.ID == after || yield(d.Device)
		})
	}
}

// DeviceCount is the number of devices of a tenant; 0 if there is no such tenant.
func (s *State) DeviceCount(t id.Tenant) int {
	if found, ok := s.tenants.Get(string(t)); ok {
		return found.devices
	}
	return 0
}

// Totals counts what the whole installation has, for its operator.
func (s *State) Totals() (tenants, persons, devices int) {
	return s.tenants.Len(), s.accounts.Len(), s.devices.Len()
}

// Keys lists the API keys of a tenant, in the order of their ids.
func (s *State) Keys(t id.Tenant) []Key {
	var list []Key
	ascend(&s.keys, string(t)+separator, func(_ string, k *apiKey) bool {
		list = append(list, k.Key)
		return true
	})
	return list
}

// Unit is the unit of a metric in a tenant; empty if it was never described.
func (s *State) Unit(t id.Tenant, metric string) string {
	found, _ := s.metrics.Get(key2(t, metric))
	return found.Unit
}

// Erasing lists the deleted devices of all tenants whose data is still to be removed.
func (s *State) Erasing() []Erasing {
	list := make([]Erasing, 0, s.erasing.Len())
	s.erasing.Scan(func(_ string, e Erasing) bool {
		list = append(list, e)
		return true
	})
	return list
}

// ascend walks the entries whose key begins with prefix.
func ascend[V any](m *btree.Map[string, V], prefix string, yield func(string, V) bool) {
	m.Ascend(prefix, func(key string, v V) bool {
		if len(key) < len(prefix) || key[:len(prefix)] != prefix {
			return false
		}
		return yield(key, v)
	})
}

// expired says whether the time of a token is over.
func expired(expires, now time.Time) bool { return !expires.IsZero() && !now.Before(expires) }
