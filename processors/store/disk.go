package store

import (
	"context"
	"fmt"

	"longwave/migrations"
)

// TableSize is what a table takes on disk.
type TableSize struct {
	Table string
	Rows  uint64 // repetitions that are not merged away yet included
	Bytes uint64 // compressed, with indexes
}

// It wants the suffix of tables on a cluster, and where to look.
const selectDisk = `SELECT if(endsWith(table, '%[1]s'), substring(table, 1, length(table) - length('%[1]s')), table) AS name, sum(rows), sum(bytes_on_disk)
FROM %[2]s WHERE database = currentDatabase() AND active GROUP BY name ORDER BY name`

// Disk lists what each table takes, on all servers of a cluster together, for the operator: it speaks of all tenants together. It returns ErrUnavailable.
func (s *Store) Disk(ctx context.Context) ([]TableSize, error) {
	ctx, cancel := context.WithTimeout(ctx, questionTimeout)
	defer cancel()
	rows, err := s.write.Query(ctx, fmt.Sprintf(selectDisk, migrations.LocalSuffix, s.cluster.system("parts")))
	if err != nil {
		return nil, fmt.Errorf("store: disk: %w: %w", ErrUnavailable, err)
	}
	defer func() { _ = rows.Close() }()
	var all []TableSize
	for rows.Next() {
		var t TableSize
		if err := rows.Scan(&t.Table, &t.Rows, &t.Bytes); err != nil {
			return nil, fmt.Errorf("store: disk: %w", err)
		}
		all = append(all, t)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("store: disk: %w: %w", ErrUnavailable, err)
	}
	return all, nil
}
