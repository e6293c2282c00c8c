package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"longwave/ingest/telemetry"
	"longwave/migrations"
	"longwave/tenants/id"
)

const (
	questionTimeout = 20 * time.Second // a page waits no longer
	streamTimeout   = 30 * time.Minute // an export of everything a device ever sent, to a slow client

	// questionMemory bounds what one question may hold: an eighth of the smallest engine that we start.
	questionMemory = 256 << 20
)

// Reader answers questions about one tenant's data. All its methods fail with ErrBusy, ErrTooHeavy, ErrUnavailable or
// the error of the context; a device that the tenant does not have is a device without data.
type Reader struct {
	store  *Store
	tenant id.Tenant
}

// question is one statement with its parameters. Values never become part of the text.
type question struct {
	name    string // in metrics and errors
	sql     string
	timeout time.Duration // 0 means questionTimeout
	byKey   bool          // all conditions are on the table's key, in which repetitions are alike
	params  []any
}

// ask runs a question and hands each row to scan.
func (r *Reader) ask(ctx context.Context, q question, scan func(driver.Rows) error) error {
	return r.measured(ctx, q, func(ctx, caller context.Context, params []any) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		rows, err := r.store.read.Query(clickhouse.Context(ctx, clickhouse.WithSettings(r.settings(q))), q.sql, params...)
		if err != nil {
			return readError(caller, err)
		}
		for rows.Next() {
			if err := scan(rows); err != nil {
				cancel() // before closing, which reads the answer to its end
				_ = rows.Close()
				return err
			}
		}
		return readError(caller, rows.Err())
	})
}

// asking sends a question with these parameters; ctx ends with the question's time, caller with whoever asked.
type asking func(ctx, caller context.Context, params []any) error

// measured sends a question within its bounds and counts how it went.
func (r *Reader) measured(ctx context.Context, q question, send asking) error {
	start := time.Now()
	err := r.bounded(ctx, q, send)
	r.store.metrics.asked(q.name, time.Since(start), err)
	if errors.Is(err, ErrDamaged) { // whoever asked can do nothing about it
		r.store.log.ErrorContext(ctx, "stored data is damaged; restore it from a copy", "question", q.name, "error", err)
	}
	if err != nil {
		return fmt.Errorf("store: %s: %w", q.name, err)
	}
	return nil
}

func (r *Reader) bounded(caller context.Context, q question, send asking) error {
	if err := r.store.usable(); err != nil {
		return err
	}
	if q.timeout == 0 {
		q.timeout = questionTimeout
	}
	ctx, cancel := context.WithTimeout(caller, q.timeout)
	defer cancel()
	leave, err := r.store.gates.enter(ctx, r.tenant)
	if err != nil {
		return err
	}
	defer leave()
	return send(ctx, caller, append([]any{clickhouse.Named("tenant", string(r.tenant))}, q.params...))
}

func (r *Reader) settings(q question) clickhouse.Settings {
	settings := clickhouse.Settings{
		"max_memory_usage": questionMemory,
		// A fact lies in exactly one partition, because its time is part of it.
		"do_not_merge_across_partitions_select_final": 1,
		"max_bytes_before_external_sort":              questionMemory / 2,
		"max_bytes_before_external_group_by":          questionMemory / 2,
	}
	if q.byKey { // rows that do not matter are left out before repetitions are looked for
		settings["optimize_move_to_prewhere_if_final"] = 1
	}
	if r.store.policies {
		settings[migrations.TenantSetting] = clickhouse.CustomSetting{Value: string(r.tenant)}
	}
	return r.store.cluster.reading(settings)
}

// device and span are the parameters that most questions share.
func device(d id.Device) any { return clickhouse.Named("device", string(d)) }

func span(from, to telemetry.Micros) []any {
	return []any{clickhouse.Named("from", int64(from)), clickhouse.Named("to", int64(to))}
}
