package natsd

import (
	"log/slog"
	"testing"
	"time"
)

// Whoever restarts the server holds the lock, and meanwhile there is none: the guard must not start it a second time.
func TestTheGuardStartsNothingBehindARestart(t *testing.T) {
	s, err := Start(t.Context(), Options{Dir: t.TempDir(), SyncInterval: time.Minute, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	s.mu.Lock()
	running := s.current.Swap(nil)
	if s.broken(0) == "" {
		t.Error("a server that does not run is not noticed")
	}
	mended := make(chan struct{})
	go func() { defer close(mended); s.mend(t.Context(), 0) }()
	s.current.Store(running)
	s.mu.Unlock()
	<-mended
	if got := s.Restarts(); got != 0 {
		t.Errorf("it was started %d times more", got)
	}

	s.mu.Lock()
	s.current.Store(nil) // and nobody is at it
	s.mu.Unlock()
	s.mend(t.Context(), 0)
	if got := s.Restarts(); got != 1 || s.current.Load() == nil {
		t.Errorf("it was started %d times, want once", got)
	}
}
