package engine_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/shirou/gopsutil/v4/process"

	"longwave/processors/engine"
	"longwave/processors/engine/enginetest"
)

// parentEnv turns this test program into the parent of an engine, for the test that kills a parent.
const parentEnv = "LONGWAVE_ENGINE_TEST_PARENT"

func own(t testing.TB, dir string, change func(*engine.Options)) *engine.Engine {
	t.Helper()
	o, err := enginetest.Options(dir)
	must(t, err)
	if change != nil {
		change(&o)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	e, err := engine.Start(ctx, o)
	must(t, err)
	t.Cleanup(func() { stop(t, e) })
	return e
}

func stop(t testing.TB, e *engine.Engine) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	must(t, e.Close(ctx))
}

func alive(pid int) bool {
	p, err := process.NewProcess(int32(pid))
	if err != nil {
		return false
	}
	state, err := p.Status()
	return err == nil && len(state) > 0 && state[0] != process.Zombie
}

func TestKilledChildIsRestarted(t *testing.T) {
	var restarts atomic.Int32
	e := own(t, t.TempDir(), func(o *engine.Options) { o.OnRestart = func() { restarts.Add(1) } })
	c := dial(t, e.Connect())
	must(t, c.Exec(t.Context(), "CREATE TABLE t (who UInt8, a UInt64) ENGINE = MergeTree ORDER BY a SETTINGS fsync_after_insert=1, fsync_part_directory=1"))
	for round := range 3 {
		must(t, insertNumbers(t.Context(), c, uint8(round), 1000))
		before := e.Health()
		must(t, syscall.Kill(before.PID, syscall.SIGKILL))
		waitFor(t, "the death is noticed", func() bool { return e.Health().PID != before.PID })
		waitFor(t, "it runs again", func() bool { return e.Health().Running })
		var n uint64
		waitFor(t, "the same connection works", func() bool {
			return c.QueryRow(t.Context(), "SELECT count() FROM t").Scan(&n) == nil
		})
		if want := uint64(1000 * (round + 1)); n != want {
			t.Fatalf("%d rows after kill %d, want %d", n, round, want)
		}
	}
	h := e.Health()
	if h.Restarts != 3 || restarts.Load() != 3 || !strings.Contains(h.LastExit, "killed") {
		t.Fatalf("health %+v, %d calls of OnRestart", h, restarts.Load())
	}
}

func TestKilledWhileInserting(t *testing.T) {
	e := own(t, t.TempDir(), nil)
	c := dial(t, e.Connect())
	must(t, c.Exec(t.Context(), "CREATE TABLE t (who UInt8, a UInt64) ENGINE = MergeTree ORDER BY a"))
	const size = 20_000
	var confirmed atomic.Int64
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for insertNumbers(t.Context(), c, 0, size) == nil {
			confirmed.Add(1)
		}
	}()
	waitFor(t, "some inserts", func() bool { return confirmed.Load() >= 5 })
	must(t, syscall.Kill(e.Health().PID, syscall.SIGKILL))
	<-ended
	var n uint64
	waitFor(t, "it runs again", func() bool { return c.QueryRow(t.Context(), "SELECT count() FROM t").Scan(&n) == nil })
	if least := uint64(confirmed.Load()) * size; n != least && n != least+size {
		t.Fatalf("%d rows; %d were confirmed and one insert is unknown", n, least)
	}
}

func TestCloseInOrder(t *testing.T) {
	dir := t.TempDir()
	e := own(t, dir, nil)
	pid := e.Health().PID
	c := dial(t, e.Connect())
	ended := make(chan error, 1)
	go func() {
		ended <- c.QueryRow(context.WithoutCancel(t.Context()), "SELECT sum(sipHash64(number)) AS closing FROM numbers(1000000000000)").Scan(new(uint64))
	}()
	second := dial(t, e.Connect())
	waitFor(t, "the query runs", func() bool { return running(t, second, "%closing%") == 1 })
	began := time.Now()
	stop(t, e)
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("closing took %v", took)
	}
	if err := <-ended; err == nil {
		t.Error("a query that was cut off gave a result")
	}
	if alive(pid) {
		t.Error("the child is still there")
	}
	if h := e.Health(); h.Running || h.PID != 0 || h.Restarts != 0 || !strings.Contains(h.LastExit, "without an error") {
		t.Errorf("health %+v", h)
	}
	if err := c.Ping(t.Context()); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("ping after close: %v", err)
	}
}

