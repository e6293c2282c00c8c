package mark

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
)

// Find makes sure that the consumer exists and can be believed. Every copy of the program asks for the same one.
func (k *Keeper) Find(ctx context.Context) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	s, err := k.standing(ctx)
	if err != nil {
		return nil, err
	}
	if s.consumer == nil || s.doubt() != "" {
		return k.rewind(ctx, s)
	}
	config, has := k.Consumer, s.consumer.Config
	config.DeliverPolicy, config.OptStartSeq, config.OptStartTime = has.DeliverPolicy, has.OptStartSeq, has.OptStartTime // never change
	return k.make(ctx, config)
}

func (k *Keeper) make(ctx context.Context, config jetstream.ConsumerConfig) (jetstream.Consumer, error) {
	consumer, err := k.JS.CreateOrUpdateConsumer(ctx, telemetry.LaneStream(k.Lane), config)
	if err != nil {
		return nil, fmt.Errorf("consumer %s of %s: %w", k.Consumer.Durable, telemetry.LaneStream(k.Lane), err)
	}
	return consumer, nil
}

// rewind makes the consumer anew where everything before is settled for certain. What comes a second time changes nothing.
func (k *Keeper) rewind(ctx context.Context, s standing) (jetstream.Consumer, error) {
	if s.consumer != nil {
		err := k.JS.DeleteConsumer(ctx, s.lane.Config.Name, k.Consumer.Durable)
		if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) { // another copy of the program was faster
			return nil, fmt.Errorf("remove consumer: %w", err)
		}
	}
	floor := s.certain()
	config := k.Consumer
	if floor > 0 {
		config.DeliverPolicy, config.OptStartSeq, config.OptStartTime = jetstream.DeliverByStartSequencePolicy, floor+1, nil
	}
	consumer, err := k.make(ctx, config)
	if err != nil {
		return nil, err
	}
	k.tellRewind(s, floor)
	return consumer, k.setMark(ctx, mark{Floor: floor, Lane: s.lane.Created})
}

func (k *Keeper) tellRewind(s standing, floor uint64) {
	why := s.doubt()
	switch why {
	case "": // there has never been one
		return
	case Unproven:
		k.Log.Info("what may not be done yet is read again from the lane", "from", floor+1, "to", s.consumer.Delivered.Stream)
	default:
		k.Log.Error("NATS has lost track of what is settled; everything that is not proven to be is done again", "why", why, "from", floor+1)
	}
	k.Rewound(why)
}
