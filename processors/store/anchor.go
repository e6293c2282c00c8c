package store

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// Anchor is a position of the control log and the hash of everything up to there, kept here because it must not be kept
// in the log itself. It speaks of the whole installation and of no tenant.
type Anchor struct {
	Position uint64
	Hash     string
}

const (
	insertAnchor = `INSERT INTO anchors (position, hash) VALUES ({position:UInt64}, {hash:String})`
	// The newest are the ones that show what was cut off; older ones only narrow down where.
	selectAnchors = `SELECT position, hash FROM anchors FINAL ORDER BY position DESC LIMIT {most:UInt32}`
)

// maxAnchors is how many anchors a verification compares: years of them, at one every ten minutes of change.
const maxAnchors = 100_000

// KeepAnchor writes an anchor down; twice is harmless. It returns ErrUnavailable when ClickHouse does not answer.
func (s *Store) KeepAnchor(ctx context.Context, a Anchor) error {
	if err := s.usable(); err != nil {
		return fmt.Errorf("store: keep anchor: %w", err)
	}
	ctx, cancel := context.WithTimeout(clickhouse.Context(ctx, clickhouse.WithSettings(s.cluster.writing(insertSettings()))), questionTimeout)
	defer cancel()
	if err := s.write.Exec(ctx, insertAnchor, clickhouse.Named("position", a.Position), clickhouse.Named("hash", a.Hash)); err != nil {
		return fmt.Errorf("store: keep anchor: %w: %w", ErrUnavailable, err)
	}
	return nil
}

// Anchors returns the newest anchors, newest first. It returns ErrUnavailable when ClickHouse does not answer.
func (s *Store) Anchors(ctx context.Context) ([]Anchor, error) {
	if err := s.usable(); err != nil {
		return nil, fmt.Errorf("store: anchors: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, questionTimeout)
	defer cancel()
	rows, err := s.write.Query(clickhouse.Context(ctx, clickhouse.WithSettings(s.cluster.reading(clickhouse.Settings{}))), selectAnchors, clickhouse.Named("most", maxAnchors))
	if err != nil {
		return nil, fmt.Errorf("store: anchors: %w: %w", ErrUnavailable, err)
	}
	defer rows.Close()
	var all []Anchor
	for rows.Next() {
		var a Anchor
		if err := rows.Scan(&a.Position, &a.Hash); err != nil {
			return nil, fmt.Errorf("store: anchors: %w", err)
		}
		all = append(all, a)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("store: anchors: %w: %w", ErrUnavailable, err)
	}
	return all, nil
}
