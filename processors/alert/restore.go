package alert

import (
	"longwave/ingest/telemetry"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

// restoring is an evaluation that takes over: first what the checkpoint says, then what the log says beyond it, then the two
// are made to agree.
type restoring struct {
	*evaluation
	orphans map[id.Alert]orphan // open alerts of rules or devices that are not what they were
}

type orphan struct {
	tenant id.Tenant
	keptPair
	entry Entry // the last one; zero when it is known from the checkpoint only
}

// find returns the pair that a kept one stands for; nil when there is none any more.
func (r *restoring) find(t *tenant, k *keptPair) *pair {
	if t == nil || t.devices[k.device] == nil {
		return nil
	}
	for _, p := range t.devices[k.device].pairs {
		if p.rule.ID == k.rule && p.rule.Version == k.version {
			return p
		}
	}
	return nil
}

// keep takes over one pair. What the log says comes later and is believed.
func (r *restoring) keep(name id.Tenant, k *keptPair) {
	t := r.tenants[name]
	p := r.find(t, k)
	if p != nil {
		state, err := p.rule.program.ParseState(k.state)
		if err == nil {
			p.state, p.alert, p.covered = state, k.alert, k.covered
			p.device.seen = max(k.seen, p.state.Seen())
			return
		}
		r.log.Error("what is known of an alert rule cannot be read; it starts afresh", "tenant", name, "rule", k.rule, "error", err)
	}
	if k.alert != "" {
		r.orphans[k.alert] = orphan{tenant: name, keptPair: *k}
	}
}

// entry takes over what an entry of the log says.
func (r *restoring) entry(name id.Tenant, e *Entry) {
	if e.Kind != Changed || e.Change == nil {
		return
	}
	if r.tenants[name] != nil && len(e.State) > 0 {
		k := keptPair{rule: e.Rule, version: e.Version, device: e.Device, covered: e.Covered, state: e.State,
			seen: telemetry.At(e.At), severity: e.Change.Severity, number: e.Change.Number}
		if e.Change.To == alertrule.Firing {
			k.alert = e.Alert
		}
		r.keep(name, &k)
	}
	if t := r.tenants[name]; len(e.State) == 0 { // it ended with its rule or device; what is there now began afterwards
		if p := r.find(t, &keptPair{rule: e.Rule, version: e.Version, device: e.Device}); p != nil && p.alert == e.Alert {
			p.state, p.alert = p.rule.program.Start(alertrule.Known{Seen: p.device.seen, Interval: p.device.Interval}), ""
		}
	}
	if e.Change.To != alertrule.Firing {
		delete(r.orphans, e.Alert)
	} else if o, ok := r.orphans[e.Alert]; ok {
		o.entry = *e
		r.orphans[e.Alert] = o
	}
}

// agree finds what the log does not know yet although the state does, which is so when a message made several changes and
// only the first was written; and it ends the alerts that have no rule or device any more.
func (r *restoring) agree() {
	for _, t := range r.tenants {
		for _, d := range t.devices {
			for _, p := range d.pairs {
				r.agreeOn(p)
			}
			r.expect(d)
		}
	}
	for name, o := range r.orphans {
		r.close(name, &o)
	}
	r.finish()
}

func (r *restoring) agreeOn(p *pair) {
	fires := p.state.Status == alertrule.Firing
	switch {
	case fires && p.alert == "":
		r.found(p, &alertrule.Change{Number: p.state.Number, To: alertrule.Firing, Severity: p.state.Severity, At: p.state.Since, Cause: alertrule.CauseCondition})
	case !fires && p.alert != "":
		r.found(p, &alertrule.Change{Number: p.state.Number, From: alertrule.Firing, To: p.state.Status, Was: alertrule.Info, At: p.state.Since, Cause: alertrule.CauseCleared})
	}
	r.note(p, nil)
}

// close ends an alert whose rule or device is no more what it was.
func (r *restoring) close(name id.Alert, o *orphan) {
	t, why := r.tenants[o.tenant], CauseRuleEnded
	if t != nil && t.devices[o.device] == nil {
		why = CauseDeviceDeleted
	} else if t != nil {
		why = t.why(&rule{Rule: &alertrule.Rule{ID: o.rule}})
	}
	if t == nil {
		t = &tenant{id: o.tenant}
	}
	r.out = append(r.out, finding{tenant: t, entry: Entry{Kind: Changed, Alert: name, Rule: o.rule, Version: o.version, Device: o.device,
		Name: o.entry.Name, Shadow: o.entry.Shadow,
		Change: &alertrule.Change{Number: o.number + 1, From: alertrule.Firing, To: alertrule.OK, Was: o.severity, At: r.clock, Cause: why}}})
}
