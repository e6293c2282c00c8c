package live

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// follower follows the three lanes of one tenant while somebody watches.
type follower struct {
	hub    *Hub
	tenant id.Tenant
	epoch  string
	log    *slog.Logger
	stop   context.CancelFunc

	cold     atomic.Int32  // lanes whose past has not been read yet
	caughtUp chan struct{} // closed by the last of them
	warm     chan struct{} // closed when the ring has been filled from the past, or when that took too long

	// Guarded by the hub's lock.
	subscribers int
	idle        *time.Timer // ends the follower; nil while there are subscribers

	mu   sync.Mutex
	seq  uint64
	ring ring
	subs map[id.Device]map[*Subscription]struct{} // "" hears all
}

// run returns after all of its lanes have returned and their consumers are gone.
func (f *follower) run(ctx context.Context) {
	f.cold.Store(int32(len(telemetry.Lanes())))
	var lanes sync.WaitGroup
	for _, lane := range telemetry.Lanes() {
		lanes.Go(func() { f.followLane(ctx, lane) })
	}
	lanes.Go(func() { f.awaitWarm(ctx) })
	lanes.Wait()
}

// warmLimit bounds how long a page waits for the past. A tenant whose last minute takes longer than this is shown
// what has been read by then; nothing is missed, for the rest arrives as if it were live.
const warmLimit = 2 * time.Second

func (f *follower) awaitWarm(ctx context.Context) {
	defer close(f.warm)
	limit := time.NewTimer(warmLimit)
	defer limit.Stop()
	select {
	case <-f.caughtUp:
	case <-limit.C:
	case <-ctx.Done():
	}
}

// retryAfter is the pause before a lane that failed is followed again. The ordered consumer repairs what it can by
// itself; what arrives here (a stream that does not exist yet, a closed connection) is rare and not urgent.
const retryAfter = time.Second

func (f *follower) followLane(ctx context.Context, lane telemetry.Lane) {
	l := &laneReader{follower: f, lane: lane, since: time.Now().Add(-f.hub.options.Window)}
	defer l.caughtUp()
	for ctx.Err() == nil {
		err := l.read(ctx)
		if ctx.Err() != nil {
			return
		}
		f.log.WarnContext(ctx, "lane cannot be followed, trying again", "lane", lane.String(), "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(retryAfter):
		}
	}
}

// receive is called by the lanes, one message at a time each.
func (f *follower) receive(ctx context.Context, lane telemetry.Lane, msg jetstream.Msg, stored time.Time) {
	err := telemetry.EachBatch(msg.Data(), func(batch *telemetry.Batch) error {
		f.publish(newUpdate(lane, keep(batch)), stored)
		return nil
	})
	if err != nil {
		f.hub.undecodable.Inc()
		f.log.ErrorContext(ctx, "lane message cannot be decoded", "lane", lane.String(), "error", err)
	}
}

// keep copies what the ring keeps: the batch itself belongs to EachBatch once the callback has returned.
func keep(b *telemetry.Batch) *telemetry.Batch {
	copied := *b
	return &copied
}

// publish gives the batch its number and hands it to everybody who listens. Nobody here ever waits.
func (f *follower) publish(u *Update, stored time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.seq++
	u.Seq = f.seq
	f.ring.push(u, stored)
	for _, device := range [...]id.Device{u.Batch.Device, ""} {
		for s := range f.subs[device] {
			s.offer(u)
		}
	}
}

// join takes the ring's part and enters the live flow in one critical section: no gap, no repetition.
func (f *follower) join(filter Filter, from Cursor) *Subscription {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := &Subscription{follower: f, filter: filter, last: f.seq, Cursor: Cursor{f.epoch, f.seq}}
	s.Backlog, s.Resumed = f.resume(filter, from)
	if !s.Resumed {
		s.Backlog, _ = f.ring.after(0, filter)
	}
	for _, place := range filter.places() {
		if f.subs[place] == nil {
			f.subs[place] = make(map[*Subscription]struct{})
		}
		f.subs[place][s] = struct{}{}
	}
	return s
}

// maxReplayBytes is the most that is worth replaying; a fresh snapshot is smaller than more than that.
const maxReplayBytes = 2 << 20

func (f *follower) resume(filter Filter, from Cursor) ([]*Update, bool) {
	if from.epoch != f.epoch || from.seq < f.ring.evicted || from.seq > f.seq {
		return nil, false
	}
	backlog, bytes := f.ring.after(from.seq, filter)
	return backlog, bytes <= maxReplayBytes
}

func (f *follower) leave(s *Subscription) {
	f.mu.Lock()
	present := false
	for _, place := range s.filter.places() {
		_, here := f.subs[place][s]
		present = present || here
		delete(f.subs[place], s)
		if len(f.subs[place]) == 0 {
			delete(f.subs, place)
		}
	}
	f.mu.Unlock()
	if present {
		f.hub.release(f)
	}
}
