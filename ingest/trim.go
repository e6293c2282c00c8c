package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
)

// ErrFloor is returned by Trim for a floor that lies beyond the end of the lane: it belongs to another life of it.
var ErrFloor = errors.New("the floor of the lane's consumers is beyond its end")

const (
	// trimAbove is how full a lane may be before processed packets make room: a fifth of it is minutes of the highest rate.
	trimAbove = 0.8
	// trimTo is how far it is emptied, so that it happens seldom.
	trimTo = 0.6
	// trimForRoom is what remains of a lane, at most, when the disk has no room.
	trimForRoom = 0.5
	// trimLate is by how much packets may outlive the age of their lane, so that looking for the first younger one, which
	// takes some twenty questions, happens seldom.
	trimLate = time.Hour
)

// Trimmed says what Trim did.
type Trimmed struct {
	Messages uint64 // that were dropped, all of them processed
	Bytes    uint64 // before, in the lane
	Stuck    bool   // more had to go than is processed: the lane is about to refuse packets
}

// Trim drops the oldest packets of a lane that is nearly full, or of any when the disk is, and those that are older than
// the lane keeps what is processed. It never drops one that is not processed: floor is the highest sequence up to which every consumer of the lane has settled every message. What goes
// cannot be replayed any more, which is the price of accepting what is new. It returns ErrFloor, or what JetStream
// answered, and has then dropped nothing.
func (f *Front) Trim(ctx context.Context, lane telemetry.Lane, floor uint64) (Trimmed, error) {
	stream, err := f.o.JS.Stream(ctx, telemetry.LaneStream(lane))
	if err != nil {
		return Trimmed{}, fmt.Errorf("trim lane %s: %w", lane, err)
	}
	state := stream.CachedInfo().State
	if floor > state.LastSeq {
		return Trimmed{}, fmt.Errorf("%w: trim lane %s: floor %d, end %d", ErrFloor, lane, floor, state.LastSeq)
	}
	drop := excess(state, f.target(state.Bytes))
	processed := uint64(0)
	if floor >= state.FirstSeq {
		processed = floor - state.FirstSeq + 1
	}
	var old uint64
	if border := f.o.Now().Add(-Retention(lane)); processed > 0 && state.Msgs > 0 && state.FirstTime.Before(border.Add(-trimLate)) {
		if old, err = olderThan(ctx, stream, border, processed); err != nil {
			return Trimmed{}, fmt.Errorf("trim lane %s: %w", lane, err)
		}
	}
	done := Trimmed{Bytes: state.Bytes, Stuck: drop > processed, Messages: max(min(drop, processed), old)}
	if done.Messages == 0 {
		return done, nil
	}
	if err := stream.Purge(ctx, jetstream.WithPurgeSequence(state.FirstSeq+done.Messages)); err != nil { // keeps that one
		return Trimmed{}, fmt.Errorf("trim lane %s: %w", lane, err)
	}
	f.metrics.trimmed.WithLabelValues(lane.String()).Add(float64(done.Messages))
	return done, nil
}

// olderThan is how many of the oldest messages, at most limit, came before border.
func olderThan(ctx context.Context, stream jetstream.Stream, border time.Time, limit uint64) (uint64, error) {
	info := stream.CachedInfo()
	young, end := info.State.FirstSeq, info.State.FirstSeq+limit // the first young one lies in between
	for young < end {
		middle := young + (end-young)/2
		message, err := stream.GetMsg(ctx, middle, jetstream.WithGetMsgSubject(info.Config.Subjects[0])) // that one, or the next that is there
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound) || err == nil && !message.Time.Before(border):
			end = middle
		case err != nil:
			return 0, fmt.Errorf("look for the first young message: %w", err)
		default:
			young = min(message.Sequence+1, end)
		}
	}
	return young - info.State.FirstSeq, nil
}

// target is how many bytes the lane should hold.
func (f *Front) target(bytes uint64) uint64 {
	switch {
	case f.o.Room() != nil:
		return uint64(float64(bytes) * trimForRoom)
	case float64(bytes) > trimAbove*float64(f.o.LaneBytes):
		return uint64(trimTo * float64(f.o.LaneBytes))
	default:
		return bytes
	}
}

// excess is how many of the oldest messages are beyond target bytes, if they are as large as the others.
func excess(s jetstream.StreamState, target uint64) uint64 {
	if s.Bytes <= target || s.Msgs == 0 {
		return 0
	}
	return uint64(float64(s.Bytes-target) / float64(s.Bytes) * float64(s.Msgs))
}
