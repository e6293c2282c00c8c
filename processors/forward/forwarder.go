package forward

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"longwave/ingest/provision"
	"longwave/ingest/telemetry"
	"longwave/processors/forward/reach"
	"longwave/processors/mark"
	"longwave/tenants/id"
)

// Destination is what has to be known to queue for a destination; how it is reached is asked for at each attempt.
type Destination struct {
	Tenant   id.Tenant
	ID       id.Destination
	Slug     id.Slug
	Kind     reach.Kind
	Own      bool // the tenant's own consumers read its queue; Kind has no meaning then
	Disabled bool
	Created  time.Time
	Changed  time.Time // a worker that had given up hope begins anew after a change
}

// Directory knows the destinations. Its methods must be cheap and never block.
type Directory interface {
	// Destinations lists those of all tenants, and returns a channel that is closed when there may be others.
	Destinations() ([]Destination, <-chan struct{})
	// Target opens the secrets of a destination.
	Target(id.Tenant, id.Destination) (reach.Target, error)
	// DeviceName is what people call a device; empty if it is gone.
	DeviceName(id.Tenant, id.Device) string
}

// Options are what a Forwarder needs. All but Replicas and Now are required.
type Options struct {
	JS         jetstream.JetStream // on a connection of its own
	Directory  Directory
	Reacher    *reach.Reacher
	Registerer prometheus.Registerer
	Log        *slog.Logger
	Replicas   int              // copies of the streams; 0 means 1
	Now        func() time.Time // time.Now when nil
}

// The classes of errors of this package.
var (
	// ErrOptions is returned by Open when something that it needs is missing.
	ErrOptions = errors.New("forward: incomplete options")
	// ErrUnknown means that there is no such destination or message, or that it is another tenant's.
	ErrUnknown = errors.New("no such destination or message")
	// ErrDisabled means that the destination is switched off.
	ErrDisabled = errors.New("the destination is disabled")
	// ErrFull means that the queue of the destination, or of all together, takes nothing more.
	ErrFull = errors.New("the queue of the destination is full")
	// ErrTooLarge means that a message is larger than MaxBody.
	ErrTooLarge = errors.New("the message is too large")
	// ErrBusy means that the same was asked for too often; trying again in some seconds is right.
	ErrBusy = errors.New("asked too often")
	// ErrUnavailable means that NATS does not answer.
	ErrUnavailable = errors.New("the queue is not available")
)

func (o *Options) complete() error {
	if o.JS == nil || o.Directory == nil || o.Reacher == nil || o.Registerer == nil || o.Log == nil {
		return fmt.Errorf("%w: JS, Directory, Reacher, Registerer and Log are required", ErrOptions)
	}
	o.Replicas = max(1, o.Replicas)
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

// Forwarder queues for destinations and delivers to them. Make it with Open.
type Forwarder struct {
	Options
	metrics *metrics
	asked   chan struct{} // a place for each test that is being made
	shares  shares
	surveys surveys
	passed  [telemetry.Bulk + 1]passedOver // by lane
	clock   func() mark.Reading            // the machine's but in tests

	mu    sync.RWMutex
	lines map[address]*line
}

// address names a destination together with its tenant: one is never looked up without the other.
type address struct {
	tenant      id.Tenant
	destination id.Destination
}

// Open makes the streams that are missing. It returns ErrOptions, provision.ErrDiffers, the registerer's error, or what NATS
// answered.
func Open(ctx context.Context, o Options) (*Forwarder, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	if err := provision.Streams(ctx, o.JS, streams(o.Replicas)...); err != nil {
		return nil, fmt.Errorf("forward: %w", err)
	}
	f := &Forwarder{Options: o, metrics: newMetrics(), lines: make(map[address]*line), asked: make(chan struct{}, testsAtOnce),
		clock: mark.MachineClock()}
	for i := range f.passed {
		f.passed[i].until = make(map[id.Tenant]time.Time)
	}
	if err := errors.Join(f.metrics.register(o.Registerer), o.Registerer.Register(newLagCollector(f))); err != nil {
		return nil, fmt.Errorf("forward: %w", err)
	}
	f.refresh()
	return f, nil
}

// Run forwards and delivers until ctx ends and every attempt in hand is settled or put back. It returns nil then.
func (f *Forwarder) Run(ctx context.Context) error {
	var parts sync.WaitGroup
	var stages []*stage
	for _, lane := range telemetry.Lanes() {
		s := newStage(f, lane)
		stages = append(stages, s)
		parts.Go(func() { s.run(ctx) })
	}
	parts.Go(func() { f.say(ctx) })
	parts.Go(func() { f.watchClock(ctx) })
	f.follow(ctx, &parts)
	parts.Wait()
	flush, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
	defer cancel()
	if err := f.JS.Conn().FlushWithContext(flush); err != nil {
		f.Log.Warn("last acknowledgements may be lost; what they stand for is delivered once more", "error", err)
	}
	for _, s := range stages {
		s.mark.Advance(context.WithoutCancel(ctx)) // it has a deadline of its own
	}
	return nil
}

const (
	// flushTimeout bounds the last round trip at the end.
	flushTimeout = 2 * time.Second
	// followPause keeps a burst of changes from starting workers again and again.
	followPause = 200 * time.Millisecond
)

// follow has a worker for each destination, as they come and go.
func (f *Forwarder) follow(ctx context.Context, workers *sync.WaitGroup) {
	tick := time.NewTicker(followPause)
	defer tick.Stop()
	f.sweep(ctx)
	for {
		_, changed := f.Directory.Destinations()
		for _, gone := range f.refresh() {
			f.clear(ctx, gone.d)
		}
		f.mu.RLock()
		for _, l := range f.lines {
			l.start(ctx, workers)
		}
		f.mu.RUnlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
		<-tick.C
	}
}

// refresh makes a line for each destination that is new or was changed, and returns those that were deleted.
func (f *Forwarder) refresh() (gone []*line) {
	list, _ := f.Directory.Destinations()
	f.mu.Lock()
	defer f.mu.Unlock()
	seen := make(map[address]bool, len(list))
	for _, d := range list {
		key := address{d.Tenant, d.ID}
		seen[key] = true
		old := f.lines[key]
		if old != nil && old.d == d {
			continue
		}
		if old != nil {
			old.stop()
		}
		f.lines[key] = newLine(f, d)
	}
	for key, l := range f.lines {
		if !seen[key] {
			l.stop()
			delete(f.lines, key)
			gone = append(gone, l)
		}
	}
	return gone
}

// line finds a destination, also one that was made a moment ago. ErrUnknown if there is none.
func (f *Forwarder) line(t id.Tenant, d id.Destination) (*line, error) {
	f.mu.RLock()
	found := f.lines[address{t, d}]
	f.mu.RUnlock()
	if found != nil {
		return found, nil
	}
	list, _ := f.Directory.Destinations()
	for _, known := range list {
		if known.Tenant == t && known.ID == d {
			return newLine(f, known), nil // follow is about to have one like it
		}
	}
	return nil, ErrUnknown
}

// has says whether a tenant has a destination of that subject.
func (f *Forwarder) has(t id.Tenant, slug id.Slug) bool {
	f.mu.RLock()
	defer f.mu.RUnlock()
	for _, l := range f.lines {
		if l.d.Tenant == t && l.d.Slug == slug {
			return true
		}
	}
	return false
}

// any returns when the oldest destination was made; false while there is none.
func (f *Forwarder) oldest() (time.Time, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	var first time.Time
	for _, l := range f.lines {
		if first.IsZero() || l.d.Created.Before(first) {
			first = l.d.Created
		}
	}
	return first, !first.IsZero()
}
