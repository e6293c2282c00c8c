package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// parquet makes a file that every reader knows, in groups that take some megabytes of memory each.
func parquet(settings clickhouse.Settings) clickhouse.Settings {
	settings["output_format_parquet_row_group_size"] = 250_000
	settings["output_format_parquet_compression_method"] = "zstd"
	settings["output_format_parquet_string_as_string"] = 1
	return settings
}

// ExportParquet writes what the query asks for as one Parquet file: device, metric, time in UTC with microseconds, and
// value; for buckets also min, max and count. The order is that of Export; After must be nil. A file that ends with an
// error is not readable. It returns ErrInvalid for more than 10 000 devices or a step that is none of ours, and
// telemetry.ErrNoFile when ClickHouse is asked over its native protocol.
func (r *Reader) ExportParquet(ctx context.Context, q telemetry.ExportQuery, out io.Writer) error {
	if len(q.Devices) > maxLatest || q.After != nil {
		return fmt.Errorf("store: parquet: %w: one file is one question, of at most %d devices from their beginning", ErrInvalid, maxLatest)
	}
	s, err := exportStep(q.Step)
	if err != nil {
		return err
	}
	of := leg{devices: q.Devices}.selection(q.Metrics)
	if s != 0 {
		return r.bucketFile(ctx, bucketQuery{name: "parquet", of: of, from: q.From, to: q.To, step: s, rows: most(q.Limit), timeout: streamTimeout}, out)
	}
	params := append(append(span(q.From, q.To), of.params...), clickhouse.Named("limit", most(q.Limit)))
	sql := `SELECT device, metric, ts AS time, value FROM readings_of(tenant = {tenant:String})
WHERE ` + of.series + ` AND ` + timeRange + ` ORDER BY device, metric, ts, value LIMIT {limit:UInt64}`
	return r.file(ctx, question{name: "parquet", sql: sql, timeout: streamTimeout, byKey: true, params: params}, out)
}

func (r *Reader) bucketFile(ctx context.Context, q bucketQuery, out io.Writer) error {
	sql, params, err := r.bucketQuestion(ctx, &q)
	if err != nil {
		return err
	}
	sql = `SELECT device, metric, fromUnixTimestamp64Micro(bucket, 'UTC') AS time, mean AS value, lowest AS min, highest AS max, readings AS count FROM (` + sql + `)`
	return r.file(ctx, question{name: q.name, sql: sql, timeout: q.timeout, params: params}, out)
}

// file runs a question whose answer ClickHouse writes as Parquet.
func (r *Reader) file(ctx context.Context, q question, out io.Writer) error {
	return r.measured(ctx, q, func(ctx, caller context.Context, params []any) error {
		answer, err := r.store.read.QueryFormat(clickhouse.Context(ctx, clickhouse.WithSettings(parquet(r.settings(q)))), "Parquet", q.sql, params...)
		if errors.Is(err, clickhouse.ErrFormatNativeUnsupported) {
			return fmt.Errorf("%w: %w", telemetry.ErrNoFile, err)
		}
		if err != nil {
			return readError(caller, err)
		}
		defer func() { _ = answer.Close() }()
		writing := &written{to: out}
		if _, err = io.Copy(writing, answer); writing.err != nil {
			return writing.err
		}
		return readError(caller, err)
	})
}

// written remembers whether it was the reader of a copy that failed, or the one that it is for.
type written struct {
	to  io.Writer
	err error
}

// Write is the writer's own.
func (w *written) Write(p []byte) (n int, err error) {
	n, err = w.to.Write(p)
	w.err = err
	return n, err
}

// exactExtent is the longest range of which stored rows are counted; in longer ones the windows of hours say it.
const exactExtent = telemetry.Micros(6 * time.Hour / time.Microsecond)

// Extent says about how many rows an export has, and of how many series: rows that are stored twice count twice until
// they are merged, and in a range of more than six hours what was not rolled up yet is left out. Limit and After are ignored.
func (r *Reader) Extent(ctx context.Context, q telemetry.ExportQuery) (telemetry.Extent, error) {
	var all telemetry.Extent
	s, err := exportStep(q.Step)
	if err != nil || q.From >= q.To {
		return all, err
	}
	buckets := int64(math.MaxInt64)
	if s != 0 {
		buckets = int64((q.To-q.From)/s.micros()) + 1
	}
	for devices := range slices.Chunk(q.Devices, maxLatest) {
		part, err := r.extent(ctx, q, devices, buckets)
		if err != nil {
			return all, err
		}
		all.Rows, all.Series = all.Rows+part.Rows, all.Series+part.Series
	}
	return all, nil
}

func (r *Reader) extent(ctx context.Context, q telemetry.ExportQuery, devices []id.Device, buckets int64) (telemetry.Extent, error) {
	of := leg{devices: devices}.selection(q.Metrics)
	rows, from := `count()`, `stored_readings_of`
	if q.To-q.From > exactExtent {
		rows, from = `sum(count)`, `rollup_1h_of`
	}
	sql := `SELECT sum(least(rows, {buckets:UInt64})), count() FROM (SELECT ` + rows + ` AS rows FROM ` + from + `(tenant = {tenant:String})
WHERE ` + of.series + ` AND ` + timeRange + ` GROUP BY device, metric)`
	var e telemetry.Extent
	params := append(append(span(q.From, q.To), of.params...), clickhouse.Named("buckets", buckets))
	err := r.ask(ctx, question{name: "extent", sql: sql, byKey: true, params: params}, func(rows driver.Rows) error { return rows.Scan(&e.Rows, &e.Series) })
	return e, err
}
