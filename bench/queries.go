package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"longwave/ingest/telemetry"
	"longwave/processors/store"
	"longwave/tenants/id"
)

// question is what is asked of the store, over thirty days of readings.
type question struct {
	name string
	ask  func(context.Context, *store.Store, filled) error
}

func questions() []question {
	const day = 24 * time.Hour
	series := func(length time.Duration, points int) func(context.Context, *store.Store, filled) error {
		return func(ctx context.Context, s *store.Store, f filled) error {
			_, err := s.ForTenant(benchTenant(0)).Series(ctx, telemetry.SeriesQuery{Device: benchDevice(7), Metric: "m-1", From: telemetry.At(f.end.Add(-length)), To: telemetry.At(f.end), MaxPoints: points})
			return err
		}
	}
	top := func(t id.Tenant, length time.Duration) func(context.Context, *store.Store, filled) error {
		return func(ctx context.Context, s *store.Store, f filled) error {
			_, err := s.ForTenant(t).Top(ctx, telemetry.TopQuery{Metric: "m-0", From: telemetry.At(f.end.Add(-length)), To: telemetry.At(f.end), Count: 10})
			return err
		}
	}
	return []question{
		{"latest values of 1,000 devices", func(ctx context.Context, s *store.Store, _ filled) error {
			devices := make([]id.Device, 1000)
			for i := range devices {
				devices[i] = benchDevice(i * 7)
			}
			_, err := s.ForTenant(fleetTenant()).LatestOf(ctx, devices)
			return err
		}},
		{"24 h of one series, every reading", series(day, 10_000)},
		{"24 h of one series, 1,000 points", series(day, 1000)},
		{"30 days of one series, 1,000 points", series(filledDays*day, 1000)},
		{"30 days of 50 series, 720 points each, one question", fiftySeries},
		{"the same as 50 questions, 8 at a time", fiftyQuestions},
		{"24 h of all metrics of a device, 60 points each", func(ctx context.Context, s *store.Store, f filled) error {
			_, err := s.ForTenant(benchTenant(0)).Overview(ctx, benchDevice(7), telemetry.At(f.end.Add(-day)), telemetry.At(f.end), 60)
			return err
		}},
		{"a fleet of 10,000 devices: when each was heard of", func(ctx context.Context, s *store.Store, _ filled) error {
			_, err := s.ForTenant(fleetTenant()).Activity(ctx)
			return err
		}},
		{"top 10 of a tenant over 24 h", top(benchTenant(0), day)},
		{"top 10 of 10,000 devices over 24 h", top(fleetTenant(), day)},
	}
}

func fiftySeries(ctx context.Context, s *store.Store, f filled) error {
	q := telemetry.ManyQuery{From: telemetry.At(f.start()), To: telemetry.At(f.end), MaxPoints: 1000}
	for i := range 50 {
		q.Series = append(q.Series, telemetry.SeriesKey{Device: benchDevice(i / valuesPerPacket), Metric: metricName(i % valuesPerPacket)})
	}
	got, err := s.ForTenant(benchTenant(0)).SeriesMany(ctx, q)
	if err == nil && len(got) != len(q.Series) {
		err = fmt.Errorf("%d of %d series are there", len(got), len(q.Series))
	}
	return err
}

func fiftyQuestions(ctx context.Context, s *store.Store, f filled) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i := range 50 {
		group.Go(func() error {
			_, err := s.ForTenant(benchTenant(0)).Series(ctx, telemetry.SeriesQuery{Device: benchDevice(i / valuesPerPacket), Metric: metricName(i % valuesPerPacket), From: telemetry.At(f.start()), To: telemetry.At(f.end), MaxPoints: 1000})
			return err
		})
	}
	return group.Wait()
}

// asked is a question with what it took.
type asked struct {
	cold, warm time.Duration
	cpu        time.Duration // of the engine, warm: the same on a busy machine
	reads      string
}

// warmTimes is how often a warm question is asked; the median counts.
const warmTimes = 9

