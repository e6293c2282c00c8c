package api

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// wire is a device's connection below its WebSocket. Messages that are ready at the same time leave in one write to the
// kernel, which is most of what a small message costs; the WebSocket itself would make one for each.
type wire struct {
	net.Conn

	mu   sync.Mutex
	held bool
	kept []byte // what was written since hold
}

// hold keeps back what is written until flush.
func (w *wire) hold() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = true
}

// flush writes what was kept back.
func (w *wire) flush() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.held = false
	if len(w.kept) > 0 {
		_, _ = w.send(w.kept)
	}
	if w.kept = w.kept[:0]; cap(w.kept) > firstRead {
		w.kept = nil // a refusal may be long, and is seldom
	}
}

// Write implements net.Conn. Whoever reads notices when it fails, since the connection is closed then.
func (w *wire) Write(data []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.held {
		w.kept = append(slices.Grow(w.kept, len(data)), data...)
		return len(data), nil
	}
	return w.send(data)
}

// send writes at once. A client that does not read for writeTimeout loses its connection. The lock is held.
func (w *wire) send(data []byte) (int, error) {
	err := w.SetWriteDeadline(time.Now().Add(writeTimeout))
	n := 0
	if err == nil {
		n, err = w.Conn.Write(data)
	}
	if err != nil {
		_ = w.Close() // half a frame may have left: nothing can follow it
		return n, fmt.Errorf("device socket: %w", err)
	}
	return n, nil
}

// upgrader puts a wire below the connection that a handshake takes over.
type upgrader struct {
	http.ResponseWriter
	wire *wire
}

// Hijack implements http.Hijacker.
func (u *upgrader) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(u.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("device socket: %w", err)
	}
	u.wire.Conn = conn
	return u.wire, bufio.NewReadWriter(buffered.Reader, bufio.NewWriter(u.wire)), nil
}
