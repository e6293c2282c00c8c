package forward

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/atomicbatch"
	"longwave/ingest/telemetry"
)

// fullPause is how long what is known of queues that are nearly full holds. A batch that does not fit as a whole is refused
// as a whole, so that a full queue which is not known would cost every other destination an fsync for each message.
const fullPause = time.Second

// plenty is the room of a queue that is not counted: more than anybody puts into it between two surveys.
const plenty = math.MaxInt64

// surveys are how often all queues are looked at, which happens only while one is nearly full.
type surveys struct {
	tight atomic.Bool // a queue was nearly full at the last survey, or has refused something since

	mu   sync.Mutex
	last time.Time
}

// roomsKnown sees to it that what is known of queues that are nearly full is not too old.
func (f *Forwarder) roomsKnown(ctx context.Context) {
	if !f.surveys.tight.Load() {
		return
	}
	f.surveys.mu.Lock()
	due := f.Now().Sub(f.surveys.last) > fullPause
	f.surveys.mu.Unlock()
	if due {
		if err := f.survey(ctx); err != nil {
			f.Log.Debug("how full queues are is not known", "error", err) // a full one refuses, then
		}
	}
}

// survey asks how full every queue is.
func (f *Forwarder) survey(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	f.surveys.mu.Lock()
	defer f.surveys.mu.Unlock()
	f.surveys.last = f.Now()
	stream, err := f.JS.Stream(ctx, telemetry.OutStream)
	if err != nil {
		return unavailable(err)
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(telemetry.OutFilter()))
	if err != nil {
		return unavailable(err)
	}
	f.surveys.tight.Store(false)
	f.mu.RLock()
	defer f.mu.RUnlock()
	for _, l := range f.lines {
		left := info.Config.MaxMsgsPerSubject - int64(info.State.Subjects[telemetry.OutSubject(l.d.Tenant, l.d.Slug)])
		if left > max(info.Config.MaxMsgsPerSubject/2, 2*atomicbatch.Most) {
			left = plenty
		} else {
			f.surveys.tight.Store(true)
		}
		l.room.Store(left)
	}
	return nil
}

// full says whether the queue is known to have no room.
func (l *line) full() bool { return l.room.Load() <= 0 }

// fill discards a message that found no room, and remembers that until the next survey.
func (l *line) fill() {
	l.discard(reasonFull)
	l.room.Store(0)
	l.f.surveys.tight.Store(true)
}

// admit takes a place in its queue for each parcel, and discards those for which there is none.
func admit(part []parcel) []parcel {
	admitted := make([]parcel, 0, len(part))
	for i := range part {
		l := part[i].line
		if l.room.Load() != plenty && l.room.Add(-1) < 0 {
			l.discard(reasonFull)
			continue
		}
		admitted = append(admitted, part[i])
	}
	return admitted
}
