package tenants

import (
	"encoding/base64"
	"strings"

	"github.com/tidwall/btree"

	"longwave/tenants/id"
)

// DeviceSort is the order of a list of devices.
type DeviceSort uint8

// The orders of a list of devices.
const (
	SortByName DeviceSort = iota
	SortByCreated
)

// DeviceFilter limits a list of devices.
type DeviceFilter uint8

// The filters of a list of devices.
const (
	AllDevices DeviceFilter = iota
	EnabledDevices
	DisabledDevices
	DemoDevices
)

// DeviceQuery asks for one page of a tenant's devices.
type DeviceQuery struct {
	Search     string    // anywhere in name, id, site, profile or a label as name=text, without regard to case
	Site       string    // only devices at this site or below it; empty for all
	Profile    string    // only devices of this profile; empty for all
	Scope      *KeyScope // only devices within it; nil for all
	Filter     DeviceFilter
	Sort       DeviceSort
	Descending bool
	Cursor     string // DevicePage.Next of the page before; empty for the first
	Limit      int    // 1 to MaxPage; 0 means MaxPage
}

// DevicePage is one page of devices. Next is empty on the last one.
type DevicePage struct {
	Devices []Device
	Next    string
}

// MaxPage bounds one page of a list.
const MaxPage = 500

// DevicesPage returns one page of a tenant's devices. A cursor stays valid when devices come and go: the next page
// begins behind the place where the last device of this one stood. It returns an *InvalidError for a cursor that it did
// not make or for a limit out of bounds; a tenant that does not exist has no devices.
func (s *State) DevicesPage(t id.Tenant, q DeviceQuery) (DevicePage, error) {
	from, err := q.start(t)
	if err != nil {
		return DevicePage{}, err
	}
	var page DevicePage
	var last string
	needle := foldText(strings.TrimSpace(q.Search))
	q.walk(q.index(s), from, func(key string, d *device) bool {
		switch {
		case d.Tenant != t:
			return false
		case key == from || !q.matches(d) || !strings.Contains(d.search, needle):
			return true
		case len(page.Devices) == q.Limit:
			page.Next = q.cursor(t, last)
			return false
		}
		page.Devices = append(page.Devices, d.Device)
		last = key
		return true
	})
	return page, nil
}

// start checks the query and returns the key that the page begins behind.
func (q *DeviceQuery) start(t id.Tenant) (string, error) {
	if q.Limit == 0 {
		q.Limit = MaxPage
	}
	if q.Limit < 0 || q.Limit > MaxPage {
		return "", invalid("limit", "is %d, want 1 to %d", q.Limit, MaxPage)
	}
	prefix := string(t) + separator
	if q.Cursor == "" {
		if q.Descending {
			return prefix + "\xff", nil // behind every key of the tenant: no UTF-8 text begins with it
		}
		return prefix, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	if err != nil || len(raw) < 2 || raw[0] != q.mark() {
		return "", invalid("cursor", "is not one of this list in this order")
	}
	return prefix + string(raw[1:]), nil
}

// cursor is the end of a key behind its tenant, marked with the order it belongs to.
func (q *DeviceQuery) cursor(t id.Tenant, key string) string {
	rest := key[len(t)+len(separator):]
	return base64.RawURLEncoding.EncodeToString(append([]byte{q.mark()}, rest...))
}

func (q *DeviceQuery) mark() byte { return 'a' + byte(q.Sort) }

func (q *DeviceQuery) index(s *State) *btree.Map[string, *device] {
	if q.Sort == SortByCreated {
		return &s.byCreated
	}
	return &s.byName
}

func (q *DeviceQuery) walk(index *btree.Map[string, *device], from string, yield func(string, *device) bool) {
	if q.Descending {
		index.Descend(from, yield)
		return
	}
	index.Ascend(from, yield)
}

func (q *DeviceQuery) matches(d *device) bool {
	below := q.Site == "" || siteWithin(d.Site, q.Site)
	within := q.Scope == nil || q.Scope.matches(&d.Device)
	return below && within && (q.Profile == "" || d.Profile == q.Profile) && q.Filter.matches(d)
}

func (f DeviceFilter) matches(d *device) bool {
	switch f {
	case EnabledDevices:
		return !d.Disabled
	case DisabledDevices:
		return d.Disabled
	case DemoDevices:
		return d.Demo
	default:
		return true
	}
}
