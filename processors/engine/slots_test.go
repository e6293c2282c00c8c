package engine_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"longwave/processors/engine/enginetest"
)

// Reads that nobody finishes take all the reading slots; inserts go on, and the next read waits as long as it likes.
func TestReadsDoNotStarveInserts(t *testing.T) {
	e := own(t, t.TempDir(), nil)
	w := dial(t, e.Connect())
	must(t, w.Exec(t.Context(), "CREATE TABLE t (who UInt8, a UInt64) ENGINE = MergeTree ORDER BY a"))
	r := dial(t, e.ConnectReader())
	const slots = 8
	var held []driver.Rows
	for range slots {
		rows, err := r.Query(t.Context(), "SELECT number, repeat('x', 100) FROM numbers(100000000)")
		must(t, err)
		held = append(held, rows)
	}
	must(t, insertNumbers(clickhouse.Context(t.Context(), clickhouse.WithColumnNamesAndTypes([]clickhouse.ColumnNameAndType{
		{Name: "who", Type: "UInt8"}, {Name: "a", Type: "UInt64"}})), w, 1, 10))
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := r.QueryRow(ctx, "SELECT 1").Scan(new(uint8)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a read beyond the slots: %v", err)
	}
	stop(t, e) // also with all of them under way
	for _, rows := range held {
		_ = rows.Close()
	}
}

func TestDatabaseSQL(t *testing.T) {
	o, _ := enginetest.Database(t)
	db := clickhouse.OpenDB(o)
	defer func() { _ = db.Close() }()
	var one int
	if err := db.QueryRowContext(t.Context(), "SELECT toInt64(1)").Scan(&one); err != nil || one != 1 {
		t.Fatalf("%d, %v", one, err)
	}
}
