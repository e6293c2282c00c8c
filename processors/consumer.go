package processors

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
)

// find makes sure that the consumer exists and can be believed. Every copy of the program asks for the same one.
func (l *line) find(ctx context.Context) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	s, err := l.standing(ctx)
	if err != nil {
		return nil, err
	}
	if s.consumer == nil || s.doubt() != "" {
		return l.rewind(ctx, s)
	}
	config := l.config()
	config.DeliverPolicy, config.OptStartSeq = s.consumer.Config.DeliverPolicy, s.consumer.Config.OptStartSeq // never change
	return l.make(ctx, config)
}

func (l *line) config() jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Durable:       l.stage.consumer,
		Description:   "puts the packets of the lane into ClickHouse",
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       ackWait,
		MaxAckPending: maxAckPending,
		MaxDeliver:    -1, // a packet is never given up: what is wrong with it is found out and recorded instead
		FilterSubject: telemetry.LaneFilter(l.lane),
	}
}

func (l *line) make(ctx context.Context, config jetstream.ConsumerConfig) (jetstream.Consumer, error) {
	consumer, err := l.runner.JS.CreateOrUpdateConsumer(ctx, telemetry.LaneStream(l.lane), config)
	if err != nil {
		return nil, fmt.Errorf("consumer %s of %s: %w", l.stage.consumer, telemetry.LaneStream(l.lane), err)
	}
	return consumer, nil
}

// rewind makes the consumer anew where everything before is settled for certain. What comes a second time changes nothing.
func (l *line) rewind(ctx context.Context, s standing) (jetstream.Consumer, error) {
	if s.consumer != nil {
		err := l.runner.JS.DeleteConsumer(ctx, s.lane.Config.Name, l.stage.consumer)
		if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) { // another copy of the program was faster
			return nil, fmt.Errorf("remove consumer: %w", err)
		}
	}
	floor := s.certain()
	config := l.config()
	if floor > 0 {
		config.DeliverPolicy, config.OptStartSeq = jetstream.DeliverByStartSequencePolicy, floor+1
	}
	consumer, err := l.make(ctx, config)
	if err != nil {
		return nil, err
	}
	l.tellRewind(s, floor)
	return consumer, l.setMark(ctx, mark{Floor: floor, Lane: s.lane.Created})
}

func (l *line) tellRewind(s standing, floor uint64) {
	why := s.doubt()
	switch why {
	case "": // there has never been one
		return
	case doubtUnproven:
		l.log.Info("what may not be stored yet is read again from the lane", "from", floor+1, "to", s.consumer.Delivered.Stream)
	default:
		l.log.Error("NATS has lost track of what is settled; everything that is not proven to be is stored again", "why", why, "from", floor+1)
	}
	l.runner.metrics.rewind(l.lane, why)
}
