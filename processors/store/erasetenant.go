package store

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"longwave/migrations"
)

const ofTenant = ` WHERE tenant = {tenant:String}`

// Rows counts the rows of the tenant as they lie in each table, repetitions included.
func (r *Reader) Rows(ctx context.Context) ([]TableSize, error) {
	var all []TableSize
	for _, table := range migrations.TenantTables() {
		size := TableSize{Table: table}
		q := question{name: "rows", sql: "SELECT count() FROM " + table + ofTenant, timeout: eraseTimeout}
		if err := r.ask(ctx, q, func(rows driver.Rows) error { return rows.Scan(&size.Rows) }); err != nil {
			return nil, err
		}
		all = append(all, size)
	}
	return all, nil
}

// EraseAll deletes every row of the tenant from every table, as Erase does for a device. It returns ErrNotErased when the
// tenant has rows again, because something still writes them; call it again.
func (r *Reader) EraseAll(ctx context.Context) error {
	unlock, err := r.store.lockRolling(ctx)
	if err != nil {
		return fmt.Errorf("store: erase tenant: %w", err)
	}
	defer unlock()
	found, err := r.Rows(ctx)
	if err != nil {
		return fmt.Errorf("store: erase tenant: %w", err)
	}
	for _, table := range found {
		if table.Rows == 0 {
			continue
		}
		if err := r.eraseTable(ctx, table.Table); err != nil {
			return fmt.Errorf("store: erase tenant from %s: %w", table.Table, err)
		}
	}
	left, err := r.Rows(ctx)
	if err != nil {
		return fmt.Errorf("store: erase tenant: verify: %w", err)
	}
	for _, table := range left {
		if table.Rows > 0 {
			return fmt.Errorf("store: erase tenant: %w: %d in %s", ErrNotErased, table.Rows, table.Table)
		}
	}
	r.store.log.InfoContext(ctx, "erased a tenant", "tenant", r.tenant)
	return nil
}

func (r *Reader) eraseTable(caller context.Context, table string) error {
	ctx, cancel := context.WithTimeout(caller, eraseTimeout)
	defer cancel()
	err := r.store.write.Exec(clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"mutations_sync": 2})),
		"ALTER TABLE "+r.store.cluster.local(table)+r.store.cluster.on()+" DELETE"+ofTenant, clickhouse.Named("tenant", string(r.tenant)))
	return readError(caller, err)
}
