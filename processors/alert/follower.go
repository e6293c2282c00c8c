package alert

import (
	"sync"

	"longwave/tenants/id"
)

// Ref names an alert together with its tenant: one is never looked up without the other.
type Ref struct {
	Tenant id.Tenant
	Alert  id.Alert
}

// Follower hears which alerts have changed. Its memory is bounded by the alerts that the Book knows.
type Follower struct {
	mu    sync.Mutex
	dirty map[Ref]struct{}
	wake  chan struct{} // of one: somebody looks at all that is dirty
}

// Follow begins with every alert that the Book knows. It ends with Unfollow.
func (b *Book) Follow() *Follower {
	f := &Follower{dirty: make(map[Ref]struct{}), wake: make(chan struct{}, 1)}
	b.mu.Lock()
	defer b.mu.Unlock()
	for t, l := range b.ledgers {
		for a := range l.known {
			f.dirty[Ref{t, a}] = struct{}{}
		}
	}
	b.followers = append(b.followers, f)
	f.wake <- struct{}{}
	return f
}

// Unfollow ends what Follow began.
func (b *Book) Unfollow(f *Follower) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := b.followers[:0:0]
	for _, other := range b.followers {
		if other != f {
			kept = append(kept, other)
		}
	}
	b.followers = kept
}

// Wake receives when Take has something.
func (f *Follower) Wake() <-chan struct{} { return f.wake }

// Take returns the alerts that have changed since the last time.
func (f *Follower) Take() []Ref {
	f.mu.Lock()
	defer f.mu.Unlock()
	list := make([]Ref, 0, len(f.dirty))
	for ref := range f.dirty {
		list = append(list, ref)
	}
	clear(f.dirty)
	return list
}

func (f *Follower) changed(ref Ref) {
	f.mu.Lock()
	f.dirty[ref] = struct{}{}
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}
