package natstest

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/natsd"
)

// closeDeadline is far above what stopping takes, and below what makes a hanging test a riddle.
const closeDeadline = 30 * time.Second

// Start runs a server for this test and opens one connection to it.
func Start(t testing.TB) (*natsd.Server, *nats.Conn, jetstream.JetStream) {
	t.Helper()
	return StartIn(t, natsd.Options{Dir: t.TempDir()})
}

// StartIn is Start with options of the test's own: a directory that outlives a server, or SyncAlways. Without a Log the
// server's warnings go to the test's output.
func StartIn(t testing.TB, o natsd.Options) (*natsd.Server, *nats.Conn, jetstream.JetStream) {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
	}
	if o.SyncInterval == 0 {
		// The library starts a stream's timer outside of its lock: one that fires while the stream is being made on a busy
		// machine is a data race, if a harmless one.
		o.SyncInterval = time.Minute
	}
	s, err := natsd.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, s) })
	nc, err := s.Connect(t.Name())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return s, nc, js
}

func stop(t testing.TB, s *natsd.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), closeDeadline)
	defer cancel()
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
}
