package alert

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
	"longwave/processors/retry"
)

const (
	// fetchBytes bounds what is on its way from NATS.
	fetchBytes = 4 << 20
	idleWait   = 30 * time.Second
)

// read passes the messages of a lane on until ctx ends. It leaves no mark in NATS: a lane need not keep for it what it would
// drop otherwise.
func (l *leader) read(ctx context.Context, lane telemetry.Lane, next uint64, in chan<- message) {
	for failures := 0; ctx.Err() == nil; {
		before := next
		err := l.readFrom(ctx, lane, &next, in)
		if ctx.Err() != nil {
			return
		}
		if next > before {
			failures = 0
		}
		if failures++; failures == 1 {
			l.o.Log.Warn("lane cannot be read for alert rules; trying again", "lane", lane.String(), "error", err)
		}
		retry.Pause(ctx, failures)
	}
}

// readFrom passes messages on from a place until something fails.
func (l *leader) readFrom(ctx context.Context, lane telemetry.Lane, next *uint64, in chan<- message) error {
	consumer, err := l.o.JS.OrderedConsumer(ctx, telemetry.LaneStream(lane), jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: *next})
	if err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	if consumer.CachedInfo().NumPending == 0 && !send(ctx, in, message{lane: lane}) {
		return ctx.Err()
	}
	incoming, err := consumer.Messages(jetstream.PullMaxMessagesWithBytesLimit(fetchMessages, fetchBytes), jetstream.PullExpiry(idleWait))
	if err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	defer incoming.Stop()
	for {
		m, err := incoming.Next(jetstream.NextContext(ctx))
		if err != nil {
			return fmt.Errorf("fetch: %w", err)
		}
		at, err := m.Metadata()
		if err != nil {
			return fmt.Errorf("fetch: %w", err)
		}
		if at.Sequence.Stream > *next {
			l.gap(ctx, lane, *next)
		}
		*next = at.Sequence.Stream + 1
		if !send(ctx, in, l.messageOf(lane, m, at)) {
			return ctx.Err()
		}
	}
}

// messageOf is what rules see of a message. One whose subject says no tenant is nobody's: they see only that it has passed.
func (l *leader) messageOf(lane telemetry.Lane, m jetstream.Msg, at *jetstream.MsgMetadata) message {
	out := message{lane: lane, seq: at.Sequence.Stream, stored: telemetry.At(at.Timestamp), pending: at.NumPending}
	_, tenant, err := telemetry.ParseLaneSubject(m.Subject())
	if err != nil {
		l.damage("a message of a lane; it is passed over", err)
		return out
	}
	out.tenant, out.data = tenant, m.Data()
	return out
}

// gap counts what was dropped to make room in the lane, when the next message is not there. What was removed elsewhere in the lane, with
// a tenant say, nobody misses.
func (l *leader) gap(ctx context.Context, lane telemetry.Lane, next uint64) {
	stream, err := l.o.JS.Stream(ctx, telemetry.LaneStream(lane))
	if err != nil {
		l.log.Warn("a lane does not say whether messages were dropped before alert rules saw them", "lane", lane.String(), "from", next, "error", err)
		return
	}
	if first := stream.CachedInfo().State.FirstSeq; first > next {
		l.missed(lane, first-next)
	}
}

func send(ctx context.Context, in chan<- message, m message) bool {
	select {
	case in <- m:
		return true
	case <-ctx.Done():
		return false
	}
}
