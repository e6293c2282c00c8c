package ingest

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// maxMet bounds the devices of which met limits are remembered: at a few hundred bytes each. Those that met one longest ago go first.
const maxMet = 10_000

// limitsMet counts for devices and tenants, in this process and since it started. Safe for concurrent use.
type limitsMet struct {
	mu      sync.Mutex
	devices map[deviceKey][]telemetry.Met
	tenants map[id.Tenant][]telemetry.Met
}

func newLimitsMet() *limitsMet {
	return &limitsMet{devices: map[deviceKey][]telemetry.Met{}, tenants: map[id.Tenant][]telemetry.Met{}}
}

// note counts a limit that a device has met.
func (l *limitsMet) note(of deviceKey, m telemetry.Met) {
	m.Device, m.Count = of.device, 1
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tenants[of.tenant] = counted(l.tenants[of.tenant], m)
	if _, known := l.devices[of]; !known {
		l.makeRoom()
	}
	l.devices[of] = counted(l.devices[of], m)
}

// counted adds to the entry of the same limit. There are a handful of them.
func counted(list []telemetry.Met, m telemetry.Met) []telemetry.Met {
	i := slices.IndexFunc(list, func(each telemetry.Met) bool { return each.Name == m.Name && each.Scope == m.Scope })
	if i < 0 {
		return append(list, m)
	}
	m.Count += list[i].Count
	list[i] = m
	return list
}

// makeRoom forgets a tenth of the devices, those that met a limit longest ago, when there are too many. It is called with mu held.
func (l *limitsMet) makeRoom() {
	if len(l.devices) < maxMet {
		return
	}
	last := make(map[deviceKey]time.Time, len(l.devices))
	keys := make([]deviceKey, 0, len(l.devices))
	for key, list := range l.devices {
		keys = append(keys, key)
		last[key] = newest(list)[0].Last
	}
	slices.SortFunc(keys, func(a, b deviceKey) int { return last[a].Compare(last[b]) })
	for _, key := range keys[:maxMet/10] {
		delete(l.devices, key)
	}
}

// newest is a copy of a list, what was met last first.
func newest(list []telemetry.Met) []telemetry.Met {
	return slices.SortedFunc(slices.Values(list), func(a, b telemetry.Met) int { return cmp.Or(b.Last.Compare(a.Last), cmp.Compare(a.Name, b.Name)) })
}

// forget drops what is known of a tenant.
func (l *limitsMet) forget(t id.Tenant) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.tenants, t)
	for key := range l.devices {
		if key.tenant == t {
			delete(l.devices, key)
		}
	}
}

// LimitMet counts that a device was refused because of a limit, whoever found it. It never blocks.
func (f *Front) LimitMet(t id.Tenant, d id.Device, m telemetry.Met) {
	m.Last = f.o.Now()
	f.met.note(deviceKey{t, d}, m)
}

// LimitsMet lists the limits that the devices of a tenant have met with this copy of the program since it started, the newest first.
func (f *Front) LimitsMet(t id.Tenant) []telemetry.Met {
	f.met.mu.Lock()
	defer f.met.mu.Unlock()
	return newest(f.met.tenants[t])
}

// LimitsMetBy is LimitsMet for one device. Of more than ten thousand devices it knows those that met one last.
func (f *Front) LimitsMetBy(t id.Tenant, d id.Device) []telemetry.Met {
	f.met.mu.Lock()
	defer f.met.mu.Unlock()
	return newest(f.met.devices[deviceKey{t, d}])
}

// Limited says for every tenant that met a limit how often that was, and when last.
func (f *Front) Limited() map[id.Tenant]telemetry.Met {
	f.met.mu.Lock()
	defer f.met.mu.Unlock()
	all := make(map[id.Tenant]telemetry.Met, len(f.met.tenants))
	for t, list := range f.met.tenants {
		sum := newest(list)[0]
		sum.Count = 0
		for _, each := range list {
			sum.Count += each.Count
		}
		all[t] = sum
	}
	return all
}
