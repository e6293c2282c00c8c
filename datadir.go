package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// dataDir is the directory that holds everything an installation keeps. Its lock makes sure that one process uses it:
// two brokers or two engines on the same files would destroy them.
type dataDir struct {
	path string
	lock *os.File
}

// openDataDir creates the directory if it is missing and locks it until release.
func openDataDir(path string) (*dataDir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("--data: %w; name a directory that may be written", err)
	}
	lock, err := os.OpenFile(filepath.Join(path, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("--data: %w; name a directory that may be written", err)
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		lock.Close()
		return nil, fmt.Errorf("another process uses the data directory %s: stop it first, or name another one with --data", path)
	}
	return &dataDir{path: path, lock: lock}, nil
}

func (d *dataDir) queues() string { return filepath.Join(d.path, "queues") }
func (d *dataDir) engine() string { return filepath.Join(d.path, "clickhouse") }

// release gives the directory free; the kernel does the same when the process dies.
func (d *dataDir) release(context.Context) error { return d.lock.Close() }
