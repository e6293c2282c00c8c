package handler

import (
	"sync"
	"time"
)

// outageEvery is how often one outage is worth a line. While the broker is away every post of every device fails for
// the same reason, thousands in a second, and the log must stay readable just then; the counters count each.
const outageEvery = time.Second

// outages remembers, by the code of the problem, when an outage was last logged. The codes are few.
type outages struct {
	mu   sync.Mutex
	seen map[string]outage
}

type outage struct {
	logged  time.Time
	skipped int
}

// note says whether a failure is to be logged, and how many like it were not since the last that was.
func (o *outages) note(code string, now time.Time) (log bool, skipped int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	last := o.seen[code]
	if now.Sub(last.logged) < outageEvery {
		last.skipped++
		o.seen[code] = last
		return false, 0
	}
	o.seen[code] = outage{logged: now}
	return true, last.skipped
}
