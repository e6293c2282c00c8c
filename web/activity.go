package web

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"longwave/tenants/id"
)

// Bounds of what is remembered of when devices last sent.
const (
	// activityFor is how long one answer of the storage serves every page of its tenant. Reading it grows with the number
	// of devices; the page's own socket corrects what has moved since.
	activityFor = 2 * time.Second
	// maxActivities bounds the tenants that are remembered: 10 MB each with 100,000 devices.
	maxActivities = 32
)

// activities remembers, briefly and for few tenants, when each device was last seen. Pages that ask at the same time
// share one question.
type activities struct {
	read func(context.Context, id.Tenant) (activity, error)
	now  func() time.Time

	asking singleflight.Group
	mu     sync.Mutex
	known  map[id.Tenant]remembered
}

type remembered struct {
	at   time.Time
	what activity
}

func newActivities(readings func(id.Tenant) Reader, now func() time.Time) *activities {
	read := func(ctx context.Context, t id.Tenant) (activity, error) {
		list, err := readings(t).Activity(ctx)
		if err != nil {
			return nil, err
		}
		what := make(activity, len(list))
		for _, a := range list {
			what[a.Device] = a
		}
		return what, nil
	}
	return &activities{read: read, now: now, known: map[id.Tenant]remembered{}}
}

// of returns what the storage knows, at most activityFor old; the map must not be changed. It fails with the storage's
// error, or when the context ends first.
func (a *activities) of(ctx context.Context, t id.Tenant) (activity, error) {
	if what, ok := a.recent(t); ok {
		return what, nil
	}
	return share(ctx, &a.asking, shared[activity]{key: string(t), within: storageTimeout, ask: func(ctx context.Context) (activity, error) {
		what, err := a.read(ctx, t)
		if err == nil {
			a.remember(t, what)
		}
		return what, err
	}})
}

func (a *activities) recent(t id.Tenant) (activity, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	r, ok := a.known[t]
	return r.what, ok && a.now().Sub(r.at) < activityFor
}

// remember makes room first: what has expired goes, and when nothing has, any other.
func (a *activities) remember(t id.Tenant, what activity) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := a.now()
	for other, r := range a.known {
		if now.Sub(r.at) >= activityFor || len(a.known) >= maxActivities {
			delete(a.known, other)
		}
	}
	a.known[t] = remembered{at: now, what: what}
}
