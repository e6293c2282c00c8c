package processors

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
)

// sentinelInterval is how often the lanes are looked over; what is found has happened already, so that seconds do not matter.
const sentinelInterval = 15 * time.Second

// condition is what a look at a lane shows. The first four count messages with packets that a device was told are safe.
type condition struct {
	gone       uint64 // messages between others that the stream does not hold any more: a damaged disk, or a hand
	unread     uint64 // messages that left the lane at its beginning before they were stored: kept too short, too far behind
	truncated  uint64 // messages at its end that were delivered once and are not there any more
	unreadable uint64 // messages whose checksum is wrong, which NATS gives to nobody
	first      uint64 // number of the oldest message
	last       uint64 // number of the newest message
}

// sentinel looks at a lane from time to time and says what it has lost, once for each loss. A stream numbers its
// messages without gaps and a lane discards nothing unprocessed, so that every missing number is a loss.
func (l *line) sentinel(ctx context.Context) {
	ticker := time.NewTicker(l.runner.lookEvery)
	defer ticker.Stop()
	var known condition
	for {
		if now, err := l.inspect(ctx, known); err == nil { // NATS being away is said elsewhere
			l.report(known, now)
			known = now
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// inspect compares what the stream holds with what the consumer has seen of it.
func (l *line) inspect(ctx context.Context, before condition) (condition, error) {
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	consumer, err := l.runner.JS.Consumer(ctx, telemetry.LaneStream(l.lane), l.stage.consumer)
	if err != nil {
		return condition{}, fmt.Errorf("consumer: %w", err)
	}
	delivered := consumer.CachedInfo().Delivered.Stream
	// The stream is asked in between: it must hold what had been delivered before, and have let go of nothing but what
	// is settled by now.
	stream, err := l.runner.JS.Stream(ctx, telemetry.LaneStream(l.lane))
	if err != nil {
		return condition{}, fmt.Errorf("stream: %w", err)
	}
	holds := stream.CachedInfo().State
	settled, err := consumer.Info(ctx)
	if err != nil {
		return condition{}, fmt.Errorf("consumer: %w", err)
	}
	gone, err := l.gone(ctx, stream)
	if err != nil {
		return condition{}, err
	}
	now := condition{gone: gone, unread: before.unread, unreadable: before.unreadable, first: holds.FirstSeq, last: holds.LastSeq}
	if accounted := max(before.first, settled.AckFloor.Stream+1); now.first > accounted {
		now.unread += now.first - accounted
	}
	if last := max(before.last, delivered); last > holds.LastSeq {
		now.truncated = last - holds.LastSeq
	}
	passed := l.seen.take(reached(settled, holds))
	more, err := l.unreadable(ctx, passed)
	if err != nil {
		l.seen.put(passed)
		return condition{}, err
	}
	now.unreadable += more
	return now, nil
}

// gone counts the messages between others that are missing through nobody's purpose. The numbers are looked at only when
// there are more or fewer than before.
func (l *line) gone(ctx context.Context, stream jetstream.Stream) (uint64, error) {
	holds := stream.CachedInfo().State
	if holds.NumDeleted == 0 || l.runner.RemovedUpTo == nil {
		return uint64(holds.NumDeleted), nil
	}
	if holds.NumDeleted == l.deleted {
		return l.unmeant, nil
	}
	purpose, err := l.runner.RemovedUpTo(ctx, l.lane)
	if err != nil {
		return 0, err
	}
	info, err := stream.Info(ctx, jetstream.WithDeletedDetails(true))
	if err != nil {
		return 0, fmt.Errorf("stream: %w", err)
	}
	l.deleted, l.unmeant = holds.NumDeleted, 0
	for _, number := range info.State.Deleted {
		if number > purpose {
			l.unmeant++
		}
	}
	return l.unmeant, nil
}

// reached is the number up to which every message was delivered or passed over. NATS counts what it passes over at the
// end of a lane neither as delivered nor as waiting.
func reached(consumer *jetstream.ConsumerInfo, before jetstream.StreamState) uint64 {
	if consumer.NumPending == 0 {
		return max(consumer.Delivered.Stream, before.LastSeq)
	}
	return consumer.Delivered.Stream
}

// report counts and logs what is worse than before.
func (l *line) report(before, now condition) {
	l.lost("gone", "messages are missing in the middle of the lane", before.gone, now.gone)
	l.lost("unread", "messages left the lane before they were stored", before.unread, now.unread)
	l.lost("unreadable", "messages in the lane are damaged", before.unreadable, now.unreadable)
	l.lost("truncated", "the end of the lane is missing; numbers may be given out again", before.truncated, now.truncated)
}

func (l *line) lost(how, text string, before, now uint64) {
	if now <= before {
		return
	}
	l.runner.metrics.lost(l.lane, how, now-before)
	l.log.Error("packets that were acknowledged are lost, unless their devices send them again", "what", text, "messages", now-before)
}
