package store

import (
	"context"
	"fmt"

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
	found, err := r.buckets(ctx, bucketQuery{name: "series", of: oneDevice(q.Device, q.Metric), from: q.From, to: q.To, step: s})
	if err != nil {
		return answer, err
	}
	if len(found) == 1 { // none if the readings expired in between
		answer = found[0].Series
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
	found, err := r.buckets(ctx, bucketQuery{name: "overview", of: oneDevice(d, ""), from: from, to: to, step: s})
	all := make([]telemetry.Series, len(found))
	for i := range found {
		all[i] = found[i].Series
	}
	return all, err
}

// maxSeries bounds the series of one question: more than any chart shows.
const maxSeries = 500

// SeriesMany answers for many series at once, in buckets of one length, so that they can be compared point by point: at
// most MaxPoints for each, and never more than 50 000 together. Buckets are those of Series, also where a series has few
// readings. A series without readings is not in the answer. It returns ErrInvalid for more than 500 series, a MaxPoints
// below 1 or a range that no step divides into so few buckets.
func (r *Reader) SeriesMany(ctx context.Context, q telemetry.ManyQuery) (map[telemetry.SeriesKey]telemetry.Series, error) {
	if q.MaxPoints < 1 || len(q.Series) > maxSeries {
		return nil, fmt.Errorf("store: many: %w: at most %d points of %d series", ErrInvalid, q.MaxPoints, len(q.Series))
	}
	if q.From >= q.To || len(q.Series) == 0 {
		return nil, nil
	}
	s, err := stepFor(q.From, q.To, min(q.MaxPoints, maxPoints/len(q.Series)))
	if err != nil {
		return nil, fmt.Errorf("store: many: %w", err)
	}
	found, err := r.buckets(ctx, bucketQuery{name: "many", of: manySeries(q.Series), from: q.From, to: q.To, step: s})
	if err != nil {
		return nil, err
	}
	known := make(map[string]id.Device, len(q.Series))
	for _, key := range q.Series {
		known[string(key.Device)] = key.Device
	}
	all := make(map[telemetry.SeriesKey]telemetry.Series, len(found))
	for _, f := range found {
		all[telemetry.SeriesKey{Device: known[f.device], Metric: f.Metric}] = f.Series
	}
	return all, nil
}
