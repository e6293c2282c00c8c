package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// The wall clock of one process cannot be moved from outside: namespaces have none for it, a preloaded library does not
// reach Go, and moving the machine's would move everybody's. So the program is built once more from the same sources with a
// standard library whose time.Now adds what a file says. Nothing of the program differs, and as on a real machine the
// monotonic clock does not jump. The clock of the ClickHouse engine, which is no Go, stays.
const (
	clockVariable = "SOAK_CLOCK"
	nowBefore     = "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n"
	nowAfter      = nowBefore + "\tsec += soakClock.Load()\n"
	clockSource   = `package time

import (
	"sync/atomic"
	"syscall"
)

var soakClock atomic.Int64

func init() {
	if path, ok := syscall.Getenv("` + clockVariable + `"); ok {
		soakFollow(path)
		go func() {
			for {
				Sleep(10 * Millisecond)
				soakFollow(path)
			}
		}()
	}
}

func soakFollow(path string) {
	file, err := open(path)
	if err != nil {
		return
	}
	defer closefd(file)
	var text [24]byte
	n, err := read(file, text[:])
	if err != nil || n < 2 || text[n-1] != '\n' {
		return
	}
	seconds, negative := int64(0), text[0] == '-'
	for _, digit := range text[:n-1] {
		if digit != '-' {
			seconds = seconds*10 + int64(digit-'0')
		}
	}
	if negative {
		seconds = -seconds
	}
	soakClock.Store(seconds)
}
`
)

// buildWithClock builds the program with a clock that can be moved.
func buildWithClock(ctx context.Context, dir string) (binary string, err error) {
	root, err := command(ctx, "go", "env", "GOROOT")
	if err != nil {
		return "", err
	}
	standard := filepath.Join(strings.TrimSpace(root), "src", "time")
	text, err := os.ReadFile(filepath.Join(standard, "time.go"))
	if err != nil || strings.Count(string(text), nowBefore) != 1 {
		return "", fmt.Errorf("%w: this Go's time.Now is not the one that is known: %w", errNotRun, err)
	}
	replaced, added, overlay := filepath.Join(dir, "time.go"), filepath.Join(dir, "clock.go"), filepath.Join(dir, "overlay.json")
	table, err := json.Marshal(map[string]map[string]string{"Replace": {
		filepath.Join(standard, "time.go"): replaced, filepath.Join(standard, "soak_clock.go"): added}})
	if err != nil {
		return "", err
	}
	for path, content := range map[string]string{
		replaced: strings.Replace(string(text), nowBefore, nowAfter, 1), added: clockSource, overlay: string(table)} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			return "", err
		}
	}
	binary = filepath.Join(dir, "longwave")
	build := exec.CommandContext(ctx, "go", "build", "-overlay", overlay, "-o", binary, "longwave")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building with another clock: %w: %s", err, out)
	}
	return binary, nil
}

// jumps are where the clock stands, one after the other, as seen from the right time: what a bad time server, a dead battery
// and a resumed virtual machine do. It ends right.
var jumps = []time.Duration{
	2 * time.Minute, -2 * time.Minute, 5 * time.Hour, -3 * time.Hour, 2 * 24 * time.Hour, -4 * 24 * time.Hour, 10 * 24 * time.Hour, 0,
}

// beyondLanes is longer than lanes keep what they have.
const beyondLanes = 7 * 24 * time.Hour

// moveClock moves the clock of the running program, and every other time while packets wait for an engine that hangs.
func moveClock(ctx context.Context, s *settings) (row row, err error) {
	row.times = len(jumps)
	dir := filepath.Join(s.dir, "clock")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return row, err
	}
	r, hand, err := newClockRig(ctx, s, dir, plan{name: "clock", shape: usual})
	if err != nil {
		return row, err
	}
	defer func() { r.close(row.failed() || err != nil) }()
	row.fleet = r.fleet
	r.fleet.start()
	if err := r.fleet.acknowledgeMore(ctx, 5_000); err != nil {
		return row, err
	}
	r.fleet.longestStall()
	for i, to := range jumps {
		if err := r.jump(ctx, hand, to, i%2 == 1 || to > beyondLanes); err != nil {
			return row, fmt.Errorf("at %s: %w", to, err)
		}
	}
	row.figures = fmt.Sprintf("minutes, hours and days forwards and backwards; longest time without an acknowledgement %.1f s", r.fleet.longestStall().Seconds())
	row.verdict, err = r.judge(ctx)
	return row, err
}

// newClockRig is newRig for a program whose clock can be moved with setClock.
func newClockRig(ctx context.Context, s *settings, dir string, p plan) (r *rig, hand string, err error) {
	moved := *s
	if moved.binary, err = buildWithClock(ctx, dir); err != nil {
		return nil, "", err
	}
	hand = filepath.Join(dir, "hand")
	if err := setClock(hand, 0); err != nil {
		return nil, "", err
	}
	p.environment = []string{clockVariable + "=" + hand}
	r, err = newRig(ctx, &moved, p)
	return r, hand, err
}

func (r *rig) jump(ctx context.Context, hand string, to time.Duration, queued bool) error {
	release := func() {}
	if queued {
		release = r.holdEngine(ctx)
		if err := r.fleet.acknowledgeMore(ctx, 5_000); err != nil {
			release()
			return err
		}
	}
	err := setClock(hand, to)
	if err == nil && to > beyondLanes { // a machine that starts with a wrong clock, packets waiting in its lanes
		r.process.kill()
		release() // nothing is left to be held, nor to store what waits
		err, release = r.start(ctx), func() {}
	}
	if err == nil {
		err = r.fleet.acknowledgeMore(ctx, 10_000)
	}
	wait(ctx, 3*time.Second) // for what looks at ages from time to time
	release()
	if err != nil {
		return err
	}
	return until(ctx, readyIn, "ready", func() error { return r.ready(ctx) })
}

// setClock replaces the file in one step, so that no half of a number is read.
func setClock(hand string, ahead time.Duration) error {
	if err := os.WriteFile(hand+".new", []byte(strconv.Itoa(int(ahead.Seconds()))+"\n"), 0o600); err != nil {
		return err
	}
	return os.Rename(hand+".new", hand)
}
