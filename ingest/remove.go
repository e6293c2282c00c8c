package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// removedKey is where, beside its mark, the number stands up to which gaps of a lane are on purpose.
func removedKey(lane telemetry.Lane) string { return lane.String() + ".removed" }

// Kept counts the messages of a tenant in one lane.
func (f *Front) Kept(ctx context.Context, lane telemetry.Lane, t id.Tenant) (uint64, error) {
	stream, err := f.o.JS.Stream(ctx, telemetry.LaneStream(lane))
	if err != nil {
		return 0, fmt.Errorf("look at lane %s: %w", lane, err)
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(telemetry.LaneSubject(lane, t)))
	if err != nil {
		return 0, fmt.Errorf("look at lane %s: %w", lane, err)
	}
	return info.State.Subjects[telemetry.LaneSubject(lane, t)], nil
}

// RemoveTenant removes the messages of a tenant from one lane. Everything in the lane must be settled by then: that is why a
// gap below the number that is written down first is no damage, neither to the next start nor to who looks over the lanes;
// what is missing there are copies that were kept for replay.
func (f *Front) RemoveTenant(ctx context.Context, lane telemetry.Lane, t id.Tenant) error {
	stream, err := f.o.JS.Stream(ctx, telemetry.LaneStream(lane))
	if err != nil {
		return fmt.Errorf("remove from lane %s: %w", lane, err)
	}
	f.met.forget(t)
	last := stream.CachedInfo().State.LastSeq
	value, err := json.Marshal(mark{Version: markVersion, Last: last})
	if err != nil {
		return fmt.Errorf("remove from lane %s: %w", lane, err)
	}
	if _, err := f.marks.Put(ctx, removedKey(lane), value); err != nil {
		return fmt.Errorf("remove from lane %s: %w", lane, err)
	}
	if err := stream.Purge(ctx, jetstream.WithPurgeSubject(telemetry.LaneSubject(lane, t)), jetstream.WithPurgeSequence(last+1)); err != nil {
		return fmt.Errorf("remove from lane %s: %w", lane, err)
	}
	return nil
}

// Rates are the packets per second that tenants send to this copy of the program, averaged over some seconds, refused ones
// included.
func (f *Front) Rates() map[id.Tenant]float64 { return f.quota.rates(f.o.Now()) }

// RemovedUpTo is the number up to which a gap in a lane may be a tenant that was deleted; 0 when none was.
func (f *Front) RemovedUpTo(ctx context.Context, lane telemetry.Lane) (uint64, error) {
	entry, err := f.marks.Get(ctx, removedKey(lane))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read what was removed from lane %s: %w", lane, err)
	}
	m, err := decodeMark(entry.Value())
	if err != nil {
		return 0, fmt.Errorf("read what was removed from lane %s: %w", lane, err)
	}
	return m.Last, nil
}

// missing counts the gaps of a lane that are nobody's purpose.
func (f *Front) missing(ctx context.Context, lane telemetry.Lane, stream jetstream.Stream) (uint64, error) {
	state := stream.CachedInfo().State
	if state.NumDeleted == 0 {
		return 0, nil
	}
	purpose, err := f.RemovedUpTo(ctx, lane)
	if err != nil || purpose < state.FirstSeq {
		return uint64(state.NumDeleted), err
	}
	info, err := stream.Info(ctx, jetstream.WithDeletedDetails(true))
	if err != nil {
		return 0, fmt.Errorf("look at lane %s: %w", lane, err)
	}
	return above(info.State.Deleted, purpose), nil
}

// above counts the numbers above one.
func above(numbers []uint64, one uint64) (n uint64) {
	for _, each := range numbers {
		if each > one {
			n++
		}
	}
	return n
}
