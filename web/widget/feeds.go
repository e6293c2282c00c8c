package widget

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
	"longwave/web/live"
)

// Bounds of what is shared.
const (
	// flushEvery is how often listeners are told at most: a screen cannot show more.
	flushEvery = 100 * time.Millisecond
	// keepRecent is how much of the flow is handed to a page that joins later: what the storage may not have yet.
	keepRecent = time.Minute
	// storeLag is how far the storage may be behind: half of what the hub hands over from before.
	storeLag = keepRecent / 2
	// maxRecent bounds that in points.
	maxRecent = 20_000
	// maxWaiting bounds the updates that wait for one listener: three seconds of them.
	maxWaiting = 32
	// askTimeout bounds what a feed waits for the newest stored values when it begins.
	askTimeout = 3 * time.Second
)

// FeedsOptions are what Feeds need. All must be given.
type FeedsOptions struct {
	Hub      *live.Hub
	Readings func(id.Tenant) Reader
	Log      *slog.Logger
}

// Feeds shares what is live among all pages that look at the same.
type Feeds struct {
	o FeedsOptions

	running sync.WaitGroup
	mu      sync.Mutex
	open    map[string]*feed
}

// NewFeeds makes feeds that hear nothing yet. It fails if an option is missing.
func NewFeeds(o FeedsOptions) (*Feeds, error) {
	if o.Hub == nil || o.Readings == nil || o.Log == nil {
		return nil, errors.New("widget: feeds need Hub, Readings and Log")
	}
	return &Feeds{o: o, open: make(map[string]*feed)}, nil
}

func (i Interest) key(t id.Tenant) string {
	return fmt.Sprintf("%s %q %q %v", t, i.Devices, i.Metrics, i.Newest)
}

// Wait returns when nothing is heard any more; the hub must have ended.
func (f *Feeds) Wait() { f.running.Wait() }

// Listener is one page's part of a feed. It has one reader and must be closed.
type Listener struct {
	// Snapshot is what is known as JSON: an object with "incomplete", "since" (what came after that time is in it) and "points". It is shared and must not be changed.
	Snapshot []byte

	feed    *feed
	wake    chan<- struct{}
	waiting [][]byte
	missed  bool
}

// Join listens to what a widget is interested in. Whenever there is something to take, wake is given a token if there is
// room. It fails with ErrNobody, with live.ErrClosed, or when the context ends first.
func (f *Feeds) Join(ctx context.Context, t id.Tenant, i Interest, wake chan<- struct{}) (*Listener, error) {
	one := f.acquire(t, i)
	select {
	case <-one.ready:
	case <-ctx.Done():
		f.release(one)
		return nil, fmt.Errorf("widget: the live values could not be read in time: %w", ctx.Err())
	}
	if one.err != nil { // set before ready was closed
		f.release(one)
		return nil, one.err
	}
	one.mu.Lock()
	defer one.mu.Unlock()
	l := &Listener{Snapshot: one.snapshot(), feed: one, wake: wake}
	one.listeners[l] = struct{}{}
	return l, nil
}

func (f *Feeds) acquire(t id.Tenant, i Interest) *feed {
	key := i.key(t)
	f.mu.Lock()
	defer f.mu.Unlock()
	one := f.open[key]
	if one == nil {
		ctx, stop := context.WithCancel(context.Background())
		one = newFeed(f, key, i)
		one.stop = stop
		f.open[key] = one
		f.running.Go(func() { one.run(ctx, t) }) // until its last user goes, or the hub ends
	}
	one.users++
	return one
}

func (f *Feeds) release(one *feed) {
	f.mu.Lock()
	defer f.mu.Unlock()
	one.users--
	if one.users > 0 {
		return
	}
	if f.open[one.key] == one {
		delete(f.open, one.key)
	}
	one.stop()
}

// Take returns the updates since the last one, each an array of points as JSON, and never waits. When there were too
// many, it returns a snapshot that takes their place.
func (l *Listener) Take() (updates [][]byte, snapshot []byte) {
	l.feed.mu.Lock()
	defer l.feed.mu.Unlock()
	updates = l.waiting
	if l.missed {
		updates, snapshot = nil, l.feed.snapshot()
	}
	l.waiting, l.missed = nil, false
	return updates, snapshot
}

// Close ends listening; the feed ends with its last listener. It may be called once.
func (l *Listener) Close() {
	l.feed.mu.Lock()
	delete(l.feed.listeners, l)
	l.feed.mu.Unlock()
	l.feed.feeds.release(l.feed)
}

// offer is called under the feed's lock and never waits.
func (l *Listener) offer(update []byte) {
	if len(l.waiting) >= maxWaiting {
		l.waiting, l.missed = nil, true
	}
	if !l.missed {
		l.waiting = append(l.waiting, update)
	}
	select {
	case l.wake <- struct{}{}:
	default: // a token is there already
	}
}

// point is one value in a feed.
type point struct {
	device   id.Device
	value    telemetry.Value
	at       telemetry.Micros
	received telemetry.Micros
}

func (p point) key() telemetry.SeriesKey {
	return telemetry.SeriesKey{Device: p.device, Metric: p.value.Name}
}
