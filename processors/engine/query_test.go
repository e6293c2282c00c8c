package engine_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/shirou/gopsutil/v4/process"
	"golang.org/x/sync/errgroup"

	"longwave/processors/engine/enginetest"
)

// open connects to a database of this test alone.
func open(t testing.TB) (writer, reader driver.Conn) {
	t.Helper()
	w, r := enginetest.Database(t)
	return dial(t, w), dial(t, r)
}

func dial(t testing.TB, o *clickhouse.Options) driver.Conn {
	t.Helper()
	c, err := clickhouse.Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestInsertAndSelect(t *testing.T) {
	w, r := open(t)
	must(t, w.Exec(t.Context(), "CREATE TABLE t (a UInt64, s String) ENGINE = MergeTree ORDER BY a SETTINGS fsync_after_insert=1, fsync_part_directory=1"))
	b, err := w.PrepareBatch(t.Context(), "INSERT INTO t (a, s)")
	must(t, err)
	for i := range 100_000 {
		must(t, b.Append(uint64(i), "é'x"))
	}
	must(t, b.Send())
	var n uint64
	must(t, r.QueryRow(t.Context(), "SELECT count() FROM t WHERE s = {s:String}", clickhouse.Named("s", "é'x")).Scan(&n))
	if n != 100_000 {
		t.Fatalf("%d rows, want 100000", n)
	}
}

func sharedOptions(t testing.TB) *clickhouse.Options { return enginetest.Start(t).Connect() }

func TestStreamedResultIsBoundedInMemory(t *testing.T) {
	w, r := open(t)
	must(t, w.Exec(t.Context(), "CREATE TABLE big (a UInt64, s String) ENGINE = MergeTree ORDER BY a"))
	must(t, w.Exec(t.Context(), "INSERT INTO big SELECT number, repeat('x', 100) FROM numbers(2000000)"))
	pid := enginetest.Start(t).Health().PID
	before := residentBytes(t, pid)
	rows, err := r.Query(t.Context(), "SELECT a, s FROM big")
	must(t, err)
	defer func() { _ = rows.Close() }()
	var n int
	var sum, a, peak uint64
	var s string
	for rows.Next() {
		must(t, rows.Scan(&a, &s))
		sum += a
		if n++; n%100_000 == 0 {
			peak = max(peak, residentBytes(t, pid))
		}
	}
	must(t, rows.Err())
	if n != 2_000_000 || sum != 1_999_999_000_000 {
		t.Fatalf("%d rows, sum %d", n, sum)
	}
	// The result is 220 MB; half of that would mean that it was collected somewhere.
	if peak > before+110<<20 {
		t.Fatalf("resident memory grew from %d to %d MB", before>>20, peak>>20)
	}
	t.Logf("resident %d MB, at most %d MB while 2 M rows were read", before>>20, peak>>20)
}

func TestEmptyResults(t *testing.T) {
	w, r := open(t)
	must(t, w.Exec(t.Context(), "CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a"))
	rows, err := r.Query(t.Context(), "SELECT a FROM t")
	must(t, err)
	if rows.Next() || rows.Err() != nil {
		t.Fatalf("an empty table has a row, or %v", rows.Err())
	}
	must(t, rows.Close())
	if err := r.QueryRow(t.Context(), "SELECT a FROM t").Scan(new(uint64)); !errors.Is(err, sql.ErrNoRows) {
		t.Fatalf("%v, want no rows", err)
	}
}

func TestInsertsAndSelectsSideBySide(t *testing.T) {
	w, r := open(t)
	must(t, w.Exec(t.Context(), "CREATE TABLE t (who UInt8, a UInt64) ENGINE = MergeTree ORDER BY (who, a)"))
	const inserters, batches, size = 4, 10, 1000
	var g errgroup.Group
	for who := range inserters {
		g.Go(func() error {
			for range batches {
				if err := insertNumbers(t.Context(), w, uint8(who), size); err != nil {
					return err
				}
			}
			return nil
		})
		g.Go(func() error {
			for range batches {
				var n uint64
				if err := r.QueryRow(t.Context(), "SELECT count() FROM t WHERE who = {w:UInt8}", clickhouse.Named("w", uint8(who))).Scan(&n); err != nil {
					return err
				}
				if n%size != 0 {
					return fmt.Errorf("%d rows seen: part of a batch", n)
				}
			}
			return nil
		})
	}
	must(t, g.Wait())
	var n uint64
	must(t, r.QueryRow(t.Context(), "SELECT count() FROM t").Scan(&n))
	if n != inserters*batches*size {
		t.Fatalf("%d rows, want %d", n, inserters*batches*size)
	}
}

func insertNumbers(ctx context.Context, c driver.Conn, who uint8, n int) error {
	b, err := c.PrepareBatch(ctx, "INSERT INTO t (who, a)")
	if err != nil {
		return err
	}
	for i := range n {
		if err := b.Append(who, uint64(i)); err != nil {
			return err
		}
	}
	return b.Send()
}

// residentBytes is the memory that a process holds.
func residentBytes(t testing.TB, pid int) uint64 {
	t.Helper()
	p, err := process.NewProcess(int32(pid))
	must(t, err)
	m, err := p.MemoryInfo()
	must(t, err)
	return m.RSS
}
