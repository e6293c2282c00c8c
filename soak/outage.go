package main

import (
	"context"
	"fmt"
	"sync"
	"syscall"
	"time"
)

// holdEngine suspends the engine, and each one that the program starts instead, until the returned function is called:
// that one kills what is suspended, so that the program starts a fresh one.
func (r *rig) holdEngine(ctx context.Context) (release func()) {
	ctx, cancel := context.WithCancel(ctx)
	var holder sync.WaitGroup
	holder.Go(func() {
		for ctx.Err() == nil {
			for _, pid := range children(r.process.command.Process.Pid) {
				syscall.Kill(pid, syscall.SIGSTOP)
			}
			wait(ctx, 50*time.Millisecond)
		}
	})
	return func() {
		cancel()
		holder.Wait()
		for _, pid := range children(r.process.command.Process.Pid) {
			syscall.Kill(pid, syscall.SIGKILL)
		}
	}
}

// The targets of a long outage.
const (
	outageRate   = 10_000.0 // packets per second
	drainAtLeast = 3.0      // times the rate at which packets come
	slowerAtMost = 1.2      // the acknowledgement's p99, during against before
)

// longOutage measures what devices notice of an engine that is gone, and how fast the backlog goes away.
func longOutage(ctx context.Context, s *settings) (row row, err error) {
	row.times = 1
	sh := shape{devices: 16, batch: 50, rate: outageRate, echo: 0.02}
	r, err := newRig(ctx, s, plan{name: "outage", shape: sh})
	if err != nil {
		return row, err
	}
	defer func() { r.close(row.failed() || err != nil) }()
	row.fleet = r.fleet
	r.fleet.start()
	wait(ctx, 10*time.Second) // to warm up
	m := measured{began: time.Now()}
	wait(ctx, min(s.outage, 30*time.Second))
	release := r.holdEngine(ctx)
	m.down, m.before = time.Now(), r.fleet.acked.Load()
	wait(ctx, s.outage)
	release()
	m.up, m.during = time.Now(), r.fleet.acked.Load()
	// The devices go on sending. A second's worth of packets is what always is under way. Messages would not tell: requests
	// that come together share one, so there are far fewer of them than requests.
	if err := until(ctx, s.outage*2+time.Minute, "the backlog is gone", func() error {
		lag, err := r.metric(ctx, "longwave_consumer_lag_packets_estimate")
		if err == nil && lag > outageRate {
			err = fmt.Errorf("about %g packets left", lag)
		}
		return err
	}); err != nil {
		return row, err
	}
	m.drained, m.after = time.Now(), r.fleet.acked.Load()
	row.figures, row.broken = m.describe(r.fleet)
	row.verdict, err = r.judge(ctx)
	return row, err
}

// measured is when things happened and how many packets were acknowledged by then.
type measured struct {
	began, down, up, drained time.Time
	before, during, after    int64
}

func (m measured) describe(f *fleet) (figures, broken string) {
	calm, outage := f.p99(m.began, m.down), f.p99(m.down, m.up)
	rate := float64(m.during-m.before) / m.up.Sub(m.down).Seconds()
	drain := float64(m.after-m.before) / m.drained.Sub(m.up).Seconds()
	slower := float64(outage) / float64(calm)
	figures = fmt.Sprintf("down for %.0f s at %.0f packets/s; drained at %.0f packets/s, new ones included (%.1f ×); ack p99 %.1f ms before, %.1f ms during (× %.2f)",
		m.up.Sub(m.down).Seconds(), rate, drain, drain/rate, ms(calm), ms(outage), slower)
	if drain/rate < drainAtLeast {
		broken = fmt.Sprintf("drained at %.1f × the ingest rate, promised are %.0f ×. ", drain/rate, drainAtLeast)
	}
	if slower > slowerAtMost {
		broken += fmt.Sprintf("the acknowledgement's p99 became %.2f times as long, promised are %.1f", slower, slowerAtMost)
	}
	return figures, broken
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// upgradeWithBacklog stops the program politely while the engine is down and starts it again, as an upgrade would.
func upgradeWithBacklog(ctx context.Context, s *settings) (row row, err error) {
	row.times = s.times(3)
	r, err := newRig(ctx, s, plan{name: "upgrade", shape: usual})
	if err != nil {
		return row, err
	}
	defer func() { r.close(row.failed() || err != nil) }()
	row.fleet = r.fleet
	r.fleet.start()
	var slowest time.Duration
	for range row.times {
		release := r.holdEngine(ctx)
		if err := r.fleet.acknowledgeMore(ctx, 50_000); err != nil {
			return row, err
		}
		began := time.Now()
		if err := r.process.stop(); err != nil {
			release()
			return row, err
		}
		slowest = max(slowest, time.Since(began))
		release()
		if err := r.start(ctx); err != nil {
			return row, err
		}
	}
	row.figures = fmt.Sprintf("stopped within %.1f s with a suspended engine, ready again after at most %.1f s", slowest.Seconds(), r.slowestStart().Seconds())
	row.verdict, err = r.judge(ctx)
	return row, err
}
