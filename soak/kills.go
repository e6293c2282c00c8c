package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"syscall"
	"time"
)

// usual is the load of most scenarios: well below what the program can take, so that what is measured is the fault, and
// a tenth of it is repeated.
var usual = shape{devices: 16, batch: 50, rate: 15_000, echo: 0.1}

// readyAgain is how soon the program must be back after it was killed.
const readyAgain = 5 * time.Second

// killEverything kills the program and its engine at a random moment, again and again.
func killEverything(ctx context.Context, s *settings) (row, error) {
	return killOften(ctx, s, plan{name: "kill", shape: usual}, 30)
}

// manyTenants send a request a second each.
const manyTenants = 1000

// killMany does so with many tenants: their messages share syncs, and blocks hold packets of all of them.
func killMany(ctx context.Context, s *settings) (row, error) {
	return killOften(ctx, s, plan{name: "many", tenants: manyTenants, shape: shape{devices: manyTenants, batch: 10, rate: 10_000, echo: 0.1}}, 5)
}

func killOften(ctx context.Context, s *settings, p plan, times int) (row row, err error) {
	row.times = s.times(times)
	r, err := newRig(ctx, s, p)
	if err != nil {
		return row, err
	}
	defer func() { r.close(row.failed() || err != nil) }()
	row.fleet = r.fleet
	first := len(r.starts)
	r.fleet.start()
	for range row.times {
		if err := r.fleet.acknowledgeMore(ctx, 15_000); err != nil {
			return row, err
		}
		wait(ctx, rand.N(time.Second))
		r.process.kill()
		if err := r.start(ctx); err != nil {
			return row, err
		}
	}
	if row.verdict, err = r.judge(ctx); err != nil {
		return row, err
	}
	r.starts = r.starts[first:]
	row.figures = fmt.Sprintf("ready again after at most %.1f s", r.slowestStart().Seconds())
	if r.slowestStart() > readyAgain {
		row.broken = fmt.Sprintf("ready again after %.1f s, promised are %s", r.slowestStart().Seconds(), readyAgain)
	}
	return row, nil
}

// killEngine kills the child alone; packets must go on being acknowledged.
func killEngine(ctx context.Context, s *settings) (row row, err error) {
	row.times = s.times(10)
	r, err := newRig(ctx, s, plan{name: "engine", shape: usual})
	if err != nil {
		return row, err
	}
	defer func() { r.close(row.failed() || err != nil) }()
	row.fleet = r.fleet
	r.fleet.start()
	if err := r.fleet.acknowledgeMore(ctx, 10_000); err != nil {
		return row, err
	}
	r.fleet.longestStall()
	for range row.times {
		for _, pid := range children(r.process.command.Process.Pid) {
			syscall.Kill(pid, syscall.SIGKILL)
		}
		if err := r.fleet.acknowledgeMore(ctx, 5_000); err != nil {
			return row, err
		}
		if err := until(ctx, readyIn, "a new engine", func() error { return r.ready(ctx) }); err != nil {
			return row, err
		}
		wait(ctx, rand.N(2*time.Second))
	}
	row.figures = fmt.Sprintf("longest time without an acknowledgement %.2f s", r.fleet.longestStall().Seconds())
	row.verdict, err = r.judge(ctx)
	return row, err
}

// pauseEverything suspends the program and its engine for longer than every timeout inside.
func pauseEverything(ctx context.Context, s *settings) (row row, err error) {
	row.times = s.times(2)
	r, err := newRig(ctx, s, plan{name: "pause", shape: usual})
	if err != nil {
		return row, err
	}
	defer func() { r.close(row.failed() || err != nil) }()
	row.fleet = r.fleet
	r.fleet.start()
	for range row.times {
		if err := r.fleet.acknowledgeMore(ctx, 10_000); err != nil {
			return row, err
		}
		r.process.signal(syscall.SIGSTOP)
		wait(ctx, 32*time.Second)
		r.process.signal(syscall.SIGCONT)
	}
	if err := r.fleet.acknowledgeMore(ctx, 10_000); err != nil {
		return row, err
	}
	row.figures = "32 s each"
	row.verdict, err = r.judge(ctx)
	return row, err
}

// sendTwice has everything repeated, half of it under other ids, with a kill in the middle.
func sendTwice(ctx context.Context, s *settings) (row row, err error) {
	row.times = 1
	sh := usual
	sh.echo = 1
	r, err := newRig(ctx, s, plan{name: "twice", shape: sh})
	if err != nil {
		return row, err
	}
	defer func() { r.close(row.failed() || err != nil) }()
	row.fleet = r.fleet
	r.fleet.start()
	for half := range 2 {
		if err := r.fleet.acknowledgeMore(ctx, int64(s.times(100_000))); err != nil {
			return row, err
		}
		if half == 0 {
			r.process.kill()
			if err := r.start(ctx); err != nil {
				return row, err
			}
		}
	}
	row.figures = "one kill half-way"
	row.verdict, err = r.judge(ctx)
	return row, err
}
