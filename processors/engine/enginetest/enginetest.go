package enginetest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"longwave/processors/engine"
)

const (
	startTimeout = 60 * time.Second // a machine that is busy with other tests
	closeTimeout = 30 * time.Second
	// dropTimeout is longer than the engine's lock_acquire_timeout of two minutes: a statement whose client has left goes on
	// to its end, and until then its tables cannot be dropped.
	dropTimeout = 150 * time.Second
)

// Main is the body of a TestMain: os.Exit(enginetest.Main(m)). In the engine's child, which is the same program, it
// serves and no test runs; otherwise it runs the tests and stops the engine behind them.
func Main(m *testing.M) int {
	if os.Getenv(engine.ChildEnv) == "1" {
		if err := engine.Child(context.Background(), nil); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	}
	code := m.Run()
	if err := shared.close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// shared is the engine of this test program: state of the process by its nature, like the tests' own flags.
var shared holder

type holder struct {
	mu     sync.Mutex
	engine *engine.Engine
	dir    string
	err    error
}

func (h *holder) get() (*engine.Engine, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.engine == nil && h.err == nil {
		h.err = h.start()
	}
	return h.engine, h.err
}

func (h *holder) start() error {
	dir, err := os.MkdirTemp("", "longwave-enginetest-")
	if err != nil {
		return err
	}
	h.dir = dir
	o, err := Options(dir)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	h.engine, err = engine.Start(ctx, o)
	return err
}

func (h *holder) close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	var errs []error
	if h.engine != nil {
		ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
		defer cancel()
		errs = append(errs, h.engine.Close(ctx))
	}
	if h.dir != "" {
		errs = append(errs, os.RemoveAll(h.dir))
	}
	return errors.Join(errs...)
}

// Options are those of an engine in dir whose child is this test program; for a test that needs an engine of its own.
// The error says that the library was not found.
func Options(dir string) (engine.Options, error) {
	library, err := engine.FindLibrary("")
	if err != nil {
		return engine.Options{}, err
	}
	exe, err := os.Executable()
	if err != nil {
		return engine.Options{}, err
	}
	return engine.Options{Dir: dir, Library: library, Command: []string{exe}, Log: slog.New(slog.DiscardHandler)}, nil
}

// Start returns the engine that the tests of this program share. Do not close it.
func Start(t testing.TB) *engine.Engine {
	t.Helper()
	e, err := shared.get()
	if err != nil {
		t.Fatalf("embedded ClickHouse: %v", err)
	}
	return e
}

// Database creates a database for this test alone and returns options with it as the default one, first for writing,
// then for reading only. It is dropped at the test's end.
func Database(t testing.TB) (writer, reader *clickhouse.Options) {
	t.Helper()
	e := Start(t)
	name := "test_" + strings.ToLower(rand.Text()[:12])
	admin, err := clickhouse.Open(e.Connect())
	if err != nil {
		t.Fatalf("embedded ClickHouse: %v", err)
	}
	if err := admin.Exec(t.Context(), "CREATE DATABASE "+name); err != nil {
		t.Fatalf("create database: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), dropTimeout)
		defer cancel()
		if err := admin.Exec(ctx, "DROP DATABASE "+name+" SYNC"); err != nil {
			t.Errorf("drop database: %v", err)
		}
		_ = admin.Close()
	})
	writer, reader = e.Connect(), e.ConnectReader()
	writer.Auth.Database, reader.Auth.Database = name, name
	return writer, reader
}
