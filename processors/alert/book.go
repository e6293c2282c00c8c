package alert

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/provision"
	"longwave/ingest/telemetry"
	"longwave/processors/retry"
	"longwave/tenants/id"
)

// BookOptions are what a Book needs. All but Replicas and Now are required.
type BookOptions struct {
	JS       jetstream.JetStream
	Log      *slog.Logger
	Replicas int              // copies of the stream; 0 means 1
	Now      func() time.Time // time.Now when nil
}

// Book is the alerts of all tenants as the log tells them. Every copy of the program has one. Make it with OpenBook.
type Book struct {
	o     BookOptions
	ready chan struct{} // closed when everything that the log had at the start is known

	mu      sync.RWMutex
	ledgers map[id.Tenant]*ledger
	watch   map[id.Tenant]chan struct{} // closed at the next change
	anyway  chan struct{}               // closed at the next entry, whatever it changes
	place   uint64                      // in the log, what is known
	allowed fences

	followers []*Follower
}

// OpenBook makes the stream if it is missing. It returns ErrOptions, provision.ErrDiffers or what NATS answered.
func OpenBook(ctx context.Context, o BookOptions) (*Book, error) {
	if o.JS == nil || o.Log == nil {
		return nil, fmt.Errorf("%w: JS and Log are required", ErrOptions)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := provision.Streams(ctx, o.JS, streams(max(1, o.Replicas))...); err != nil {
		return nil, fmt.Errorf("alert book: %w", err)
	}
	return &Book{o: o, ready: make(chan struct{}), ledgers: make(map[id.Tenant]*ledger), watch: make(map[id.Tenant]chan struct{}),
		anyway: make(chan struct{})}, nil
}

// Run follows the log until ctx ends, and returns nil then.
func (b *Book) Run(ctx context.Context) error {
	for failures := 0; ctx.Err() == nil; {
		before := b.place
		err := b.followLog(ctx)
		if b.place > before {
			failures = 0
		}
		if failures++; failures == 1 && ctx.Err() == nil {
			b.o.Log.Warn("the log of alerts cannot be followed; what is shown of alerts may be old", "error", err)
		}
		retry.Pause(ctx, failures)
	}
	return nil
}

func (b *Book) followLog(ctx context.Context) error {
	consumer, err := b.o.JS.OrderedConsumer(ctx, telemetry.AlertStream, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: b.place + 1})
	if err != nil {
		return fmt.Errorf("follow: %w", err)
	}
	if consumer.CachedInfo().NumPending == 0 {
		b.caughtUp()
	}
	incoming, err := consumer.Messages(jetstream.PullMaxMessagesWithBytesLimit(fetchMessages, fetchBytes), jetstream.PullExpiry(idleWait))
	if err != nil {
		return fmt.Errorf("follow: %w", err)
	}
	defer incoming.Stop()
	for {
		m, err := incoming.Next(jetstream.NextContext(ctx))
		if err != nil {
			return fmt.Errorf("follow: %w", err)
		}
		at, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("follow: %w", err)
		}
		b.take(m, at.Sequence.Stream)
		if at.NumPending == 0 {
			b.caughtUp()
		}
	}
}

// caughtUp belongs to the goroutine of Run.
func (b *Book) caughtUp() {
	select {
	case <-b.ready:
	default:
		close(b.ready)
	}
}

// take makes an entry known, and tells whoever waits.
func (b *Book) take(m jetstream.Msg, place uint64) {
	e, err := decodeEntry(m.Data())
	if err != nil {
		b.o.Log.Error("an entry of the log of alerts cannot be read", "place", place, "error", err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.place = place
	close(b.anyway)
	b.anyway = make(chan struct{})
	t, parseErr := telemetry.ParseAlertSubject(m.Subject())
	if err != nil || !b.allowed.admits(&e) || parseErr != nil {
		return
	}
	l := b.ledgers[t]
	if l == nil {
		l = newLedger(closedKept)
		b.ledgers[t] = l
	}
	if !l.apply(&e) {
		return
	}
	l.place = place
	for _, f := range b.followers {
		f.changed(Ref{t, e.Alert})
	}
	if waiting := b.watch[t]; waiting != nil {
		close(waiting)
		delete(b.watch, t)
	}
}

// Ready is closed when everything that the log had when Run began is known.
func (b *Book) Ready() <-chan struct{} { return b.ready }

// Open lists the alerts of a tenant that fire, the worst and then the latest first.
func (b *Book) Open(t id.Tenant) []Alert {
	return b.Find(t, Filter{State: Active}, Filter{State: Taken})
}

// Count tells how many alerts of a tenant fire, at the same cost whatever their number.
func (b *Book) Count(t id.Tenant) Count {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if l := b.ledgers[t]; l != nil {
		return l.count()
	}
	return Count{}
}

// Firing counts the alerts of every tenant that fire, for operators.
func (b *Book) Firing() map[id.Tenant]int {
	b.mu.RLock()
	defer b.mu.RUnlock()
	all := make(map[id.Tenant]int, len(b.ledgers))
	for t, l := range b.ledgers {
		all[t] = l.count().Open
	}
	return all
}

// Find lists the alerts of a tenant that any of the filters selects: those that fire, and the latest that are over.
func (b *Book) Find(t id.Tenant, filters ...Filter) []Alert {
	b.mu.RLock()
	defer b.mu.RUnlock()
	l := b.ledgers[t]
	if l == nil {
		return nil
	}
	return l.find(filters...)
}

// Alert finds one alert: one that fires, or one of the latest that are over. It returns ErrUnknown.
func (b *Book) Alert(t id.Tenant, a id.Alert) (Alert, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if l := b.ledgers[t]; l != nil && l.known[a] != nil {
		return *l.known[a], nil
	}
	return Alert{}, ErrUnknown
}

// Watch returns a channel that is closed at the next change of a tenant's alerts. Ask for it before you read: then no change
// falls between.
func (b *Book) Watch(t id.Tenant) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	waiting := b.watch[t]
	if waiting == nil {
		waiting = make(chan struct{})
		b.watch[t] = waiting
	}
	return waiting
}

// Forget drops what this copy of the program knows of a tenant that is no more.
func (b *Book) Forget(t id.Tenant) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.ledgers, t)
	if waiting := b.watch[t]; waiting != nil {
		close(waiting)
		delete(b.watch, t)
	}
}

// await waits until the log is known up to a place, so that whoever wrote there finds it.
func (b *Book) await(ctx context.Context, place uint64) error {
	for {
		b.mu.RLock()
		known, next := b.place, b.anyway
		b.mu.RUnlock()
		if known >= place {
			return nil
		}
		select {
		case <-next:
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
		}
	}
}
