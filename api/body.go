package api

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"sync"
	"time"

	"longwave/web/handler"
)

const (
	// DefaultMaxBody is how much a request may send: a thousand packets of four values are about 100 KiB, and one
	// message of the broker, which carries the packets on, holds 1 MiB.
	DefaultMaxBody = 1 << 20
	// maxPlain is what a body may grow to: eight times the wire covers JSON, which compresses to a tenth at best.
	maxPlain = 8 << 20
	// maxRatio ends a bomb early. Real telemetry stays below 30; deflate itself cannot pass 1032.
	maxRatio = 100
	// minBomb is the size below which the ratio does not matter: a short body of zeros harms nobody.
	minBomb = 64 << 10
	// DefaultBodyWithin is how long a device may take to send a body: enough for 1 MiB over a slow mobile line.
	DefaultBodyWithin = 30 * time.Second
	// keepBuffer is the largest buffer that goes back to the pool, so that rare big posts do not pin memory.
	keepBuffer = 256 << 10
	// firstRead is how much is read at first of a body that does not say how long it is.
	firstRead = 4 << 10
)

// body holds a request's bytes as they came and as they are meant. They are the same memory when nothing is compressed.
type body struct {
	wire  []byte
	plain []byte
	grown []byte // the memory of plain when it is not wire
}

// bodies is a pool of bodies.
type bodies struct{ pool sync.Pool }

func (b *bodies) get() *body {
	if kept, ok := b.pool.Get().(*body); ok {
		return kept
	}
	return &body{}
}

func (b *bodies) put(used *body) {
	used.plain = nil
	if cap(used.wire) <= keepBuffer && cap(used.grown) <= keepBuffer {
		b.pool.Put(used)
	}
}

// readBody reads and decompresses a request's body within all limits.
func (a *API) readBody(w http.ResponseWriter, r *http.Request, b *body) error {
	if r.ContentLength > a.maxBody {
		return wireTooLarge(a.maxBody)
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(a.within)) // unsupported only in tests without a connection
	from := io.Reader(r.Body)
	if r.ContentLength < 0 { // otherwise net/http keeps to the length that was looked at above
		from = http.MaxBytesReader(w, r.Body, a.maxBody)
	}
	var err error
	if b.wire, err = readAll(b.wire[:0], from, r.ContentLength); err != nil {
		return a.wireError(err)
	}
	encoding := r.Header.Get("Content-Encoding")
	if encoding == "" {
		b.plain = b.wire
		return nil
	}
	return a.decompress(b, encoding)
}

// readAll reads to the end into dst. A known length is reserved at once, and one byte more, so that the end is seen
// without growing; an unknown one is -1.
func readAll(dst []byte, from io.Reader, length int64) ([]byte, error) {
	if length < 0 {
		length = firstRead
	}
	dst = slices.Grow(dst, int(length)+1)
	for {
		if len(dst) == cap(dst) {
			dst = slices.Grow(dst, len(dst))
		}
		n, err := from.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		if errors.Is(err, io.EOF) {
			return dst, nil
		}
		if err != nil {
			return dst, err
		}
	}
}

// wireError puts a failed read into words.
func (a *API) wireError(err error) error {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return wireTooLarge(a.maxBody)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return handler.Problem{
			Status: http.StatusRequestTimeout, Code: "body_too_slow", Title: "The body came too slowly",
			Detail: fmt.Sprintf("The body did not arrive within %s. Nothing of it was kept; send it again, in smaller parts if the line is slow.", a.within),
		}.Because(err)
	default:
		return handler.Problem{
			Status: http.StatusBadRequest, Code: "body_incomplete", Title: "The body is incomplete",
			Detail: "The body ended before the length that was announced. Nothing of it was kept; send it again.",
		}.Because(err)
	}
}

func wireTooLarge(limit int64) error {
	return handler.Problem{
		Status: http.StatusRequestEntityTooLarge, Code: "body_too_large", Title: "Too large",
		Detail: fmt.Sprintf("The body is larger than %d bytes. Send fewer packets per request, or compress it with gzip or zstd.", limit),
		Limit:  &handler.Limit{Name: "body_bytes", Scope: "request", Max: float64(limit)},
	}.Because(nil)
}
