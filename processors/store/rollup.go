package store

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

const (
	// maxWindows is how many hours of devices one run recomputes: a run that is lost costs no more than this again.
	maxWindows = 2000
	// rollupTimeout bounds each statement of a run, which reads at most a day of so many devices, or a month of a few.
	rollupTimeout = 2 * time.Minute
	// rollupMemory bounds each statement: aggregation follows the order of the tables and holds little.
	rollupMemory = 512 << 20
	// paceCount is how many readings a window needs to tell how often a device sends.
	paceCount = 3
)

// Rollup recomputes the windows that were touched since it last did, from the set of readings, and forgets them: at
// most 2000 hours of devices in one run, those first that have waited longest. It returns how many; call it again soon
// when there were that many. To run it twice, in several copies at once, or to lose it half-way, costs only time. The
// error is ErrUnavailable, ErrTooHeavy or that of the context.
func (s *Store) Rollup(ctx context.Context) (windows int, err error) {
	if err := s.usable(); err != nil {
		return 0, fmt.Errorf("store: rollup: %w", err)
	}
	unlock, err := s.lockRolling(ctx)
	if err != nil {
		return 0, fmt.Errorf("store: rollup: %w", err)
	}
	defer unlock()
	run, start := rollupRun{store: s, id: rand.Uint64()}, time.Now()
	if err := run.execute(ctx, run.steps()); err != nil {
		return 0, fmt.Errorf("store: rollup: %w", err)
	}
	s.metrics.windows.Add(float64(run.windows))
	if run.windows > 0 {
		s.log.DebugContext(ctx, "rolled up", "hours", run.windows, "parts", len(run.parts), "took", time.Since(start))
	}
	return run.windows, nil
}

