package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"text/tabwriter"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
	"longwave/processors/engine"
	"longwave/processors/store"
	"longwave/tenants"
)

// verifyCommand compares what is kept with what it must be. It works on the data directory of a program that does not
// run, or on an external ClickHouse and an external NATS beside one that does.
type verifyCommand struct {
	Data              string    `help:"Data directory to verify; no program may use it meanwhile." default:"longwave-data" type:"path" placeholder:"DIR"`
	ClickHouseURL     string    `name:"clickhouse-url" help:"ClickHouse server to verify instead of the embedded engine's files." placeholder:"URL"`
	ClickHouseCluster string    `name:"clickhouse-cluster" help:"Cluster of --clickhouse-url over which its tables are distributed." placeholder:"NAME"`
	EngineLibrary     string    `help:"libchdb to load; found beside the binary or in node_modules when empty." type:"path" placeholder:"FILE"`
	Tenant            string    `help:"Verify this tenant's rollups only." placeholder:"ID"`
	From              time.Time `help:"Verify rollups from this time on." placeholder:"TIME"`
	To                time.Time `help:"Verify rollups before this time." placeholder:"TIME"`

	natsConfig
}

// errDiffers ends verify with an exit code that scripts see.
var errDiffers = errors.New("what is kept is not what it must be; the table above names the places")

// verification is one thing that verify looks at. It writes what is wrong, a line for each, and returns how much it
// looked at and how much of that is wrong.
type verification struct {
	name  string
	check func(ctx context.Context, wrong io.Writer) (looked, bad uint64, err error)
}

// verifications lists everything that verify looks at, in this order.
func (c *verifyCommand) verifications(s *store.Store, js jetstream.JetStream) []verification {
	return []verification{
		{"control log", func(ctx context.Context, wrong io.Writer) (uint64, uint64, error) {
			return verifyControl(ctx, s, js, wrong)
		}},
		{"files of ClickHouse", func(ctx context.Context, wrong io.Writer) (uint64, uint64, error) { return verifyFiles(ctx, s, wrong) }},
		{"rollups against readings", func(ctx context.Context, wrong io.Writer) (uint64, uint64, error) {
			return c.verifyRollups(ctx, s, wrong)
		}},
	}
}

// Run prints a table. It returns errDiffers when anything is wrong, other errors when that cannot be told.
func (c *verifyCommand) Run(ctx context.Context, stdout io.Writer) (err error) {
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	down := teardown{log: log}
	defer func() {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		err = errors.Join(err, down.unwind(stop))
	}()
	if err := c.validateNATS(); err != nil {
		return err
	}
	var dir *dataDir
	if c.ClickHouseURL == "" || c.NATSURL == "" {
		if dir, err = c.openData(&down); err != nil {
			return err
		}
	}
	queues := queueOptions{natsConfig: c.natsConfig, data: dir, log: log, durable: true, size: anySize}
	_, _, js, err := queues.open(ctx, &down)
	if err != nil {
		return err
	}
	s, err := c.openStore(ctx, dir, log, &down)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "what\tlooked at\twrong")
	total := uint64(0)
	for _, v := range c.verifications(s, js) {
		looked, bad, err := v.check(ctx, stdout)
		if err != nil {
			return fmt.Errorf("%s: %w", v.name, err)
		}
		total += bad
		fmt.Fprintf(table, "%s\t%d\t%d\n", v.name, looked, bad)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if total > 0 {
		return errDiffers
	}
	return nil
}

// openData locks a data directory that must exist: verifying a misspelt one would find it in perfect order.
func (c *verifyCommand) openData(down *teardown) (*dataDir, error) {
	if _, err := os.Stat(c.Data); err != nil {
		return nil, fmt.Errorf("--data: %w", err)
	}
	dir, err := openDataDir(c.Data)
	if err != nil {
		return nil, err
	}
	down.push("data directory", dir.release)
	return dir, nil
}

