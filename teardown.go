package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
)

// teardown undoes what serve acquired, last acquired first. Every acquisition pushes its release at once, so that a
// failure half-way through the start releases exactly what is there.
type teardown struct {
	log   *slog.Logger
	steps []release
}

type release struct {
	name string
	do   func(context.Context) error
}

func (t *teardown) push(name string, do func(context.Context) error) {
	t.steps = append(t.steps, release{name, do})
}

// unwind runs every release, even after one failed, and names those that did.
func (t *teardown) unwind(ctx context.Context) error {
	var failures []error
	for i := len(t.steps) - 1; i >= 0; i-- {
		step := t.steps[i]
		t.log.Debug("stopping", "part", step.name)
		if err := step.do(ctx); err != nil && !errors.Is(err, context.Canceled) {
			failures = append(failures, fmt.Errorf("stopping %s: %w", step.name, err))
		}
	}
	t.steps = nil
	return errors.Join(failures...)
}

// supervise runs a part that blocks until its context ends, and pushes the release that ends it and waits for it. A
// part that returns before it was told to takes the whole program down through failed: half a platform is worse.
func (t *teardown) supervise(name string, body func(context.Context) error, failed context.CancelCauseFunc) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		err := body(ctx)
		if ctx.Err() == nil {
			failed(fmt.Errorf("%s stopped by itself: %w", name, errors.Join(err, errUnexpectedEnd)))
		}
		done <- err
	}()
	t.push(name, func(stop context.Context) error {
		cancel()
		select {
		case err := <-done:
			return err
		case <-stop.Done():
			return stop.Err()
		}
	})
}

var errUnexpectedEnd = errors.New("it should run until the program stops")
