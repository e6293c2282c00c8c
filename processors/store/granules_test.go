package store

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// explained is a connection that asks ClickHouse, before each question, which granules it is going to read.
type explained struct {
	driver.Conn
	t     *testing.T
	reads map[string]uint64 // granules by table
}

func (e *explained) Query(ctx context.Context, sql string, params ...any) (driver.Rows, error) {
	e.t.Helper()
	rows, err := e.Conn.Query(ctx, "EXPLAIN indexes = 1 "+sql, params...)
	if err != nil {
		e.t.Fatal(err)
	}
	defer rows.Close()
	table, byKey := "", false
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			e.t.Fatal(err)
		}
		line = strings.TrimSpace(line)
		if _, name, ok := strings.Cut(line, "ReadFromMergeTree ("); ok {
			table, byKey = strings.TrimSuffix(name[strings.IndexByte(name, '.')+1:], ")"), false
		}
		byKey = byKey || line == "PrimaryKey"
		var read, all uint64
		if n, _ := fmt.Sscanf(line, "Granules: %d/%d", &read, &all); n == 2 && byKey {
			e.reads[table], byKey = e.reads[table]+read, false
		}
	}
	if err := rows.Err(); err != nil {
		e.t.Fatal(err)
	}
	return e.Conn.Query(ctx, sql, params...)
}

// Tenants, devices of each, and metrics of each in the crowd of the test below; readings come once a minute for three days.
const (
	crowdTenants = 4
	crowdDevices = 20
	crowdMetrics = 2
	crowdMinutes = 5000
)

// crowd fills the tables with the data of several tenants, so that a question that reads too much shows.
func crowd(t *testing.T, s *Store, start telemetry.Micros) {
	t.Helper()
	const series = `concat('t-', toString(intDiv(number, %[1]d) %% 4)) AS tenant, concat('d-', toString(intDiv(number, %[2]d) %% %[3]d)) AS device, concat('m-', toString(intDiv(number, %[4]d) %% 2)) AS metric`
	who := func(each, devices int) string {
		return fmt.Sprintf(series, each*crowdMetrics*devices, each*crowdMetrics, devices, each)
	}
	window := ` AS ts, 1, 2, 90, 60, ts, ts + 59, 1, toDate('2149-01-01') FROM numbers({rows:UInt64})`
	for _, fill := range []struct {
		table, columns, sql string
		rows                int
	}{
		{"readings", `(tenant, device, metric, ts, value, type, received_at, expires)`, who(crowdMinutes, crowdDevices) +
			`, fromUnixTimestamp64Micro({start:Int64}) + (number % 5000) * 60, number % 977, 0, now(), toDate('2149-01-01') FROM numbers({rows:UInt64})`, crowdTenants * crowdDevices * crowdMetrics * crowdMinutes},
		{"rollup_1m", windowColumns, who(crowdMinutes, crowdDevices) + `, toDateTime({second:Int64}, 'UTC') + (number % 5000) * 60` + window, crowdTenants * crowdDevices * crowdMetrics * crowdMinutes},
		{"rollup_1h", windowColumns, who(720, 100) + `, toDateTime({second:Int64}, 'UTC') + (number % 720) * 3600` + window, crowdTenants * 100 * crowdMetrics * 720},
		{"rollup_1d", windowColumns, who(360, 100) + `, toStartOfDay(toDateTime({second:Int64}, 'UTC')) + (number % 360) * 86400` + window, crowdTenants * 100 * crowdMetrics * 360},
		{"latest", `(tenant, device, metric, ts, type, num, text, received, seen, expires)`, who(1, 10_000) +
			`, fromUnixTimestamp64Micro({start:Int64}), 0, 1, '', now64(), now64(), toDate('2149-01-01') FROM numbers({rows:UInt64})`, crowdTenants * 10_000 * crowdMetrics},
		{"touched", `(tenant, device, hour, token)`, `tenant, device, hour, 1 FROM (SELECT ` + who(1, 10_000) + `, toDateTime({second:Int64}, 'UTC') AS hour FROM numbers({rows:UInt64}))`, crowdTenants * 10_000 * crowdMetrics},
		{"events", `(tenant, device, ts, kind, name, text, received_at, expires)`, `tenant, device, ts, 2, metric, 'text', now(), toDate('2149-01-01') FROM (SELECT ` + who(crowdMinutes/2, crowdDevices) +
			`, fromUnixTimestamp64Micro({start:Int64}) + (number % 2500) * 60 AS ts FROM numbers({rows:UInt64}))`, crowdTenants * crowdDevices * crowdMetrics * crowdMinutes / 2},
	} {
		err := s.write.Exec(t.Context(), `INSERT INTO `+fill.table+` `+fill.columns+` SELECT `+fill.sql, named("start", int64(start)), named("second", int64(start/second)), named("rows", fill.rows))
		if err != nil {
			t.Fatal(fill.table, err)
		}
		optimize(t, s, fill.table)
	}
}

