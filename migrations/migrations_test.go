package migrations

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"longwave/processors/engine/enginetest"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

func connect(t *testing.T) driver.Conn {
	t.Helper()
	writer, _ := enginetest.Database(t)
	conn, err := clickhouse.Open(writer)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	return conn
}

func applied(t *testing.T, conn driver.Conn) (n uint64) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), "SELECT count() FROM schema_migrations FINAL").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// copyFiles makes a changeable copy of the real files.
func copyFiles(t *testing.T) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	names, err := fs.Glob(embedded, "*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("%d files, %v", len(names), err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(embedded, name)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = &fstest.MapFile{Data: data}
	}
	return files
}

func TestApplyTwice(t *testing.T) {
	conn, files := connect(t), copyFiles(t)
	for range 2 {
		if err := Apply(t.Context(), conn, ""); err != nil {
			t.Fatal(err)
		}
	}
	if n := applied(t, conn); n != uint64(len(files)) {
		t.Errorf("%d migrations are recorded, want %d", n, len(files))
	}
}

func TestSeveralCopiesStartAtOnce(t *testing.T) {
	conn, files := connect(t), copyFiles(t)
	copies, ctx := errgroup.WithContext(t.Context())
	for range 4 {
		copies.Go(func() error { return Apply(ctx, conn, "") })
	}
	if err := copies.Wait(); err != nil {
		t.Fatal(err)
	}
	if n := applied(t, conn); n != uint64(len(files)) {
		t.Errorf("%d migrations are recorded, want %d", n, len(files))
	}
}

func TestEditedMigrationIsRefused(t *testing.T) {
	conn, files := connect(t), copyFiles(t)
	if err := Apply(t.Context(), conn, ""); err != nil {
		t.Fatal(err)
	}
	files["0001_facts.sql"].Data = append(files["0001_facts.sql"].Data, "-- one more line\n"...)
	if err := apply(t.Context(), target{conn, ""}, files); !errors.Is(err, ErrEdited) || !strings.Contains(err.Error(), "0001_facts.sql") {
		t.Errorf("got %v, want ErrEdited with the file's name", err)
	}
}

func TestNewerDatabaseIsRefusedUntouched(t *testing.T) {
	conn, files := connect(t), copyFiles(t)
	if err := apply(t.Context(), target{conn, ""}, files); err != nil {
		t.Fatal(err)
	}
	if err := conn.Exec(t.Context(), "INSERT INTO schema_migrations (version, name, checksum) VALUES (77, '0077_future.sql', 'x')"); err != nil {
		t.Fatal(err)
	}
	if err := Apply(t.Context(), conn, ""); !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "0077_future.sql") {
		t.Errorf("got %v, want ErrNewer with the file's name", err)
	}
}

func TestInterruptedMigrationIsRunAgain(t *testing.T) {
	conn := connect(t)
	broken := fstest.MapFS{"0001_a.sql": {Data: []byte("CREATE TABLE IF NOT EXISTS a (x UInt8) ENGINE = Memory; SELECT no_such_function();")}}
	if err := apply(t.Context(), target{conn, ""}, broken); err == nil || !strings.Contains(err.Error(), "0001_a.sql") {
		t.Fatalf("got %v, want an error that names the file", err)
	}
	broken["0001_a.sql"].Data = []byte("CREATE TABLE IF NOT EXISTS a (x UInt8) ENGINE = Memory; SELECT 1;")
	if err := apply(t.Context(), target{conn, ""}, broken); err != nil {
		t.Error(err)
	}
}

func TestNumbersHaveNoGap(t *testing.T) {
	for name, files := range map[string]fstest.MapFS{
		"gap":     {"0001_a.sql": {}, "0003_b.sql": {}},
		"twice":   {"0001_a.sql": {}, "0001_b.sql": {}},
		"no":      {"a.sql": {}},
		"too low": {"0000_a.sql": {}},
	} {
		if _, err := load(files); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// Every statement must be harmless when it is repeated.
func TestStatementsMayBeRepeated(t *testing.T) {
	all, err := load(embedded)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if len(m.statements) == 0 {
			t.Errorf("%s has no statement", m.name)
		}
		for _, s := range m.statements {
			if head := s[:min(len(s), 80)]; !strings.Contains(head, "IF NOT EXISTS") && !strings.Contains(head, "IF EXISTS") && !strings.Contains(head, "OR REPLACE") {
				t.Errorf("%s: %q cannot be repeated", m.name, head)
			}
		}
	}
}

func TestSplit(t *testing.T) {
	for text, want := range map[string][]string{
		"":                                   nil,
		" ; ;\n":                             nil,
		"SELECT 1":                           {"SELECT 1"},
		"SELECT 1; SELECT 2;":                {"SELECT 1", "SELECT 2"},
		"SELECT ';' ; SELECT \";\"":          {"SELECT ';'", `SELECT ";"`},
		"SELECT 'it''s; ' ;SELECT 2":         {"SELECT 'it''s; '", "SELECT 2"},
		`SELECT 'it\'s; ' ;SELECT 2`:         {`SELECT 'it\'s; '`, "SELECT 2"},
		"SELECT `a;b`":                       {"SELECT `a;b`"},
		"-- a; b's\nSELECT 1":                {"SELECT 1"},
		"SELECT /* ; ' */ 1; -- the end; '":  {"SELECT   1"},
		"SELECT '-- no comment', '/* no */'": {"SELECT '-- no comment', '/* no */'"},
		"SELECT 'open; ":                     {"SELECT 'open;"},
		"SELECT 1 -- x\n, 2":                 {"SELECT 1  , 2"},
	} {
		if diff := cmp.Diff(want, split(text)); diff != "" {
			t.Errorf("%q:\n%s", text, diff)
		}
	}
}

// A released file is in somebody's database under its checksum: it is never edited. Add the next one's line with it.
func TestReleasedMigrationsStay(t *testing.T) {
	text, err := os.ReadFile("testdata/released.sha256")
	if err != nil {
		t.Fatal(err)
	}
	all, err := load(embedded)
	if err != nil {
		t.Fatal(err)
	}
	checksums := map[string]string{}
	for _, m := range all {
		checksums[m.name] = m.checksum
	}
	for line := range strings.Lines(string(text)) {
		checksum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		if checksums[name] != checksum {
			t.Errorf("%s was released with the checksum %s and has %s", name, checksum, checksums[name])
		}
	}
}
