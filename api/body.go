package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"longwave/tenants/id"
	"longwave/web/handler"
)

const (
	// DefaultMaxBody is how much a request may send: a thousand packets of four values are about 100 KiB, and one
	// message of the broker, which carries the packets on, holds 1 MiB.
	DefaultMaxBody = 1 << 20
	// MaxPlain is what a body may grow to: a thousand packets, the most that a request may hold, of 2 KiB each. Decoded it
	// takes several times as much, and what is allowed here decides how much memory anybody with a token can claim.
	MaxPlain = 2 << 20
	// maxRatio ends a bomb early. Real telemetry stays below 30; deflate itself cannot pass 1032.
	maxRatio = 100
	// minBomb is the size below which the ratio does not matter: a short body of zeros harms nobody.
	minBomb = 64 << 10
	// DefaultBodyWithin is how long a device may take to send a body: enough for 1 MiB over a slow mobile line.
	DefaultBodyWithin = 30 * time.Second
	// keepBuffer is the largest buffer that goes back to the pool, so that rare big posts do not pin memory.
	keepBuffer = 256 << 10
	// firstRead is how much is made ready for a body, whatever length it announces: nobody has sent anything yet.
	firstRead = 16 << 10
)

// body holds a request's bytes as they came and as they are meant. They are the same memory when nothing is compressed.
type body struct {
	wire  []byte
	plain []byte
	grown []byte // the memory of plain when it is not wire

	reading, working stay // what it takes of the two rooms
}

// bodies is a pool of bodies, and the memory that they may take.
type bodies struct {
	pool             sync.Pool
	reading, working *room
}

func (b *bodies) get(t id.Tenant) *body {
	kept, ok := b.pool.Get().(*body)
	if !ok {
		kept = &body{}
	}
	kept.reading.tenant, kept.working.tenant = t, t
	return kept
}

func (b *bodies) put(used *body) {
	b.reading.leave(&used.reading)
	b.working.leave(&used.working)
	used.plain = nil
	if cap(used.wire) <= keepBuffer && cap(used.grown) <= keepBuffer {
		b.pool.Put(used)
	}
}

// admit takes the memory that a body of so many plain bytes needs until it is durable.
func (b *bodies) admit(ctx context.Context, waiting *body, plain int64) error {
	return b.working.enter(ctx, &waiting.working, plain*decodedCost)
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
	if err := a.readWire(r.Context(), b, from, r.ContentLength); err != nil {
		return a.wireError(err)
	}
	encoding := strings.Join(r.Header["Content-Encoding"], ", ")
	if encoding == "" {
		b.plain = b.wire
		return a.bodies.admit(r.Context(), b, int64(len(b.wire)))
	}
	return a.decompress(r.Context(), b, encoding)
}

// readWire reads to the end into b.wire. What is beyond freeRead is read only with room for all that may come. A known
// length is reserved up to firstRead, and one byte more, so that the end is seen without growing; an unknown one is -1.
func (a *API) readWire(ctx context.Context, b *body, from io.Reader, length int64) (err error) {
	if length < 0 {
		length = a.maxBody
	}
	b.wire = slices.Grow(b.wire[:0], int(min(length, firstRead))+1)
	if length <= freeRead {
		b.wire, err = readAll(b.wire, from)
		return err
	}
	b.wire, err = readAll(b.wire, io.LimitReader(from, freeRead))
	if err != nil || len(b.wire) < freeRead {
		return err
	}
	if err := a.bodies.reading.enter(ctx, &b.reading, length); err != nil {
		return err
	}
	b.wire, err = readAll(b.wire, from)
	return err
}

// readAll reads to the end, behind what dst holds.
func readAll(dst []byte, from io.Reader) ([]byte, error) {
	for {
		if len(dst) == cap(dst) {
			dst = slices.Grow(dst, max(len(dst), firstRead))
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

// wireError puts a failed read into words. An error that has words of its own keeps them.
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
	case errors.Is(err, context.Canceled), errors.Is(err, errBusy):
		return err
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
