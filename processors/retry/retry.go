package retry

import (
	"context"
	"math/rand/v2"
	"time"
)

const (
	// first and longest bound the back-off of Pause: short enough that a restart of the other side is hardly noticed, long
	// enough that a long outage costs nothing.
	first   = 100 * time.Millisecond
	longest = 5 * time.Second
)

// Wait returns after d, or when ctx ends.
func Wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Pause waits before the attempt after the given number of failures in a row, 1 or more, or until ctx ends.
func Pause(ctx context.Context, failures int) {
	d := Backoff(first, longest, failures)
	Wait(ctx, d/2+rand.N(d/2)) // copies of the program that failed together must not come back together
}

// Backoff is from after the first failure in a row, twice as long after each further one, and never longer than most.
func Backoff(from, most time.Duration, failures int) time.Duration {
	d := from
	for n := 1; n < failures && d < most; n++ {
		d *= 2
	}
	return min(d, most)
}
