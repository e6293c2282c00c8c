package erase

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"longwave/ingest/telemetry"
	"longwave/processors/retry"
	"longwave/tenants/id"
)

const (
	// interval is how often pending erasures are looked for; a person who deletes a device may be watching its data go.
	interval = time.Second
	// longestPause bounds the back-off while something needed is down.
	longestPause = time.Minute
	// settleTimeout bounds the wait for the lanes. It is not an error to wait longer, but it is to be said.
	settleTimeout = time.Minute
	// eraseTimeout bounds the removal of one device: a delete that rewrites years of a busy device's parts.
	eraseTimeout = 10 * time.Minute
	// doneTimeout bounds one write to the control log.
	doneTimeout = 10 * time.Second
)

// ErrOptions is returned by Run when something that it needs is missing.
var ErrOptions = errors.New("erase: incomplete options")

// Job is one device whose data is to be removed.
type Job struct {
	Tenant id.Tenant
	Device id.Device
}

// Options are what Run needs. All but Interval are required.
type Options struct {
	// Pending returns the deletions that are not done yet. It must be cheap.
	Pending func() []Job
	// Settled returns when everything that was in the lanes when it was called can no longer be stored.
	Settled func(context.Context) error
	// Erase removes everything of the device, verifies it, and says how much it was.
	Erase func(context.Context, id.Tenant, id.Device) (telemetry.Erased, error)
	// Done records the end of the deletion; recording it twice must be harmless.
	Done     func(context.Context, id.Tenant, id.Device, telemetry.Erased) error
	Log      *slog.Logger
	Interval time.Duration // between looks; 0 means the default
}

// Run erases until ctx ends and then returns nil. It returns ErrOptions at once.
func Run(ctx context.Context, o Options) error {
	if o.Pending == nil || o.Settled == nil || o.Erase == nil || o.Done == nil || o.Log == nil {
		return ErrOptions
	}
	if o.Interval <= 0 {
		o.Interval = interval
	}
	failures := 0
	for ctx.Err() == nil {
		if err := round(ctx, o); err != nil && ctx.Err() == nil {
			failures++
			o.Log.Warn("a deletion is not complete yet; trying again", "error", err, "failures", failures)
		} else {
			failures = 0
		}
		retry.Wait(ctx, retry.Backoff(o.Interval, longestPause, failures+1))
	}
	return nil
}

// round erases everything pending. One wait for the lanes serves all: each job was pending before the wait began.
func round(ctx context.Context, o Options) error {
	jobs := o.Pending()
	if len(jobs) == 0 {
		return nil
	}
	if err := settled(ctx, o); err != nil {
		return fmt.Errorf("wait for the lanes: %w", err)
	}
	var failed []error
	for _, job := range jobs {
		if ctx.Err() != nil {
			break
		}
		if err := erase(ctx, o, job); err != nil { // one device must not hold up the others
			failed = append(failed, fmt.Errorf("device %s of %s: %w", job.Device, job.Tenant, err))
		}
	}
	return errors.Join(failed...)
}

func settled(ctx context.Context, o Options) error {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	return o.Settled(ctx)
}

func erase(ctx context.Context, o Options, job Job) error {
	removal, cancel := context.WithTimeout(ctx, eraseTimeout)
	defer cancel()
	erased, err := o.Erase(removal, job.Tenant, job.Device)
	if err != nil {
		return fmt.Errorf("erase: %w", err)
	}
	report, cancel := context.WithTimeout(ctx, doneTimeout)
	defer cancel()
	if err := o.Done(report, job.Tenant, job.Device, erased); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	o.Log.Info("deleted for good", "tenant", job.Tenant, "device", job.Device,
		"readings", erased.Readings, "events", erased.Events)
	return nil
}