// Every question reads the granules of its tenant, its devices and its range and no others: the views let the conditions
// through to the primary key. A granule is 8192 readings or 4096 windows, and one more is read where a series or a month
// begins inside of one.
func TestQuestionsReadOnlyTheirGranules(t *testing.T) {
	s, start := openStore(t), noon()-7*day
	crowd(t, s, start)
	tenant, d := parse[id.Tenant](t, "t-2"), parse[id.Device](t, "d-7")
	series := func(length telemetry.Micros, points int) func(*Reader) error {
		return func(r *Reader) error {
			_, err := r.Series(t.Context(), telemetry.SeriesQuery{Device: d, Metric: "m-1", From: start, To: start + length, MaxPoints: points})
			return err
		}
	}
	keys, devices := crowdSeries(t)
	many := func(length telemetry.Micros, points int) func(*Reader) error {
		return func(r *Reader) error {
			_, err := r.SeriesMany(t.Context(), telemetry.ManyQuery{Series: keys, From: start, To: start + length, MaxPoints: points})
			return err
		}
	}
	for _, question := range []struct {
		name string
		ask  func(*Reader) error
		most map[string]uint64 // granules that may be read, by table
	}{
		{"a day of readings", series(day, 2000), map[string]uint64{"readings": 4}},
		{"an hour by ten seconds", series(hour, 10), map[string]uint64{"readings": 4, "rollup_1m": 2, "touched": 2}},
		{"a month by hours", series(30*day, 800), map[string]uint64{"readings": 5, "rollup_1h": 4, "touched": 2}},
		{"a year by days", series(360*day, 400), map[string]uint64{"readings": 5, "rollup_1h": 4, "rollup_1d": 4, "touched": 2}},
		{"many, an hour by seconds", many(hour, 1000), map[string]uint64{"readings": 2 * crowdDevices}},
		{"many, a day by minutes", many(day, 1000), map[string]uint64{"readings": 2 * crowdDevices, "rollup_1m": 2 * crowdDevices, "touched": 4}},
		{"many, a month by hours", many(30*day, 1000), map[string]uint64{"readings": 2 * crowdDevices, "rollup_1h": 2 * crowdDevices, "touched": 4}},
		{"all metrics", func(r *Reader) error {
			_, err := r.Overview(t.Context(), d, start, start+day, 60)
			return err
		}, map[string]uint64{"readings": 4, "rollup_1m": 4, "touched": 2}},
		{"export", func(r *Reader) error {
			return r.Each(t.Context(), telemetry.SeriesQuery{Device: d, Metric: "m-1", From: start, To: start + day}, func(telemetry.Point) error { return nil })
		}, map[string]uint64{"readings": 2}},
		{"latest", func(r *Reader) error { _, err := r.Latest(t.Context(), d); return err }, map[string]uint64{"latest": 2}},
		{"latest of a thousand", func(r *Reader) error { _, err := r.LatestOf(t.Context(), devices); return err }, map[string]uint64{"latest": 5}},
		{"fleet", func(r *Reader) error { _, err := r.Activity(t.Context()); return err }, map[string]uint64{"latest": 5}}, // of ten
		{"top of a tenant", func(r *Reader) error {
			_, err := r.Top(t.Context(), telemetry.TopQuery{Metric: "m-1", From: start, To: start + day, Count: 10})
			return err
		}, map[string]uint64{"rollup_1h": 40}}, // of its 36, and parts of months
		{"events", func(r *Reader) error {
			_, err := r.Events(t.Context(), telemetry.EventQuery{Device: d, From: start, To: start + day})
			return err
		}, map[string]uint64{"events": 4}},
	} {
		t.Run(question.name, func(t *testing.T) {
			spy := &explained{Conn: s.read, t: t, reads: map[string]uint64{}}
			reader := &Store{read: spy, log: s.log, metrics: s.metrics}
			reader.prepared.Store(true)
			if err := question.ask(reader.ForTenant(tenant)); err != nil {
				t.Fatal(err)
			}
			for table, granules := range spy.reads {
				if granules > question.most[table] {
					t.Errorf("%d granules of %s, want at most %d", granules, table, question.most[table])
				}
			}
		})
	}
}

func crowdSeries(t *testing.T) (keys []telemetry.SeriesKey, devices []id.Device) {
	t.Helper()
	for i := range 1000 {
		devices = append(devices, parse[id.Device](t, fmt.Sprint("d-", i)))
	}
	for i := range crowdDevices {
		keys = append(keys, telemetry.SeriesKey{Device: devices[i], Metric: "m-1"})
	}
	return keys, devices
}

func parse[K id.Kind](t *testing.T, text string) K {
	t.Helper()
	k, err := id.Parse[K](text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
