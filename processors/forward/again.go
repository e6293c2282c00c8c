package forward

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// A replay leaves at least half of what a queue holds to packets that come in: nothing of these may be discarded because
// a person looks at the past.
const (
	replayMessages = queueMessages / 2
	replayBytes    = queueBytes / 2
	// replayAtOnce is how many messages are on their way to OUT at a time.
	replayAtOnce = 256
)

// Replayed is packets that go to a destination once more, because a person asked for it.
type Replayed struct {
	Destination id.Destination
	Job         string // the same packet of the same job is queued once within some minutes
	Batches     []telemetry.Batch
}

// Replay puts packets on the queue of one destination, in their order, whatever rules said of them, and returns how many
// when all are durable there; those that are too large for a message are left out. A message has the id that it had the
// first time, so that a receiver knows the repetition. It returns ErrFull while the queue is half full, and then the same
// is to be asked again; ErrUnknown, ErrDisabled and ErrUnavailable.
func (f *Forwarder) Replay(ctx context.Context, t id.Tenant, r Replayed) (queued int, err error) {
	l, err := f.line(t, r.Destination)
	if err != nil {
		return 0, err
	}
	if l.d.Disabled {
		return 0, ErrDisabled
	}
	var parcels []parcel
	for i := range r.Batches {
		parcels = f.repack(parcels, l, &r.Batches[i])
	}
	for at := 0; at < len(parcels); at += replayAtOnce {
		some := parcels[at:min(at+replayAtOnce, len(parcels))]
		if err := f.hasRoom(ctx, l, len(some)); err != nil {
			return at, err
		}
		if err := f.requeue(ctx, r.Job, some); err != nil {
			return at, err
		}
	}
	return len(parcels), nil
}

// repack makes parcels of all packets of a batch.
func (f *Forwarder) repack(out []parcel, l *line, b *telemetry.Batch) []parcel {
	name := f.Directory.DeviceName(l.d.Tenant, b.Device)
	for i := range b.Packets {
		message, err := ofPacket(l.d.Tenant, b, &b.Packets[i], name)
		var body []byte
		if err == nil {
			body, err = encode(message)
		}
		if err != nil {
			l.discard(reasonLarge)
			continue
		}
		out = append(out, parcel{l, message.ID, body})
	}
	return out
}

// hasRoom returns ErrFull when the queue would hold more than a replay may fill.
func (f *Forwarder) hasRoom(ctx context.Context, l *line, more int) error {
	ctx, cancel := context.WithTimeout(ctx, passTimeout)
	defer cancel()
	stream, err := f.JS.Stream(ctx, telemetry.OutStream)
	if err != nil {
		return unavailable(err)
	}
	subject := telemetry.OutSubject(l.d.Tenant, l.d.Slug)
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(subject))
	if err != nil {
		return unavailable(err)
	}
	if info.State.Bytes > replayBytes || info.State.Subjects[subject]+uint64(more) > replayMessages {
		return ErrFull
	}
	return nil
}

// requeue publishes parcels and waits for all of them.
func (f *Forwarder) requeue(ctx context.Context, job string, parcels []parcel) error {
	ctx, cancel := context.WithTimeout(ctx, passTimeout)
	defer cancel()
	futures := make([]jetstream.PubAckFuture, 0, len(parcels))
	for i := range parcels {
		p := &parcels[i]
		future, err := f.JS.PublishMsgAsync(p.line.message(p.body), jetstream.WithMsgID(p.line.unique(job+"."+p.id)))
		if err != nil {
			return unavailable(err)
		}
		futures = append(futures, future)
	}
	for _, future := range futures {
		select {
		case <-future.Ok():
			f.metrics.queued.Inc()
		case err := <-future.Err():
			if full(err) {
				return ErrFull
			}
			return unavailable(err)
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
		}
	}
	return nil
}
