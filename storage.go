package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"longwave/ingest/telemetry"
	"longwave/processors"
	"longwave/processors/engine"
	"longwave/processors/erase"
	"longwave/processors/replay"
	"longwave/processors/rollup"
	"longwave/processors/store"
	"longwave/tenants/id"
)

// database is where the tables lie when the address does not say.
const database = "longwave"

// prepareInterval is how often an external ClickHouse that was down at the start is tried again.
const prepareInterval = 5 * time.Second

// openStorage connects to ClickHouse, embedded or external.
func (p *platform) openStorage(ctx context.Context, dir *dataDir, fail context.CancelCauseFunc) (err error) {
	options := store.Options{Log: p.log, Registerer: p.registry}
	if p.ClickHouseURL == "" {
		options.Connect, options.Reader, err = p.startEngine(ctx, dir)
	} else {
		err = p.externalStorage(&options)
	}
	if err != nil {
		return fmt.Errorf("ClickHouse: %w", err)
	}
	if options.Connect.Auth.Database == "" || options.Connect.Auth.Database == "default" {
		options.Connect.Auth.Database = database
	}
	if options.Reader != nil {
		options.Reader.Auth.Database = options.Connect.Auth.Database
	}
	if p.store, err = store.New(options); err != nil {
		return err
	}
	p.down.push("storage", func(context.Context) error { return p.store.Close() })
	if err := p.prepareStorage(ctx, fail); err != nil {
		return err
	}
	return p.registry.Register(newDiskCollector(p.store))
}

// externalStorage connects to a server or cluster of the operator's.
func (p *platform) externalStorage(options *store.Options) (err error) {
	options.Cluster = p.ClickHouseCluster
	if options.Connect, err = clickhouse.ParseDSN(p.ClickHouseURL); err != nil || p.ClickHouseReaderURL == "" {
		return err
	}
	options.Policies = true
	options.Reader, err = clickhouse.ParseDSN(p.ClickHouseReaderURL)
	return err
}

// openProcessing starts what lands packets in ClickHouse, keeps rollups current and makes deletions real.
func (p *platform) openProcessing(fail context.CancelCauseFunc) (err error) {
	p.runner, err = processors.New(processors.Options{JS: p.js, Replicas: p.NATSReplicas, Store: p.store, Alive: p.alive, RemovedUpTo: p.front.RemovedUpTo, Registerer: p.registry, Log: p.log})
	if err != nil {
		return err
	}
	p.down.supervise("processors", p.runner.Run, fail)
	p.down.supervise("rollups", func(ctx context.Context) error {
		return rollup.Run(ctx, rollup.Options{Rollup: p.store.Rollup, Registerer: p.registry, Log: p.log})
	}, fail)
	p.down.supervise("deletions", func(ctx context.Context) error {
		return erase.Run(ctx, erase.Options{Pending: p.pendingErasures, Settled: p.runner.Settled, Erase: p.erase, Done: p.tenants.FinishErasure, Log: p.log})
	}, fail)
	return nil
}

// openReplays starts what does again what was done before, on a connection of its own: it reads as much as it may.
func (p *platform) openReplays(ctx context.Context, fail context.CancelCauseFunc) error {
	_, js, err := p.queues.connect(p.broker, "longwave replays", &p.down)
	if err != nil {
		return err
	}
	p.replays, err = replay.Open(ctx, replay.Options{JS: js, Replicas: p.NATSReplicas, Front: p.front, Tenants: p.tenants,
		Insert: p.store.Insert, Erase: p.erase, Forward: p.forward.Replay, Registerer: p.registry, Log: p.log})
	if err != nil {
		return err
	}
	p.down.supervise("replays", p.replays.Run, fail)
	return nil
}

// prepareStorage migrates the tables. The embedded engine is there or the start fails; a server of the operator's may
// be down, and packets are accepted all the same: they wait in the lanes until it is back.
func (p *platform) prepareStorage(ctx context.Context, fail context.CancelCauseFunc) error {
	err := p.store.Prepare(ctx)
	if err == nil || p.engine != nil || !errors.Is(err, store.ErrUnavailable) {
		return err
	}
	p.log.Warn("ClickHouse does not answer; packets are accepted and wait for it", "error", err)
	p.down.supervise("preparation of storage", func(ctx context.Context) error { return p.keepPreparing(ctx, fail) }, fail)
	return nil
}

func (p *platform) keepPreparing(ctx context.Context, fail context.CancelCauseFunc) error {
	tick := time.NewTicker(prepareInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		err := p.store.Prepare(ctx)
		if err == nil {
			p.log.Info("ClickHouse answers; what waited is being stored")
			<-ctx.Done()
			return nil
		}
		if !errors.Is(err, store.ErrUnavailable) {
			fail(err)
			return err
		}
	}
}

// startEngine starts the embedded engine and returns how to write to it and how to read from it.
func (p *platform) startEngine(ctx context.Context, dir *dataDir) (writer, reader *clickhouse.Options, err error) {
	library, err := engine.FindLibrary(p.EngineLibrary)
	if err != nil {
		return nil, nil, err
	}
	restarts := newEngineRestarts(p.registry)
	p.engine, err = engine.Start(ctx, engine.Options{Dir: dir.engine(), Library: library, Log: p.log, OnRestart: restarts.Inc})
	if err != nil {
		return nil, nil, err
	}
	p.down.push("ClickHouse engine", p.engine.Close)
	writer, reader = p.engine.Connect(), p.engine.ConnectReader()
	writer.Auth.Database, reader.Auth.Database = database, database
	return writer, reader, nil
}

// alive says whether packets of a device may still be stored.
func (p *platform) alive(t id.Tenant, d id.Device) bool {
	_, ok := p.tenants.State().Device(t, d)
	return ok
}

func (p *platform) pendingErasures() []erase.Job {
	var jobs []erase.Job
	for _, e := range p.tenants.State().Erasing() {
		jobs = append(jobs, erase.Job{Tenant: e.Tenant, Device: e.Device})
	}
	return jobs
}

func (p *platform) erase(ctx context.Context, t id.Tenant, d id.Device) (telemetry.Erased, error) {
	return p.store.ForTenant(t).Erase(ctx, d)
}
