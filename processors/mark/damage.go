package mark

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
)

// place is where a consumer stood when Keep last looked.
type place struct {
	floor  uint64
	passed uint64 // number of the last message that stood in the way of all others
}

// unblock finds a message that was delivered once, is to be delivered again and became unreadable in between: NATS tries for
// ever. A consumer that is made anew passes over it. A damaged message is the one after a floor that does not move.
func (k *Keeper) unblock(ctx context.Context, was *place) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	s, err := k.standing(ctx)
	if err != nil || s.consumer == nil {
		return err
	}
	floor := s.consumer.AckFloor.Stream
	if moved := floor != was.floor; moved || s.consumer.NumAckPending == 0 || was.passed == floor+1 {
		was.floor = floor
		return nil
	}
	damaged, err := Damaged(ctx, k.JS, k.Lane, []uint64{floor + 1})
	if err != nil || len(damaged) == 0 {
		return err
	}
	s.mark, s.marked = mark{Floor: floor}, true
	if _, err := k.rewind(ctx, s); err != nil {
		return err
	}
	was.passed = floor + 1
	k.Unreadable(floor + 1)
	return nil
}

// Damaged returns those of these numbers under which a lane holds messages that it cannot give to anybody: their checksums
// are wrong. Those that left the lane meanwhile are not among them. It returns what NATS answered.
func Damaged(ctx context.Context, js jetstream.JetStream, lane telemetry.Lane, numbers []uint64) (damaged []uint64, err error) {
	stream, err := js.Stream(ctx, telemetry.LaneStream(lane))
	if err != nil {
		return nil, fmt.Errorf("lane: %w", err)
	}
	for _, number := range numbers {
		_, err := stream.GetMsg(ctx, number)
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound):
			damaged = append(damaged, number)
		case err != nil:
			return nil, fmt.Errorf("message %d: %w", number, err)
		}
	}
	if len(damaged) == 0 {
		return nil, nil
	}
	info, err := stream.Info(ctx, jetstream.WithDeletedDetails(true)) // after the messages: one that went in between is gone, not damaged
	if err != nil {
		return nil, fmt.Errorf("lane: %w", err)
	}
	return slices.DeleteFunc(damaged, func(number uint64) bool {
		return number < info.State.FirstSeq || number > info.State.LastSeq || slices.Contains(info.State.Deleted, number)
	}), nil
}
