package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// ChildEnv is set to "1" in the child's environment, so that a test program knows that it is the child.
const ChildEnv = "LONGWAVE_ENGINE_CHILD"

// process is one child.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	began time.Time
	ready chan struct{} // closed when it serves
	gone  chan struct{} // closed when it has ended, after exit is set
	exit  string

	hung   atomic.Bool
	probed chan struct{} // closed when the goroutine that probes it has ended
}

// spawn starts a child and waits until it serves. No child is left when it returns an error.
func (e *Engine) spawn(ctx context.Context) (*process, error) {
	p, err := e.launch()
	if err != nil {
		return nil, err
	}
	select {
	case <-p.ready:
		e.change(func(h *Health) { h.Running, h.PID, h.Since = true, p.cmd.Process.Pid, time.Now() })
		go e.probe(p)
		return p, nil
	case <-p.gone:
		return nil, fmt.Errorf("%w: it ended while starting: %s", ErrDown, p.exit)
	case <-e.stop:
		e.end(p)
		return nil, ErrClosed
	case <-ctx.Done():
		_ = p.cmd.Process.Kill()
		<-p.gone
		return nil, fmt.Errorf("%w: it did not get ready: %w", ErrDown, ctx.Err())
	}
}

// launch starts the process and the goroutine that waits for its end.
func (e *Engine) launch() (*process, error) {
	config, err := json.Marshal(e.config)
	if err != nil {
		return nil, fmt.Errorf("configuration of the engine: %w", err)
	}
	cmd := exec.Command(e.o.Command[0], e.o.Command[1:]...)
	// UTC: the engine takes its time zone from here, and no column may depend on where the program runs.
	cmd.Env = append(os.Environ(), ChildEnv+"=1", "TZ=UTC")
	cmd.SysProcAttr = childAttributes()
	cmd.WaitDelay = time.Second
	words := new(tail)
	cmd.Stderr = words
	ready := &readySign{ready: make(chan struct{})}
	cmd.Stdout = ready
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("pipe to the engine: %w", err)
	}
	p := &process{cmd: cmd, stdin: in, began: time.Now(), ready: ready.ready, gone: make(chan struct{}), probed: make(chan struct{})}
	started := make(chan error, 1)
	go p.run(started, words)
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting the engine's process: %w", err)
	}
	if _, err := in.Write(append(config, '\n')); err != nil {
		_ = cmd.Process.Kill()
		<-p.gone
		return nil, fmt.Errorf("%w: it ended while starting: %s", ErrDown, p.exit)
	}
	return p, nil
}

// run starts the process and waits for it on one thread: on Linux the child is told to die with the thread that
// started it, so that thread has to live as long as the child.
func (p *process) run(started chan<- error, words *tail) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	err = p.cmd.Wait()
	p.exit = describeExit(err, words.String())
	if p.hung.Load() {
		p.exit = "did not answer: " + p.exit
	}
	close(p.gone)
}

func describeExit(err error, words string) string {
	how := "ended without an error"
	if err != nil {
		how = err.Error()
	}
	if words = strings.TrimSpace(words); words != "" {
		how += ": " + words
	}
	return how
}

// supervise keeps one child running until Close.
func (e *Engine) supervise(p *process) {
	defer close(e.done)
	defer e.removeSocketDir()
	for wait := backoffMin; p != nil; p, wait = e.again(wait) {
		select {
		case <-p.gone:
		case <-e.stop:
			e.end(p)
			e.down(p.exit)
			<-p.probed
			return
		}
		e.down(p.exit)
		<-p.probed
		e.o.Log.Error("embedded ClickHouse ended", slog.String("exit", p.exit))
		if time.Since(p.began) > settled {
			wait = backoffMin
		}
		if !e.pause(wait) {
			return
		}
	}
}

// again starts the next child, trying until it serves or the engine is closed; it returns the wait for the time after.
func (e *Engine) again(wait time.Duration) (*process, time.Duration) {
	for {
		wait = min(2*wait, backoffMax)
		e.change(func(h *Health) { h.Restarts++ })
		if e.o.OnRestart != nil {
			e.o.OnRestart()
		}
		ctx, cancel := context.WithTimeout(context.Background(), readyTimeout)
		p, err := e.spawn(ctx)
		cancel()
		if err == nil {
			e.o.Log.Info("embedded ClickHouse runs again", slog.Int("pid", p.cmd.Process.Pid))
			return p, wait
		}
		if errors.Is(err, ErrClosed) {
			return nil, wait
		}
		e.down(err.Error())
		e.o.Log.Error("embedded ClickHouse does not start", slog.Any("error", err))
		if !e.pause(wait) {
			return nil, wait
		}
	}
}

func (e *Engine) down(exit string) {
	e.change(func(h *Health) { h.Running, h.PID, h.Since, h.LastExit = false, 0, time.Now(), exit })
}

// pause waits, and says no when the engine is closed meanwhile.
func (e *Engine) pause(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-e.stop:
		return false
	}
}

// end stops a child in order: the end of its input tells it to. It returns when the child is gone.
func (e *Engine) end(p *process) {
	_ = p.stdin.Close()
	select {
	case <-p.gone:
	case <-time.After(stopTimeout):
		_ = p.cmd.Process.Kill()
		<-p.gone
	}
}

// readySign watches the child's output for the line that says it serves; the rest is dropped.
type readySign struct {
	seen  []byte
	once  sync.Once
	ready chan struct{}
}

func (r *readySign) Write(b []byte) (int, error) {
	r.seen = append(r.seen, b...)
	if bytes.Contains(r.seen, []byte(readyLine)) {
		r.once.Do(func() { close(r.ready) })
	}
	if over := len(r.seen) - len(readyLine); over > 0 {
		r.seen = append(r.seen[:0], r.seen[over:]...)
	}
	return len(b), nil
}

// tail keeps the last words of a child.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, b...)
	if over := len(t.buf) - stderrTail; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}
