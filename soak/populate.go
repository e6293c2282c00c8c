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
	broker, err := natsd.Start(ctx, natsd.Options{Dir: filepath.Join(data, "queues"), SyncAlways: true, MaxStore: 4 << 30, Log: slog.New(slog.DiscardHandler)})
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
			errs[n] = registerTenant(ctx, service, actor, n, p.tenants, devices)
			<-places
		})
	}
	workers.Wait()
	return devices, errors.Join(errs...)
}

// registerTenant makes the tenant of that number and every of devices that is its.
func registerTenant(ctx context.Context, service *tenants.Service, actor tenants.Actor, number, of int, devices []device) error {
	tenant, err := service.CreateTenant(ctx, actor, fmt.Sprintf("Tenant %d", number))
	if err != nil {
		return err
	}
	_, key, err := service.CreateKey(ctx, actor, tenant.ID, tenants.NewKey{Name: "soak", Role: tenants.Owner})
	if err != nil {
		return err
	}
	for i := number; i < len(devices); i += of {
		name := fmt.Sprintf("device-%d", i)
		made, token, err := service.CreateDevice(ctx, actor, tenant.ID, tenants.NewDevice{Name: name})
		if err != nil {
			return err
		}
		devices[i] = device{ID: string(made.ID), Name: name, Token: token, Tenant: string(tenant.ID), Key: key}
	}
	return nil
}
