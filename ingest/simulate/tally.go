package simulate

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"
)

const (
	// lineInterval is how often a line on a terminal is rewritten, logInterval how often one is added elsewhere.
	lineInterval = 500 * time.Millisecond
	logInterval  = 5 * time.Second
	// maxSamples bounds the latencies of one line; of more, the newest count.
	maxSamples = 8192
)

// tally counts what came of all requests.
type tally struct {
	mu                    sync.Mutex
	begun                 time.Time
	taken, turned, rounds int // packets accepted, packets refused, requests repeated
	latencies             []time.Duration
	oldest                int // in latencies, once it is full

	shownAt    time.Time // of the line before
	shownTaken int
}

func newTally(now time.Time) *tally { return &tally{begun: now, shownAt: now} }

func (t *tally) accepted(packets int, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.taken += packets
	if len(t.latencies) < maxSamples {
		t.latencies = append(t.latencies, took)
		return
	}
	t.latencies[t.oldest] = took
	t.oldest = (t.oldest + 1) % maxSamples
}

func (t *tally) refused(packets int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.turned += packets
}

func (t *tally) retried() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rounds++
}

// line describes the time since the last line: rate and latencies of it, and the totals so far.
func (t *tally) line(now time.Time) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	seconds := max(now.Sub(t.shownAt).Seconds(), 1e-3)
	rate := float64(t.taken-t.shownTaken) / seconds
	slices.Sort(t.latencies)
	text := fmt.Sprintf("%s  %8.1f packets/s  accepted %d  refused %d  retries %d  latency p50 %s p99 %s",
		now.Sub(t.begun).Truncate(time.Second), rate, t.taken, t.turned, t.rounds,
		shown(quantile(t.latencies, 0.50)), shown(quantile(t.latencies, 0.99)))
	t.latencies, t.oldest, t.shownAt, t.shownTaken = t.latencies[:0], 0, now, t.taken
	return text
}

// quantile takes sorted durations; of none, it is 0.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

func shown(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return d.Round(100 * time.Microsecond).String()
}

// report writes the line until ctx ends, and once more then. Sending goes on when nobody reads it any more.
func (t *tally) report(ctx context.Context, out io.Writer, live bool) {
	interval, before, after := logInterval, "", "\n"
	if live {
		interval, before, after = lineInterval, "\r\x1b[K", "" // back to the start of the line and clear it
	}
	write := func(end string) { _, _ = io.WriteString(out, before+t.line(time.Now())+end) }
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			write(after)
		case <-ctx.Done():
			write("\n")
			return
		}
	}
}
