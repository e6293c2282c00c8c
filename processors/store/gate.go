package store

import (
	"context"
	"fmt"
	"sync"

	"longwave/tenants/id"
)

// maxQuestions is how many questions of one tenant run at once: a dashboard asks in parallel, and the engine has few
// cores that all tenants share.
const maxQuestions = 4

// gates bounds the questions of each tenant. A tenant that asks nothing takes no memory. The zero value is ready.
type gates struct {
	mu   sync.Mutex
	open map[id.Tenant]*gate
}

type gate struct {
	slots chan struct{}
	users int // inside or waiting
}

// enter waits for a slot of the tenant until the context ends, then returns ErrBusy.
func (g *gates) enter(ctx context.Context, t id.Tenant) (leave func(), err error) {
	one := g.use(t)
	select {
	case one.slots <- struct{}{}:
		return func() {
			<-one.slots
			g.release(t, one)
		}, nil
	case <-ctx.Done():
		g.release(t, one)
		return nil, fmt.Errorf("%w: %w", ErrBusy, ctx.Err())
	}
}

func (g *gates) use(t id.Tenant) *gate {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open == nil {
		g.open = make(map[id.Tenant]*gate)
	}
	one, ok := g.open[t]
	if !ok {
		one = &gate{slots: make(chan struct{}, maxQuestions)}
		g.open[t] = one
	}
	one.users++
	return one
}

func (g *gates) release(t id.Tenant, one *gate) {
	g.mu.Lock()
	defer g.mu.Unlock()
	one.users--
	if one.users == 0 {
		delete(g.open, t)
	}
}
