package trial

import (
	"context"
	"sync"
	"time"

	"longwave/tenants/id"
)

// gate bounds the trials at once.
type gate struct {
	places  chan struct{} // of the process
	mu      *sync.Mutex
	tenants map[id.Tenant]int
}

func newGate() gate {
	return gate{places: make(chan struct{}, perProcess), mu: new(sync.Mutex), tenants: make(map[id.Tenant]int)}
}

// enter waits a moment for a place, and returns ErrBusy or the error of the context without one.
func (g *gate) enter(ctx context.Context, t id.Tenant) (leave func(), err error) {
	g.mu.Lock()
	full := g.tenants[t] >= perTenant
	if !full {
		g.tenants[t]++
	}
	g.mu.Unlock()
	if full {
		return nil, ErrBusy
	}
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case g.places <- struct{}{}:
		return func() { <-g.places; g.forget(t) }, nil
	case <-timer.C:
		err = ErrBusy
	case <-ctx.Done():
		err = ctx.Err()
	}
	g.forget(t)
	return nil, err
}

func (g *gate) forget(t id.Tenant) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.tenants[t]--; g.tenants[t] == 0 {
		delete(g.tenants, t)
	}
}
