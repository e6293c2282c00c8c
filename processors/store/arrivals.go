package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"longwave/ingest/telemetry"
)

const (
	// arrivalsBehind is how old a reading may have been when it became known for Arrivals to find it: a day's buffer of a device
	// that had no network. Readings are stored by their own time, so each day more is a day more to look through.
	arrivalsBehind = 24 * telemetry.Micros(time.Hour/time.Microsecond)
	// arrivalsAhead is how far the clock of a device may be ahead of ours.
	arrivalsAhead = telemetry.Micros(telemetry.MaxAhead / time.Microsecond)
	// maxArrivals is how many devices one question may be about: what the engine sorts at once stays small.
	maxArrivals = 200
)

const arrivalsWhere = `WHERE device IN {devices:Array(String)} AND ` + timeRange + `
AND toUnixTimestamp(received_at) >= {since:Int64} AND toUnixTimestamp(received_at) < {until:Int64}`

// Numbers stand for names, which would be most of the answer. A change of status that is a number or a bool is an event as
// well; its reading comes first and says the same with its type.
const selectArrivals = `SELECT * FROM (SELECT toInt64(indexOf({devices:Array(String)}, toString(device))) - 1 AS d, toInt64(toUnixTimestamp(received_at)) AS second,
    toUnixTimestamp64Micro(ts) AS at, toInt64(indexOf({metrics:Array(String)}, toString(metric))) - 1 AS m, type, value, '' AS text
FROM readings_of(tenant = {tenant:String})
` + arrivalsWhere + ` AND metric IN {metrics:Array(String)}
UNION ALL SELECT toInt64(indexOf({devices:Array(String)}, toString(device))) - 1 AS d, toInt64(toUnixTimestamp(received_at)) AS second,
    toUnixTimestamp64Micro(ts) AS at, toInt64(indexOf({metrics:Array(String)}, toString(name))) - 1 AS m, toUInt8({text:Int64}) AS type, 0. AS value, text
FROM events_of(tenant = {tenant:String})
` + arrivalsWhere + ` AND name IN {metrics:Array(String)})`

const selectSeconds = `SELECT DISTINCT d, second, toInt64(0) AS at, toInt64(-1) AS m, toUInt8(0) AS type, 0. AS value, '' AS text FROM (
SELECT toInt64(indexOf({devices:Array(String)}, toString(device))) - 1 AS d, toInt64(toUnixTimestamp(received_at)) AS second
FROM readings_of(tenant = {tenant:String}) ` + arrivalsWhere + `
UNION ALL SELECT toInt64(indexOf({devices:Array(String)}, toString(device))) - 1 AS d, toInt64(toUnixTimestamp(received_at)) AS second
FROM events_of(tenant = {tenant:String}) ` + arrivalsWhere + `)`

// Arrivals hands what became known of some devices to yield: one device after the other, each in the order of the seconds in
// which its values became known, and within a second in the order of device time, of metrics and of values. Of a fact that was stored several
// times one second is known, that of the copy stored last. What was older than a day when it became known is not found. An error of yield
// ends it and is returned; after any error what was handed over was right but is not all. It returns ErrInvalid for
// more than 200 devices.
func (r *Reader) Arrivals(ctx context.Context, q telemetry.ArrivalsQuery, yield func(*telemetry.Arrival) error) error {
	if len(q.Devices) > maxArrivals {
		return fmt.Errorf("store: arrivals: %w: %d devices", ErrInvalid, len(q.Devices))
	}
	devices := make([]string, len(q.Devices))
	for i, d := range q.Devices {
		devices[i] = string(d)
	}
	const second = telemetry.Micros(time.Second / time.Microsecond)
	params := append(span(q.From-arrivalsBehind, q.To+arrivalsAhead), clickhouse.Named("devices", devices), clickhouse.Named("metrics", append([]string{}, q.Metrics...)),
		clickhouse.Named("text", int64(telemetry.Text)), clickhouse.Named("since", int64(q.From/second)), clickhouse.Named("until", int64((q.To+second-1)/second)))
	sql := selectArrivals
	if len(q.Metrics) == 0 {
		sql = selectSeconds
	}
	sql += "\nORDER BY d, second, at, m, type, value, text"
	var a telemetry.Arrival
	var place, metric, received, at int64
	var kind uint8
	row := []any{&place, &received, &at, &metric, &kind, &a.Value.Num, &a.Value.Text} // once: there may be millions
	return r.ask(ctx, question{name: "arrivals", sql: sql, params: params}, func(rows driver.Rows) error {
		if err := rows.Scan(row...); err != nil {
			return err
		}
		a.Device, a.Metric, a.Received, a.At = int(place), int(metric), telemetry.Micros(received)*second, telemetry.Micros(at)
		a.Value.Type = telemetry.ValueType(kind)
		return yield(&a)
	})
}
