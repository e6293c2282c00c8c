package handler_test

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"longwave/web/handler"
)

// syncBuffer is a log that may be read while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// Somebody who asks for much and reads nothing loses the connection, and that is no fault of ours.
func TestAnAnswerThatNobodyReadsIsCut(t *testing.T) {
	var log syncBuffer
	adapter, err := handler.New(handler.Options{
		Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelInfo})), Registerer: prometheus.NewRegistry(), WriteWithin: 50 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	server := httptest.NewServer(adapter.Observe(adapter.Handle(func(w http.ResponseWriter, _ *http.Request) error {
		_, err := w.Write(bytes.Repeat([]byte("x"), 64<<20))
		ended <- err
		return errors.Join(errors.New("export"), err)
	})))
	defer server.Close()
	conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		if err == nil {
			t.Error("64 MiB were written to nobody")
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the handler still writes")
	}
	if _, err := io.Copy(io.Discard, conn); err == nil {
		conn.Close()
	}
	server.Close()
	if strings.Contains(log.String(), "level=ERROR") {
		t.Errorf("logged as an error of ours:\n%s", log.String())
	}
}

// A slow but steady reader gets all of it: the time is for a piece and not for the whole.
func TestASteadyReaderGetsEverything(t *testing.T) {
	adapter, err := handler.New(handler.Options{Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry(), WriteWithin: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	const size = 3<<20 + 7
	server := httptest.NewServer(adapter.Observe(adapter.Handle(func(w http.ResponseWriter, _ *http.Request) error {
		_, err := w.Write(bytes.Repeat([]byte("x"), size))
		return err
	})))
	defer server.Close()
	answer, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if n, err := io.Copy(io.Discard, answer.Body); err != nil || n != size {
		t.Errorf("%d bytes of %d: %v", n, size, err)
	}
}
