package handler

import (
	"bufio"
	"net"
	"net/http"
)

// statusAborted is what a request counts as whose answer was cut off on purpose.
const statusAborted = http.StatusInternalServerError

// recorder remembers what became of an answer. It belongs to one request and one goroutine.
type recorder struct {
	http.ResponseWriter
	bytes   int64
	status  int
	begun   bool
	aborted bool
}

// WriteHeader remembers the first final status.
func (w *recorder) WriteHeader(status int) {
	if !w.begun && (status >= http.StatusOK || status == http.StatusSwitchingProtocols) {
		w.status, w.begun = status, true
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes of the body.
func (w *recorder) Write(b []byte) (int, error) {
	if !w.begun {
		w.status, w.begun = http.StatusOK, true
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	return n, err
}

// Flush sends on what was written so far; nothing happens when the connection cannot.
func (w *recorder) Flush() {
	if !w.begun {
		w.status, w.begun = http.StatusOK, true
	}
	_ = http.NewResponseController(w.ResponseWriter).Flush() // unsupported: the bytes arrive at the end instead
}

// Hijack hands the connection to a socket.
func (w *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil {
		w.status, w.begun = http.StatusSwitchingProtocols, true
	}
	return conn, rw, err
}

// Unwrap lets http.ResponseController reach the connection's deadlines.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *recorder) outcome() int {
	switch {
	case w.aborted:
		return statusAborted
	case w.status == 0:
		return http.StatusOK // what net/http sends for a handler that wrote nothing
	default:
		return w.status
	}
}

// begun reports whether an answer is under way. A writer that Observe did not wrap is asked for by unwrapping; one
// that cannot be asked is taken as fresh.
func begun(w http.ResponseWriter) bool {
	for {
		switch v := w.(type) {
		case *recorder:
			return v.begun
		case interface{ Unwrap() http.ResponseWriter }:
			w = v.Unwrap()
		default:
			return false
		}
	}
}
