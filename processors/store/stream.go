package store

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
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

const selectEventsOf = `SELECT device, toUnixTimestamp64Micro(ts) AS at, kind, name, text, toUnixTimestamp64Micro(received_at)
FROM events_of(tenant = {tenant:String})
WHERE device IN {devices:Array(String)} AND (empty({names:Array(String)}) OR name IN {names:Array(String)}) AND ({kind:UInt8} = 0 OR kind = {kind:UInt8}) AND ` + timeRange + `
ORDER BY ts DESC, device, kind DESC, name DESC, text DESC LIMIT {limit:UInt64}`

// EventsOf lists the newest events of several devices in [From, To), at most Limit and never more than 10 000. It returns
// ErrInvalid for more than 10 000 devices.
func (r *Reader) EventsOf(ctx context.Context, q telemetry.EventsQuery) ([]telemetry.Event, error) {
	if len(q.Devices) > maxLatest {
		return nil, fmt.Errorf("store: events: %w: %d devices", ErrInvalid, len(q.Devices))
	}
	if q.Limit < 1 || q.Limit > maxEvents {
		q.Limit = maxEvents
	}
	devices, known := make([]string, len(q.Devices)), make(map[string]id.Device, len(q.Devices))
	for i, d := range q.Devices {
		devices[i], known[string(d)] = string(d), d
	}
	var all []telemetry.Event
	params := append(span(q.From, q.To), clickhouse.Named("devices", devices), clickhouse.Named("names", append([]string{}, q.Names...)), clickhouse.Named("kind", uint8(q.Kind)), clickhouse.Named("limit", q.Limit))
	err := r.ask(ctx, question{name: "events of many", sql: selectEventsOf, params: params}, func(rows driver.Rows) error {
		var e telemetry.Event
		var device string
		var at, received int64
		var kind uint8
		err := rows.Scan(&device, &at, &kind, &e.Name, &e.Text, &received)
		e.Device, e.Time, e.Received, e.Kind = known[device], telemetry.Micros(at), telemetry.Micros(received), telemetry.Kind(kind)
		all = append(all, e)
		return err
	})
	return all, err
}
