package export

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"longwave/tenants/id"
	"longwave/web/handler"
)

const (
	// places is how many exports run at once: each holds a question to the engine for as long as its reader likes, and charts
	// must find a place beside them. A tenant has half of them.
	places    = 6
	ofTenant  = places / 2
	placeSoon = 2 * time.Second // how long somebody waits for a place
	comeAgain = 5 * time.Second
)

// room is the places. The zero value has all of them free.
type room struct {
	mu    sync.Mutex
	taken int
	of    map[id.Tenant]int
	freed chan struct{} // closed, and replaced, when a place becomes free
}

// Enter takes a place for an export of a tenant until leave is called. When none becomes free in time it returns a
// handler.Problem that says to come again, or the context's error.
func (e *Exporter) Enter(ctx context.Context, t id.Tenant) (leave func(), err error) {
	soon := time.NewTimer(placeSoon)
	defer soon.Stop()
	for {
		freed, ok := e.room.take(t)
		if ok {
			return func() { e.room.leave(t) }, nil
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-soon.C:
			return nil, handler.Problem{
				Status: http.StatusTooManyRequests, Code: "too_many_exports", Title: "Too many exports at once",
				Detail:     fmt.Sprintf("At most %d exports of a tenant run at the same time. Try again when one has ended.", ofTenant),
				RetryAfter: comeAgain, Limit: &handler.Limit{Name: "exports", Scope: "tenant", Max: ofTenant},
			}.Because(nil)
		}
	}
}

func (r *room) take(t id.Tenant) (freed <-chan struct{}, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.freed == nil {
		r.freed, r.of = make(chan struct{}), map[id.Tenant]int{}
	}
	if r.taken == places || r.of[t] == ofTenant {
		return r.freed, false
	}
	r.taken++
	r.of[t]++
	return nil, true
}

func (r *room) leave(t id.Tenant) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.taken--
	if r.of[t]--; r.of[t] == 0 {
		delete(r.of, t)
	}
	close(r.freed)
	r.freed = make(chan struct{})
}
