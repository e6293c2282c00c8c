package handler

import (
	"bufio"
	"net"
	"net/http"
	"time"
)

const (
	// DefaultWriteWithin is how long the caller may take to read one piece of an answer. Somebody who asks for much and
	// reads nothing would hold a goroutine, a connection and the answer for ever.
	DefaultWriteWithin = 30 * time.Second
	// piece is what must be read within that time: 64 KiB in half a minute is slower than any line in use.
	piece = 64 << 10
)

// statusAborted is what a request counts as whose answer was cut off on purpose.
const statusAborted = http.StatusInternalServerError

// recorder remembers what became of an answer. It belongs to one request and one goroutine.
type recorder struct {
	http.ResponseWriter
	within  time.Duration // Options.WriteWithin
	bytes   int64
	status  int
	begun   bool
	aborted bool
	lost    bool // a write failed: there is nobody to answer any more
}

// WriteHeader remembers the first final status.
func (w *recorder) WriteHeader(status int) {
	if !w.begun && (status >= http.StatusOK || status == http.StatusSwitchingProtocols) {
		w.status, w.begun = status, true
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes of the body, and gives the caller Options.WriteWithin for each piece of it.
func (w *recorder) Write(b []byte) (n int, err error) {
	if !w.begun {
		w.status, w.begun = http.StatusOK, true
	}
	for more := true; more && err == nil; more = n < len(b) {
		var written int
		w.hurry()
		written, err = w.ResponseWriter.Write(b[n:min(n+piece, len(b))])
		n += written
	}
	w.bytes += int64(n)
	w.lost = w.lost || err != nil
	return n, err
}

// hurry starts the time for what is written next. The server takes the deadline away behind the answer.
func (w *recorder) hurry() {
	if w.within > 0 {
		_ = http.NewResponseController(w.ResponseWriter).SetWriteDeadline(time.Now().Add(w.within)) // unsupported only in tests without a connection
	}
}

// Flush sends on what was written so far; nothing happens when the connection cannot.
func (w *recorder) Flush() {
	if !w.begun {
		w.status, w.begun = http.StatusOK, true
	}
	w.hurry()
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

// recorderOf finds the recorder of an answer by unwrapping; nil for a writer that Observe did not wrap.
func recorderOf(w http.ResponseWriter) *recorder {
	for {
		switch v := w.(type) {
		case *recorder:
			return v
		case interface{ Unwrap() http.ResponseWriter }:
			w = v.Unwrap()
		default:
			return nil
		}
	}
}
