package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// sendAgain repeats a tenth of everything at once, and a tenth of everything a day later, when nothing remembers the ids. Alert
// rules look at some of it, and everything that they see is repeated, with kills between.
func sendAgain(ctx context.Context, s *settings) (row row, err error) {
	row.times = 3
	dir := filepath.Join(s.dir, "resend")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return row, err
	}
	r, hand, err := newClockRig(ctx, s, dir, plan{name: "resend", shape: usual, flags: toOurselves()})
	if err != nil {
		return row, err
	}
	defer func() { r.close(row.failed() || err != nil) }()
	row.fleet = r.fleet
	a, err := r.withAlarms(ctx, r)
	if a != nil {
		defer a.close()
	}
	if err != nil {
		return row, err
	}
	figures, err := r.sendThrice(ctx, hand, a)
	if err != nil {
		return row, err
	}
	alerts, broken, err := a.judge(ctx)
	row.figures, row.broken = figures+"; "+alerts, broken
	if err != nil {
		return row, err
	}
	row.verdict, err = r.judge(ctx)
	return row, err
}

// sendThrice is three days: on the first one things are repeated soon, on the others what was sent the day before.
func (r *rig) sendThrice(ctx context.Context, hand string, a *alarms) (figures string, err error) {
	day := func(ahead time.Duration) error {
		return a.tell(ctx, func() time.Time { return time.Now().Add(ahead) }, func() error { return r.restartAt(ctx, hand, ahead) })
	}
	r.fleet.start()
	if err := day(0); err != nil {
		return "", err
	}
	if err := r.fleet.acknowledgeMore(ctx, int64(r.settings.times(300_000))); err != nil {
		return "", err
	}
	if err := r.fleet.finish(ctx); err != nil {
		return "", err
	}
	soon := r.fleet.recognised.Load()
	if err := r.restartAt(ctx, hand, 24*time.Hour); err != nil {
		return "", err
	}
	late := r.fleet.again(usual.echo, false)
	if err := r.fleet.finish(ctx); err != nil {
		return "", err
	}
	known := r.fleet.recognised.Load() - soon
	a.again(ctx, false)
	if err := day(24 * time.Hour); err != nil {
		return "", err
	}
	if err := r.restartAt(ctx, hand, 48*time.Hour); err != nil {
		return "", err
	}
	r.fleet.again(usual.echo, true)
	r.fleet.start()
	a.again(ctx, true)
	if err := day(48 * time.Hour); err != nil {
		return "", err
	}
	err = r.fleet.acknowledgeMore(ctx, 20_000)
	return fmt.Sprintf("%d packets recognised as sent before soon after; of %d sent again a day later, under their old ids, %d; then as many under new ids beside new ones, a kill before each", soon, late, known), err
}

// restartAt kills the program and starts it with that clock. A program that runs measures how long it remembers
// something by a clock that cannot be moved.
func (r *rig) restartAt(ctx context.Context, hand string, ahead time.Duration) error {
	r.process.kill()
	if err := setClock(hand, ahead); err != nil {
		return err
	}
	return r.start(ctx)
}

// again has a share of everything that was acknowledged sent once more, in any order, and returns how many packets. The
// devices must not be sending.
func (f *fleet) again(share float64, renamed bool) (packets int) {
	for _, s := range f.senders {
		acked := s.series.state()
		for from := 0; from+f.shape.batch <= len(acked); from += f.shape.batch {
			if s.random.Float64() >= share {
				continue
			}
			d := delivery{echo: true, renamed: renamed}
			for n := from; n < from+f.shape.batch; n++ {
				if acked[n] {
					d.numbers = append(d.numbers, n)
				}
			}
			s.random.Shuffle(len(d.numbers), func(i, j int) { d.numbers[i], d.numbers[j] = d.numbers[j], d.numbers[i] })
			if len(d.numbers) > 0 {
				s.echoes = append(s.echoes, d)
				packets += len(d.numbers)
			}
		}
	}
	return packets
}
