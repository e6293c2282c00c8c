package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

const (
	// maxPoints bounds an answer that is held in memory: ten times the pixels of a wide screen.
	maxPoints = 50_000

	raw = "raw"
)

// timeRange stands in every statement that reads a time range.
const timeRange = `ts >= fromUnixTimestamp64Micro({from:Int64}, 'UTC') AND ts < fromUnixTimestamp64Micro({to:Int64}, 'UTC')`

const selectRaw = `SELECT toUnixTimestamp64Micro(ts) AS at, value
FROM readings_of(tenant = {tenant:String})
WHERE device = {device:String} AND metric = {metric:String} AND ` + timeRange + `
ORDER BY ts, value LIMIT {limit:UInt64}`

// Series answers a question about one metric: every reading when they are at most MaxPoints, otherwise buckets with
// their extremes; buckets also when most of the rows are repetitions that are not merged away yet. Buckets are aligned
// to 1970 in UTC and whole: the first may begin before From, the last end after To. It returns ErrInvalid for a MaxPoints below 1 or a range that no step divides into so few buckets.
func (r *Reader) Series(ctx context.Context, q telemetry.SeriesQuery) (telemetry.Series, error) {
	answer := telemetry.Series{Metric: q.Metric, Step: raw}
	if q.MaxPoints < 1 {
		return answer, fmt.Errorf("store: series: %w: at most %d points", ErrInvalid, q.MaxPoints)
	}
	if q.From >= q.To {
		return answer, nil
	}
	q.MaxPoints = min(q.MaxPoints, maxPoints)
	few, err := r.few(ctx, q)
	if err != nil {
		return answer, err
	}
	if few {
		points, err := r.readings(ctx, q)
		if err != nil {
			return answer, err
		}
		if len(points) <= q.MaxPoints {
			answer.Points = points
			return answer, nil
		}
	}
	s, err := stepFor(q.From, q.To, q.MaxPoints)
	if err != nil {
		return answer, fmt.Errorf("store: series: %w", err)
	}
	found, err := r.buckets(ctx, "series", bucketQuery{device: q.Device, metric: q.Metric, from: q.From, to: q.To, step: s})
	if err != nil {
		return answer, err
	}
	if len(found) == 1 { // none if the readings expired in between
		answer = found[0]
	}
	answer.Step = s.String()
	return answer, nil
}

const selectFew = `SELECT count() FROM (SELECT 1 FROM stored_readings_of(tenant = {tenant:String})
WHERE device = {device:String} AND metric = {metric:String} AND ` + timeRange + ` LIMIT {limit:UInt64})`

// repetitions is how many rows a reading may have on average for few to be sure of itself.
const repetitions = 4

// few says whether there may be at most MaxPoints readings. To remove the repetitions of a month in order to find out
// that it has too many readings costs several times the answer itself; to look at as many rows as there may be does not.
func (r *Reader) few(ctx context.Context, q telemetry.SeriesQuery) (bool, error) {
	limit := repetitions*q.MaxPoints + 1
	var rows uint64
	params := append(span(q.From, q.To), device(q.Device), clickhouse.Named("metric", q.Metric), clickhouse.Named("limit", limit))
	err := r.ask(ctx, question{name: "few", sql: selectFew, params: params}, func(found driver.Rows) error { return found.Scan(&rows) })
	return rows < uint64(limit), err
}

// readings returns one reading more than asked for when there are more.
func (r *Reader) readings(ctx context.Context, q telemetry.SeriesQuery) ([]telemetry.Point, error) {
	var points []telemetry.Point
	params := append(span(q.From, q.To), device(q.Device), clickhouse.Named("metric", q.Metric), clickhouse.Named("limit", q.MaxPoints+1))
	err := r.ask(ctx, question{name: "readings", sql: selectRaw, params: params}, func(rows driver.Rows) error {
		p, err := scanReading(rows)
		points = append(points, p)
		return err
	})
	return points, err
}

func scanReading(rows driver.Rows) (telemetry.Point, error) {
	p := telemetry.Point{Count: 1}
	var at int64
	err := rows.Scan(&at, &p.Value)
	p.Time, p.Min, p.Max = telemetry.Micros(at), p.Value, p.Value
	return p, err
}

// Overview answers for every metric of a device at once, in buckets of which there are at most points: for sparklines.
// It returns ErrInvalid as Series does. Metrics are in the order of their names; the answer ends after 50 000 buckets, because a
// device that names metrics after counters must not bury a page.
func (r *Reader) Overview(ctx context.Context, d id.Device, from, to telemetry.Micros, points int) ([]telemetry.Series, error) {
	if points < 1 {
		return nil, fmt.Errorf("store: overview: %w: at most %d points", ErrInvalid, points)
	}
	if from >= to {
		return nil, nil
	}
	s, err := stepFor(from, to, min(points, maxPoints))
	if err != nil {
		return nil, fmt.Errorf("store: overview: %w", err)
	}
	return r.buckets(ctx, "overview", bucketQuery{device: d, from: from, to: to, step: s})
}

// bucketQuery asks for buckets of one metric, or of all if none is named.
type bucketQuery struct {
	device   id.Device
	metric   string
	from, to telemetry.Micros
	step     step
}

