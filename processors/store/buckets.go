package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// bucketQuery asks for buckets of one length.
type bucketQuery struct {
	name     string // in metrics and errors
	of       selection
	from, to telemetry.Micros
	step     step
	rows     uint64        // at most; 0 means maxPoints
	timeout  time.Duration // 0 means questionTimeout
}

// selection is the series of a question. Its conditions go by the primary key, so that a question reads the granules of
// these series and no others.
type selection struct {
	series  string // condition on device and metric
	devices string // condition on device alone
	params  []any  // of both
}

// oneDevice selects a metric of a device, or all of them if none is named.
func oneDevice(d id.Device, metric string) selection {
	s := selection{series: isDevice, devices: isDevice, params: []any{device(d)}}
	if metric != "" {
		s.series += ` AND metric = {metric:String}`
		s.params = append(s.params, clickhouse.Named("metric", metric))
	}
	return s
}

const isDevice = `device = {device:String}`

func manySeries(keys []telemetry.SeriesKey) selection {
	devices, metrics := make([]string, len(keys)), make([]string, len(keys))
	for i, key := range keys {
		devices[i], metrics[i] = string(key.Device), key.Metric
	}
	return selection{
		series:  `(device, metric) IN arrayZip({devices:Array(String)}, {metrics:Array(String)})`,
		devices: `device IN {devices:Array(String)}`,
		params:  []any{clickhouse.Named("devices", devices), clickhouse.Named("metrics", metrics)},
	}
}

// deviceSeries is the answer for one series.
type deviceSeries struct {
	device string
	telemetry.Series
}

// buckets lists the series that have readings in the order of devices and metrics.
func (r *Reader) buckets(ctx context.Context, q bucketQuery) ([]deviceSeries, error) {
	var all []deviceSeries
	err := r.eachBucket(ctx, q, func(row telemetry.ExportRow) error {
		if len(all) == 0 || all[len(all)-1].device != row.Device || all[len(all)-1].Metric != row.Metric {
			all = append(all, deviceSeries{row.Device, telemetry.Series{Metric: row.Metric, Step: q.step.String()}})
		}
		last := &all[len(all)-1]
		last.Points = append(last.Points, row.Point)
		return nil
	})
	return all, err
}

// eachBucket hands out buckets in the order of devices, metrics and time.
func (r *Reader) eachBucket(ctx context.Context, q bucketQuery, yield func(telemetry.ExportRow) error) error {
	sql, params, err := r.bucketQuestion(ctx, &q)
	if err != nil {
		return err
	}
	return r.ask(ctx, question{name: q.name, sql: sql, timeout: q.timeout, params: params}, func(rows driver.Rows) error {
		var row telemetry.ExportRow
		var at int64
		if err := rows.Scan(&row.Device, &row.Metric, &at, &row.Min, &row.Max, &row.Value, &row.Count); err != nil {
			return err
		}
		row.Time = telemetry.Micros(at)
		return yield(row)
	})
}

// bucketQuestion composes the statement for buckets and widens the range to whole ones.
func (r *Reader) bucketQuestion(ctx context.Context, q *bucketQuery) (sql string, params []any, err error) {
	q.from, q.to = q.step.align(q.from, q.to)
	if q.rows == 0 {
		q.rows = maxPoints
	}
	var late pendingHours
	if q.step.source() != "" {
		// Asked for before the rollups are: an hour that is forgotten in between has been rolled up before.
		if late, err = r.pending(ctx, *q); err != nil {
			return "", nil, err
		}
	}
	params = append(span(q.from, q.to), q.of.params...)
	params = append(params, clickhouse.Named("step", int64(q.step.micros())), clickhouse.Named("rows", q.rows), clickhouse.Named("lateDevices", late.devices),
		clickhouse.Named("lateHours", late.hours), clickhouse.Named("lateDays", late.days()))
	return bucketStatement(q.step.source(), q.of, late.any()), params, nil
}

