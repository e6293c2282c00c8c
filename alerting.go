package main

import (
	"context"
	"fmt"
	"os"

	"longwave/ingest/telemetry"
	"longwave/processors/alert"
	"longwave/processors/alert/notify"
	"longwave/processors/alert/trial"
	"longwave/processors/erase"
	"longwave/tenants"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

// openAlerts starts what evaluates alert rules, and what follows the log of alerts. Each has a connection of its own: who
// evaluates reads whole lanes, and nobody waits for an acknowledgement behind that.
func (p *platform) openAlerts(ctx context.Context, fail context.CancelCauseFunc) error {
	_, js, err := p.queues.connect(p.broker, "longwave alert book", &p.down)
	if err != nil {
		return err
	}
	if p.book, err = alert.OpenBook(ctx, alert.BookOptions{JS: js, Log: p.log, Replicas: p.NATSReplicas}); err != nil {
		return err
	}
	p.down.supervise("alert book", p.book.Run, fail)
	directory := &alertDirectory{tenants: p.tenants}
	p.links = &notify.Links{Ring: p.secrets, Base: p.address()}
	notifier, err := notify.New(notify.Options{
		Book: p.book, Sender: p.forward, Directory: directory, Links: p.links, Registerer: p.registry, Log: p.log})
	if err != nil {
		return err
	}
	if _, js, err = p.queues.connect(p.broker, "longwave alerts", &p.down); err != nil {
		return err
	}
	p.alerts, err = alert.Open(ctx, alert.Options{
		JS: js, Directory: directory, Beside: notifier.Run, Registerer: p.registry, Log: p.log, Replicas: p.NATSReplicas, Process: processName(),
	})
	if err != nil {
		return err
	}
	p.down.supervise("alerts", p.alerts.Run, fail)
	p.trials, err = trial.New(func(t id.Tenant) trial.Reader { return p.store.ForTenant(t) })
	return err
}

// processName is what people know this copy of the program by.
func processName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "this machine"
	}
	return fmt.Sprintf("%s, process %d", host, os.Getpid())
}

// alertDirectory tells packages alert and notify of the rules, devices and silences in the control log.
type alertDirectory struct{ tenants *tenants.Service }

// Changed implements alert.Directory.
func (d *alertDirectory) Changed() <-chan struct{} { return d.tenants.Changed() }

// Tenants implements alert.Directory.
func (d *alertDirectory) Tenants() (list []id.Tenant) {
	state := d.tenants.State()
	for _, t := range state.Tenants() {
		if len(state.RunningAlertRules(t.ID)) > 0 {
			list = append(list, t.ID)
		}
	}
	return list
}

// Rules implements alert.Directory.
func (d *alertDirectory) Rules(t id.Tenant) []alertrule.Rule {
	return d.tenants.State().RunningAlertRules(t)
}

// Devices implements alert.Directory.
func (d *alertDirectory) Devices(t id.Tenant) (list []alertrule.Device) {
	for known := range d.tenants.State().Devices(t, "") {
		list = append(list, alertDevice(&known))
	}
	return list
}

// Device implements alert.Directory.
func (d *alertDirectory) Device(t id.Tenant, name id.Device) (alertrule.Device, bool) {
	known, ok := d.tenants.State().Device(t, name)
	return alertDevice(&known), ok
}

func alertDevice(d *tenants.Device) alertrule.Device {
	return alertrule.Device{ID: d.ID, Name: d.Name, Profile: d.Profile, Site: d.Site, Labels: d.Labels, Interval: d.Interval}
}

// Rule implements notify.Directory.
func (d *alertDirectory) Rule(t id.Tenant, name id.AlertRule) (alertrule.Rule, bool) {
	for _, r := range d.tenants.State().RunningAlertRules(t) {
		if r.ID == name {
			return r, true
		}
	}
	return alertrule.Rule{}, false
}

// Silences implements notify.Directory.
func (d *alertDirectory) Silences(t id.Tenant) (list []alertrule.Silence) {
	for _, s := range d.tenants.State().Silences(t) {
		list = append(list, s.Silence)
	}
	return list
}

// alertPart is the log of a tenant's alerts. Whoever evaluates ends what fires when the rules are gone; a count that is not
// zero has it removed again.
func (p *platform) alertPart() erase.Part {
	part := p.streamPart("entries in the log of alerts", telemetry.AlertStream, telemetry.AlertSubject)
	part.Remove = func(ctx context.Context, t id.Tenant) error {
		p.book.Forget(t)
		return p.alerts.Purge(ctx, t)
	}
	return part
}
