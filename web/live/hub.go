package live

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"longwave/tenants/id"
)

// ErrClosed is returned by Subscribe, Attempts and Rejected after Run has ended.
var ErrClosed = errors.New("live hub is closed")

// Defaults of the options that are left zero.
const (
	// defaultWindow is far above what the store lags and above what a reconnecting browser misses.
	defaultWindow = time.Minute
	// defaultRingBytes bounds one watched tenant.
	defaultRingBytes = 8 << 20
	// defaultLinger covers a reload, and a reconnect that had to back off a few times.
	defaultLinger = 20 * time.Second
)

// Options are what a Hub needs. JS and Log must be given.
type Options struct {
	JS         jetstream.JetStream
	Registerer prometheus.Registerer // may be nil
	Log        *slog.Logger
	Window     time.Duration // how much of the past is kept at least; 0 means a minute
	RingBytes  int           // the most one tenant's past may need; 0 means 8 MiB
	Linger     time.Duration // how long a tenant is followed after the last subscriber has gone; 0 means 20 s
}

// Hub hands what becomes durable to whoever watches.
type Hub struct {
	options     Options
	base        context.Context // ends with Run; followers and feeds live in it
	end         context.CancelFunc
	skipped     prometheus.Counter
	undecodable prometheus.Counter

	mu        sync.Mutex
	closed    bool
	followers map[id.Tenant]*follower
	running   sync.WaitGroup
}

// New makes a hub that follows nobody yet. It fails if an option is missing or a metric is registered already.
func New(o Options) (*Hub, error) {
	if o.JS == nil || o.Log == nil {
		return nil, errors.New("live: options JS and Log are needed")
	}
	if o.Window < 0 || o.RingBytes < 0 || o.Linger < 0 {
		return nil, errors.New("live: options Window, RingBytes and Linger must not be negative")
	}
	o.Window, o.RingBytes, o.Linger = orDefault(o.Window, defaultWindow), orDefault(o.RingBytes, defaultRingBytes), orDefault(o.Linger, defaultLinger)
	h := &Hub{options: o, followers: make(map[id.Tenant]*follower)}
	h.base, h.end = context.WithCancel(context.Background())
	if err := h.instrument(); err != nil {
		return nil, fmt.Errorf("live: %w", err)
	}
	return h, nil
}

func orDefault[T int | time.Duration](value, fallback T) T {
	if value == 0 {
		return fallback
	}
	return value
}

// Run blocks until the context ends; then it ends every subscription and returns after all followers have returned.
func (h *Hub) Run(ctx context.Context) error {
	<-ctx.Done()
	h.mu.Lock()
	h.closed = true
	for _, f := range h.followers {
		if f.idle != nil {
			f.idle.Stop()
		}
	}
	h.end()
	h.mu.Unlock()
	h.running.Wait()
	return nil
}

// Done is closed when the hub has ended: whoever serves subscribers tells them to come back later.
func (h *Hub) Done() <-chan struct{} { return h.base.Done() }

// Subscribe joins the flow of one tenant behind the given cursor, or at its end when the cursor cannot be resumed. The
// first subscription of a tenant waits until the last minute has been read. It fails with ErrClosed, or with the
// context's error. The subscription must be closed.
func (h *Hub) Subscribe(ctx context.Context, t id.Tenant, f Filter, from Cursor) (*Subscription, error) {
	follower, err := h.acquire(t)
	if err != nil {
		return nil, err
	}
	select {
	case <-follower.warm:
		return follower.join(f, from), nil
	case <-ctx.Done():
		h.release(follower)
		return nil, fmt.Errorf("live: the recent packets could not be read in time: %w", ctx.Err())
	}
}

// acquire finds the tenant's follower or starts it, and counts one more subscriber.
func (h *Hub) acquire(t id.Tenant) (*follower, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, ErrClosed
	}
	f := h.followers[t]
	if f == nil {
		f = h.start(t)
	}
	if f.idle != nil {
		f.idle.Stop()
		f.idle = nil
	}
	f.subscribers++
	return f, nil
}

func (h *Hub) start(t id.Tenant) *follower {
	ctx, stop := context.WithCancel(h.base)
	f := &follower{
		hub: h, tenant: t, stop: stop,
		epoch: rand.Text()[:12], // 60 bits: two lives of a follower never share one
		log:   h.options.Log.With("tenant", string(t)),
		warm:  make(chan struct{}), caughtUp: make(chan struct{}),
		ring: ring{window: h.options.Window, maxBytes: h.options.RingBytes},
		subs: make(map[id.Device]map[*Subscription]struct{}),
	}
	h.followers[t] = f
	h.running.Go(func() { f.run(ctx) })
	return f
}

// release counts one subscriber less; after the last one the follower lingers, then ends.
func (h *Hub) release(f *follower) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f.subscribers--
	if f.subscribers == 0 {
		f.idle = time.AfterFunc(h.options.Linger, func() { h.retire(f) })
	}
}

// retire ends the follower unless somebody came in the last moment.
func (h *Hub) retire(f *follower) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f.subscribers > 0 || h.followers[f.tenant] != f {
		return
	}
	delete(h.followers, f.tenant)
	f.stop()
}
