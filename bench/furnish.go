package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"longwave/ingest/natsd"
	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/tenants/rule"
	"longwave/tenants/seal"
)

const (
	benchOperator = "bench@example.org"
	benchPassword = "bench-only-password-on-loopback"
)

// installation is what is registered in a data directory.
type installation struct {
	tenant  string
	key     string
	devices []string // of the first tenant
	tokens  []string
	spread  []string // a token of each other tenant
}

// furnish registers tenants and devices in a directory that nobody serves yet. Through the API of a running program the
// same would take as long as all the rest: each registration waits for the disk there.
func furnish(ctx context.Context, data string, o programOptions) (made installation, err error) {
	log := slog.New(slog.DiscardHandler)
	broker, err := natsd.Start(ctx, natsd.Options{Dir: filepath.Join(data, "queues"), Log: log})
	if err != nil {
		return made, err
	}
	defer func() { err = errors.Join(err, broker.Close(context.WithoutCancel(ctx))) }()
	conn, err := broker.Connect("bench")
	if err != nil {
		return made, err
	}
	defer conn.Close()
	service, stop, err := openTenants(ctx, conn, log)
	if err != nil {
		return made, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	claim := tenants.Claim{Email: benchOperator, Name: "Bench", Password: benchPassword, Tenant: "Bench"}
	first, err := service.Claim(ctx, tenants.Actor{System: "bench"}, claim)
	if err != nil {
		return made, err
	}
	if _, err := seal.Ensure(data); err != nil { // by itself the program would make it and say so
		return made, err
	}
	actor := tenants.Actor{Person: first.Person.ID}
	made.tenant = string(first.Tenant.ID)
	if _, made.key, err = service.CreateKey(ctx, actor, first.Tenant.ID, tenants.NewKey{Name: "bench", Role: tenants.Owner}); err != nil {
		return made, err
	}
	if made.devices, made.tokens, err = register(ctx, service, actor, first.Tenant.ID, o.devices); err != nil {
		return made, err
	}
	if err := enact(ctx, service, actor, first.Tenant.ID, o.rules); err != nil {
		return made, err
	}
	for i := range o.tenants {
		tenant, err := service.CreateTenant(ctx, actor, fmt.Sprint("Tenant ", i))
		if err != nil {
			return made, err
		}
		_, tokens, err := register(ctx, service, actor, tenant.ID, 1)
		if err != nil {
			return made, err
		}
		made.spread = append(made.spread, tokens...)
	}
	return made, nil
}

func openTenants(ctx context.Context, conn *nats.Conn, log *slog.Logger) (service *tenants.Service, stop func() error, err error) {
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, nil, err
	}
	if service, err = tenants.Open(ctx, tenants.Options{JS: js, Log: log}); err != nil {
		return nil, nil, err
	}
	running, cancel := context.WithCancel(ctx)
	var group errgroup.Group
	group.Go(func() error { return service.Run(running) })
	return service, func() error {
		cancel()
		if err := group.Wait(); !errors.Is(err, context.Canceled) {
			return err
		}
		return nil
	}, nil
}

func register(ctx context.Context, service *tenants.Service, actor tenants.Actor, t id.Tenant, count int) (devices, tokens []string, err error) {
	for len(devices) < count {
		list := make([]tenants.NewDevice, min(tenants.MaxBulk, count-len(devices)))
		for i := range list {
			list[i].Name = fmt.Sprint("bench-", len(devices)+i)
		}
		made, err := service.CreateDevices(ctx, actor, t, list)
		if err != nil {
			return nil, nil, err
		}
		for _, one := range made {
			devices, tokens = append(devices, string(one.Device.ID)), append(tokens, one.Token)
		}
	}
	return devices, tokens, nil
}

// enact gives a tenant rules that look at every packet and match none: one half asks for another device, the other half
// for a value that every packet has.
func enact(ctx context.Context, service *tenants.Service, actor tenants.Actor, t id.Tenant, count int) error {
	for i := range count {
		when := fmt.Sprintf("temp > %d", 9000+i)
		if i%2 == 0 {
			when = fmt.Sprintf(`device.id == "d-elsewhere-%d" and temp > 0`, i)
		}
		drafted, err := service.DraftRule(ctx, actor, t, rule.Rule{Name: fmt.Sprint("Rule ", i), When: when, Then: rule.Then{Lane: "critical"}})
		if err != nil {
			return err
		}
		if _, err := service.EnableRule(ctx, actor, t, drafted.ID, "bench"); err != nil {
			return err
		}
	}
	return nil
}
