package store

import (
	"context"
	"fmt"
)

// TableSize is what a table takes on disk.
type TableSize struct {
	Table string
	Rows  uint64 // repetitions that are not merged away yet included
	Bytes uint64 // compressed, with indexes
}

const selectDisk = `SELECT table, sum(rows), sum(bytes_on_disk) FROM system.parts
WHERE database = currentDatabase() AND active GROUP BY table ORDER BY table`

// Disk lists what each table takes, for the operator: it speaks of all tenants together. It returns ErrUnavailable.
func (s *Store) Disk(ctx context.Context) ([]TableSize, error) {
	ctx, cancel := context.WithTimeout(ctx, questionTimeout)
	defer cancel()
	rows, err := s.write.Query(ctx, selectDisk)
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