// maxPending bounds the hours that a question takes from the readings. Packets reach back at most a year, so one device
// has no more; the hours of many travel in an address of at most a megabyte.
const maxPending = 10_000

// pendingHours are hours of devices that the rollups do not know yet, as seconds since 1970. A device may occur often.
type pendingHours struct {
	devices []string
	hours   []int64
}

func (h pendingHours) any() bool { return len(h.hours) > 0 }

// days lists the day of each hour.
func (h pendingHours) days() []int64 {
	const day = int64(24 * time.Hour / time.Second)
	days := make([]int64, len(h.hours))
	for i, hour := range h.hours {
		days[i] = hour - hour%day
	}
	return days
}

func (r *Reader) pending(ctx context.Context, q bucketQuery) (pendingHours, error) {
	found := pendingHours{devices: []string{}, hours: []int64{}}
	params := append(span(q.from, q.to), clickhouse.Named("limit", maxPending+1))
	err := r.ask(ctx, question{name: "pending", sql: pendingStatement(q.of), params: append(params, q.of.params...)}, func(rows driver.Rows) error {
		var device string
		var hour int64
		err := rows.Scan(&device, &hour)
		found.devices, found.hours = append(found.devices, device), append(found.hours, hour)
		return err
	})
	if err == nil && len(found.hours) > maxPending {
		return found, fmt.Errorf("store: pending: %w: more than %d hours are not rolled up yet", ErrTooHeavy, maxPending)
	}
	return found, err
}

func pendingStatement(of selection) string {
	return `SELECT device, toInt64(toUnixTimestamp(hour)) FROM touched_of(tenant = {tenant:String})
WHERE ` + of.devices + `
    AND hour >= toStartOfHour(fromUnixTimestamp64Micro({from:Int64}, 'UTC'))
    AND hour < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
LIMIT {limit:UInt64}`
}

// bucketStatement composes the statement for a source from fixed parts: what is rolled up from the rollup, what is not
// from the next finer one, and in the end from the readings.
func bucketStatement(source string, of selection, late bool) string {
	where := of.series + ` AND ` + timeRange
	const (
		hours     = `(device, toStartOfHour(ts)) IN arrayZip({lateDevices:Array(String)}, {lateHours:Array(DateTime('UTC'))})`
		days      = `(device, toStartOfDay(ts)) IN arrayZip({lateDevices:Array(String)}, {lateDays:Array(DateTime('UTC'))})`
		hourLate  = ` AND ` + hours
		hourKnown = ` AND NOT ` + hours
		dayLate   = ` AND ` + days
		dayKnown  = ` AND NOT ` + days
	)
	rollup := func(source, which string) string {
		return `SELECT device, metric, toInt64(toUnixTimestamp(ts)) * 1000000 AS at, low, high, total, count AS n
FROM rollup_` + source + `_of(tenant = {tenant:String}) WHERE ` + where + which
	}
	readings := `SELECT device, metric, toUnixTimestamp64Micro(ts) AS at, value AS low, value AS high, value AS total, toUInt64(1) AS n
FROM readings_of(tenant = {tenant:String}) WHERE ` + where
	var parts []string
	switch {
	case source == "":
		parts = []string{readings}
	case !late:
		parts = []string{rollup(source, "")}
	case source == "1d":
		parts = []string{rollup("1d", dayKnown), rollup("1h", dayLate+hourKnown), readings + hourLate}
	default:
		parts = []string{rollup(source, hourKnown), readings + hourLate}
	}
	// Times before 1970 are refused on the way in, so intDiv rounds down.
	return `SELECT device, metric, bucket, min(low) AS lowest, max(high) AS highest, sum(total) / sum(n) AS mean, sum(n) AS readings FROM
(SELECT device, metric, intDiv(at, {step:Int64}) * {step:Int64} AS bucket, low, high, total, n FROM (` + strings.Join(parts, " UNION ALL ") + `))
GROUP BY device, metric, bucket ORDER BY device, metric, bucket LIMIT {rows:UInt64}`
}
