package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// The elements of a tuple are taken from the result of max, never from the stored column: see the view latest_of.
const selectLatest = `SELECT device, metric, toUnixTimestamp64Micro(value.1), value.2, value.3, value.4, -value.5, last_pace.2, last_pace.3
FROM latest_of(tenant = {tenant:String})
WHERE device IN {devices:Array(String)} AND toUnixTimestamp64Micro(value.1) > 0 -- a pace can outlive its value
ORDER BY device, metric`

// maxLatest bounds the devices of one question.
const maxLatest = 10_000

// Latest lists the newest value by device time of every series of a device, in the order of the metrics' names.
func (r *Reader) Latest(ctx context.Context, d id.Device) ([]telemetry.Latest, error) {
	all, err := r.LatestOf(ctx, []id.Device{d})
	return all[d], err
}

// LatestOf answers Latest for many devices with one question. A device without data is not in the answer. It returns
// ErrInvalid for more than 10 000 devices.
func (r *Reader) LatestOf(ctx context.Context, devices []id.Device) (map[id.Device][]telemetry.Latest, error) {
	if len(devices) > maxLatest {
		return nil, fmt.Errorf("store: latest: %w: %d devices", ErrInvalid, len(devices))
	}
	names, known := make([]string, len(devices)), make(map[string]id.Device, len(devices))
	for i, d := range devices {
		names[i], known[string(d)] = string(d), d
	}
	all := make(map[id.Device][]telemetry.Latest)
	q := question{name: "latest", sql: selectLatest, params: []any{clickhouse.Named("devices", names)}}
	err := r.ask(ctx, q, func(rows driver.Rows) error {
		var l telemetry.Latest
		var name string
		var kind uint8
		var at, received int64
		var p pace
		err := rows.Scan(&name, &l.Metric, &at, &kind, &l.Value.Num, &l.Value.Text, &received, &p.count, &p.span)
		l.Value.Name, l.Value.Type = l.Metric, telemetry.ValueType(kind)
		l.Time, l.Received, l.Interval = telemetry.Micros(at), telemetry.Micros(received), p.interval()
		all[known[name]] = append(all[known[name]], l)
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
