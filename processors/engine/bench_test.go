package engine_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

const benchDDL = `CREATE TABLE readings (tenant LowCardinality(String), device LowCardinality(String), metric LowCardinality(String),
	ts DateTime64(6, 'UTC'), value Float64) ENGINE = ReplacingMergeTree ORDER BY (tenant, device, metric, ts, value)
	SETTINGS fsync_after_insert=1, fsync_part_directory=1`

func insertReadings(ctx context.Context, c driver.Conn, from, n int) error {
	b, err := c.PrepareBatch(ctx, "INSERT INTO readings (tenant, device, metric, ts, value)")
	if err != nil {
		return err
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := from; i < from+n; i++ {
		if err := b.Append("acme", fmt.Sprintf("device-%d", i%100), "temperature", start.Add(time.Duration(i)*time.Millisecond), float64(i)); err != nil {
			return err
		}
	}
	return b.Send()
}

// BenchmarkInsert is one batch per operation, from values in Go to rows on the disk.
func BenchmarkInsert(b *testing.B) {
	for _, size := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			w, _ := open(b)
			must(b, w.Exec(b.Context(), benchDDL))
			at := 0
			for b.Loop() {
				must(b, insertReadings(b.Context(), w, at, size))
				at += size
			}
			b.ReportMetric(float64(at)/b.Elapsed().Seconds(), "rows/s")
			var n uint64
			must(b, w.QueryRow(b.Context(), "SELECT count() FROM readings").Scan(&n))
			if n != uint64(at) {
				b.Fatalf("%d rows of %d", n, at)
			}
		})
	}
}

func BenchmarkSelectOne(b *testing.B) {
	_, r := open(b)
	for b.Loop() {
		must(b, r.QueryRow(b.Context(), "SELECT 1").Scan(new(uint8)))
	}
}

func BenchmarkSelectMillion(b *testing.B) {
	_, r := open(b)
	for b.Loop() {
		rows, err := r.Query(b.Context(), "SELECT toDateTime64(number, 3, 'UTC'), toFloat64(number) FROM numbers(1000000)")
		must(b, err)
		var at time.Time
		var v float64
		for rows.Next() {
			must(b, rows.Scan(&at, &v))
		}
		must(b, rows.Err())
	}
}

func BenchmarkStart(b *testing.B) {
	dir := b.TempDir()
	for b.Loop() {
		e := own(b, dir, nil)
		b.ReportMetric(float64(residentBytes(b, e.Health().PID)>>20), "MB-resident")
		b.StopTimer()
		stop(b, e)
		b.StartTimer()
	}
}
