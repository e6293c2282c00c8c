package alert

import (
	"encoding/binary"
	"maps"
	"reflect"
	"slices"

	"longwave/ingest/telemetry"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

// Why an alert ends without its condition having ended.
const (
	CauseRuleChanged   alertrule.Cause = "rule_changed"   // the rule was changed, and starts afresh
	CauseRuleEnded     alertrule.Cause = "rule_ended"     // the rule was deleted, paused or put back to a draft
	CauseDeviceChanged alertrule.Cause = "device_changed" // the rule is about the device no longer
	CauseDeviceDeleted alertrule.Cause = "device_deleted"
)

// plan says which of a device's rules look at which metrics. Devices with the same rules share one.
type plan struct {
	rules    []*rule
	always   []int32 // that look at every packet
	byMetric map[string][]int32
}

// follow takes over what the directory says now: rules and devices that are new begin, those that are gone end.
func (e *evaluation) follow(now telemetry.Micros) {
	known := make(map[id.Tenant]bool)
	for _, name := range e.dir.Tenants() {
		known[name] = true
		t := e.tenants[name]
		if t == nil {
			t = &tenant{id: name, devices: make(map[id.Device]*device), begin: e.position, dirty: true,
				work: bucket{left: workBurst}, changes: bucket{left: changesBurst}}
			e.tenants[name] = t
		}
		e.followDevices(t, e.followRules(t), now)
	}
	for name, t := range e.tenants {
		if !known[name] {
			for _, d := range t.devices {
				e.drop(t, d, CauseRuleEnded)
			}
			delete(e.tenants, name)
			e.gone = append(e.gone, name)
		}
	}
	e.finish()
}

// followRules compiles what is new and keeps what is as it was. It says whether anything is new.
func (e *evaluation) followRules(t *tenant) (changed bool) {
	old := make(map[id.AlertRule]*rule, len(t.rules))
	for _, r := range t.rules {
		old[r.ID] = r
	}
	var rules []*rule
	t.failed = make(map[id.AlertRule]string)
	list := e.dir.Rules(t.id)
	for i := range list {
		next := &list[i]
		if have := old[next.ID]; have != nil && reflect.DeepEqual(have.Rule, next) {
			rules = append(rules, have)
			continue
		}
		program, err := alertrule.Compile(*next)
		if err != nil { // every command that enables a rule has compiled it
			e.log.Error("an alert rule cannot be run", "tenant", t.id, "rule", next.ID, "error", err)
			t.failed[next.ID], t.dirty = err.Error(), true
			continue
		}
		rules = append(rules, &rule{program: program, Rule: program.Rule()})
	}
	if slices.Equal(rules, t.rules) {
		return false
	}
	t.rules, t.plans, t.dirty = rules, make(map[string]*plan), true
	return true
}

// followDevices gives each device the rules that are about it, and forgets those that are gone.
func (e *evaluation) followDevices(t *tenant, rulesChanged bool, now telemetry.Micros) {
	list := e.dir.Devices(t.id)
	alive := make(map[id.Device]bool, len(list))
	if rulesChanged {
		t.left = 0
	}
	for i := range list {
		alive[list[i].ID] = true
		if have := t.devices[list[i].ID]; rulesChanged || have == nil || !sameDevice(&have.Device, &list[i]) {
			e.place(t, &list[i], now)
		}
	}
	for name, d := range t.devices {
		if !alive[name] {
			e.drop(t, d, CauseDeviceDeleted)
		}
	}
}

// device finds a device, also one that was made a moment ago; nil for one that does not exist.
func (e *evaluation) device(t *tenant, name id.Device) *device {
	if d := t.devices[name]; d != nil {
		return d
	}
	known, ok := e.dir.Device(t.id, name)
	if !ok {
		return nil
	}
	e.place(t, &known, e.clock)
	return t.devices[name]
}

// place gives a device the rules that are about it.
func (e *evaluation) place(t *tenant, known *alertrule.Device, now telemetry.Micros) {
	d := t.devices[known.ID]
	if d == nil {
		d = &device{seen: now}
		t.devices[known.ID] = d
	}
	d.Device = *known
	next := t.planFor(&d.Device)
	if d.plan != nil && d.plan == next {
		e.expect(d)
		return
	}
	have := make(map[*rule]*pair, len(d.pairs))
	for _, p := range d.pairs {
		have[p.rule] = p
	}
	d.plan, d.pairs = next, make([]*pair, 0, len(next.rules))
	for _, r := range next.rules {
		p := have[r]
		if delete(have, r); p == nil {
			p = e.begin(t, r, d)
		}
		d.pairs = append(d.pairs, p)
	}
	for _, p := range have {
		e.end(p, t.why(p.rule))
	}
	e.expect(d)
}

// begin lets a rule begin for a device.
func (e *evaluation) begin(t *tenant, r *rule, d *device) *pair {
	p := &pair{tenant: t, rule: r, device: d, state: r.program.Start(alertrule.Known{Seen: d.seen, Interval: d.Interval})}
	t.pairs++
	t.learned += r.program.Learns()
	t.dirty = true
	e.note(p, nil)
	return p
}

// expect passes on how often the device is expected to send.
func (e *evaluation) expect(d *device) {
	for _, p := range d.pairs {
		if p.state.Interval != d.Interval {
			p.state.Interval = d.Interval
			e.note(p, nil)
		}
	}
}

// planFor is the plan for the rules that are about a device, as many as the tenant may have.
func (t *tenant) planFor(d *alertrule.Device) *plan {
	var key []byte
	var rules []*rule
	have := t.devices[d.ID]
	learned := t.learned
	for _, p := range have.pairs {
		learned -= p.rule.program.Learns()
	}
	for i, r := range t.rules {
		if !r.Selector.Matches(d) {
			continue
		}
		if learned += r.program.Learns(); learned > maxLearned && r.program.Learns() > 0 {
			learned -= r.program.Learns()
			t.left++
			continue
		}
		key, rules = binary.AppendUvarint(key, uint64(i)), append(rules, r)
	}
	if t.pairs-len(have.pairs)+len(rules) > maxPairs {
		t.left += len(rules)
		key, rules = nil, nil
	}
	if known := t.plans[string(key)]; known != nil {
		return known
	}
	made := &plan{rules: rules, byMetric: make(map[string][]int32)}
	for i, r := range rules {
		metrics := r.program.Metrics()
		if len(metrics) == 0 {
			made.always = append(made.always, int32(i))
		}
		for _, name := range metrics {
			made.byMetric[name] = append(made.byMetric[name], int32(i))
		}
	}
	t.plans[string(key)] = made
	return made
}

// why says why a rule is about a device no longer.
func (t *tenant) why(gone *rule) alertrule.Cause {
	for _, r := range t.rules {
		switch {
		case r == gone:
			return CauseDeviceChanged
		case r.ID == gone.ID:
			return CauseRuleChanged
		}
	}
	return CauseRuleEnded
}

// drop ends everything about a device.
func (e *evaluation) drop(t *tenant, d *device, why alertrule.Cause) {
	for _, p := range d.pairs {
		e.end(p, why)
	}
	d.pairs = nil
	delete(t.devices, d.ID)
	t.dirty = true
}

// end closes what a pair has open because its rule or device is no more what it was.
func (e *evaluation) end(p *pair, why alertrule.Cause) {
	if p.alert != "" {
		c := &alertrule.Change{Number: p.state.Number + 1, From: alertrule.Firing, To: alertrule.OK, Was: p.state.Severity, At: e.clock, Cause: why}
		entry := p.entry(c)
		entry.Alert = p.alert
		e.out = append(e.out, finding{tenant: p.tenant, entry: entry})
	}
	p.tenant.pairs--
	p.tenant.learned -= p.rule.program.Learns()
	p.tenant.dirty = true
	p.device = nil
}

// sameDevice says whether nothing has changed about a device that rules see.
func sameDevice(a, b *alertrule.Device) bool {
	return a.ID == b.ID && a.Name == b.Name && a.Profile == b.Profile && a.Site == b.Site && a.Interval == b.Interval && maps.Equal(a.Labels, b.Labels)
}
