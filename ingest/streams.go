package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
)

const (
	// criticalAge and laneAge are how long a lane keeps a packet that is processed, for replay. One that is not processed
	// has no age limit: a clock that jumps forwards, or a start with a clock that is wrong, would drop it.
	criticalAge = 7 * 24 * time.Hour
	laneAge     = 72 * time.Hour
	rejectedAge = 7 * 24 * time.Hour
	// rejectedPerDevice are enough to see what is wrong; the newest are the ones to look at.
	rejectedPerDevice = 500
	rejectedBytes     = 64 << 20
	// duplicateWindow is how long the stream knows a message id: the time a publisher has to learn what became of a message.
	duplicateWindow = 2 * time.Minute
	defaultLane     = 1 << 30
	streamDeadline  = 30 * time.Second // a cluster may have to elect leaders first
)

// Retention is how long a lane keeps a packet that is processed, at most.
func Retention(lane telemetry.Lane) time.Duration {
	if lane == telemetry.Critical {
		return criticalAge
	}
	return laneAge
}

func laneStream(lane telemetry.Lane, o Options) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:               telemetry.LaneStream(lane),
		Subjects:           []string{telemetry.LaneFilter(lane)},
		Retention:          jetstream.LimitsPolicy,
		Storage:            jetstream.FileStorage,
		Discard:            jetstream.DiscardNew, // a full lane refuses; dropping the oldest would drop what was acknowledged
		MaxBytes:           o.LaneBytes,
		Replicas:           o.Replicas,
		Duplicates:         duplicateWindow,
		AllowAtomicPublish: true,
	}
}

func rejectedStream(o Options) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:              telemetry.RejectedStream,
		Subjects:          []string{telemetry.RejectedFilter()},
		Retention:         jetstream.LimitsPolicy,
		Storage:           jetstream.FileStorage,
		Discard:           jetstream.DiscardOld,
		MaxMsgsPerSubject: rejectedPerDevice,
		MaxBytes:          rejectedBytes,
		MaxAge:            rejectedAge,
		Replicas:          o.Replicas,
		Duplicates:        duplicateWindow,
	}
}

// ensureStreams makes the streams that are missing and checks the others.
func ensureStreams(ctx context.Context, o Options) error {
	ctx, cancel := context.WithTimeout(ctx, streamDeadline)
	defer cancel()
	for _, lane := range telemetry.Lanes() {
		if err := ensureStream(ctx, o.JS, laneStream(lane, o)); err != nil {
			return err
		}
	}
	return ensureStream(ctx, o.JS, rejectedStream(o))
}

func ensureStream(ctx context.Context, js jetstream.JetStream, want jetstream.StreamConfig) error {
	stream, err := js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		_, err = js.CreateStream(ctx, want) // the same definition by another copy at the same time is no error
		if err != nil {
			return fmt.Errorf("create stream %s: %w", want.Name, err)
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("look up stream %s: %w", want.Name, err)
	}
	have := stream.CachedInfo().Config
	if err := differs(have, want); err != nil {
		return err
	}
	ages := want.MaxAge == 0 && have.MaxAge > 0 // an older version of the program made it
	if have.MaxBytes == want.MaxBytes && have.AllowAtomicPublish == want.AllowAtomicPublish && !ages {
		return nil
	}
	have.MaxBytes, have.AllowAtomicPublish = want.MaxBytes, want.AllowAtomicPublish
	if ages {
		have.MaxAge = 0
	}
	if _, err := js.UpdateStream(ctx, have); err != nil {
		return fmt.Errorf("change max_bytes, allow_atomic and max_age of stream %s: %w", want.Name, err)
	}
	return nil
}

// differs compares what our promises rest on. More than is needed is welcome: a longer age, more replicas.
func differs(have, want jetstream.StreamConfig) error {
	for _, setting := range []struct {
		name       string
		have, want any
		good       bool
	}{
		{"subjects", have.Subjects, want.Subjects, len(have.Subjects) == 1 && have.Subjects[0] == want.Subjects[0]},
		{"retention", have.Retention, want.Retention, have.Retention == want.Retention},
		{"storage", have.Storage, want.Storage, have.Storage == want.Storage},
		{"discard", have.Discard, want.Discard, have.Discard == want.Discard},
		{"max_age", have.MaxAge, want.MaxAge, want.MaxAge == 0 || have.MaxAge == 0 || have.MaxAge >= want.MaxAge},
		{"max_msgs", have.MaxMsgs, "no limit", have.MaxMsgs <= 0},
		{"max_msgs_per_subject", have.MaxMsgsPerSubject, want.MaxMsgsPerSubject, max(have.MaxMsgsPerSubject, 0) == want.MaxMsgsPerSubject},
		{"max_msg_size", have.MaxMsgSize, "no limit", have.MaxMsgSize <= 0},
		{"num_replicas", have.Replicas, want.Replicas, have.Replicas >= want.Replicas},
		{"duplicate_window", have.Duplicates, want.Duplicates, have.Duplicates >= want.Duplicates},
		{"no_ack", have.NoAck, false, !have.NoAck},
		{"sealed", have.Sealed, false, !have.Sealed},
		{"persist_mode", have.PersistMode, want.PersistMode, have.PersistMode == want.PersistMode},
	} {
		if !setting.good {
			return fmt.Errorf("%w: stream %s has %s %v, needed is %v", ErrStreamDiffers, want.Name, setting.name, setting.have, setting.want)
		}
	}
	return nil
}
