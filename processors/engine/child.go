package engine

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

// childConfig is what the parent tells the child, as one line of JSON on its standard input: arguments and
// environment would show the passwords to others.
type childConfig struct {
	Dir         string `json:"dir"`
	Library     string `json:"library"`
	Socket      string `json:"socket"`
	MemoryLimit int64  `json:"memory_limit"`
	Writer      string `json:"writer"`
	Reader      string `json:"reader"`
}

func (c childConfig) dataDir() string    { return filepath.Join(c.Dir, "data") }
func (c childConfig) configFile() string { return filepath.Join(c.Dir, "config.xml") }
func (c childConfig) lockFile() string   { return filepath.Join(c.Dir, "lock") }

// readyLine is what the child prints when it serves.
const readyLine = "longwave-engine-ready\n"

// ErrParent says that a child was started by something other than Start.
var ErrParent = errors.New("this subcommand is started by the program itself")

// Child is the body of the hidden subcommand that Start runs. It serves until its standard input ends (its parent
// closed it or is gone), SIGTERM, or the end of ctx, and returns what made it fail before that. The arguments are
// those behind the subcommand's name; there are none.
func Child(ctx context.Context, args []string) error {
	if len(args) > 0 {
		return fmt.Errorf("%w: unexpected arguments", ErrParent)
	}
	in := bufio.NewReader(os.Stdin)
	line, err := in.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("%w: no configuration on standard input", ErrParent)
	}
	var c childConfig
	if err := json.Unmarshal(line, &c); err != nil {
		return fmt.Errorf("%w: configuration is not readable: %w", ErrParent, err)
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	defer stop()
	ctx, orphaned := context.WithCancel(ctx)
	defer orphaned()
	go func() {
		_, _ = io.Copy(io.Discard, in) // ends with the parent; this goroutine ends with the process
		orphaned()
	}()
	return serve(ctx, c)
}

// serve holds the lock, the engine and the socket, in this order, and lets go of them in the opposite one.
func serve(ctx context.Context, c childConfig) error {
	unlock, err := lock(ctx, c.lockFile())
	if err != nil {
		return err
	}
	defer unlock()
	if err := writeConfig(c); err != nil {
		return err
	}
	lib, err := loadLibrary(c.Library)
	if err != nil {
		return err
	}
	db, err := openDatabase(lib, c)
	if err != nil {
		return err
	}
	listener, err := listen(c.Socket)
	if err != nil {
		return err
	}
	err = serveHTTP(ctx, listener, &server{db: db, writer: c.Writer, reader: c.Reader})
	closing := time.AfterFunc(closeTimeout, func() { os.Exit(1) })
	defer closing.Stop()
	db.close()
	return err
}

// listen binds the socket; the lock says that whoever left an old one there is gone.
func listen(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("old socket %s: %w", path, err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("socket for the engine: %w", err)
	}
	return l, os.Chmod(path, 0o600)
}

// serveHTTP serves until ctx ends, then lets requests end, cancelling their statements.
func serveHTTP(ctx context.Context, l net.Listener, v *server) error {
	base, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	srv := &http.Server{
		Handler: v, ReadHeaderTimeout: headerTimeout,
		BaseContext: func(net.Listener) context.Context { return base },
	}
	defer func() { _ = srv.Close() }()
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	if _, err := os.Stdout.WriteString(readyLine); err != nil {
		return fmt.Errorf("parent does not listen: %w", err)
	}
	select {
	case err := <-failed:
		return fmt.Errorf("engine's HTTP interface: %w", err)
	case <-ctx.Done():
	}
	cancel()
	idle := make(chan struct{})
	go func() { v.gate.Lock(); close(idle) }() // never unlocked: nothing is let in any more
	select {
	case <-idle:
	case <-time.After(drainTimeout):
		return errors.New("requests did not end in time")
	}
	// Handlers have ended; this is for their last bytes. It would wait longer for connections that never asked anything.
	last, done := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer done()
	_ = srv.Shutdown(last)
	return nil
}

// lock takes the data directory for this process, waiting for another child to be gone. The system releases it with
// the process, however that ends.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock of the data directory: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, lockTimeout)
	defer cancel()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = f.Close() }, nil
		}
		select {
		case <-ctx.Done():
			_ = f.Close()
			return nil, fmt.Errorf("another process has the data directory open (%s): %w", path, err)
		case <-time.After(lockInterval):
		}
	}
}

// writeConfig writes the settings that the engine reads only from a file.
func writeConfig(c childConfig) error {
	// Where this directory is missing at the start the engine never starts the task that removes dropped tables: their
	// data would stay, and DROP … SYNC would wait for ever.
	if err := os.MkdirAll(filepath.Join(c.dataDir(), "metadata"), 0o700); err != nil {
		return fmt.Errorf("engine's data directory: %w", err)
	}
	text := fmt.Sprintf(`<clickhouse>
  <logger><level>none</level></logger>
  <max_server_memory_usage>%d</max_server_memory_usage>
  <mark_cache_size>%d</mark_cache_size>
  <background_pool_size>%d</background_pool_size>
  <background_merges_mutations_concurrency_ratio>2</background_merges_mutations_concurrency_ratio>
  <os_threads_nice_value_merge_mutate>%d</os_threads_nice_value_merge_mutate>
  <merge_tree>
    <!-- A merged part that a power cut leaves behind unreadable is set aside at the next start. Its sources take its place
         for as long as they are kept, but nobody can tell that from a part whose rows are gone. -->
    <min_rows_to_fsync_after_merge>1</min_rows_to_fsync_after_merge>
    <fsync_after_insert>1</fsync_after_insert>
    <fsync_part_directory>1</fsync_part_directory>
    <!-- Defaults are made for a pool of 32; the engine refuses to start with more than there are places. -->
    <number_of_free_entries_in_pool_to_execute_mutation>1</number_of_free_entries_in_pool_to_execute_mutation>
    <number_of_free_entries_in_pool_to_lower_max_size_of_merge>1</number_of_free_entries_in_pool_to_lower_max_size_of_merge>
    <number_of_free_entries_in_pool_to_execute_optimize_entire_partition>2</number_of_free_entries_in_pool_to_execute_optimize_entire_partition>
  </merge_tree>
</clickhouse>
`, c.MemoryLimit, markCache, mergeThreads, mergeNice)
	if err := os.WriteFile(c.configFile(), []byte(text), 0o600); err != nil {
		return fmt.Errorf("configuration of the engine: %w", err)
	}
	return nil
}
