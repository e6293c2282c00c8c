package engine

import (
	"context"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A child that is stopped in its tracks is neither dead nor of any use.
func TestHungChildIsReplaced(t *testing.T) {
	library, err := FindLibrary("")
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Dir: t.TempDir(), Library: library, Command: []string{os.Args[0]}}
	e, err := start(t.Context(), o, probing{every: 20 * time.Millisecond, timeout: 500 * time.Millisecond, misses: 2})
	if err != nil {
		t.Fatal(err)
	}
	before := e.Health()
	if err := syscall.Kill(before.PID, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	deadline := time.After(30 * time.Second)
	for health, changed := e.look(); !health.Running || health.PID == before.PID; health, changed = e.look() {
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("it was not replaced: %+v", health)
		}
	}
	if exit := e.Health().LastExit; !strings.HasPrefix(exit, "did not answer") {
		t.Errorf("last exit is %q", exit)
	}
	if err := e.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}
