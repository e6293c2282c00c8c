package processors

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
)

const (
	// blockRows is when a block is large enough: ClickHouse writes one part per insert, and parts below some ten
	// thousand rows cost more in merging than they save in delay.
	blockRows = 50_000
	// linger is how long the first message of a block waits for company. It is what storing adds to the delay of a
	// lone packet, and it keeps a quiet installation at four parts a second at most.
	linger = 250 * time.Millisecond
	// blockMessages bounds a block of tiny messages.
	blockMessages = 16_384
	// fetchMessages and fetchBytes bound one request to NATS, and with it by how much a block overshoots blockRows.
	fetchMessages = 4096
	fetchBytes    = 2 << 20
	// idleWait is how long a line waits for a first message before it looks whether it should stop. It is not
	// interrupted, because a message that arrives during an interruption would be out of reach until ackWait.
	idleWait = 500 * time.Millisecond
	// ackWait is after how long NATS gives a message to somebody else. It is the delay after a crash, so it is short;
	// keep extends it for as long as a block is in hand.
	ackWait = 30 * time.Second
	// maxAckPending is what all copies of the program may have in hand of one lane: four full blocks of tiny messages.
	// NATS holds a few dozen bytes for each.
	maxAckPending = 4 * blockMessages
	// setupTimeout bounds one request to create or find a consumer.
	setupTimeout = 5 * time.Second
)

// fetch gathers messages until there are enough for a block or the first has waited long enough. An empty hand is no
// error. Once it has messages it returns them without error; what went wrong will show at the next call.
func (l *line) fetch(ctx context.Context) (*hand, error) {
	h := l.hand
	h.empty()
	if err := l.find(ctx); err != nil {
		return nil, err
	}
	// A first message of any size, so that one that is larger than fetchBytes cannot block the lane.
	if err := l.take(h, 1, jetstream.FetchMaxWait(idleWait)); err != nil || len(h.messages) == 0 {
		return h, err
	}
	l.company(h)
	return h, nil
}

// company adds to a first message until there are enough or it has waited long enough.
func (l *line) company(h *hand) {
	until := time.Now().Add(linger)
	for h.block.Rows() < blockRows && len(h.messages) < blockMessages {
		left := time.Until(until)
		if left < time.Millisecond { // not worth a round trip
			return
		}
		if l.take(h, fetchMessages, jetstream.FetchMaxBytes(fetchBytes), jetstream.FetchMaxWait(left)) != nil {
			return
		}
	}
}

// take adds at most n messages to the hand.
func (l *line) take(h *hand, n int, options ...jetstream.FetchOpt) error {
	batch, err := l.consumer.Fetch(n, options...)
	if err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	for message := range batch.Messages() {
		h.add(message)
	}
	if err := batch.Error(); err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	return nil
}

// find makes sure that the consumer exists, unless it is known to. Every copy of the program asks for the same one.
func (l *line) find(ctx context.Context) error {
	if l.consumer != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	consumer, err := l.runner.JS.CreateOrUpdateConsumer(ctx, telemetry.LaneStream(l.lane), jetstream.ConsumerConfig{
		Durable:       l.stage.consumer,
		Description:   "puts the packets of the lane into ClickHouse",
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       ackWait,
		MaxAckPending: maxAckPending,
		MaxDeliver:    -1, // a packet is never given up: what is wrong with it is found out and recorded instead
		FilterSubject: telemetry.LaneFilter(l.lane),
	})
	if err != nil {
		return fmt.Errorf("consumer %s of %s: %w", l.stage.consumer, telemetry.LaneStream(l.lane), err)
	}
	l.consumer = consumer
	return nil
}
