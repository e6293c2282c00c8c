package natsd_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/natsd"
	"longwave/ingest/natsd/natstest"
)

func TestMessagesSurviveRestart(t *testing.T) {
	dir := t.TempDir()
	s, nc, js := natstest.StartIn(t, natsd.Options{Dir: dir, SyncAlways: true})
	_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}})
	must(t, err)
	_, err = js.Publish(t.Context(), "s", []byte("kept"))
	must(t, err)
	nc.Close()
	must(t, s.Close(t.Context()))

	_, _, js = natstest.StartIn(t, natsd.Options{Dir: dir, SyncAlways: true})
	stream, err := js.Stream(t.Context(), "S")
	must(t, err)
	m, err := stream.GetMsg(t.Context(), 1)
	must(t, err)
	if string(m.Data) != "kept" {
		t.Errorf("got %q after the restart", m.Data)
	}
}

func TestHealthyTellsOfAStoppedServer(t *testing.T) {
	s, _, _ := natstest.Start(t)
	must(t, s.Healthy())
	must(t, s.Close(t.Context()))
	if err := s.Healthy(); !errors.Is(err, natsd.ErrUnhealthy) {
		t.Errorf("got %v", err)
	}
	if _, err := s.Connect("late"); err == nil {
		t.Error("a stopped server accepted a connection")
	}
}

func TestStartRefuses(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	quiet := slog.New(slog.DiscardHandler)
	cases := map[string]struct {
		ctx context.Context
		o   natsd.Options
	}{
		"no directory":        {t.Context(), natsd.Options{Log: quiet}},
		"negative store":      {t.Context(), natsd.Options{Dir: t.TempDir(), MaxStore: -1, Log: quiet}},
		"no log":              {t.Context(), natsd.Options{Dir: t.TempDir()}},
		"directory is a file": {t.Context(), natsd.Options{Dir: file, Log: quiet}},
		"context ended":       {ended, natsd.Options{Dir: t.TempDir(), Log: quiet}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if s, err := natsd.Start(c.ctx, c.o); !errors.Is(err, natsd.ErrStart) {
				t.Errorf("got %v, %v", s, err)
			}
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