func (r *Reader) buckets(ctx context.Context, name string, q bucketQuery) ([]telemetry.Series, error) {
	q.from, q.to = q.step.align(q.from, q.to)
	var pending []int64
	if q.step.source() != "" {
		var err error
		// Asked for before the rollups are: an hour that is forgotten in between has been rolled up before.
		if pending, err = r.pendingHours(ctx, q); err != nil {
			return nil, err
		}
	}
	params := append(span(q.from, q.to), device(q.device), clickhouse.Named("metric", q.metric), clickhouse.Named("step", int64(q.step.micros())),
		clickhouse.Named("hours", pending), clickhouse.Named("days", daysOf(pending)), clickhouse.Named("rows", maxPoints))
	var all []telemetry.Series
	err := r.ask(ctx, question{name: name, sql: bucketStatement(q.step.source(), q.metric != "", len(pending) > 0), params: params}, func(rows driver.Rows) error {
		var metric string
		var at int64
		var p telemetry.Point
		if err := rows.Scan(&metric, &at, &p.Min, &p.Max, &p.Value, &p.Count); err != nil {
			return err
		}
		p.Time = telemetry.Micros(at)
		if len(all) == 0 || all[len(all)-1].Metric != metric {
			all = append(all, telemetry.Series{Metric: metric, Step: q.step.String()})
		}
		last := &all[len(all)-1]
		last.Points = append(last.Points, p)
		return nil
	})
	return all, err
}

// Packets reach back at most a year, so a device cannot have more hours than this touched.
const maxPending = 10_000

const selectPending = `SELECT toInt64(toUnixTimestamp(hour)) FROM touched_of(tenant = {tenant:String})
WHERE device = {device:String}
    AND hour >= toStartOfHour(fromUnixTimestamp64Micro({from:Int64}, 'UTC'))
    AND hour < fromUnixTimestamp64Micro({to:Int64}, 'UTC')
ORDER BY hour LIMIT {limit:UInt64}`

// pendingHours lists the hours that the rollups do not know yet, as seconds since 1970.
func (r *Reader) pendingHours(ctx context.Context, q bucketQuery) ([]int64, error) {
	hours := []int64{}
	params := append(span(q.from, q.to), device(q.device), clickhouse.Named("limit", maxPending+1))
	err := r.ask(ctx, question{name: "pending", sql: selectPending, params: params}, func(rows driver.Rows) error {
		var hour int64
		err := rows.Scan(&hour)
		hours = append(hours, hour)
		return err
	})
	if err == nil && len(hours) > maxPending {
		return nil, fmt.Errorf("store: pending: %w: more than %d hours are not rolled up yet", ErrTooHeavy, maxPending)
	}
	return hours, err
}

// daysOf lists the days of hours in order.
func daysOf(hours []int64) []int64 {
	const day = int64(24 * time.Hour / time.Second)
	days := make([]int64, len(hours))
	for i, h := range hours {
		days[i] = h - h%day
	}
	return slices.Compact(days)
}

// bucketStatement composes the statement for a source from fixed parts: what is rolled up from the rollup, what is not
// from the next finer one, and in the end from the readings.
func bucketStatement(source string, oneMetric, pending bool) string {
	where := `device = {device:String} AND ` + timeRange
	if oneMetric {
		where += ` AND metric = {metric:String}`
	}
	const (
		hourPending = `toStartOfHour(ts) IN {hours:Array(DateTime('UTC'))}`
		hourKnown   = `toStartOfHour(ts) NOT IN {hours:Array(DateTime('UTC'))}`
		dayPending  = `toStartOfDay(ts) IN {days:Array(DateTime('UTC'))}`
		dayKnown    = `toStartOfDay(ts) NOT IN {days:Array(DateTime('UTC'))}`
	)
	rollup := func(table string, which ...string) string {
		return `SELECT metric, toInt64(toUnixTimestamp(ts)) * 1000000 AS at, low, high, total, count AS n FROM ` + table +
			`(tenant = {tenant:String}) WHERE ` + strings.Join(append([]string{where}, which...), " AND ")
	}
	readings := `SELECT metric, toUnixTimestamp64Micro(ts) AS at, value AS low, value AS high, value AS total, toUInt64(1) AS n
FROM readings_of(tenant = {tenant:String}) WHERE ` + where
	var parts []string
	switch {
	case source == "":
		parts = []string{readings}
	case !pending:
		parts = []string{rollup("rollup_" + source + "_of")}
	case source == "1d":
		parts = []string{rollup("rollup_1d_of", dayKnown), rollup("rollup_1h_of", dayPending, hourKnown), readings + ` AND ` + hourPending}
	default:
		parts = []string{rollup("rollup_"+source+"_of", hourKnown), readings + ` AND ` + hourPending}
	}
	// Times before 1970 are refused on the way in, so intDiv rounds down.
	return `SELECT metric, bucket, min(low), max(high), sum(total) / sum(n), sum(n) FROM
(SELECT metric, intDiv(at, {step:Int64}) * {step:Int64} AS bucket, low, high, total, n FROM (` + strings.Join(parts, " UNION ALL ") + `))
GROUP BY metric, bucket ORDER BY metric, bucket LIMIT {rows:UInt64}`
}
