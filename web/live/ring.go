package live

import "time"

// ring keeps the newest updates of one tenant. Its owner is a follower, under the follower's lock.
type ring struct {
	window   time.Duration // keep at least this long …
	maxBytes int           // … unless that needs more than this
	updates  []ringEntry   // oldest first
	bytes    int
	evicted  uint64 // the newest sequence that is no longer here
}

type ringEntry struct {
	update *Update
	stored time.Time
}

// keepUpdates is how many updates stay however old they are, for the list of recent packets of a quiet device.
const keepUpdates = 256

func (r *ring) push(u *Update, stored time.Time) {
	r.updates = append(r.updates, ringEntry{u, stored})
	r.bytes += u.size
	drop := 0
	for len(r.updates)-drop > 1 && r.mayDrop(r.updates[drop], len(r.updates)-drop, stored) {
		r.bytes -= r.updates[drop].update.size
		r.evicted = r.updates[drop].update.Seq
		r.updates[drop] = ringEntry{} // the array lives on under the slice: let the batch go
		drop++
	}
	r.updates = r.updates[drop:]
}

func (r *ring) mayDrop(oldest ringEntry, count int, now time.Time) bool {
	if r.bytes > r.maxBytes {
		return true
	}
	return count > keepUpdates && now.Sub(oldest.stored) > r.window
}

// after lists the updates behind seq that pass the filter, and what they cost.
func (r *ring) after(seq uint64, f Filter) (found []*Update, bytes int) {
	for i := range r.updates {
		if u := r.updates[i].update; u.Seq > seq && f.passes(u) {
			found = append(found, u)
			bytes += u.size
		}
	}
	return found, bytes
}
