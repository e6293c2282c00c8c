package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// insertTimeout bounds each of the four statements of Insert: a block of 100 000 rows takes well under a second, so
// this is a database that hangs.
const insertTimeout = 60 * time.Second

// insertSettings make one statement one block, so that each month of it is committed whole or not at all.
func insertSettings() clickhouse.Settings {
	return clickhouse.Settings{
		"async_insert":                    0, // the default of recent servers collects inserts: an answer must mean committed
		"insert_deduplicate":              0, // the set absorbs repetitions; remembered tokens have lost data
		"max_insert_block_size":           4_000_000,
		"min_insert_block_size_rows":      4_000_000,
		"min_insert_block_size_bytes":     2 << 30,
		"max_partitions_per_insert_block": 0, // device times are bounded to a year, which is 14 months at the most
	}
}

// sent is one column of an insert: its name and type as sent, and a slice of its values.
type sent struct {
	name, kind string
	values     any
}

type table struct {
	name    string
	rows    int
	columns []sent
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
	touched := b.touched.table()
	for _, t := range []table{b.readings.table(), b.events.table(), b.latest.table()} {
		err := s.send(ctx, t)
		if errors.Is(err, ErrRefused) {
			// Tables before this one have their rows and keep them, even if nobody ever sends the rest: rollups must know.
			return cmp.Or(s.send(ctx, touched), err)
		}
		if err != nil {
			return err
		}
	}
	// Last, and this is a promise: who sees an hour as not touched must have seen its readings.
	return s.send(ctx, touched)
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
	for i, c := range t.columns {
		if i > 0 {
			statement += ", "
		}
		statement += c.name
		types[i] = clickhouse.ColumnNameAndType{Name: c.name, Type: c.kind}
	}
	// Naming the types here saves a question about them before each insert.
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(insertSettings()), clickhouse.WithColumnNamesAndTypes(types))
	batch, err := s.write.PrepareBatch(ctx, statement+")")
	if err != nil {
		return err
	}
	defer func() { _ = batch.Close() }()
	for i, c := range t.columns {
		if err := batch.Column(i).Append(c.values); err != nil {
			return err
		}
	}
	return batch.Send()
}

const (
	typeString  = "String"
	typeMicros  = "DateTime64(6, 'UTC')"
	typeSeconds = "DateTime('UTC')"
	typeDate    = "Date"
	typeByte    = "UInt8"
	typeNumber  = "Float64"
)

func (c *readingColumns) table() table {
	return table{name: "readings", rows: len(c.ts), columns: []sent{
		{"tenant", typeString, c.tenant}, {"device", typeString, c.device}, {"metric", typeString, c.metric},
		{"ts", typeMicros, c.ts}, {"value", typeNumber, c.value}, {"type", typeByte, c.kind},
		{"received_at", typeSeconds, c.received}, {"expires", typeDate, c.expires},
	}}
}

func (c *eventColumns) table() table {
	return table{name: "events", rows: len(c.ts), columns: []sent{
		{"tenant", typeString, c.tenant}, {"device", typeString, c.device}, {"ts", typeMicros, c.ts}, {"kind", typeByte, c.kind},
		{"name", typeString, c.name}, {"text", typeString, c.text},
		{"received_at", typeMicros, c.received}, {"expires", typeDate, c.expires},
	}}
}

func (c *latestColumns) table() table {
	return table{name: "latest", rows: len(c.ts), columns: []sent{
		{"tenant", typeString, c.tenant}, {"device", typeString, c.device}, {"metric", typeString, c.metric},
		{"ts", typeMicros, c.ts}, {"type", typeByte, c.kind}, {"num", typeNumber, c.num}, {"text", typeString, c.text},
		{"received", typeMicros, c.received}, {"seen", typeMicros, c.seen}, {"expires", typeDate, c.expires},
	}}
}

// table gives every row the same random token, new for each attempt: see the table touched.
func (c *touchedColumns) table() table {
	tokens := make([]uint64, len(c.hour))
	token := rand.Uint64() | 1 // never zero
	for i := range tokens {
		tokens[i] = token
	}
	return table{name: "touched", rows: len(c.hour), columns: []sent{
		{"tenant", typeString, c.tenant}, {"device", typeString, c.device}, {"hour", typeSeconds, c.hour}, {"token", "UInt64", tokens},
	}}
}
