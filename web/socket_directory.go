package web

import (
	"context"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"longwave/tenants/id"
)

// directoryEvery is how often at most a page hears that something was changed: a script may register thousands of devices.
const directoryEvery = time.Second

// Directory is what is registered, as far as pages have to notice that it has changed.
type Directory interface {
	Changed() <-chan struct{}
	Position(t id.Tenant) uint64
}

// directoryTopic tells how far the control log of a tenant has got. What that means for a page, the page asks itself.
type directoryTopic struct {
	from   Directory
	tenant id.Tenant
	due    atomic.Bool
	stop   context.CancelFunc
	ended  sync.WaitGroup
}

func (b *browser) openDirectory(c command) (topic, []byte, error) {
	ctx, stop := context.WithCancel(context.Background())
	t := &directoryTopic{from: b.socket.options.Directory, tenant: b.visit.Tenant, stop: stop}
	changed, position := t.from.Changed(), t.from.Position(t.tenant)
	t.ended.Go(func() { t.follow(ctx, changed, follower{position, b.wake}) })
	return t, newFrame(c.Sub).raw("position", strconv.AppendUint(nil, position, 10)).bytes(), nil
}

// follower is whom a topic tells, and what it knows.
type follower struct {
	position uint64
	wake     chan<- struct{}
}

func (t *directoryTopic) follow(ctx context.Context, changed <-chan struct{}, f follower) {
	rest := time.NewTimer(directoryEvery)
	defer rest.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
		}
		changed = t.from.Changed()
		if now := t.from.Position(t.tenant); now != f.position {
			f.position = now
			t.due.Store(true)
			rouse(f.wake)
		}
		rest.Reset(directoryEvery)
		select {
		case <-ctx.Done():
			return
		case <-rest.C:
		}
	}
}

func (t *directoryTopic) next(number uint32) []byte {
	if !t.due.Swap(false) {
		return nil
	}
	return newFrame(number).raw("position", strconv.AppendUint(nil, t.from.Position(t.tenant), 10)).bytes()
}

func (t *directoryTopic) close() {
	t.stop()
	t.ended.Wait()
}

// directory is the control plane as the socket sees it.
type directory struct{ w *Web }

// Changed implements Directory.
func (d directory) Changed() <-chan struct{} { return d.w.o.Tenants.Changed() }

// Position implements Directory.
func (d directory) Position(t id.Tenant) uint64 { return d.w.o.Tenants.State().PositionOf(t) }
