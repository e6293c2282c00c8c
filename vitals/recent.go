package vitals

import (
	"slices"
	"time"
)

// Recent turns a count that only grows into how much of it happened lately. The zero value has seen nothing. Not for
// concurrent use.
type Recent struct {
	seen  uint64
	times []time.Time
}

// mostRecent bounds what is remembered: more of them make no difference to anybody.
const mostRecent = 100

// Count takes the count as it is now and returns how much of it came within the memory. Times are compared by the
// monotonic clock where they carry it.
func (r *Recent) Count(total uint64, memory time.Duration, now time.Time) int {
	for ; r.seen < total; r.seen++ {
		if len(r.times) < mostRecent {
			r.times = append(r.times, now)
		}
	}
	r.times = slices.DeleteFunc(r.times, func(at time.Time) bool { return now.Sub(at) > memory })
	return len(r.times)
}

// Clock notices that the clock on the wall does not go as time passes. The zero value has seen nothing. Not for concurrent use.
type Clock struct {
	wall   time.Time
	passed time.Duration
	jump   time.Duration
	at     time.Duration
}

// leastJump is far above what a time service corrects at once, and below what anybody would notice in the data.
const leastJump = 5 * time.Second

// Look compares the wall clock with how much time has passed since some fixed moment, by a clock that never jumps. It
// returns the largest jump within the memory, negative when it was backwards, and 0 when there was none.
func (c *Clock) Look(wall time.Time, passed, memory time.Duration) time.Duration {
	if !c.wall.IsZero() {
		if jump := wall.Round(0).Sub(c.wall) - (passed - c.passed); jump.Abs() >= leastJump && jump.Abs() >= c.jump.Abs() {
			c.jump, c.at = jump, passed
		}
	}
	c.wall, c.passed = wall.Round(0), passed
	if passed-c.at > memory {
		c.jump = 0
	}
	return c.jump
}
