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

const (
	// maxTop bounds the devices of one answer: a list that somebody reads.
	maxTop = 1000
	// hourlyTop is the longest range that is ranked by hours; days of a longer one are a twenty-fourth of the rows.
	hourlyTop = telemetry.Micros(7 * 24 * time.Hour / time.Microsecond)
)

// Top ranks the devices of the tenant by one metric over whole hours, or whole days for more than a week: the first may
// begin before From, the last end after To. It asks the rollups alone, which know a reading a few minutes after it came:
// to look for what they miss would mean to read every device. Devices of the same value are in the order of their ids. It
// returns ErrInvalid for a Count below 1 or above 1000 and for an unknown Aggregate.
func (r *Reader) Top(ctx context.Context, q telemetry.TopQuery) ([]telemetry.Ranked, error) {
	aggregate := map[telemetry.Aggregate]string{
		telemetry.ByMean: `sum(total) / sum(count)`, telemetry.ByMax: `max(high)`, telemetry.ByMin: `min(low)`, telemetry.BySum: `sum(total)`,
	}[q.By]
	if q.Count < 1 || q.Count > maxTop || aggregate == "" {
		return nil, fmt.Errorf("store: top: %w: %d devices by %d", ErrInvalid, q.Count, q.By)
	}
	window := step(time.Hour)
	if q.To-q.From > hourlyTop {
		window = step(24 * time.Hour)
	}
	direction := "DESC"
	if q.Least {
		direction = "ASC"
	}
	sql := `SELECT device, ` + aggregate + ` AS rank FROM rollup_` + window.source() + `_of(tenant = {tenant:String})
WHERE metric = {metric:String} AND ` + timeRange + `
GROUP BY device ORDER BY rank ` + direction + `, device LIMIT {limit:UInt64}`
	params := append(span(window.align(q.From, q.To)), clickhouse.Named("metric", q.Metric), clickhouse.Named("limit", q.Count))
	var all []telemetry.Ranked
	err := r.ask(ctx, question{name: "top", sql: sql, byKey: true, params: params}, func(rows driver.Rows) error {
		var text string
		var ranked telemetry.Ranked
		if err := rows.Scan(&text, &ranked.Value); err != nil {
			return err
		}
		var err error
		ranked.Device, err = id.Parse[id.Device](text)
		all = append(all, ranked)
		return err
	})
	return all, err
}
