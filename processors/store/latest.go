package store

import (
	"context"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// The elements of a tuple are taken from the result of max, never from the stored column: see the view latest_of.
const selectLatest = `SELECT metric, toUnixTimestamp64Micro(value.1), value.2, value.3, value.4, -value.5, last_pace.2, last_pace.3
FROM latest_of(tenant = {tenant:String})
WHERE device = {device:String} AND toUnixTimestamp64Micro(value.1) > 0 -- a pace can outlive its value
ORDER BY metric`

// Latest lists the newest value by device time of every series of a device, in the order of the metrics' names.
func (r *Reader) Latest(ctx context.Context, d id.Device) ([]telemetry.Latest, error) {
	var all []telemetry.Latest
	err := r.ask(ctx, question{name: "latest", sql: selectLatest, params: []any{device(d)}}, func(rows driver.Rows) error {
		var l telemetry.Latest
		var kind uint8
		var at, received int64
		var p pace
		err := rows.Scan(&l.Metric, &at, &kind, &l.Value.Num, &l.Value.Text, &received, &p.count, &p.span)
		l.Value.Name, l.Value.Type = l.Metric, telemetry.ValueType(kind)
		l.Time, l.Received, l.Interval = telemetry.Micros(at), telemetry.Micros(received), p.interval()
		all = append(all, l)
		return err
	})
	return all, err
}

// A device's pace is that of its newest window; among windows of one time the one with most readings.
const selectActivity = `SELECT device, toUnixTimestamp64Micro(max(value.1)) AS at, toUnixTimestamp64Micro(max(last_seen)), max(last_pace).2, max(last_pace).3
FROM latest_of(tenant = {tenant:String})
GROUP BY device HAVING at > 0 ORDER BY device`

// Activity lists every device of the tenant that ever sent something, in the order of the ids.
func (r *Reader) Activity(ctx context.Context) ([]telemetry.Activity, error) {
	var all []telemetry.Activity
	err := r.ask(ctx, question{name: "activity", sql: selectActivity}, func(rows driver.Rows) error {
		var a telemetry.Activity
		var text string
		var at, seen int64
		var p pace
		if err := rows.Scan(&text, &at, &seen, &p.count, &p.span); err != nil {
			return err
		}
		d, err := id.Parse[id.Device](text)
		a.Device, a.LastTime, a.LastSeen, a.Interval = d, telemetry.Micros(at), telemetry.Micros(seen), p.interval()
		all = append(all, a)
		return err
	})
	return all, err
}

// pace is what the newest rollup window with enough readings tells of a series.
type pace struct {
	count uint64
	span  int64 // microseconds between the first and the last reading
}

func (p pace) interval() float64 {
	if p.count < 2 {
		return 0
	}
	return (time.Duration(p.span) * time.Microsecond).Seconds() / float64(p.count-1)
}
