package processors

import (
	"context"
	"errors"
	"fmt"
	"time"

	"longwave/processors/retry"
	"longwave/processors/store"
)

// insertTimeout bounds one attempt. The largest block takes well under a second; an engine that needs longer than this
// is better asked again.
const insertTimeout = 30 * time.Second

// store is the stage that stores: it returns nil when everything in hand is in ClickHouse or kept as rejected.
func (l *line) store(ctx context.Context, h *hand) error {
	finish, cancel := outlive(ctx)
	defer cancel()
	a := attempts{line: l, stop: ctx, finish: finish}
	culprits, err := l.insert(a, h)
	if err != nil {
		return err
	}
	if err := l.reject(a, h, culprits); err != nil {
		return err
	}
	l.runner.metrics.stored(l.lane, h)
	return nil
}

// insert stores the hand's block, dividing it when the store refuses it. It returns the packets at fault.
func (l *line) insert(a attempts, h *hand) ([]culprit, error) {
	for failures := 1; ; failures++ {
		err := a.put(h.fresh)
		if !errors.Is(err, store.ErrRefused) {
			return nil, err
		}
		s := sieve{attempts: a, hand: h}
		err = s.sift(h.items())
		if !errors.Is(err, errAllRefused) {
			return s.culprits, err
		}
		l.log.Error("the store refuses everything; taking it for a fault of the store", "error", err)
		if a.stop.Err() != nil {
			return nil, err
		}
		retry.Pause(a.stop, failures)
	}
}

// attempts repeats what may fail until it succeeds or the program stops: stop is when to try no more, finish is when
// to give up what is running.
type attempts struct {
	line         *line
	stop, finish context.Context
}

// put inserts a block, which is made anew before each attempt. It returns nil, store.ErrRefused, or the last error
// when the program is to stop.
func (a attempts) put(block func() *store.Block) error {
	return a.repeat("insert", func(ctx context.Context) (again bool, err error) {
		b := block()
		if b.Packets() == 0 {
			return false, nil
		}
		done, err := a.line.runner.turns.take(ctx, a.line.lane)
		if err != nil {
			return true, err
		}
		defer done()
		begun := time.Now()
		if err := a.line.runner.Store.Insert(ctx, b); err != nil {
			return !errors.Is(err, store.ErrRefused), fmt.Errorf("insert: %w", err)
		}
		a.line.runner.metrics.inserted(a.line.lane, b, time.Since(begun))
		return false, nil
	})
}

// repeat calls try with a deadline until it asks for no repetition.
func (a attempts) repeat(what string, try func(context.Context) (again bool, err error)) error {
	for failures := 1; ; failures++ {
		ctx, cancel := context.WithTimeout(a.finish, insertTimeout)
		again, err := try(ctx)
		cancel()
		if !again || a.stop.Err() != nil {
			return err
		}
		if failures == 1 {
			a.line.log.Warn("failed; trying again until it succeeds", "what", what, "error", err)
		}
		a.line.runner.metrics.retried(a.line.lane)
		retry.Pause(a.stop, failures)
	}
}
