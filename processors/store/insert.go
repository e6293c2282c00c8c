package store

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/ClickHouse/ch-go/proto"
	"github.com/ClickHouse/clickhouse-go/v2"
)

// insertTimeout bounds each of the four statements of Insert: the largest block takes well under a few seconds, so
// this is a database that hangs.
const insertTimeout = 60 * time.Second

// insertSettings make one statement one block, so that each month of it is committed whole or not at all.
func insertSettings() clickhouse.Settings {
	return clickhouse.Settings{
		"async_insert":                0, // the default of recent servers collects inserts: an answer must mean committed
		"insert_deduplicate":          0, // the set absorbs repetitions; remembered tokens have lost data
		"optimize_on_insert":          0, // merging a block with itself costs a third of its insert and finds next to nothing
		"max_insert_block_size":       4_000_000,
		"min_insert_block_size_rows":  4_000_000,
		"min_insert_block_size_bytes": 2 << 30,
	}
}

// Insert writes the block. ErrRefused says that some of the data will never be taken: split the block to find it, what
// was written already does no harm. Any other error (ErrUnavailable) is worth a retry with the same block.
func (s *Store) Insert(ctx context.Context, b *Block) error {
	start := time.Now()
	err := s.insert(ctx, b)
	s.metrics.inserted(b.Rows(), time.Since(start), err)
	if err != nil {
		return fmt.Errorf("store: insert: %w", err)
	}
	return nil
}

func (s *Store) insert(ctx context.Context, b *Block) error {
	if err := s.usable(); err != nil {
		return err
	}
	touched := b.touchedTable()
	err := s.sendAll(ctx, b.readingsTable(), b.eventsTable(), b.latestTable())
	if errors.Is(err, ErrRefused) {
		// Tables that took their rows keep them, even if nobody ever sends the rest: rollups must know.
		return cmp.Or(s.send(ctx, touched), err)
	}
	if err != nil {
		return err
	}
	// Last, and this is a promise: who sees an hour as not touched must have seen its readings.
	return s.send(ctx, touched)
}

// sendAll sends side by side: each waits for the disk most of its time. All have ended when it returns; ErrRefused goes
// before other errors, because it would come again.
func (s *Store) sendAll(ctx context.Context, tables ...table) error {
	var group sync.WaitGroup
	failed := make([]error, len(tables))
	for i, t := range tables {
		group.Go(func() { failed[i] = s.send(ctx, t) })
	}
	group.Wait()
	for _, err := range failed {
		if errors.Is(err, ErrRefused) {
			return err
		}
	}
	return cmp.Or(failed...)
}

func (s *Store) send(ctx context.Context, t table) error {
	if t.rows == 0 {
		return nil
	}
	if err := s.sendRows(ctx, t); err != nil {
		return fmt.Errorf("%s: %w", t.name, insertError(err))
	}
	s.metrics.rows.WithLabelValues(t.name).Add(float64(t.rows))
	return nil
}

func (s *Store) sendRows(ctx context.Context, t table) error {
	ctx, cancel := context.WithTimeout(ctx, insertTimeout)
	defer cancel()
	statement, types := "INSERT INTO "+t.name+" (", make([]clickhouse.ColumnNameAndType, len(t.columns))
	data := make([]io.Reader, len(t.columns))
	for i, c := range t.columns {
		if i > 0 {
			statement += ", "
		}
		statement += c.name
		types[i] = clickhouse.ColumnNameAndType{Name: c.name, Type: c.kind}
		data[i] = bytes.NewReader(c.data)
	}
	// Naming the types here saves a question about them before each insert.
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(s.cluster.writing(insertSettings())), clickhouse.WithColumnNamesAndTypes(types))
	batch, err := s.write.PrepareBatch(ctx, statement+")")
	if err != nil {
		return err
	}
	defer func() { _ = batch.Close() }()
	columns := proto.NewReader(io.MultiReader(data...))
	for i, c := range batch.Columns() {
		if err := c.Decode(columns, t.rows); err != nil {
			return fmt.Errorf("column %s: %w", t.columns[i].name, err)
		}
	}
	return batch.Send()
}
