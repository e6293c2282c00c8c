package forward

import (
	"context"
	"time"
)

// clockEvery is how often a Forwarder looks whether the clock was put back.
const clockEvery = 5 * time.Second

// watchClock has what workers hold delivered anew when the clock was put back: NATS waits for the time at which it
// promised to try again, which is far away then.
func (f *Forwarder) watchClock(ctx context.Context) {
	tick := time.NewTicker(clockEvery)
	defer tick.Stop()
	before := f.clock()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		now := f.clock()
		if now.Behind(before) {
			f.deliverAnew(ctx)
		}
		before = now
	}
}

func (f *Forwarder) deliverAnew(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	f.mu.RLock()
	lines := make([]*line, 0, len(f.lines))
	for _, l := range f.lines {
		lines = append(lines, l)
	}
	f.mu.RUnlock()
	for _, l := range lines {
		if err := l.letGo(ctx, false); err != nil {
			l.log.Warn("the clock was put back; what was to be tried again may wait for as long", "error", err)
		}
	}
}
