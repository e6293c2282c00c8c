package store

import (
	"context"
	"fmt"

	"longwave/tenants/id"
)

// TenantSize is what a tenant takes: its readings as the rollups of days count them, and its share of all bytes on disk.
type TenantSize struct{ Readings, Bytes uint64 }

// The rollups of days hold one row for each series and day, so that this costs little however much is stored.
const selectUsage = `SELECT tenant, sum(c) FROM (SELECT tenant, device, metric, ts, max(count) AS c FROM rollup_1d GROUP BY tenant, device, metric, ts) GROUP BY tenant`

// Usage estimates what each tenant takes, for operators: it speaks of all tenants together and of nothing that is in them. It
// returns ErrUnavailable.
func (s *Store) Usage(ctx context.Context) (map[id.Tenant]TenantSize, error) {
	sizes, err := s.Disk(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, questionTimeout)
	defer cancel()
	rows, err := s.write.Query(ctx, selectUsage)
	if err != nil {
		return nil, fmt.Errorf("store: usage: %w: %w", ErrUnavailable, err)
	}
	defer func() { _ = rows.Close() }()
	usage, readings := map[id.Tenant]TenantSize{}, uint64(0)
	for rows.Next() {
		var tenant string
		var size TenantSize
		if err := rows.Scan(&tenant, &size.Readings); err != nil {
			return nil, fmt.Errorf("store: usage: %w", err)
		}
		usage[id.Tenant(tenant)] = size
		readings += size.Readings
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("store: usage: %w: %w", ErrUnavailable, err)
	}
	var bytes uint64
	for _, table := range sizes {
		bytes += table.Bytes
	}
	for t, size := range usage {
		size.Bytes = uint64(float64(bytes) * float64(size.Readings) / float64(max(readings, 1)))
		usage[t] = size
	}
	return usage, nil
}
