package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"longwave/ingest/natsd"
	"longwave/ingest/natsd/natstest"
	"longwave/ingest/telemetry"
)

// smallDisk mounts a file system of 64 MiB, all but a few of which a file takes until it is removed.
func smallDisk(t *testing.T) (dir, ballast string) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=64m"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("a full disk must be tested here, and mounting one takes the rights of root: %v", err)
		}
		t.Skipf("A FULL DISK WAS NOT TESTED: mounting one takes the rights of root: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	ballast = filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, bytes.Repeat([]byte{1}, 50<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir, ballast
}

// fill posts until a request is refused, and returns how many were not.
func (b *bench) fill(acknowledged *sync.Map) error {
	for n := range 100_000 {
		_, err := b.post(fmt.Sprintf(`{"id":"p%d","values":{"text":"%s"}}`, n, strings.Repeat("x", 4000)))
		if err != nil {
			return err
		}
		acknowledged.Store(fmt.Sprintf("t-acme/d-pump/p%d", n), true)
	}
	return errors.New("the disk never filled up")
}

func TestFullDiskIsRefusedInTime(t *testing.T) {
	dir, ballast := smallDisk(t)
	b := &bench{t: t}
	b.server, b.conn, b.js = natstest.StartIn(t, natsd.Options{Dir: filepath.Join(dir, "q"), MaxStore: 8 << 30})
	b.reopen(func(o *Options) { o.LaneBytes, o.Room = 1<<30, b.server.Room })
	more := filepath.Join(dir, "more")
	if err := os.WriteFile(more, bytes.Repeat([]byte{1}, 11<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { return b.server.Room() != nil })
	_, err := b.post(`{"id":"p","values":{"a":1}}`)
	var refused *UnavailableError
	if !errors.Is(err, ErrFull) || !errors.As(err, &refused) || refused.RetryAfter <= 0 || !errors.Is(err, natsd.ErrNoRoom) {
		t.Fatalf("got %v", err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	waitFor(t, func() bool { _, err := b.post(`{"id":"p","values":{"a":1}}`); return err == nil })
	if b.server.Restarts() != 0 {
		t.Error("the server was started again without need")
	}
}

func TestDiskThatRanFullRecoversInPlace(t *testing.T) {
	dir, ballast := smallDisk(t)
	blind := func(string) (natsd.Disk, error) { return natsd.Disk{Free: 1 << 40, Total: 1 << 40}, nil }
	b := &bench{t: t}
	b.server, b.conn, b.js = natstest.StartIn(t, natsd.Options{Dir: filepath.Join(dir, "q"), MaxStore: 8 << 30, SyncAlways: true, Disk: blind})
	b.reopen(func(o *Options) { o.LaneBytes, o.Room = 1<<30, b.server.Room })
	var acknowledged sync.Map
	if err := b.fill(&acknowledged); !errors.Is(err, ErrUnavailable) && !errors.Is(err, ErrFull) {
		t.Fatalf("got %v", err)
	}
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	waitFor(t, func() bool {
		_, err := b.post(`{"id":"after","values":{"a":1}}`)
		return err == nil
	})
	t.Logf("accepted again after %v and %d restarts", time.Since(began), b.server.Restarts())
	acknowledged.Store("t-acme/d-pump/after", true)
	inLane := b.inLane(telemetry.Standard)
	acknowledged.Range(func(packet, _ any) bool {
		if inLane[packet.(string)] == 0 {
			t.Errorf("%v was acknowledged and is lost", packet)
		}
		return true
	})
}
