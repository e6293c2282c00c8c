package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// Window is what the readings of one metric in a stretch of time come to.
type Window struct {
	Count            uint64
	Low, High, Total float64
	Last             float64 // the newest value
}

// Difference is a window whose rollup is not what its readings come to. A Count of zero means that there is none.
type Difference struct {
	Table    string // rollup_1m, rollup_1h or rollup_1d
	Device   id.Device
	Metric   string
	Start    telemetry.Micros
	Readings Window
	Rollup   Window
}

// Verified says what VerifyRollups has done.
type Verified struct {
	Windows     uint64 // rolled up windows that were compared
	Differences uint64
	Pending     uint64 // hours of devices that are not rolled up yet, and were left out
}

const (
	// verifyStretch is how much is compared in one question, which bounds what it holds and, with days that devices fill
	// one after the other, reads each reading once.
	verifyStretch = 24 * time.Hour
	verifyTimeout = 10 * time.Minute
	// verifyAttempts is how often a stretch with differences is looked at: readings come and are rolled up meanwhile.
	verifyAttempts = 3
	// maxDifferences bounds what one stretch reports; more of them say nothing new.
	maxDifferences = 10_000
)

// VerifyRollups computes every window of a tenant in [from, to), widened to whole days, from the readings and compares
// it with the rollups, and hands each difference to report; an error of report ends it and is returned. Expired
// readings and hours that are not rolled up yet are left out. It may run beside everything else; memory is bounded
// whatever the range. Errors are those of Reader.
func (s *Store) VerifyRollups(ctx context.Context, t id.Tenant, from, to telemetry.Micros, report func(Difference) error) (Verified, error) {
	var all Verified
	const length = telemetry.Micros(verifyStretch / time.Microsecond)
	r := s.ForTenant(t)
	for at := floor(from, length); at < to; at += length {
		one := stretch{reader: r, from: at, to: at + length}
		if err := one.count(ctx, &all); err != nil {
			return all, err
		}
		for _, table := range []string{"rollup_1m", "rollup_1h", "rollup_1d"} {
			found, err := one.compare(ctx, table)
			if err != nil {
				return all, err
			}
			all.Differences += uint64(len(found))
			for _, d := range found {
				if err := report(d); err != nil {
					return all, err
				}
			}
		}
	}
	return all, nil
}

// stretch is a day to be compared.
type stretch struct {
	reader   *Reader
	from, to telemetry.Micros
}

const selectCompared = `SELECT
    (SELECT count() FROM rollup_1m FINAL WHERE tenant = {tenant:String} AND ` + timeRange + `)
    + (SELECT count() FROM rollup_1h FINAL WHERE tenant = {tenant:String} AND ` + timeRange + `)
    + (SELECT count() FROM rollup_1d FINAL WHERE tenant = {tenant:String} AND ` + timeRange + `),
    (SELECT count() FROM touched_of(tenant = {tenant:String})
        WHERE hour >= fromUnixTimestamp64Micro({from:Int64}, 'UTC') AND hour < fromUnixTimestamp64Micro({to:Int64}, 'UTC'))`

func (s stretch) count(ctx context.Context, all *Verified) error {
	q := question{name: "verify", sql: selectCompared, timeout: verifyTimeout, params: span(s.from, s.to)}
	return s.reader.ask(ctx, q, func(rows driver.Rows) error {
		var windows, pending uint64
		err := rows.Scan(&windows, &pending)
		all.Windows, all.Pending = all.Windows+windows, all.Pending+pending
		return err
	})
}

// compare returns the differences that are there at every attempt.
func (s stretch) compare(ctx context.Context, table string) (found []Difference, err error) {
	for range verifyAttempts {
		if found, err = s.differences(ctx, table); err != nil || len(found) == 0 {
			return nil, err
		}
	}
	return found, nil
}