// lockRolling keeps rollups and erasures of this copy apart.
func (s *Store) lockRolling(ctx context.Context) (unlock func(), err error) {
	select {
	case s.rolling <- struct{}{}:
		return func() { <-s.rolling }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// rollupRun is one run; its id marks the hours that it took upon itself.
type rollupRun struct {
	store   *Store
	id      uint64
	windows int
	parts   []part
}

// part is a stretch of time with touched hours, in seconds since 1970.
type part struct{ from, to int64 }

// days widens a part to whole days; a day in UTC has no leap seconds in this count.
func (p part) days() part {
	const day = int64(24 * time.Hour / time.Second)
	return part{from: p.from - p.from%day, to: (p.to + day - 1) / day * day}
}

type rollupStep func(context.Context) error

// steps are a run from its beginning to its end. It may end after any of them: the hours are forgotten last, and
// exactly as they were taken.
func (r *rollupRun) steps() []rollupStep {
	return []rollupStep{r.take, r.look, r.minutes, r.hours, r.daily, r.pace, r.forget}
}

func (r *rollupRun) execute(ctx context.Context, steps []rollupStep) error {
	for i, step := range steps {
		if err := step(ctx); err != nil {
			return fmt.Errorf("step %d: %w", i+1, err)
		}
	}
	return nil
}

const takeWindows = `INSERT INTO rollup_runs (run, tenant, device, hour, token)
SELECT {run:UInt64}, tenant, device, hour, sum(token) FROM touched
GROUP BY tenant, device, hour
HAVING sum(token) != 0 AND (max(rolled) <= now('UTC') - {rest:UInt32} OR max(rolled) > now('UTC') + 60) -- the clock was put back
ORDER BY max(rolled), hour, tenant, device LIMIT {limit:UInt64}`

func (r *rollupRun) take(ctx context.Context) error {
	return r.exec(ctx, takeWindows, clickhouse.Named("rest", int64(r.store.rest/time.Second)), clickhouse.Named("limit", maxWindows))
}

// fewDevices is how many devices a run may have for its parts to be months. Hours are taken in the order of time, so a
// run of few devices is long (one that has emptied the buffer of a year), and one of many devices is short.
const fewDevices = 8

const selectParts = `SELECT toInt64(toUnixTimestamp(min(hour))) AS first, toInt64(toUnixTimestamp(max(hour))) + 3600, count()
FROM rollup_runs WHERE run = {run:UInt64}
GROUP BY if((SELECT uniqExact(tenant, device) FROM rollup_runs WHERE run = {run:UInt64}) <= {few:UInt64},
    toDateTime(toStartOfMonth(hour), 'UTC'), toStartOfDay(hour))
ORDER BY first`

// look learns which parts there are. Each has statements of its own, which then read little around the touched hours.
func (r *rollupRun) look(caller context.Context) error {
	ctx, cancel := context.WithTimeout(caller, rollupTimeout)
	defer cancel()
	rows, err := r.store.write.Query(clickhouse.Context(ctx, clickhouse.WithSettings(r.store.cluster.reading(clickhouse.Settings{}))), selectParts, clickhouse.Named("run", r.id), clickhouse.Named("few", fewDevices))
	if err != nil {
		return readError(caller, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var p part
		var hours uint64
		if err := rows.Scan(&p.from, &p.to, &hours); err != nil {
			return err
		}
		r.parts, r.windows = append(r.parts, p), r.windows+int(hours)
	}
	return readError(caller, rows.Err())
}

const (
	inPart = `ts >= toDateTime({from:Int64}, 'UTC') AND ts < toDateTime({to:Int64}, 'UTC')
    AND (tenant, device) IN (SELECT tenant, device FROM rollup_runs WHERE run = {run:UInt64} AND hour >= toDateTime({from:Int64}, 'UTC') AND hour < toDateTime({to:Int64}, 'UTC'))`
	inHours = inPart + `
    AND (tenant, device, toStartOfHour(ts)) IN (SELECT tenant, device, hour FROM rollup_runs WHERE run = {run:UInt64})`

	computeMinutes = `INSERT INTO rollup_1m ` + windowColumns + `
SELECT tenant, device, metric, window, low, if(n = 1, 0, high), if(n = 1, 0, total), n, first, if(n = 1, epoch, latest), if(n = 1, 0, final), gone FROM
(SELECT tenant, device, metric, toStartOfMinute(ts) AS window, min(value) AS low, max(value) AS high, sum(value) AS total, count() AS n,
    min(ts) AS first, max(ts) AS latest, argMax(value, (ts, value)) AS final, max(expires) AS gone, toDateTime64(0, 6, 'UTC') AS epoch
FROM readings FINAL WHERE ` + inHours + `
GROUP BY tenant, device, metric, window)`

	computeHours = `INSERT INTO rollup_1h ` + windowColumns + fromFiner + `, toStartOfHour(ts) AS window FROM rollup_1m AS w FINAL WHERE ` + inHours + groupWindows
	computeDays  = `INSERT INTO rollup_1d ` + windowColumns + fromFiner + `, toStartOfDay(ts) AS window FROM rollup_1h AS w FINAL WHERE ` + inPart + groupWindows

	windowColumns = `(tenant, device, metric, ts, low, high, total, count, first_ts, last_ts, last, expires)`

	// A window of one reading stores it once: see the table rollup_1m.
	fromFiner = `
SELECT tenant, device, metric, window, lowest, if(n = 1, 0, highest), if(n = 1, 0, sums), n, first, if(n = 1, epoch, latest), if(n = 1, 0, final), gone FROM
(SELECT tenant, device, metric, min(w.low) AS lowest, max(if(w.count = 1, w.low, w.high)) AS highest, sum(if(w.count = 1, w.low, w.total)) AS sums,
    sum(w.count) AS n, min(w.first_ts) AS first, max(if(w.count = 1, w.first_ts, w.last_ts)) AS latest,
    argMax(if(w.count = 1, w.low, w.last), w.first_ts) AS final, max(w.expires) AS gone, toDateTime64(0, 6, 'UTC') AS epoch`

	groupWindows = ` GROUP BY tenant, device, metric, window)`
)

func (r *rollupRun) minutes(ctx context.Context) error {
	return r.each(ctx, computeMinutes, part.itself)
}

func (r *rollupRun) hours(ctx context.Context) error { return r.each(ctx, computeHours, part.itself) }

func (r *rollupRun) daily(ctx context.Context) error { return r.each(ctx, computeDays, part.days) }

func (p part) itself() part { return p }

// each runs a statement for each part, over as much of it as the statement needs.
func (r *rollupRun) each(ctx context.Context, statement string, extent func(part) part, params ...any) error {
	for _, p := range r.parts {
		p = extent(p)
		all := append([]any{clickhouse.Named("from", p.from), clickhouse.Named("to", p.to)}, params...)
		if err := r.exec(ctx, statement, all...); err != nil {
			return err
		}
	}
	return nil
}

// A device that sends less than three times an hour shows its pace in the day.
const learnPace = `INSERT INTO latest (tenant, device, metric, pace, expires)
SELECT tenant, device, metric, max(tuple(ts, count, toInt64(toUnixTimestamp64Micro(last_ts) - toUnixTimestamp64Micro(first_ts)))), max(expires)
FROM %s FINAL WHERE ` + inPart + ` AND count >= {least:UInt64}
GROUP BY tenant, device, metric`

func (r *rollupRun) pace(ctx context.Context) error {
	for _, table := range []string{"rollup_1h", "rollup_1d"} {
		if err := r.each(ctx, fmt.Sprintf(learnPace, table), part.days, clickhouse.Named("least", paceCount)); err != nil {
			return err
		}
	}
	return nil
}

const forgetWindows = `INSERT INTO touched (tenant, device, hour, token, rolled)
SELECT tenant, device, hour, toUInt64(0 - token), now('UTC') FROM rollup_runs WHERE run = {run:UInt64}`

// forget adds the negative of what was taken: what came meanwhile stays.
func (r *rollupRun) forget(ctx context.Context) error {
	if r.windows == 0 {
		return nil
	}
	return r.exec(ctx, forgetWindows)
}

func (r *rollupRun) exec(caller context.Context, statement string, params ...any) error {
	ctx, cancel := context.WithTimeout(caller, rollupTimeout)
	defer cancel()
	settings := clickhouse.Settings{
		"async_insert":                                0,
		"insert_deduplicate":                          0,
		"max_memory_usage":                            rollupMemory,
		"optimize_aggregation_in_order":               1,
		"do_not_merge_across_partitions_select_final": 1,
	}
	settings = r.store.cluster.writing(r.store.cluster.reading(settings))
	params = append(params, clickhouse.Named("run", r.id))
	return readError(caller, r.store.write.Exec(clickhouse.Context(ctx, clickhouse.WithSettings(settings)), statement, params...))
}
