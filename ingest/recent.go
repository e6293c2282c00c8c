package ingest

import (
	"context"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

const (
	// recentSpan is how many messages of all tenants are looked at first; each further step looks at widenBy times as many.
	recentSpan  = 256
	widenBy     = 16
	recentSteps = 4 // the last one looks at a million messages, of which the broker hands out this tenant's only
	// maxRecentMessages bounds what is read of a lane: a message of a busy tenant holds hundreds of packets.
	maxRecentMessages = 200
)

// Recent returns the newest packets of a tenant that are in the lanes, newest arrival first, at most limit of them. What
// rules dropped is not among them. A lane that cannot be read fails it with what JetStream answered.
func (f *Front) Recent(ctx context.Context, t id.Tenant, limit int) ([]telemetry.Recent, error) {
	ctx, cancel := context.WithTimeout(ctx, readDeadline)
	defer cancel()
	var found []telemetry.Recent
	for _, lane := range telemetry.Lanes() {
		list, err := f.recentIn(ctx, lane, t, limit)
		if err != nil {
			return nil, fmt.Errorf("recent packets: %w", err)
		}
		found = append(found, list...)
	}
	slices.SortStableFunc(found, func(a, b telemetry.Recent) int { return int(b.Received - a.Received) })
	return found[:min(limit, len(found))], nil
}

// recentIn looks back over a growing part of the lane until it holds enough messages of the tenant.
func (f *Front) recentIn(ctx context.Context, lane telemetry.Lane, t id.Tenant, limit int) ([]telemetry.Recent, error) {
	stream, err := f.o.JS.Stream(ctx, telemetry.LaneStream(lane))
	if err != nil {
		return nil, err
	}
	state := stream.CachedInfo().State
	span := uint64(recentSpan)
	for step := 1; ; step++ {
		from := max(state.FirstSeq, state.LastSeq+1-min(span, state.LastSeq+1), 1)
		consumer, err := f.reader(ctx, telemetry.LaneStream(lane), jetstream.ConsumerConfig{
			DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: from, FilterSubject: telemetry.LaneSubject(lane, t)})
		if err != nil {
			return nil, err
		}
		pending := consumer.CachedInfo().NumPending
		if enough := pending >= uint64(limit) || from <= state.FirstSeq || step == recentSteps; !enough {
			f.dropReader(consumer)
			span *= widenBy
			continue
		}
		defer f.dropReader(consumer)
		return readRecent(ctx, consumer, lane, limit)
	}
}

// readRecent keeps the last packets of what the consumer hands out.
func readRecent(ctx context.Context, c jetstream.Consumer, lane telemetry.Lane, limit int) ([]telemetry.Recent, error) {
	var found []telemetry.Recent
	skip := max(int(c.CachedInfo().NumPending)-maxRecentMessages, 0)
	err := eachMessage(ctx, c, func(m jetstream.Msg) {
		if skip--; skip >= 0 {
			return
		}
		_ = telemetry.EachBatch(m.Data(), func(b *telemetry.Batch) error { // what cannot be read is told of elsewhere
			for i := range b.Packets {
				found = append(found, telemetry.Recent{Device: b.Device, Lane: lane, Received: b.Received, Packet: b.Packets[i]})
			}
			return nil
		})
		if over := len(found) - limit; over > limit {
			found = slices.Clone(found[over:])
		}
	})
	if err != nil {
		return nil, err
	}
	slices.Reverse(found)
	return found[:min(limit, len(found))], nil
}
