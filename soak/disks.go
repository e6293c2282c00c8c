package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// onDisk makes a scenario's directory and a file system in it.
func onDisk(ctx context.Context, s *settings, name string, bytes int64) (*loopDisk, error) {
	dir := filepath.Join(s.dir, name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return newLoopDisk(ctx, dir, bytes)
}

// cutPower keeps the data directory on a file system that loses everything that was not synced.
func cutPower(ctx context.Context, s *settings) (row row, err error) {
	row.times = s.times(20)
	disk, err := onDisk(ctx, s, "power", 12<<30)
	if err != nil {
		return row, err
	}
	defer func() { disk.close(row.failed() || err != nil) }()
	r, err := newRig(ctx, s, plan{name: "power", data: filepath.Join(disk.mount, "data"), shape: usual})
	if err != nil {
		return row, err
	}
	defer func() { r.close(row.failed() || err != nil) }()
	row.fleet = r.fleet
	first := len(r.starts)
	r.fleet.start()
	for range row.times {
		if err := r.fleet.acknowledgeMore(ctx, 12_000); err != nil {
			return row, err
		}
		wait(ctx, rand.N(time.Second))
		if err := r.loseCurrent(ctx, disk); err != nil {
			return row, err
		}
	}
	if row.verdict, err = r.judge(ctx); err != nil {
		return row, err
	}
	r.starts = r.starts[first:]
	row.figures = fmt.Sprintf("ready again after at most %.1f s", r.slowestStart().Seconds())
	return row, nil
}

// loseCurrent cuts the power and brings it back. Where the power fails, the network does, too: an answer that the program
// gives after that moment, to requests whose files it can no longer write, reaches nobody.
func (r *rig) loseCurrent(ctx context.Context, disk *loopDisk) error {
	r.fleet.blackout.Store(true)
	if err := disk.cut(); err != nil {
		return err
	}
	r.process.kill()
	if err := disk.reboot(ctx); err != nil {
		return err
	}
	err := r.start(ctx)
	r.fleet.blackout.Store(false)
	return err
}

// roomAgain is how soon packets must be accepted once there is space, without anybody's help.
const roomAgain = 10 * time.Second

// fullLane fills a small lane while nothing takes packets out of it.
func fullLane(ctx context.Context, s *settings) (row row, err error) {
	row.times = s.times(3)
	r, err := newRig(ctx, s, plan{name: "lane", shape: usual, flags: []string{"--lane-bytes", fmt.Sprint(16 << 20)}})
	if err != nil {
		return row, err
	}
	defer func() { r.close(row.failed() || err != nil) }()
	row.fleet = r.fleet
	r.fleet.start()
	var worst time.Duration
	for range row.times {
		release := r.holdEngine(ctx)
		err := r.fleet.refusedWhile(ctx, 2*time.Minute)
		wait(ctx, 2*time.Second)
		release()
		if err != nil {
			return row, err
		}
		if err := until(ctx, readyIn, "a new engine", func() error { return r.ready(ctx) }); err != nil {
			return row, err
		}
		began := time.Now()
		if err := r.fleet.acknowledgeMore(ctx, 1); err != nil {
			return row, fmt.Errorf("after there is room again: %w", err)
		}
		worst = max(worst, time.Since(began))
	}
	row.figures, row.broken = accepting(worst)
	row.verdict, err = r.judge(ctx)
	return row, err
}

func accepting(worst time.Duration) (figures, broken string) {
	figures = fmt.Sprintf("accepted again at most %.1f s after there was room", worst.Seconds())
	if worst > roomAgain {
		broken = fmt.Sprintf("accepted again after %.1f s, promised are %s", worst.Seconds(), roomAgain)
	}
	return figures, broken
}

// refusedWhile waits until nothing but refusals came for a while.
func (f *fleet) refusedWhile(ctx context.Context, within time.Duration) error {
	refusals, acked := f.refusedRequests.Load(), f.acked.Load()
	since := time.Now()
	return until(ctx, within, "every request is refused", func() error {
		if now := f.acked.Load(); now != acked {
			acked, since = now, time.Now()
		}
		refused := f.refusedRequests.Load() + f.unansweredRequests.Load() - refusals
		if refused == 0 || time.Since(since) < 3*time.Second {
			return fmt.Errorf("%d acknowledged, %d refused", acked, refused)
		}
		return nil
	})
}

// fullDisk uses up the disk under the program with a file of its own, and gives the space back.
func fullDisk(ctx context.Context, s *settings) (row row, err error) {
	row.times = s.times(3)
	disk, err := onDisk(ctx, s, "disk", 6<<30)
	if err != nil {
		return row, err
	}
	defer func() { disk.close(row.failed() || err != nil) }()
	r, err := newRig(ctx, s, plan{name: "disk", data: filepath.Join(disk.mount, "data"), shape: usual})
	if err != nil {
		return row, err
	}
	defer func() { r.close(row.failed() || err != nil) }()
	row.fleet = r.fleet
	r.fleet.start()
	var worst time.Duration
	for range row.times {
		if err := r.fleet.acknowledgeMore(ctx, 10_000); err != nil {
			return row, err
		}
		took, err := r.fillDisk(ctx, disk)
		if err != nil {
			return row, err
		}
		worst = max(worst, took)
	}
	row.figures, row.broken = accepting(worst)
	row.verdict, err = r.judge(ctx)
	return row, err
}

// fillDisk returns how long after the space was given back the first packet was accepted.
func (r *rig) fillDisk(ctx context.Context, disk *loopDisk) (time.Duration, error) {
	ballast := filepath.Join(disk.mount, "ballast")
	if err := fill(ballast); err != nil {
		return 0, err
	}
	if err := r.fleet.refusedWhile(ctx, 2*time.Minute); err != nil {
		return 0, err
	}
	wait(ctx, 5*time.Second)
	if err := os.Remove(ballast); err != nil {
		return 0, err
	}
	began := time.Now()
	err := r.fleet.acknowledgeMore(ctx, 1)
	return time.Since(began), err
}

// fill takes all space that is left, in steps, down to a single byte.
func fill(path string) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	offset := int64(0)
	for step := int64(64 << 20); step > 0; step /= 2 {
		for syscall.Fallocate(int(file.Fd()), 0, offset, step) == nil {
			offset += step
		}
	}
	if offset == 0 {
		return fmt.Errorf("%s: no space could be taken", path)
	}
	return nil
}
