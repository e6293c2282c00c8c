package store

import (
	"context"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"longwave/ingest/telemetry"
)

const selectEach = `SELECT toUnixTimestamp64Micro(ts) AS at, value
FROM readings_of(tenant = {tenant:String})
WHERE device = {device:String} AND metric = {metric:String} AND ` + timeRange + `
ORDER BY ts, value`

// Each hands every stored reading of the range to yield, in the order of device time, without holding them all;
// MaxPoints is ignored. An error of yield ends it and is returned. After any error the readings so far were right but
// are not all.
func (r *Reader) Each(ctx context.Context, q telemetry.SeriesQuery, yield func(telemetry.Point) error) error {
	params := append(span(q.From, q.To), device(q.Device), clickhouse.Named("metric", q.Metric))
	return r.ask(ctx, question{name: "each", sql: selectEach, timeout: streamTimeout, params: params}, func(rows driver.Rows) error {
		p, err := scanReading(rows)
		if err != nil {
			return err
		}
		return yield(p)
	})
}

// maxEvents bounds an answer of Events, whatever limit it names.
const maxEvents = 10_000

const selectEvents = `SELECT toUnixTimestamp64Micro(ts) AS at, kind, name, text, toUnixTimestamp64Micro(received_at)
FROM events_of(tenant = {tenant:String})
WHERE device = {device:String} AND ` + timeRange + `
ORDER BY ts DESC, kind DESC, name DESC, text DESC LIMIT {limit:UInt64}`

// Events lists the events of one device in [From, To), newest first, at most Limit and never more than 10 000. A Limit
// below 1 means as many as may be.
func (r *Reader) Events(ctx context.Context, q telemetry.EventQuery) ([]telemetry.Event, error) {
	if q.Limit < 1 || q.Limit > maxEvents {
		q.Limit = maxEvents
	}
	var all []telemetry.Event
	params := append(span(q.From, q.To), device(q.Device), clickhouse.Named("limit", q.Limit))
	err := r.ask(ctx, question{name: "events", sql: selectEvents, params: params}, func(rows driver.Rows) error {
		e := telemetry.Event{Device: q.Device}
		var at, received int64
		var kind uint8
		err := rows.Scan(&at, &kind, &e.Name, &e.Text, &received)
		e.Time, e.Received, e.Kind = telemetry.Micros(at), telemetry.Micros(received), telemetry.Kind(kind)
		all = append(all, e)
		return err
	})
	return all, err
}
