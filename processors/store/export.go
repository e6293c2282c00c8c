package store

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

const (
	// exportDevices bounds the devices of one statement of an export. Between two statements another question of the tenant
	// gets its turn.
	exportDevices = 500
	// exportBuckets is about how many buckets one statement may group: they are held in memory until the last one is known.
	exportBuckets = 500_000
	// usualMetrics is how many metrics of a device that estimate goes by.
	usualMetrics = 8
)

// errEnough ends an export that has as many rows as were asked for.
var errEnough = errors.New("enough rows")

// Export hands everything that the query asks for to yield, in its order, without holding it: nothing twice, whatever was
// sent or stored twice. An error of yield ends it and is returned. After any error the rows so far were right, but are
// not all; an export after the last of them is the rest. A reading that arrives while an export is under way is in it if
// its place in the order comes later. It returns ErrInvalid for a step that is none of ours.
func (r *Reader) Export(ctx context.Context, q telemetry.ExportQuery, yield func(telemetry.ExportRow) error) error {
	if q.From >= q.To {
		return nil
	}
	s, err := exportStep(q.Step)
	if err != nil {
		return err
	}
	rows := 0
	for _, leg := range legs(q, s) {
		err := r.leg(ctx, q, leg, func(row telemetry.ExportRow) error {
			if rows++; q.Limit > 0 && rows > q.Limit {
				return errEnough
			}
			return yield(row)
		})
		if errors.Is(err, errEnough) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// exportStep is the step of an export; 0 for every reading.
func exportStep(length time.Duration) (step, error) {
	if length != 0 && !slices.Contains(ladder(), step(length)) {
		return 0, fmt.Errorf("store: export: %w: no step is %s long", ErrInvalid, length)
	}
	return step(length), nil
}

// leg is what one statement of an export reads: some devices, and of the first one perhaps only what comes behind a
// position.
type leg struct {
	devices []id.Device
	metrics string // a condition besides those of the query
	params  []any
	from    telemetry.Micros
	above   string // a condition on readings at the time from
	step    step
}

// legs divides an export. What is left of the series and of the device of a position are legs of their own, so that each
// is a range of the primary key.
func legs(q telemetry.ExportQuery, s step) (all []leg) {
	devices := q.Devices
	if q.After != nil {
		next, found := slices.BinarySearch(devices, q.After.Device)
		devices = devices[next:]
		if found {
			all, devices = append(all, behind(q, s)...), devices[1:]
		}
	}
	for batch := range slices.Chunk(devices, devicesAtOnce(q, s)) {
		all = append(all, leg{devices: batch, from: q.From, step: s})
	}
	return all
}

// behind is what is left of the device of a position.
func behind(q telemetry.ExportQuery, s step) []leg {
	at, metric := *q.After, clickhouse.Named("after", q.After.Metric)
	same := leg{devices: []id.Device{at.Device}, metrics: " AND metric = {after:String}", params: []any{metric}, from: max(q.From, at.Time), step: s}
	if s != 0 {
		same.from = max(q.From, at.Time+s.micros())
	} else if at.Time >= q.From {
		same.above = " AND (ts > fromUnixTimestamp64Micro({from:Int64}, 'UTC') OR value > {above:Float64})"
		same.params = append(same.params, clickhouse.Named("above", at.Value))
	}
	rest := leg{devices: same.devices, metrics: " AND metric > {after:String}", params: []any{metric}, from: q.From, step: s}
	return []leg{same, rest}
}

func devicesAtOnce(q telemetry.ExportQuery, s step) int {
	if s == 0 {
		return exportDevices
	}
	each := usualMetrics * int64((q.To-q.From)/s.micros()+1)
	return int(min(exportDevices, max(1, exportBuckets/each)))
}

func (r *Reader) leg(ctx context.Context, q telemetry.ExportQuery, l leg, yield func(telemetry.ExportRow) error) error {
	if l.from >= q.To {
		return nil
	}
	of := l.selection(q.Metrics)
	if l.step != 0 {
		return r.eachBucket(ctx, bucketQuery{name: "export", of: of, from: l.from, to: q.To, step: l.step, rows: most(q.Limit), timeout: streamTimeout}, yield)
	}
	params := append(append(span(l.from, q.To), of.params...), clickhouse.Named("limit", most(q.Limit)))
	return r.ask(ctx, question{name: "export", sql: exportStatement(of.series + l.above), timeout: streamTimeout, byKey: true, params: params}, func(rows driver.Rows) error {
		row := telemetry.ExportRow{Point: telemetry.Point{Count: 1}}
		var at int64
		if err := rows.Scan(&row.Device, &row.Metric, &at, &row.Value); err != nil {
			return err
		}
		row.Time, row.Min, row.Max = telemetry.Micros(at), row.Value, row.Value
		return yield(row)
	})
}

// most is one row more than the limit, or as many as there are.
func most(limit int) uint64 {
	if limit > 0 {
		return uint64(limit) + 1
	}
	return math.MaxInt64
}

// selection is the devices of a leg with the metrics of its export.
func (l leg) selection(metrics []string) selection {
	devices := make([]string, len(l.devices))
	for i, d := range l.devices {
		devices[i] = string(d)
	}
	s := selection{devices: `device IN {devices:Array(String)}`, params: append([]any{clickhouse.Named("devices", devices)}, l.params...)}
	s.series = s.devices + l.metrics
	if len(metrics) > 0 {
		s.series += ` AND metric IN {metrics:Array(String)}`
		s.params = append(s.params, clickhouse.Named("metrics", metrics))
	}
	return s
}

func exportStatement(where string) string {
	return `SELECT device, metric, toUnixTimestamp64Micro(ts) AS at, value
FROM readings_of(tenant = {tenant:String})
WHERE ` + where + ` AND ` + timeRange + `
ORDER BY device, metric, ts, value LIMIT {limit:UInt64}`
}
