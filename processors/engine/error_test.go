package engine_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

func code(err error) int32 {
	var e *clickhouse.Exception
	if errors.As(err, &e) {
		return e.Code
	}
	return -1
}

func TestErrorsKeepTheirCode(t *testing.T) {
	w, r := open(t)
	must(t, w.Exec(t.Context(), "CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a"))
	for _, c := range []struct {
		name string
		conn driver.Conn
		sql  string
		code int32
	}{
		{"unknown table", w, "SELECT * FROM nowhere", 60},
		{"unknown column", w, "SELECT nothing FROM t", 47},
		{"syntax", w, "SELEC 1", 62},
		{"two statements", w, "SELECT 1; SELECT 2", 62},
		{"DDL", w, "DROP TABLE nowhere", 60},
		{"memory", w, "SELECT groupArray(number) FROM numbers(1000000000) SETTINGS max_memory_usage=50000000", 241},
		{"time", w, "SELECT sum(sipHash64(number)) FROM numbers(1000000000000) SETTINGS max_execution_time=0.2", 159},
		{"reader writes", r, "INSERT INTO t VALUES (1)", 164},
		{"reader creates", r, "CREATE TABLE x (a UInt8) ENGINE = Memory", 164},
		{"reader sets", r, "SELECT 1 SETTINGS max_threads=7", 164},
		{"reader frees itself", r, "SET readonly=0", 164},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows, err := c.conn.Query(t.Context(), c.sql)
			if err == nil {
				for rows.Next() {
				}
				err = errors.Join(rows.Err(), rows.Close())
			}
			if code(err) != c.code {
				t.Errorf("%v: code %d, want %d", err, code(err), c.code)
			}
		})
	}
}

func TestWrongPasswordAndUnknownSetting(t *testing.T) {
	w, _ := open(t)
	ctx := clickhouse.Context(t.Context(), clickhouse.WithSettings(clickhouse.Settings{"no_such_setting": 1}))
	if err := w.Exec(ctx, "SELECT 1"); code(err) != 115 {
		t.Errorf("unknown setting: %v", err)
	}
	o := sharedOptions(t)
	o.Auth.Password += "x"
	if err := dial(t, o).Ping(t.Context()); code(err) != 516 {
		t.Errorf("wrong password: %v", err)
	}
	o = sharedOptions(t)
	o.Compression = &clickhouse.Compression{Method: clickhouse.CompressionLZ4}
	if err := dial(t, o).Ping(t.Context()); code(err) != 48 {
		t.Errorf("compression: %v", err)
	}
}

// A query that fails after two million rows must not look like one with two million rows.
func TestErrorInMidStream(t *testing.T) {
	_, r := open(t)
	rows, err := r.Query(t.Context(), "SELECT throwIf(number = 2000000) FROM numbers(3000000)")
	must(t, err)
	n := 0
	for rows.Next() {
		n++
	}
	_ = rows.Close()
	if n == 0 || code(rows.Err()) != 395 {
		t.Fatalf("%d rows, then %v; want some rows, then code 395", n, rows.Err())
	}
}

func TestInsertErrorKeepsItsCode(t *testing.T) {
	w, _ := open(t)
	must(t, w.Exec(t.Context(), "CREATE TABLE t (a UInt64, CONSTRAINT small CHECK a < 10) ENGINE = MergeTree ORDER BY a"))
	b, err := w.PrepareBatch(t.Context(), "INSERT INTO t (a)")
	must(t, err)
	must(t, b.Append(uint64(11)))
	if err := b.Send(); code(err) != 469 {
		t.Fatalf("%v: code %d, want 469", err, code(err))
	}
}

// waitFor waits for a condition that the engine brings about by itself.
func waitFor(t testing.TB, what string, ok func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("gave up waiting: %s", what)
		}
	}
}

func running(t testing.TB, c driver.Conn, like string) uint64 {
	t.Helper()
	var n uint64
	must(t, c.QueryRow(t.Context(), "SELECT count() FROM system.processes WHERE query LIKE {like:String} AND query NOT LIKE '%system.processes%'",
		clickhouse.Named("like", like)).Scan(&n))
	return n
}

func TestClientThatLeavesEndsItsQuery(t *testing.T) {
	w, r := open(t)
	must(t, w.Exec(t.Context(), "CREATE TABLE sink (a UInt64) ENGINE = MergeTree ORDER BY a"))
	for name, run := range map[string]func(context.Context) error{
		"select": func(ctx context.Context) error {
			return r.QueryRow(ctx, "SELECT sum(sipHash64(number)) AS leaving FROM numbers(1000000000000)").Scan(new(uint64))
		},
		"insert": func(ctx context.Context) error {
			return w.Exec(ctx, "INSERT INTO sink SELECT number AS leaving FROM numbers(1000000000000) WHERE sipHash64(number) = 1")
		},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- run(ctx) }()
			waitFor(t, "the query runs", func() bool { return running(t, w, "%leaving%") == 1 })
			cancel()
			if err := <-ended; err == nil {
				t.Fatal("a cancelled query gave a result")
			}
			waitFor(t, "the query is gone", func() bool { return running(t, w, "%leaving%") == 0 })
		})
	}
}
