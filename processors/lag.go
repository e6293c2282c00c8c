package processors

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
)

const (
	// lagTimeout bounds what a scrape waits for NATS.
	lagTimeout = 3 * time.Second
	// settledInterval is how often Settled looks: a person waits for a deletion to be complete.
	settledInterval = 100 * time.Millisecond
	// idleLooks is how often in a row a consumer must be found without work: one that was made a moment ago says so
	// before NATS has counted what is waiting for it.
	idleLooks = 3
)

// Lag says how far a consumer is behind its lane.
type Lag struct {
	Consumer string
	Lane     telemetry.Lane
	Messages uint64 // that are not settled; each holds one or more packets
	// Packets is about how many packets these hold, judged by the messages that this copy of the program read last. It is not
	// known before it has read one: to count the others would be to read them.
	Packets      uint64
	PacketsKnown bool
	Seconds      float64 // how long the oldest of them has been waiting
}

// Lag asks NATS how far every stage is behind on every lane. It returns an error when NATS does not answer or a
// consumer does not exist (yet).
func (r *Runner) Lag(ctx context.Context) ([]Lag, error) {
	var lags []Lag
	for _, s := range stages() {
		for _, lane := range telemetry.Lanes() {
			lag, err := r.lag(ctx, s.consumer, lane)
			if err != nil {
				return nil, fmt.Errorf("lag of %s on %s: %w", s.consumer, lane, err)
			}
			lags = append(lags, lag)
		}
	}
	return lags, nil
}

func (r *Runner) lag(ctx context.Context, name string, lane telemetry.Lane) (Lag, error) {
	lag := Lag{Consumer: name, Lane: lane}
	stream, err := r.JS.Stream(ctx, telemetry.LaneStream(lane))
	if err != nil {
		return lag, err
	}
	consumer, err := stream.Consumer(ctx, name)
	if err != nil {
		return lag, err
	}
	info := consumer.CachedInfo()
	lag.Messages = info.NumPending + uint64(info.NumAckPending)
	if info.NumAckPending == 0 && info.Delivered.Stream >= stream.CachedInfo().State.LastSeq {
		lag.Messages = 0 // what NATS counts as waiting it could not read, and passed over
	}
	lag.Packets, lag.PacketsKnown = r.densities[lane].estimate(lag.Messages)
	if lag.Messages == 0 {
		return lag, nil
	}
	oldest, err := stream.GetMsg(ctx, info.AckFloor.Stream+1, jetstream.WithGetMsgSubject(telemetry.LaneFilter(lane)))
	if errors.Is(err, jetstream.ErrMsgNotFound) { // settled, or expired, since
		return lag, nil
	}
	if err != nil {
		return lag, err
	}
	lag.Seconds = max(0, time.Since(oldest.Time).Seconds())
	return lag, nil
}

// Settled waits until everything that was in the lanes when it was called is settled by the stage that stores, in
// this and all other copies of the program. It returns an error when NATS does not answer, or the context's.
func (r *Runner) Settled(ctx context.Context) error {
	marks := make(map[telemetry.Lane]uint64)
	for _, lane := range telemetry.Lanes() {
		stream, err := r.JS.Stream(ctx, telemetry.LaneStream(lane)) // asks the server: the state is of now
		if err != nil {
			return fmt.Errorf("end of lane %s: %w", lane, err)
		}
		marks[lane] = stream.CachedInfo().State.LastSeq
	}
	for lane, mark := range marks {
		if err := r.settledUpTo(ctx, lane, mark); err != nil {
			return fmt.Errorf("waiting for lane %s: %w", lane, err)
		}
	}
	return nil
}

func (r *Runner) settledUpTo(ctx context.Context, lane telemetry.Lane, mark uint64) error {
	ticker := time.NewTicker(settledInterval)
	defer ticker.Stop()
	for idle := 0; ; {
		consumer, err := r.JS.Consumer(ctx, telemetry.LaneStream(lane), storeConsumer)
		if err != nil {
			return err
		}
		info := consumer.CachedInfo()
		// The floor stays behind when the end of the lane expired unread, so a consumer that stays idle counts, too.
		if idle++; info.NumPending > 0 || info.NumAckPending > 0 {
			idle = 0
		}
		if info.AckFloor.Stream >= mark || idle >= idleLooks {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}
