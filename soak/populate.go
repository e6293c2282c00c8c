package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/natsd"
	"longwave/tenants"
)

// populators is how many tenants are made at once: their events share the disk's syncs.
const populators = 32

// populate makes tenants, each with a key, and devices in them, in the data directory of a program that does not run.
// Through the pages it would take a click for each.
func populate(ctx context.Context, data string, p plan) (devices []device, err error) {
	broker, err := natsd.Start(ctx, natsd.Options{Dir: filepath.Join(data, "queues"), SyncAlways: true, MaxStore: 64 << 30, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, broker.Close(context.WithoutCancel(ctx))) }()
	conn, err := broker.Connect("soak")
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return nil, err
	}
	service, err := tenants.Open(ctx, tenants.Options{JS: js, Replicas: 1, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(ctx)
	var tail sync.WaitGroup
	tail.Go(func() { _ = service.Run(running) }) // what fails shows in the commands that wait for it
	defer tail.Wait()
	defer stop()
	return register(ctx, service, p)
}

func register(ctx context.Context, service *tenants.Service, p plan) ([]device, error) {
	owner, err := service.SignIn(ctx, tenants.Credentials{Email: operator, Password: password, Address: "127.0.0.1"})
	if err != nil {
		return nil, err
	}
	actor := tenants.Actor{Person: owner.ID}
	devices, errs := make([]device, p.shape.devices), make([]error, p.tenants)
	var workers sync.WaitGroup
	places := make(chan struct{}, populators)
	for n := range p.tenants {
		places <- struct{}{}
		workers.Go(func() {
			errs[n] = registerTenant(ctx, service, actor, p.part(n, devices))
			<-places
		})
	}
	workers.Wait()
	return devices, errors.Join(errs...)
}

// part is one tenant of a plan: its name, and where its devices go.
type part struct {
	name    string
	devices []*device
}

// part is the tenant of that number with every of devices that is its.
func (p plan) part(number int, devices []device) part {
	one := part{name: fmt.Sprintf("%sTenant %d", p.names, number)}
	for i := number; i < len(devices); i += p.tenants {
		devices[i].Name = fmt.Sprintf("%sdevice-%d", p.names, i)
		one.devices = append(one.devices, &devices[i])
	}
	return one
}

// registerTenant makes a tenant with its devices.
func registerTenant(ctx context.Context, service *tenants.Service, actor tenants.Actor, p part) error {
	tenant, err := service.CreateTenant(ctx, actor, p.name)
	if err != nil {
		return err
	}
	_, key, err := service.CreateKey(ctx, actor, tenant.ID, tenants.NewKey{Name: "soak", Role: tenants.Owner})
	if err != nil {
		return err
	}
	for _, d := range p.devices {
		made, token, err := service.CreateDevice(ctx, actor, tenant.ID, tenants.NewDevice{Name: d.Name})
		if err != nil {
			return err
		}
		*d = device{ID: string(made.ID), Name: d.Name, Token: token, Tenant: string(tenant.ID), Key: key}
	}
	return nil
}
