package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// sendAgain repeats a tenth of everything at once, and a tenth of everything a day later, when nothing remembers the ids.
func sendAgain(ctx context.Context, s *settings) (row row, err error) {
	row.times = 3
	dir := filepath.Join(s.dir, "resend")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return row, err
	}
	r, hand, err := newClockRig(ctx, s, dir, plan{name: "resend", shape: usual})
	if err != nil {
		return row, err
	}
	defer func() { r.close(row.failed() || err != nil) }()
	row.fleet = r.fleet
	r.fleet.start()
	if err := r.fleet.acknowledgeMore(ctx, int64(s.times(300_000))); err != nil {
		return row, err
	}
	if err := r.fleet.finish(ctx); err != nil {
		return row, err
	}
	soon := r.fleet.recognised.Load()
	if err := r.restartAt(ctx, hand, 24*time.Hour); err != nil {
		return row, err
	}
	late := r.fleet.again(usual.echo, false)
	if err := r.fleet.finish(ctx); err != nil {
		return row, err
	}
	known := r.fleet.recognised.Load() - soon
	if err := r.restartAt(ctx, hand, 24*time.Hour); err != nil {
		return row, err
	}
	r.fleet.again(usual.echo, true)
	r.fleet.start()
	if err := r.fleet.acknowledgeMore(ctx, 20_000); err != nil {
		return row, err
	}
	row.figures = fmt.Sprintf("%d packets recognised as sent before soon after; of %d sent again a day later, under their old ids, %d; then as many under new ids beside new ones, a kill before each", soon, late, known)
	row.verdict, err = r.judge(ctx)
	return row, err
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