// openStore starts the engine on the data directory, or connects to the server.
func (c *verifyCommand) openStore(ctx context.Context, dir *dataDir, log *slog.Logger, down *teardown) (*store.Store, error) {
	var connect *clickhouse.Options
	var err error
	if c.ClickHouseURL != "" {
		connect, err = clickhouse.ParseDSN(c.ClickHouseURL)
	} else {
		connect, err = c.startEngine(ctx, dir, log, down)
	}
	if err != nil {
		return nil, fmt.Errorf("ClickHouse: %w", err)
	}
	if connect.Auth.Database == "" || connect.Auth.Database == "default" {
		connect.Auth.Database = database
	}
	s, err := store.Open(ctx, store.Options{Connect: connect, Cluster: c.ClickHouseCluster, Log: log})
	if err != nil {
		return nil, err
	}
	down.push("storage", func(context.Context) error { return s.Close() })
	return s, nil
}

func (c *verifyCommand) startEngine(ctx context.Context, dir *dataDir, log *slog.Logger, down *teardown) (*clickhouse.Options, error) {
	library, err := engine.FindLibrary(c.EngineLibrary)
	if err != nil {
		return nil, err
	}
	e, err := engine.Start(ctx, engine.Options{Dir: dir.engine(), Library: library, Log: log})
	if err != nil {
		return nil, err
	}
	down.push("ClickHouse engine", e.Close)
	return e.Connect(), nil
}

// verifyControl reads the whole control log and compares it with itself and with its anchors.
func verifyControl(ctx context.Context, s *store.Store, js jetstream.JetStream, wrong io.Writer) (looked, bad uint64, err error) {
	kept, err := s.Anchors(ctx)
	if err != nil {
		return 0, 0, err
	}
	anchors := make([]tenants.Anchor, len(kept))
	for i, a := range kept {
		anchors[i] = tenants.Anchor{Position: a.Position, Hash: a.Hash}
	}
	done, err := tenants.VerifyChain(ctx, js, anchors)
	var broken *tenants.ChainError
	if errors.As(err, &broken) {
		_, err := fmt.Fprintf(wrong, "control log: %s between %d and %d: %s\n", broken.Damage, broken.From, broken.To, broken.Detail)
		return broken.To, 1, err
	}
	return done.Head.Position, 0, err
}

func verifyFiles(ctx context.Context, s *store.Store, wrong io.Writer) (looked, bad uint64, err error) {
	sizes, err := s.Disk(ctx)
	if err != nil {
		return 0, 0, err
	}
	for _, size := range sizes {
		looked += size.Rows
	}
	damaged, err := s.CheckParts(ctx)
	for _, d := range damaged {
		fmt.Fprintf(wrong, "damaged: part %s of %s: %s\n", d.Part, d.Table, d.Reason)
	}
	return looked, uint64(len(damaged)), err
}

func (c *verifyCommand) verifyRollups(ctx context.Context, s *store.Store, wrong io.Writer) (looked, bad uint64, err error) {
	held, err := s.Held(ctx)
	if err != nil {
		return 0, 0, err
	}
	for _, h := range held {
		if c.Tenant != "" && string(h.Tenant) != c.Tenant {
			continue
		}
		from, to := c.within(h)
		done, err := s.VerifyRollups(ctx, h.Tenant, from, to, func(d store.Difference) error {
			_, err := fmt.Fprintf(wrong, "differs: %s of tenant %s, device %s, metric %q, %s: readings %+v, rollup %+v\n",
				d.Table, h.Tenant, d.Device, d.Metric, d.Start.Time().Format(time.RFC3339), d.Readings, d.Rollup)
			return err
		})
		if err != nil {
			return looked, bad, err
		}
		looked, bad = looked+done.Windows, bad+done.Differences
	}
	return looked, bad, nil
}

// within is the part of what a tenant has that is asked for.
func (c *verifyCommand) within(h store.Held) (from, to telemetry.Micros) {
	from, to = h.First, h.Last+1
	if !c.From.IsZero() {
		from = max(from, telemetry.At(c.From))
	}
	if !c.To.IsZero() {
		to = min(to, telemetry.At(c.To))
	}
	return from, to
}
