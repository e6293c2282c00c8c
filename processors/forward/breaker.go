package forward

import (
	"math/rand/v2"
	"sync"
	"time"

	"longwave/processors/retry"
)

const (
	// breakAfter failures in a row open the circuit: one message that its receiver cannot digest does not.
	breakAfter = 5
	// firstOpen and longestOpen bound how long the circuit stays open before one attempt tells whether all is well.
	firstOpen   = 5 * time.Second
	longestOpen = 5 * time.Minute

	// firstRetry and longestRetry bound how long a message waits for its next attempt.
	firstRetry   = 5 * time.Second
	longestRetry = 10 * time.Minute
)

// breaker keeps a destination that fails from being asked as often as one that is well. Its zero value is closed.
type breaker struct {
	mu       sync.Mutex
	failures int       // in a row
	opened   int       // in a row
	until    time.Time // open until then; zero when closed
	cause    string    // of the last failure
}

// wait says how long the circuit is still open; 0 when an attempt may be made. half says that it may be one only.
func (b *breaker) wait(now time.Time) (left time.Duration, half bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.until.IsZero() {
		return 0, false
	}
	return max(0, b.until.Sub(now)), true
}

// good closes the circuit. It says whether that is a change.
func (b *breaker) good() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	changed := b.failures > 0 || b.opened > 0
	b.failures, b.opened, b.until = 0, 0, time.Time{}
	return changed
}

// bad counts a failure. first says that the one before was none, until when the circuit is open now, zero if it is not.
func (b *breaker) bad(now time.Time, cause string) (first bool, until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures++
	b.cause = cause
	if b.failures >= breakAfter && !b.until.After(now) {
		b.until = now.Add(jitter(retry.Backoff(firstOpen, longestOpen, b.opened+1)))
		b.opened++
	}
	return b.failures == 1, b.until
}

// lastCause is why the last attempt that failed did.
func (b *breaker) lastCause() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.cause
}

// retryIn is how long a message waits after its n-th attempt, the first being 1; the other side may ask for more.
func retryIn(n uint64, asked time.Duration) time.Duration {
	return max(asked, jitter(retry.Backoff(firstRetry, longestRetry, int(min(n, 32)))))
}

// jitter is between three quarters and five quarters of d: what failed together does not come back together.
func jitter(d time.Duration) time.Duration { return d*3/4 + rand.N(d/2) }