// Sums differ in their last digits, because they are added up in another order; everything else must be equal.
const selectDifferences = `SELECT device, metric, toInt64(toUnixTimestamp(w)) * 1000000 AS at,
    sumIf(n, side = 0) AS n0, maxIf(low, side = 0) AS low0, maxIf(high, side = 0) AS high0, maxIf(total, side = 0) AS total0, maxIf(last, side = 0) AS last0,
    sumIf(n, side = 1) AS n1, maxIf(low, side = 1) AS low1, maxIf(high, side = 1) AS high1, maxIf(total, side = 1) AS total1, maxIf(last, side = 1) AS last1
FROM (
    SELECT 0 AS side, device, metric, WINDOW(ts) AS w, count() AS n, min(value) AS low, max(value) AS high, sum(value) AS total, argMax(value, (ts, value)) AS last
    FROM readings FINAL WHERE tenant = {tenant:String} AND expires > toDate(now('UTC')) AND RANGE GROUP BY tenant, device, metric, w
    UNION ALL
    SELECT 1 AS side, device, metric, ts AS w, count AS n, r.low, if(r.count = 1, r.low, r.high) AS high, if(r.count = 1, r.low, r.total) AS total, if(r.count = 1, r.low, r.last) AS last
    FROM TABLE AS r FINAL WHERE tenant = {tenant:String} AND expires > toDate(now('UTC')) AND RANGE
)
WHERE (device, PENDING(w)) NOT IN (SELECT device, PENDING(hour) FROM touched_of(tenant = {tenant:String}))
GROUP BY device, metric, w
HAVING n0 != n1 OR low0 != low1 OR high0 != high1 OR last0 != last1 OR abs(total0 - total1) > 1e-9 * n0 * greatest(abs(low0), abs(high0))
ORDER BY device, metric, w LIMIT {limit:UInt64}`

func differenceStatement(table string) string {
	window, pending := "toStartOfMinute", "toStartOfHour"
	switch table {
	case "rollup_1h":
		window = "toStartOfHour"
	case "rollup_1d":
		window, pending = "toStartOfDay", "toStartOfDay"
	}
	return strings.NewReplacer("WINDOW(", window+"(", "PENDING(", pending+"(", "TABLE", table, "RANGE", timeRange).Replace(selectDifferences)
}

func (s stretch) differences(ctx context.Context, table string) ([]Difference, error) {
	var all []Difference
	q := question{name: "verify", sql: differenceStatement(table), timeout: verifyTimeout,
		params: append(span(s.from, s.to), clickhouse.Named("limit", maxDifferences))}
	err := s.reader.ask(ctx, q, func(rows driver.Rows) error {
		d := Difference{Table: table}
		var device string
		var at int64
		a, b := &d.Readings, &d.Rollup
		err := rows.Scan(&device, &d.Metric, &at, &a.Count, &a.Low, &a.High, &a.Total, &a.Last, &b.Count, &b.Low, &b.High, &b.Total, &b.Last)
		if err != nil {
			return err
		}
		d.Start = telemetry.Micros(at)
		d.Device, err = id.Parse[id.Device](device)
		all = append(all, d)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", table, err)
	}
	return all, nil
}

// Held is a tenant of which there is something in the tables, and from when to when.
type Held struct {
	Tenant      id.Tenant
	First, Last telemetry.Micros // device time
}

const selectHeld = `SELECT tenant, toUnixTimestamp64Micro(min(first)), toUnixTimestamp64Micro(max(last)) FROM (
    SELECT tenant, min(ts) AS first, max(ts) AS last FROM readings GROUP BY tenant
    UNION ALL SELECT tenant, toDateTime64(min(ts), 6, 'UTC'), toDateTime64(max(ts), 6, 'UTC') FROM rollup_1m GROUP BY tenant
    UNION ALL SELECT tenant, toDateTime64(min(ts), 6, 'UTC'), toDateTime64(max(ts), 6, 'UTC') FROM rollup_1d GROUP BY tenant)
GROUP BY tenant ORDER BY tenant`

// Held lists the tenants with readings or rollups, for the operator. It reads every time stamp there is. It returns
// ErrUnavailable.
func (s *Store) Held(ctx context.Context) ([]Held, error) {
	ctx, cancel := context.WithTimeout(ctx, verifyTimeout)
	defer cancel()
	rows, err := s.write.Query(clickhouse.Context(ctx, clickhouse.WithSettings(s.cluster.reading(clickhouse.Settings{}))), selectHeld)
	if err != nil {
		return nil, fmt.Errorf("store: held: %w: %w", ErrUnavailable, err)
	}
	defer func() { _ = rows.Close() }()
	var all []Held
	for rows.Next() {
		var text string
		var first, last int64
		if err := rows.Scan(&text, &first, &last); err != nil {
			return nil, fmt.Errorf("store: held: %w", err)
		}
		t, err := id.Parse[id.Tenant](text)
		if err != nil {
			return nil, fmt.Errorf("store: held: %w", err)
		}
		all = append(all, Held{t, telemetry.Micros(first), telemetry.Micros(last)})
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("store: held: %w: %w", ErrUnavailable, err)
	}
	return all, nil
}
