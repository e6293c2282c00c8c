package store

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// eraseTimeout bounds one table's deletion: it rewrites every part in which the device has rows.
const eraseTimeout = 10 * time.Minute

// deviceTables lists every table with rows of a device, sources before what is computed from them.
func deviceTables() []string {
	return []string{"readings", "events", "touched", "rollup_runs", "rollup_1m", "rollup_1h", "rollup_1d", "latest"}
}

const selectCount = `SELECT
    (SELECT count() FROM readings_of(tenant = {tenant:String}) WHERE device = {device:String}),
    (SELECT count() FROM events_of(tenant = {tenant:String}) WHERE device = {device:String})`

// Count counts the distinct readings and events of a device.
func (r *Reader) Count(ctx context.Context, d id.Device) (telemetry.Erased, error) {
	var n telemetry.Erased
	err := r.ask(ctx, question{name: "count", sql: selectCount, timeout: eraseTimeout, params: []any{device(d)}}, func(rows driver.Rows) error {
		return rows.Scan(&n.Readings, &n.Events)
	})
	return n, err
}

// Erase deletes every row of a device from every table and returns what there was. Rows are gone from the data files
// when it returns, except that ClickHouse keeps replaced files for a few minutes. It returns ErrNotErased when the
// device has rows again, because something still writes them; call it again. A device without rows is no error.
func (r *Reader) Erase(ctx context.Context, d id.Device) (telemetry.Erased, error) {
	was, err := r.Count(ctx, d)
	if err != nil {
		return was, err
	}
	unlock, err := r.store.lockRolling(ctx)
	if err != nil {
		return was, fmt.Errorf("store: erase: %w", err)
	}
	defer unlock()
	for _, table := range deviceTables() {
		if err := r.eraseFrom(ctx, table, d); err != nil {
			return was, fmt.Errorf("store: erase from %s: %w", table, err)
		}
	}
	for _, table := range deviceTables() {
		left, err := r.left(ctx, table, d)
		if err == nil && left > 0 {
			err = fmt.Errorf("%w: %d in %s", ErrNotErased, left, table)
		}
		if err != nil {
			return was, fmt.Errorf("store: erase: verify: %w", err)
		}
	}
	r.store.log.InfoContext(ctx, "erased a device", "tenant", r.tenant, "device", d, "readings", was.Readings, "events", was.Events)
	return was, nil
}

const ofDevice = ` WHERE tenant = {tenant:String} AND device = {device:String}`

func (r *Reader) eraseFrom(caller context.Context, table string, d id.Device) error {
	left, err := r.left(caller, table, d)
	if err != nil || left == 0 {
		return err
	}
	ctx, cancel := context.WithTimeout(caller, eraseTimeout)
	defer cancel()
	// A real mutation: the lightweight DELETE only hides rows. It returns when every replica has done it.
	err = r.store.write.Exec(clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"mutations_sync": 2})),
		"ALTER TABLE "+r.store.cluster.local(table)+r.store.cluster.on()+" DELETE"+ofDevice, clickhouse.Named("tenant", string(r.tenant)), device(d))
	return readError(caller, err)
}

// left counts the rows as they lie in the table: a view would not show repetitions.
func (r *Reader) left(ctx context.Context, table string, d id.Device) (left uint64, err error) {
	q := question{name: "left", sql: "SELECT count() FROM " + table + ofDevice, params: []any{device(d)}}
	err = r.ask(ctx, q, func(rows driver.Rows) error { return rows.Scan(&left) })
	return left, err
}
