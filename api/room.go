package api

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"longwave/tenants/id"
	"longwave/web/handler"
)

const (
	// DefaultBodyMemory is what all bodies together may take: half of it while they are read, half while they are
	// decoded and made durable, which is enough for the posts of 500 devices of a hundred packets each at once.
	DefaultBodyMemory = 64 << 20
	// decodedCost is how many bytes a byte of a body becomes: itself, the text that ids and names are parts of, up to
	// three of values, and what is encoded for the lane.
	decodedCost = 6
	// freeRead is what any connection may have read before room is asked for; nearly every post is smaller.
	freeRead = 64 << 10
	// roomWithin is how long a body waits for others to be done; each takes milliseconds unless the broker stands still.
	roomWithin = 2 * time.Second
	// retryRoom is about the time in which a broker that stands still gives up.
	retryRoom = 5 * time.Second
)

// room is memory for bodies. A tenant can have no more than half of it, so that a noisy one leaves the others theirs;
// who finds none waits a moment, in order, and is then told to come again. There are two, one for reading and one for
// working: who is in the second waits for nothing any more, so that nobody waits for somebody who waits.
type room struct {
	size int64
	all  *semaphore.Weighted

	mu      sync.Mutex
	tenants map[id.Tenant]*tenantRoom
}

// tenantRoom is a tenant's half. It is kept only while somebody is in it or waits.
type tenantRoom struct {
	half  *semaphore.Weighted
	users int
}

func newRoom(size int64) *room {
	return &room{size: size, all: semaphore.NewWeighted(size), tenants: map[id.Tenant]*tenantRoom{}}
}

// stay is what one body has taken. One that has only its tenant has taken nothing.
type stay struct {
	tenant id.Tenant
	own    *tenantRoom // nil until the first bytes are taken
	bytes  int64
}

// enter takes bytes for a stay that has none yet, at most what a tenant may have: no body is refused for its size alone.
// It returns an error that says to come again, or the context's. Whatever it returns, leave must follow.
func (r *room) enter(ctx context.Context, s *stay, bytes int64) error {
	s.own = r.use(s.tenant)
	bytes = min(bytes, r.size/2)
	if !r.tryTake(s.own, bytes) {
		if err := r.wait(ctx, s.own, bytes); err != nil {
			return err
		}
	}
	s.bytes = bytes
	return nil
}

// raise makes a stay hold at least that much, without waiting: who waits with full hands keeps others waiting.
func (r *room) raise(s *stay, bytes int64) error {
	more := min(bytes, r.size/2) - s.bytes
	if more > 0 {
		if !r.tryTake(s.own, more) {
			return noRoom()
		}
		s.bytes += more
	}
	return nil
}

// tryTake takes what is free without waiting, which is how it nearly always goes.
func (r *room) tryTake(own *tenantRoom, bytes int64) bool {
	if !own.half.TryAcquire(bytes) {
		return false
	}
	if !r.all.TryAcquire(bytes) {
		own.half.Release(bytes)
		return false
	}
	return true
}

func (r *room) wait(caller context.Context, own *tenantRoom, bytes int64) error {
	ctx, cancel := context.WithTimeout(caller, roomWithin)
	defer cancel()
	err := own.half.Acquire(ctx, bytes)
	if err == nil {
		if err = r.all.Acquire(ctx, bytes); err != nil {
			own.half.Release(bytes)
		}
	}
	switch {
	case err == nil:
		return nil
	case caller.Err() != nil:
		return caller.Err()
	default:
		return noRoom()
	}
}

// errBusy is the cause of a body for which there was no room in time.
var errBusy = errors.New("no room for the body")

func noRoom() error {
	return handler.Problem{
		Status: http.StatusServiceUnavailable, Code: "busy", Title: "The server is busy",
		Detail:     "The server works on as many and as large bodies as its memory allows. Nothing of this request was kept; send it again later.",
		RetryAfter: retryRoom,
	}.Because(errBusy)
}

// leave gives back everything that a stay has taken.
func (r *room) leave(s *stay) {
	if s.own == nil {
		return
	}
	r.all.Release(s.bytes)
	s.own.half.Release(s.bytes)
	r.mu.Lock()
	defer r.mu.Unlock()
	if s.own.users--; s.own.users == 0 {
		delete(r.tenants, s.tenant)
	}
	*s = stay{}
}

func (r *room) use(t id.Tenant) *tenantRoom {
	r.mu.Lock()
	defer r.mu.Unlock()
	own, ok := r.tenants[t]
	if !ok {
		own = &tenantRoom{half: semaphore.NewWeighted(r.size / 2)}
		r.tenants[t] = own
	}
	own.users++
	return own
}
