package main

import (
	"bufio"
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"

	"longwave/ingest/telemetry"
	"longwave/web/export"
)

// taken counts what an export writes.
type taken struct{ bytes int64 }

func (t *taken) Write(p []byte) (int, error) {
	t.bytes += int64(len(p))
	return len(p), nil
}

// measureExports takes every reading of a tenant away, in each form, and says how much memory that needs.
func measureExports(ctx context.Context, b *bench) ([]table, error) {
	d, err := openDatabase(ctx, b.settings, nil)
	if err != nil {
		return nil, err
	}
	defer d.close()
	f, err := d.fill(ctx, b.readings)
	if err != nil {
		return nil, err
	}
	t := table{
		title:   "Exports",
		columns: []string{"what of one tenant", "rows", "rows/s", "CPU ns/row: program + engine", "bytes/row", "resident MB of the engine, most", "heap MB of the program, most"},
		note:    "Read from the embedded engine through the store and written to nobody, without HTTP. What is resident contains the engine's caches and merges.",
	}
	q := telemetry.ExportQuery{From: telemetry.At(f.start()), To: telemetry.At(f.end)}
	for i := range f.perTenant {
		q.Devices = append(q.Devices, benchDevice(i))
	}
	slices.Sort(q.Devices)
	for _, form := range []struct {
		name   string
		format export.Format
		step   time.Duration
	}{{"every reading as CSV", export.CSV, 0}, {"every reading as NDJSON", export.NDJSON, 0}, {"every reading as Parquet", export.Parquet, 0}, {"minutes as CSV", export.CSV, time.Minute}} {
		q.Step = form.step
		row, err := d.export(ctx, export.File{Query: q, Format: form.format})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", form.name, err)
		}
		t.rows = append(t.rows, append([]string{form.name}, row...))
		progress("%s: %s", form.name, row)
	}
	return []table{t}, nil
}

// export takes one file away.
func (d *database) export(ctx context.Context, f export.File) ([]string, error) {
	f.Name, f.Unit = func(device string) string { return "device " + device }, func(string) string { return "°C" }
	reader := counting{Reader: d.store.ForTenant(benchTenant(0))}
	var to taken
	program, engine, began := ownTime(), d.used(), time.Now()
	high := d.highest(ctx)
	if err := export.Stream(ctx, &reader, f, bufio.NewWriterSize(&to, 64<<10)); err != nil {
		return nil, err
	}
	took := time.Since(began).Seconds()
	resident, heap := high()
	program, engine = ownTime()-program, d.used()-engine
	if f.Format == export.Parquet {
		extent, err := reader.Extent(ctx, f.Query)
		if err != nil {
			return nil, err
		}
		reader.rows = int64(extent.Rows)
	}
	per := func(spent time.Duration) string { return number(float64(spent.Nanoseconds()) / float64(reader.rows)) }
	return []string{count(reader.rows), number(float64(reader.rows) / took), per(program) + " + " + per(engine), number(float64(to.bytes) / float64(reader.rows)), megabytes(resident), megabytes(int64(heap))}, nil
}

// counting counts the rows that pass.
type counting struct {
	export.Reader
	rows int64
}

// Export is the reader's own.
func (c *counting) Export(ctx context.Context, q telemetry.ExportQuery, yield func(telemetry.ExportRow) error) error {
	return c.Reader.Export(ctx, q, func(row telemetry.ExportRow) error {
		c.rows++
		return yield(row)
	})
}

// highest follows what is resident of the engine and the heap of this program until it is asked for the most of each.
func (d *database) highest(ctx context.Context) (most func() (resident int64, heap uint64)) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	var resident int64
	var heap uint64
	go func() {
		defer close(done)
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			_, now := usage(d.engine.Health().PID)
			resident, heap = max(resident, now), max(heap, m.HeapInuse)
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() (int64, uint64) {
		cancel()
		<-done
		return resident, heap
	}
}
