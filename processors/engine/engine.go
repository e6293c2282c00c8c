package engine

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// The two accounts of the engine. A reader's sessions are read-only and cannot be made otherwise.
const (
	userWriter = "writer"
	userReader = "reader"
)

// Options say how to start an engine.
type Options struct {
	Dir         string       // data directory of the engine; created
	Library     string       // path of libchdb, see FindLibrary
	Command     []string     // starts the child: a program that calls Child; default is this program with the argument "engine"
	MemoryLimit int64        // bytes for all queries together; 0 means 2 GiB
	Log         *slog.Logger // default is slog.Default
	OnRestart   func()       // called for each restart, from the supervisor; must not block
}

// ErrOptions says that options cannot be used.
var ErrOptions = errors.New("engine options")

// ErrDown says that the engine does not run at the moment, and did not come back while the caller waited.
var ErrDown = errors.New("embedded ClickHouse is not running")

// ErrClosed says that the engine was closed.
var ErrClosed = errors.New("embedded ClickHouse is closed")

func (o Options) validate() (Options, error) {
	if o.Dir == "" || o.Library == "" {
		return o, fmt.Errorf("%w: Dir and Library are needed", ErrOptions)
	}
	if o.MemoryLimit < 0 {
		return o, fmt.Errorf("%w: MemoryLimit is negative", ErrOptions)
	}
	if o.MemoryLimit == 0 {
		o.MemoryLimit = defaultMemoryLimit
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if len(o.Command) == 0 {
		exe, err := os.Executable()
		if err != nil {
			return o, fmt.Errorf("%w: no Command, and this program's path is unknown: %w", ErrOptions, err)
		}
		o.Command = []string{exe, "engine"}
	}
	dir, err := filepath.Abs(o.Dir)
	o.Dir = dir
	return o, err
}

// Engine is a supervised ClickHouse engine.
type Engine struct {
	o       Options
	config  childConfig
	probing probing
	remove  string // directory of the socket, if it is not the data directory

	stop     chan struct{} // closed by Close
	stopOnce sync.Once
	done     chan struct{} // closed when the supervisor has ended

	mu      sync.Mutex
	health  Health
	changed chan struct{} // closed and replaced at every change of health
}

// Health is what is known of the engine at one moment.
type Health struct {
	Running  bool
	PID      int       // of the running child, else 0
	Since    time.Time // when the child became ready, or when the last one ended
	Restarts int
	LastExit string // how the last child ended, for an operator
}

// Start starts the engine and returns when it answers. It returns an error when the child ends before that or ctx
// does; then nothing is left running.
func Start(ctx context.Context, o Options) (*Engine, error) {
	return start(ctx, o, probing{every: probeEvery, timeout: probeTimeout, misses: probeMisses})
}

func start(ctx context.Context, o Options, probes probing) (*Engine, error) {
	o, err := o.validate()
	if err != nil {
		return nil, err
	}
	e := &Engine{o: o, probing: probes, stop: make(chan struct{}), done: make(chan struct{}), changed: make(chan struct{})}
	if err := os.MkdirAll(filepath.Join(o.Dir, "data"), 0o700); err != nil {
		return nil, fmt.Errorf("engine's data directory: %w", err)
	}
	if err := os.Chmod(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("engine's data directory: %w", err)
	}
	socket, err := e.socketPath()
	if err != nil {
		return nil, err
	}
	e.config = childConfig{
		Dir: o.Dir, Library: o.Library, Socket: socket, MemoryLimit: o.MemoryLimit,
		Writer: rand.Text(), Reader: rand.Text(),
	}
	first, err := e.spawn(ctx)
	if err != nil {
		e.removeSocketDir()
		return nil, err
	}
	go e.supervise(first)
	return e, nil
}

// socketPath is inside the data directory unless that makes it longer than a socket's address can be.
func (e *Engine) socketPath() (string, error) {
	path := filepath.Join(e.o.Dir, "http.sock")
	if len(path) <= maxSocketPath {
		return path, nil
	}
	dir, err := os.MkdirTemp("", "longwave-engine-")
	if err != nil {
		return "", fmt.Errorf("directory for the engine's socket: %w", err)
	}
	e.remove = dir
	return filepath.Join(dir, "http.sock"), nil
}

func (e *Engine) removeSocketDir() {
	if e.remove != "" {
		_ = os.RemoveAll(e.remove)
	}
}

// Connect returns options for clickhouse.Open or clickhouse.OpenDB as the account that may do everything. They stay
// valid over restarts of the child: while there is none, dialling waits up to five seconds, or until the context ends,
// and then fails with ErrDown.
func (e *Engine) Connect() *clickhouse.Options { return e.options(userWriter, e.config.Writer) }

// ConnectReader is Connect for an account that can only read. Its statements cannot carry settings of their own;
// settings of the connection or of the context work.
func (e *Engine) ConnectReader() *clickhouse.Options { return e.options(userReader, e.config.Reader) }

func (e *Engine) options(user, password string) *clickhouse.Options {
	return &clickhouse.Options{
		Protocol:    clickhouse.HTTP,
		Addr:        []string{"localhost:8123"}, // only a name, and one that no proxy setting applies to
		Auth:        clickhouse.Auth{Database: "default", Username: user, Password: password},
		DialContext: e.dial,
		DialTimeout: acquireWait,
		ReadTimeout: responseWait,
		Compression: &clickhouse.Compression{Method: clickhouse.CompressionNone},
	}
}

// Socket is the path of the Unix socket on which ClickHouse's HTTP interface is served, for an operator's curl.
func (e *Engine) Socket() string { return e.config.Socket }

func (e *Engine) dial(ctx context.Context, _ string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialWait)
	defer cancel()
	for {
		health, changed := e.look()
		if health.Running {
			var d net.Dialer
			return d.DialContext(ctx, "unix", e.config.Socket)
		}
		select {
		case <-e.done:
			return nil, ErrClosed
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %s", ErrDown, health.LastExit)
		}
	}
}

// Health says how the engine is.
func (e *Engine) Health() Health {
	h, _ := e.look()
	return h
}

func (e *Engine) look() (Health, <-chan struct{}) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.health, e.changed
}

func (e *Engine) change(f func(*Health)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	f(&e.health)
	close(e.changed)
	e.changed = make(chan struct{})
}

// Close stops the child in order and returns when it is gone; it is killed when it takes too long. The error is ctx's
// when that ended before; the child is still being stopped then.
func (e *Engine) Close(ctx context.Context) error {
	e.stopOnce.Do(func() { close(e.stop) })
	select {
	case <-e.done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("closing embedded ClickHouse: %w", ctx.Err())
	}
}
