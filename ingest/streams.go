package ingest

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/provision"
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
	var wanted []jetstream.StreamConfig
	for _, lane := range telemetry.Lanes() {
		wanted = append(wanted, laneStream(lane, o))
	}
	return provision.Streams(ctx, o.JS, append(wanted, rejectedStream(o))...)
}
