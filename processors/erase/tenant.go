package erase

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"longwave/processors/retry"
	"longwave/tenants/id"
)

const (
	// grace is how long a tenant must be out of the control plane before its contents are removed: other copies of the program
	// follow the control log within milliseconds, and what they had accepted by then must be in the lanes.
	grace = 5 * time.Second
	// partTimeout bounds the removal of one kind of contents.
	partTimeout = 30 * time.Minute
	// countTimeout bounds the counting of one kind.
	countTimeout = 5 * time.Minute
)

// Part is one kind of things that belong to a tenant. Both functions may be called again and again.
type Part struct {
	Name   string
	Count  func(context.Context, id.Tenant) (uint64, error)
	Remove func(context.Context, id.Tenant) error
}

// Gone is how many things of one kind there were, and are left.
type Gone struct {
	Name          string
	Removed, Left uint64
}

// Ending is a tenant that is to be removed; Emptied is when it went out of the control plane, zero when it has not.
type Ending struct {
	Tenant  id.Tenant
	Emptied time.Time
}

// TenantOptions are what RunTenants needs. All but Interval and Grace are required.
type TenantOptions struct {
	// Pending returns the deletions that are not done yet. It must be cheap.
	Pending func() []Ending
	// Empty takes the tenant out of the control plane; doing it twice must be harmless.
	Empty func(context.Context, id.Tenant) error
	// Settled returns when everything that was in the lanes when it was called can no longer be stored.
	Settled func(context.Context) error
	// Parts are removed in their order: what something else is made from comes first.
	Parts []Part
	// Done records the end with the proof; recording it twice must be harmless.
	Done     func(context.Context, id.Tenant, []Gone) error
	Log      *slog.Logger
	Interval time.Duration // between looks; 0 means the default
	Grace    time.Duration // 0 means the default
}

// errLeft says that something of a tenant is there again.
var errLeft = errors.New("something of the tenant is there again")

// RunTenants removes tenants until ctx ends and then returns nil. It returns ErrOptions at once.
func RunTenants(ctx context.Context, o TenantOptions) error {
	if o.Pending == nil || o.Empty == nil || o.Settled == nil || len(o.Parts) == 0 || o.Done == nil || o.Log == nil {
		return ErrOptions
	}
	if o.Interval <= 0 {
		o.Interval = interval
	}
	if o.Grace <= 0 {
		o.Grace = grace
	}
	failures := 0
	for ctx.Err() == nil {
		var failed []error
		for _, e := range o.Pending() {
			if err := o.step(ctx, e); err != nil { // one tenant must not hold up the others
				failed = append(failed, fmt.Errorf("tenant %s: %w", e.Tenant, err))
			}
		}
		failures++
		if err := errors.Join(failed...); err == nil || ctx.Err() != nil {
			failures = 0
		} else {
			o.Log.Warn("the deletion of a tenant is not complete yet; trying again", "error", err, "failures", failures)
		}
		retry.Wait(ctx, retry.Backoff(o.Interval, longestPause, failures+1))
	}
	return nil
}

// step takes a deletion as far as it goes now.
func (o *TenantOptions) step(ctx context.Context, e Ending) error {
	if e.Emptied.IsZero() {
		ctx, cancel := context.WithTimeout(ctx, doneTimeout)
		defer cancel()
		return o.Empty(ctx, e.Tenant)
	}
	if time.Since(e.Emptied) < o.Grace {
		return nil
	}
	waiting, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	if err := o.Settled(waiting); err != nil {
		return fmt.Errorf("wait for the lanes: %w", err)
	}
	return o.remove(ctx, e.Tenant)
}

// remove removes every part, proves that all of them are gone together, and reports it.
func (o *TenantOptions) remove(ctx context.Context, t id.Tenant) error {
	gone := make([]Gone, len(o.Parts))
	for i, part := range o.Parts {
		found, err := part.count(ctx, t)
		if err != nil {
			return err
		}
		gone[i] = Gone{Name: part.Name, Removed: found}
		if err := part.remove(ctx, t); err != nil {
			return err
		}
	}
	for i, part := range o.Parts {
		left, err := part.count(ctx, t)
		if err == nil && left > 0 {
			err = fmt.Errorf("%w: %d %s", errLeft, left, part.Name)
		}
		if err != nil {
			return err
		}
		gone[i].Left = left
	}
	report, cancel := context.WithTimeout(ctx, doneTimeout)
	defer cancel()
	if err := o.Done(report, t, gone); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	o.Log.Info("tenant deleted for good", "tenant", t)
	return nil
}

func (p Part) count(ctx context.Context, t id.Tenant) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, countTimeout)
	defer cancel()
	n, err := p.Count(ctx, t)
	if err != nil {
		return 0, fmt.Errorf("count %s: %w", p.Name, err)
	}
	return n, nil
}

func (p Part) remove(ctx context.Context, t id.Tenant) error {
	ctx, cancel := context.WithTimeout(ctx, partTimeout)
	defer cancel()
	if err := p.Remove(ctx, t); err != nil {
		return fmt.Errorf("remove %s: %w", p.Name, err)
	}
	return nil
}
