package main

import (
	"context"

	"longwave/processors/alert"
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
	if _, js, err = p.queues.connect(p.broker, "longwave alerts", &p.down); err != nil {
		return err
	}
	p.alerts, err = alert.Open(ctx, alert.Options{
		JS: js, Directory: &alertDirectory{tenants: p.tenants}, Registerer: p.registry, Log: p.log, Replicas: p.NATSReplicas,
	})
	if err != nil {
		return err
	}
	p.down.supervise("alerts", p.alerts.Run, fail)
	return nil
}

// alertDirectory tells package alert of the rules and devices in the control log.
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
