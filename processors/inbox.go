package processors

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/processors/retry"
)

const (
	// fetchMessages and fetchBytes bound what is on its way from NATS, or here and not in a block yet. The bytes are
	// several times the largest message that NATS takes, so that none can block its lane.
	fetchMessages = 4096
	fetchBytes    = 8 << 20
	// idleWait is how long one request to NATS stands when nothing comes. A new packet ends it at once; half of it
	// without a sign of life from NATS means that the request is lost.
	idleWait = 30 * time.Second
	// ackWait is after how long NATS gives a message to somebody else. It is the delay after a crash, so it is short;
	// keep extends it for as long as a block is in hand.
	ackWait = 30 * time.Second
	// maxAckPending is what all copies of the program may have in hand of one lane: four full blocks of tiny messages.
	// NATS holds a few dozen bytes for each.
	maxAckPending = 4 * blockMessages
	// setupTimeout bounds one look at a lane.
	setupTimeout = 5 * time.Second
)

// inbox passes messages on until ctx ends. Errors are logged when they begin and when they end, not at every attempt.
func (l *line) inbox(ctx context.Context, messages chan<- jetstream.Msg) {
	failures := 0
	for ctx.Err() == nil {
		err := l.pull(ctx, messages, func() {
			if failures > 0 {
				l.log.Info("lane is being processed again", "failures", failures)
			}
			failures = 0
		})
		if ctx.Err() != nil {
			return
		}
		if failures++; failures == 1 {
			l.log.Warn("lane cannot be read; trying again", "error", err)
		}
		retry.Pause(ctx, failures)
	}
}

// pull passes messages on until something fails or ctx ends; it says when the first one came.
func (l *line) pull(ctx context.Context, messages chan<- jetstream.Msg, works func()) error {
	consumer, err := l.mark.Find(ctx)
	if err != nil {
		return err
	}
	l.seen.begin(consumer.CachedInfo().AckFloor.Stream)
	incoming, err := consumer.Messages(jetstream.PullMaxMessagesWithBytesLimit(fetchMessages, fetchBytes), jetstream.PullExpiry(idleWait))
	if err != nil {
		return fmt.Errorf("fetch: %w", err)
	}
	defer giveBack(incoming)
	for {
		message, err := incoming.Next(jetstream.NextContext(ctx))
		if err != nil {
			return fmt.Errorf("fetch: %w", err)
		}
		works()
		if at, err := message.Metadata(); err == nil {
			l.seen.saw(at.Sequence.Stream)
		}
		select {
		case messages <- message:
		case <-ctx.Done():
			_ = message.Nak()
			return ctx.Err()
		}
	}
}

// giveBack ends a request to NATS and puts back what came meanwhile, so that whoever works on the lane next need not
// wait for ackWait.
func giveBack(incoming jetstream.MessagesContext) {
	incoming.Drain()
	deadline := time.Now().Add(flushTimeout)
	for time.Now().Before(deadline) {
		message, err := incoming.Next(jetstream.NextMaxWait(flushTimeout))
		switch {
		case err == nil:
			_ = message.Nak()
		case errors.Is(err, jetstream.ErrMsgIteratorClosed):
			return
		default:
			incoming.Stop()
			return
		}
	}
	incoming.Stop()
}
