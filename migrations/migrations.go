package migrations

import (
	"cmp"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

var (
	// ErrEdited says that a file differs from what was applied to the database under its number.
	ErrEdited = errors.New("an applied migration was edited")
	// ErrNewer says that the database was migrated by a newer program than this one.
	ErrNewer = errors.New("the database is newer than this program")
)

//go:embed *.sql
var embedded embed.FS

// migration is one file.
type migration struct {
	version    uint32
	name       string
	checksum   string
	statements []string
}

// Apply brings the connection's database to the schema of this program, on every server of the cluster if one is named.
// It returns ErrEdited or ErrNewer for a database that it must not touch, ErrCluster, and otherwise what ClickHouse said,
// with the name of the file.
func Apply(ctx context.Context, conn driver.Conn, cluster string) error {
	return apply(ctx, target{conn, cluster}, embedded)
}

// target is where migrations go: one server, or with a name all servers of a cluster.
type target struct {
	driver.Conn
	cluster string
}

// define runs a statement that defines something.
func (t target) define(ctx context.Context, statement string) error {
	all := []string{statement}
	if t.cluster != "" {
		var err error
		if all, err = clustered(statement, t.cluster); err != nil {
			return err
		}
	}
	for _, one := range all {
		if err := t.Exec(ctx, one); err != nil {
			return err
		}
	}
	return nil
}

func apply(ctx context.Context, conn target, files fs.FS) error {
	wanted, err := load(files)
	if err != nil {
		return err
	}
	if err := conn.define(ctx, createRecord); err != nil {
		return fmt.Errorf("migrations: create the record of migrations: %w", err)
	}
	applied, err := recorded(ctx, conn)
	if err != nil {
		return fmt.Errorf("migrations: read what was applied: %w", err)
	}
	missing, err := compare(wanted, applied)
	if err != nil {
		return err
	}
	for _, m := range missing {
		if err := m.run(ctx, conn); err != nil {
			return fmt.Errorf("migrations: %s: %w", m.name, err)
		}
	}
	return nil
}

// createRecord makes the table of what was applied. Two copies that apply the same file write the same row.
const createRecord = `CREATE TABLE IF NOT EXISTS schema_migrations
(version UInt32, name String, checksum String, applied_at DateTime('UTC') DEFAULT now('UTC'))
ENGINE = ReplacingMergeTree ORDER BY (version, checksum)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1`

const (
	selectRecord = `SELECT version, any(name), groupUniqArray(checksum) FROM schema_migrations GROUP BY version ORDER BY version`
	insertRecord = `INSERT INTO schema_migrations (version, name, checksum)
SELECT {version:UInt32}, {name:String}, {checksum:String}`
)

type record struct {
	version   uint32
	name      string
	checksums []string
}

func recorded(ctx context.Context, conn driver.Conn) ([]record, error) {
	rows, err := conn.Query(ctx, selectRecord)
	if err != nil {
		return nil, err
	}
	defer func() { _ = rows.Close() }()
	var all []record
	for rows.Next() {
		var r record
		if err := rows.Scan(&r.version, &r.name, &r.checksums); err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// compare decides what is missing, or why the database must be left alone.
func compare(wanted []migration, applied []record) (missing []migration, err error) {
	known := make(map[uint32]record, len(applied))
	for _, r := range applied {
		if int(r.version) > len(wanted) {
			return nil, fmt.Errorf("%w: it has migration %s, this program knows up to %d: start a newer program",
				ErrNewer, r.name, len(wanted))
		}
		known[r.version] = r
	}
	for _, m := range wanted {
		r, done := known[m.version]
		if !done {
			missing = append(missing, m)
			continue
		}
		if len(r.checksums) != 1 || r.checksums[0] != m.checksum {
			return nil, fmt.Errorf("%w: %s was applied with checksum %s, this program has %s",
				ErrEdited, m.name, strings.Join(r.checksums, " and "), m.checksum)
		}
	}
	return missing, nil
}

func (m migration) run(ctx context.Context, conn target) error {
	for _, statement := range m.statements {
		if err := conn.define(ctx, statement); err != nil {
			return err
		}
	}
	// Recorded last: a file that was interrupted is run again from its beginning. Waited for: the next copy must see it.
	settings := clickhouse.Settings{"async_insert": 0, "insert_distributed_sync": 1}
	return conn.Exec(clickhouse.Context(ctx, clickhouse.WithSettings(settings)), insertRecord,
		clickhouse.Named("version", strconv.Itoa(int(m.version))), clickhouse.Named("name", m.name), clickhouse.Named("checksum", m.checksum))
}

// load reads the files and insists on the numbers 1, 2, 3 … without a gap.
func load(files fs.FS) ([]migration, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("migrations: list: %w", err)
	}
	all := make([]migration, 0, len(names))
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, fmt.Errorf("migrations: read: %w", err)
		}
		number, _, _ := strings.Cut(name, "_")
		version, err := strconv.ParseUint(number, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("migrations: %s does not begin with its number", name)
		}
		sum := sha256.Sum256(text)
		all = append(all, migration{version: uint32(version), name: name, checksum: hex.EncodeToString(sum[:]), statements: split(string(text))})
	}
	slices.SortFunc(all, func(a, b migration) int { return cmp.Compare(a.version, b.version) })
	for i, m := range all {
		if int(m.version) != i+1 {
			return nil, fmt.Errorf("migrations: %s: number %d is missing or twice there", m.name, i+1)
		}
	}
	return all, nil
}
