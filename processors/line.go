package processors

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
)

// line is one stage on one lane. Its fields belong to the goroutine of run.
type line struct {
	runner   *Runner
	stage    stage
	lane     telemetry.Lane
	log      *slog.Logger
	hand     *hand              // what is between fetch and settle, one at a time
	consumer jetstream.Consumer // nil: to be looked up
}

const (
	// firstPause and longestPause bound the back-off: short enough that a restart of the engine is hardly noticed,
	// long enough that a long outage costs nothing.
	firstPause   = 100 * time.Millisecond
	longestPause = 5 * time.Second
)

// run works until ctx ends. Errors are logged when they begin and when they end, not at every attempt.
func (l *line) run(ctx context.Context) {
	failures := 0
	for ctx.Err() == nil {
		err := l.turn(ctx)
		switch {
		case err == nil && failures > 0:
			l.log.Info("lane is being processed again", "failures", failures)
			failures = 0
		case err != nil && ctx.Err() == nil:
			if failures++; failures == 1 {
				l.log.Warn("lane cannot be processed; trying again", "error", err)
			}
			l.consumer = nil // whatever happened, look whether it still exists
			pause(ctx, failures)
		}
	}
}

// turn is one round: fetch what there is, let the stage have it, settle.
func (l *line) turn(ctx context.Context) error {
	h, err := l.fetch(ctx)
	if err != nil || len(h.messages) == 0 {
		return err
	}
	l.runner.metrics.fetched(l.lane, h)
	stop := l.keep(h)
	err = l.stage.land(l, ctx, h)
	stop()
	if err != nil {
		l.release(h)
		return err
	}
	l.settle(h)
	return nil
}

// pause waits before the attempt after the given number of failures, or until ctx ends.
func pause(ctx context.Context, failures int) {
	wait := longestPause
	if failures < 10 {
		wait = min(longestPause, firstPause<<(failures-1))
	}
	wait = wait/2 + rand.N(wait/2) // copies of the program that failed together must not come back together
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// drainTimeout is how long a block in hand may take once the program is told to stop: several times what the largest
// one takes, well below the grace that service managers give.
const drainTimeout = 8 * time.Second

// outlive returns a context that ends drainTimeout after ctx does, so that what has begun can be finished.
func outlive(ctx context.Context) (context.Context, context.CancelFunc) {
	finish, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(drainTimeout, cancel)
		context.AfterFunc(finish, func() { timer.Stop() })
	})
	return finish, func() { stop(); cancel() }
}