// ask asks every question cold and warm.
func (d *database) ask(ctx context.Context, e *explainer, f filled) (map[string]asked, error) {
	all := map[string]asked{}
	for _, q := range questions() {
		if err := d.forget(ctx); err != nil {
			return nil, err
		}
		cold, err := timed(func() error { return q.ask(ctx, d.store, f) })
		if err != nil {
			return nil, fmt.Errorf("%s: %w", q.name, err)
		}
		one := asked{cold: cold}
		var warm []time.Duration
		before := d.used()
		for range warmTimes {
			took, err := timed(func() error { return q.ask(ctx, d.store, f) })
			if err != nil {
				return nil, fmt.Errorf("%s: %w", q.name, err)
			}
			warm = append(warm, took)
		}
		one.cpu = (d.used() - before) / warmTimes
		slices.Sort(warm)
		one.warm = warm[len(warm)/2]
		if one.reads, err = e.of(func() error { return q.ask(ctx, d.store, f) }); err != nil {
			return nil, fmt.Errorf("%s: %w", q.name, err)
		}
		all[q.name] = one
		progress("%s: %s ms cold, %s ms warm, %s ms of CPU, %s", q.name, milliseconds(one.cold), milliseconds(one.warm), milliseconds(one.cpu), one.reads)
	}
	return all, nil
}

func timed(do func() error) (time.Duration, error) {
	began := time.Now()
	err := do()
	return time.Since(began), err
}

func milliseconds(d time.Duration) string { return number(float64(d.Microseconds()) / 1000) }

// forget empties the engine's caches and lets the kernel drop the tables' files from memory.
func (d *database) forget(ctx context.Context) error {
	for _, cache := range []string{"MARK", "UNCOMPRESSED"} {
		if err := d.conn.Exec(ctx, "SYSTEM DROP "+cache+" CACHE"); err != nil {
			return err
		}
	}
	unix.Sync() // what is not on the disk yet cannot be dropped
	return filepath.WalkDir(d.dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return nil // a part that was merged away meanwhile
		}
		file, err := os.Open(path)
		if err != nil {
			return nil
		}
		defer file.Close()
		return unix.Fadvise(int(file.Fd()), 0, 0, unix.FADV_DONTNEED)
	})
}

// measureQueries asks the store over as many readings as the settings say.
func measureQueries(ctx context.Context, b *bench) ([]table, error) {
	got, f, kept, err := b.storedAndAsked(ctx, b.readings)
	if err != nil {
		return nil, err
	}
	result := table{
		title:   fmt.Sprintf("Questions over %s readings", count(f.readings())),
		columns: []string{"question", "cold ms", "warm ms", "CPU ms of the engine, warm", "granules read of those of the table"},
		note: fmt.Sprintf("%s; %d tenants with %d devices of four metrics, one reading in %.0f s for 30 days, and one with 10,000 devices; the newest hour is not rolled up yet. "+
			"Asked through the store, its gate for each tenant included, without HTTP. Cold: caches of ClickHouse and of the kernel emptied. Warm: median of %d. A granule is 8,192 readings or 4,096 windows.",
			kept, f.tenants, f.perTenant, filledSeconds/float64(f.series), warmTimes),
	}
	for _, q := range questions() {
		one := got[q.name]
		result.rows = append(result.rows, []string{q.name, milliseconds(one.cold), milliseconds(one.warm), milliseconds(one.cpu), one.reads})
	}
	if b.recordings != "" {
		bytes, readings, err := b.recorded(ctx)
		if err != nil {
			return nil, fmt.Errorf("-recordings: %w", err)
		}
		result.note += fmt.Sprintf(" A reading of the recorded series, %s of them, takes %.2f bytes.", number(readings), bytes)
	}
	return []table{result}, nil
}

// storedAndAsked fills an engine of its own, asks, and leaves nothing behind.
func (b *bench) storedAndAsked(ctx context.Context, readings int64) (got map[string]asked, f filled, kept string, err error) {
	var e *explainer
	serving, stop := context.WithCancel(ctx)
	defer stop()
	d, err := openDatabase(ctx, b.settings, func(o *clickhouse.Options) { e, err = explain(serving, b.dir, o) })
	if err != nil {
		return nil, f, "", err
	}
	defer d.close()
	began := time.Now()
	if f, err = d.fill(ctx, readings); err != nil {
		return nil, f, "", err
	}
	progress("%s readings in %s", count(f.readings()), time.Since(began).Round(time.Second))
	if kept, err = d.kept(ctx); err != nil {
		return nil, f, "", err
	}
	got, err = d.ask(ctx, e, f)
	return got, f, kept, err
}

// kept says what the tables take on disk.
func (d *database) kept(ctx context.Context) (string, error) {
	sizes, err := d.store.Disk(ctx)
	if err != nil {
		return "", err
	}
	readings, rollups := 0.0, uint64(0)
	for _, size := range sizes {
		switch size.Table {
		case "readings":
			readings = float64(size.Bytes) / float64(max(size.Rows, 1))
		case "rollup_1m", "rollup_1h", "rollup_1d":
			rollups += size.Bytes
		}
	}
	return fmt.Sprintf("%.2f bytes a reading, %s MB of rollups", readings, megabytes(int64(rollups))), nil
}
