package live

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
)

// laneReader reads one lane of one tenant, from Window ago to the end of the follower.
type laneReader struct {
	follower *follower
	lane     telemetry.Lane
	since    time.Time
	last     uint64 // sequence in the stream of the last message read; 0 before the first
	once     sync.Once
}

// Bounds of what the client library may hold for one lane of one tenant, so that a burst is kept by the broker, on
// disk, and not here. The bytes must admit the largest message that the broker accepts.
const (
	prefetchMessages = 128
	prefetchBytes    = 8 << 20
)

// A consumer that the broker has lost is noticed after two missing heartbeats; the library's own choice, fifteen
// seconds each, would let a page look alive for half a minute while it is deaf.
const (
	pullExpiry    = 10 * time.Second
	pullHeartbeat = time.Second
)

// inactiveThreshold lets the broker remove a consumer whose owner died without deleting it.
const inactiveThreshold = 30 * time.Second

// apiTimeout bounds each request to the broker.
const apiTimeout = 5 * time.Second

// read follows the lane until the context ends or the consumer cannot be had any more.
func (l *laneReader) read(ctx context.Context) error {
	consumer, err := l.consume(ctx)
	if err != nil {
		return err
	}
	defer l.remove(consumer)
	messages, err := consumer.Messages(jetstream.PullMaxMessagesWithBytesLimit(prefetchMessages, prefetchBytes),
		jetstream.PullExpiry(pullExpiry), jetstream.PullHeartbeat(pullHeartbeat))
	if err != nil {
		return fmt.Errorf("consume: %w", err)
	}
	defer messages.Stop()
	if info := consumer.CachedInfo(); info != nil && info.NumPending == 0 {
		l.caughtUp()
	}
	for {
		msg, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return fmt.Errorf("next message: %w", err)
		}
		l.take(ctx, msg)
	}
}

func (l *laneReader) take(ctx context.Context, msg jetstream.Msg) {
	meta, err := msg.Metadata()
	if err != nil {
		l.follower.log.ErrorContext(ctx, "message without a position in its lane", "error", err)
		return
	}
	_, tenant, err := telemetry.ParseLaneSubject(msg.Subject())
	if err != nil || tenant != l.follower.tenant {
		l.follower.log.ErrorContext(ctx, "message of another tenant withheld", "subject", msg.Subject())
		return
	}
	l.follower.receive(ctx, l.lane, msg, meta.Timestamp)
	l.last = meta.Sequence.Stream
	if meta.NumPending == 0 {
		l.caughtUp()
	}
}

func (l *laneReader) consume(ctx context.Context) (jetstream.Consumer, error) {
	config := jetstream.OrderedConsumerConfig{
		FilterSubjects:    []string{telemetry.LaneSubject(l.lane, l.follower.tenant)},
		DeliverPolicy:     jetstream.DeliverByStartTimePolicy,
		OptStartTime:      &l.since,
		InactiveThreshold: inactiveThreshold,
	}
	if l.last > 0 {
		config.DeliverPolicy, config.OptStartTime, config.OptStartSeq = jetstream.DeliverByStartSequencePolicy, nil, l.last+1
	}
	bounded, cancel := context.WithTimeout(ctx, apiTimeout)
	defer cancel()
	consumer, err := l.follower.hub.options.JS.OrderedConsumer(bounded, telemetry.LaneStream(l.lane), config)
	if err != nil {
		return nil, fmt.Errorf("ordered consumer: %w", err)
	}
	return consumer, nil
}

// remove deletes the consumer from the broker. The context of the follower has ended by then. If it fails, the broker
// does it after inactiveThreshold.
func (l *laneReader) remove(consumer jetstream.Consumer) {
	info := consumer.CachedInfo()
	if info == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), apiTimeout)
	defer cancel()
	if err := l.follower.hub.options.JS.DeleteConsumer(ctx, telemetry.LaneStream(l.lane), info.Name); err != nil {
		l.follower.log.Debug("consumer left to expire", "lane", l.lane.String(), "error", err)
	}
}

// caughtUp reports, the first time, that the past of this lane has been read.
func (l *laneReader) caughtUp() {
	l.once.Do(func() {
		if l.follower.cold.Add(-1) == 0 {
			close(l.follower.caughtUp)
		}
	})
}
