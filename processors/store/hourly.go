package store

import (
	"context"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"longwave/ingest/telemetry"
)

// Hourly counts the readings of the whole tenant in each hour that begins in [from, to), by device time and in order;
// hours without any are left out. It asks the rollups alone, which know a reading a few minutes after it came: to look
// for what they miss would mean to read every device.
func (r *Reader) Hourly(ctx context.Context, from, to telemetry.Micros) ([]telemetry.Point, error) {
	const sql = `SELECT toInt64(toUnixTimestamp(ts)) * 1000000 AS at, sum(count) AS readings FROM rollup_1h_of(tenant = {tenant:String})
WHERE ` + timeRange + `
GROUP BY ts ORDER BY ts`
	var all []telemetry.Point
	err := r.ask(ctx, question{name: "hourly", sql: sql, params: span(from, to)}, func(rows driver.Rows) error {
		var at int64
		var p telemetry.Point
		if err := rows.Scan(&at, &p.Count); err != nil {
			return err
		}
		p.Time, p.Value = telemetry.Micros(at), float64(p.Count)
		all = append(all, p)
		return nil
	})
	return all, err
}
