package live

import (
	"encoding/json"
	"fmt"
	"sync"

	"github.com/nats-io/nats.go"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// feedBound is how many items wait for a reader; what a person can read of a list that moves is less.
const feedBound = 100

// Feed is a plain subscription to things that are worth seeing now and no promise otherwise.
type Feed[T any] struct {
	hub  *Hub
	wake chan<- struct{}
	subs []*nats.Subscription

	mu      sync.Mutex
	pending []T
	skipped int
}

// Attempt is a failed attempt as a watcher is told of it.
type Attempt struct {
	telemetry.Attempt
	Attributed bool `json:"attributed"` // false: the token was nobody's, only the caller's address is the watcher's
}

// Attempts hears failed attempts of one device and, if addressKey is not empty, those with an unknown token from that
// address. It fails with ErrClosed or when NATS cannot be reached. The feed must be closed.
func (h *Hub) Attempts(t id.Tenant, d id.Device, addressKey string, wake chan<- struct{}) (*Feed[Attempt], error) {
	decode := func(attributed bool) func([]byte) (Attempt, error) {
		return func(data []byte) (Attempt, error) {
			a := Attempt{Attributed: attributed}
			err := json.Unmarshal(data, &a.Attempt)
			return a, err
		}
	}
	feed := &Feed[Attempt]{hub: h, wake: wake}
	err := feed.listen(telemetry.AttemptSubject(t, d), decode(true))
	if key, keyErr := id.Parse[id.Key](addressKey); err == nil && keyErr == nil { // one safe token, or not listened to
		err = feed.listen(telemetry.UnattributedSubject(string(key)), decode(false))
	}
	return feed, feed.check(err)
}

// Rejected hears packets of one device that are being rejected. It fails with ErrClosed or when NATS cannot be reached.
// The feed must be closed.
func (h *Hub) Rejected(t id.Tenant, d id.Device, wake chan<- struct{}) (*Feed[telemetry.RejectedPacket], error) {
	feed := &Feed[telemetry.RejectedPacket]{hub: h, wake: wake}
	err := feed.listen(telemetry.RejectedSubject(t, d), telemetry.DecodeRejected)
	return feed, feed.check(err)
}

// check closes a feed that could not be opened as a whole.
func (f *Feed[T]) check(err error) error {
	if err == nil && f.hub.base.Err() != nil {
		err = ErrClosed
	}
	if err != nil {
		f.Close()
	}
	return err
}

func (f *Feed[T]) listen(subject string, decode func([]byte) (T, error)) error {
	sub, err := f.hub.options.JS.Conn().Subscribe(subject, func(msg *nats.Msg) {
		item, err := decode(msg.Data)
		if err != nil {
			f.hub.undecodable.Inc()
			f.hub.options.Log.Error("message for a watcher cannot be decoded", "subject", msg.Subject, "error", err)
			return
		}
		f.offer(item)
	})
	if err != nil {
		return fmt.Errorf("live: listen to %s: %w", subject, err)
	}
	f.subs = append(f.subs, sub)
	return nil
}

func (f *Feed[T]) offer(item T) {
	f.mu.Lock()
	if len(f.pending) == feedBound {
		f.pending = append(f.pending[:0], f.pending[1:]...)
		f.skipped++
	}
	f.pending = append(f.pending, item)
	f.mu.Unlock()
	wake(f.wake)
}

// Take returns what has come since the last one, oldest first, and how many were dropped before them. It never waits.
func (f *Feed[T]) Take() (items []T, skipped int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	items, skipped = f.pending, f.skipped
	f.pending, f.skipped = nil, 0
	return items, skipped
}

// Close ends the feed. It may be called more than once.
func (f *Feed[T]) Close() {
	for _, sub := range f.subs {
		_ = sub.Unsubscribe() // fails only if it has ended already, or the connection has
	}
	f.subs = nil
}
