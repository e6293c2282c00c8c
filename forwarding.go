package main

import (
	"context"
	"fmt"
	"sync"

	"longwave/processors/forward"
	"longwave/processors/forward/outbound"
	"longwave/processors/forward/reach"
	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/web"
)

// openForwarding starts what brings packets and notifications to destinations.
func (p *platform) openForwarding(ctx context.Context, fail context.CancelCauseFunc) error {
	var smtp *reach.SMTP
	if p.SMTPURL != "" {
		var err error
		if smtp, err = reach.ParseSMTP(p.SMTPURL, p.SMTPFrom); err != nil {
			return fmt.Errorf("--smtp-url: %w", err)
		}
	}
	reacher, err := reach.New(reach.Options{Guard: outbound.New(p.AllowDestinations), SMTP: smtp, Agent: "Longwave/" + version})
	if err != nil {
		return err
	}
	if smtp != nil {
		p.mail = func(ctx context.Context, to string, m reach.Message) error {
			_, err := reacher.Reach(ctx, reach.Target{Kind: reach.Email, To: []string{to}}, m)
			return err
		}
	}
	p.down.push("connections to destinations", func(context.Context) error { reacher.Close(); return nil })
	_, js, err := p.queues.connect(p.broker, "longwave forward", &p.down)
	if err != nil {
		return err
	}
	p.forward, err = forward.Open(ctx, forward.Options{
		JS: js, Directory: &directory{tenants: p.tenants}, Reacher: reacher, Registerer: p.registry, Log: p.log, Replicas: p.NATSReplicas,
	})
	if err != nil {
		return err
	}
	p.down.supervise("destinations", p.forward.Run, fail)
	return nil
}

// destinationsCheck says how far forwarding is behind the lanes: what it has not looked through cannot make room in them.
func (p *platform) destinationsCheck(ctx context.Context) web.Check {
	lags, err := p.forward.Lag(ctx)
	behind := uint64(0)
	for _, lag := range lags {
		behind += lag.Messages
	}
	return web.Check{Name: "destinations", Detail: fmt.Sprintf("%d messages of the lanes are to be looked through for what is forwarded", behind), Err: err}
}

// directory tells package forward of the destinations in the control log.
type directory struct {
	tenants *tenants.Service

	mu       sync.Mutex
	position uint64 // of the log that list was made at
	list     []forward.Destination
}

// Destinations implements forward.Directory. The list is made anew only after the log has moved; nobody changes it.
func (d *directory) Destinations() ([]forward.Destination, <-chan struct{}) {
	changed := d.tenants.Changed() // before the state, so that no change falls between
	state := d.tenants.State()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.list == nil || d.position != state.Position() {
		d.list, d.position = []forward.Destination{}, state.Position()
		for _, known := range state.AllDestinations() {
			d.list = append(d.list, forward.Destination{
				Tenant: known.Tenant, ID: known.ID, Slug: known.Slug, Kind: kindOf(known.Kind), Own: known.Kind == tenants.NATSSubject,
				Disabled: known.Disabled, Created: known.Created, Changed: known.Changed,
			})
		}
	}
	return d.list, changed
}

func kindOf(k tenants.DestinationKind) reach.Kind {
	switch k {
	case tenants.SlackHook:
		return reach.Slack
	case tenants.Email:
		return reach.Email
	default:
		return reach.Webhook
	}
}

// Target implements forward.Directory.
func (d *directory) Target(t id.Tenant, of id.Destination) (reach.Target, error) {
	known, ok := d.tenants.State().Destination(t, of)
	if !ok {
		return reach.Target{}, tenants.ErrNotFound
	}
	secrets, err := d.tenants.DestinationSecrets(known)
	if err != nil {
		return reach.Target{}, err
	}
	target := reach.Target{Kind: kindOf(known.Kind), URL: known.URL, Keys: secrets.Keys, To: known.To}
	if secrets.Address != "" {
		target.URL = secrets.Address
	}
	return target, nil
}

// DeviceName implements forward.Directory.
func (d *directory) DeviceName(t id.Tenant, device id.Device) string {
	known, _ := d.tenants.State().Device(t, device)
	return known.Name
}