func TestSecondEngineWaitsForTheFirst(t *testing.T) {
	dir := t.TempDir()
	first := own(t, dir, nil)
	must(t, dial(t, first.Connect()).Exec(t.Context(), "CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a"))
	o, err := enginetest.Options(dir)
	must(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if _, err := engine.Start(ctx, o); !errors.Is(err, engine.ErrDown) {
		t.Fatalf("a second engine on one directory: %v", err)
	}
	if !first.Health().Running {
		t.Fatal("the first one was disturbed")
	}
	must(t, dial(t, first.Connect()).Exec(t.Context(), "INSERT INTO t VALUES (1)"))
	stop(t, first)
	second := own(t, dir, nil)
	var n uint64
	must(t, dial(t, second.Connect()).QueryRow(t.Context(), "SELECT count() FROM t").Scan(&n))
	if n != 1 {
		t.Fatalf("%d rows", n)
	}
}

func TestStartFailsWithAReason(t *testing.T) {
	o, err := enginetest.Options(t.TempDir())
	must(t, err)
	o.Library = os.Args[0]
	if _, err := engine.Start(t.Context(), o); !errors.Is(err, engine.ErrDown) || !strings.Contains(err.Error(), "library") {
		t.Errorf("a library that is none: %v", err)
	}
	if _, err := engine.Start(t.Context(), engine.Options{Dir: t.TempDir()}); !errors.Is(err, engine.ErrOptions) {
		t.Errorf("no library: %v", err)
	}
	if _, err := engine.FindLibrary("/nowhere/libchdb.so"); !errors.Is(err, engine.ErrNoLibrary) {
		t.Errorf("a path that does not exist: %v", err)
	}
}

// A child that cannot start is tried again and again; health says why, and it comes back when the cause is gone.
func TestChildThatCannotStartComesBack(t *testing.T) {
	library := t.TempDir() + "/libchdb.so"
	var real string
	e := own(t, t.TempDir(), func(o *engine.Options) {
		real = o.Library
		must(t, os.Symlink(real, library))
		o.Library = library
	})
	must(t, os.Remove(library))
	must(t, syscall.Kill(e.Health().PID, syscall.SIGKILL))
	waitFor(t, "health names the cause", func() bool { return strings.Contains(e.Health().LastExit, library) })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := dial(t, e.Connect()).Ping(ctx); !errors.Is(err, engine.ErrDown) && !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("ping while it is down: %v", err)
	}
	must(t, os.Symlink(real, library))
	waitFor(t, "it runs again", func() bool { return e.Health().Running })
	must(t, dial(t, e.Connect()).Ping(t.Context()))
}

func TestChildStopsOnSIGTERM(t *testing.T) {
	e := own(t, t.TempDir(), nil)
	before := e.Health()
	must(t, syscall.Kill(before.PID, syscall.SIGTERM))
	waitFor(t, "another child runs", func() bool { h := e.Health(); return h.Running && h.PID != before.PID })
	if h := e.Health(); !strings.Contains(h.LastExit, "without an error") {
		t.Errorf("health %+v", h)
	}
}

// The limit for all queries holds against one that lifts its own, and the child survives.
func TestMemoryLimit(t *testing.T) {
	e := own(t, t.TempDir(), func(o *engine.Options) { o.MemoryLimit = 600 << 20 })
	c := dial(t, e.Connect())
	pid := e.Health().PID
	err := c.QueryRow(t.Context(), "SELECT length(groupArray(number)) FROM numbers(1000000000) SETTINGS max_memory_usage=0").Scan(new(uint64))
	if code(err) != 241 {
		t.Errorf("%v, want code 241", err)
	}
	must(t, c.Ping(t.Context()))
	if h := e.Health(); h.PID != pid || h.Restarts != 0 {
		t.Errorf("health %+v", h)
	}
}

func TestLongDirectory(t *testing.T) {
	e := own(t, t.TempDir()+"/"+strings.Repeat("long", 30), nil)
	must(t, dial(t, e.Connect()).Ping(t.Context()))
	stop(t, e)
	if _, err := os.Stat(e.Socket()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("socket is left: %v", err)
	}
}

// The parent is a second copy of this program; it prints its child's process id and is then killed.
func TestDeathOfTheParentEndsTheChild(t *testing.T) {
	parent := exec.Command(os.Args[0], "-test.run=^TestBeTheParent$")
	parent.Env = append(os.Environ(), parentEnv+"="+t.TempDir())
	out, err := parent.StdoutPipe()
	must(t, err)
	must(t, parent.Start())
	defer func() { _ = parent.Process.Kill() }()
	var pid int
	for lines := bufio.NewScanner(out); pid == 0 && lines.Scan(); {
		_, _ = fmt.Sscanf(lines.Text(), "child=%d", &pid)
	}
	if pid == 0 || !alive(pid) {
		t.Fatalf("no child: %d", pid)
	}
	must(t, parent.Process.Kill())
	_ = parent.Wait()
	waitFor(t, "the child is gone", func() bool { return !alive(pid) })
}

// TestBeTheParent is the body of that second copy; in an ordinary run it only checks that it is not one.
func TestBeTheParent(t *testing.T) {
	dir := os.Getenv(parentEnv)
	if dir == "" {
		if os.Getenv(engine.ChildEnv) != "" {
			t.Fatal("a child runs tests")
		}
		return
	}
	e := own(t, dir, nil)
	fmt.Printf("child=%d\n", e.Health().PID)
	select {}
}
