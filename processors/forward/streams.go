package forward

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
)

const (
	// giveUpAfter is how long a message is tried.
	giveUpAfter = 24 * time.Hour
	// keepQueued is longer, so that nothing leaves the queue by age before a worker has moved it to the work list.
	keepQueued = 3 * giveUpAfter
	// queueMessages bounds the queue of one destination: 35 packets a minute for a day.
	queueMessages = 50_000
	// queueBytes bounds all queues together.
	queueBytes = 1 << 30
	// MaxBody bounds one message; a packet of the largest size takes less.
	MaxBody = 512 << 10
	// duplicateWindow covers a copy of the program that dies and another one that takes over.
	duplicateWindow = 5 * time.Minute

	// attemptsKept are kept of each destination for each outcome; a person looks through them.
	attemptsKept  = 200
	attemptsAge   = 7 * 24 * time.Hour
	attemptsBytes = 256 << 20

	// undeliveredKept bounds the work list of one destination; the oldest give way.
	undeliveredKept  = 10_000
	undeliveredAge   = 30 * 24 * time.Hour
	undeliveredBytes = 512 << 20

	setupTimeout = 30 * time.Second // a cluster may have to elect leaders first
)

// ErrStreamDiffers means that a stream exists and is not set up as it must be.
var ErrStreamDiffers = errors.New("the stream has other settings")

func streams(replicas int) []jetstream.StreamConfig {
	return []jetstream.StreamConfig{
		{
			Name: telemetry.OutStream, Subjects: []string{telemetry.OutFilter()}, Description: "what waits for destinations",
			Retention: jetstream.WorkQueuePolicy, Storage: jetstream.FileStorage, Replicas: replicas,
			// A full queue refuses what is new: what is in it was promised, and a receiver that comes back wants it.
			Discard: jetstream.DiscardNew, DiscardNewPerSubject: true,
			MaxMsgsPerSubject: queueMessages, MaxBytes: queueBytes, MaxAge: keepQueued, MaxMsgSize: MaxBody + 4096,
			Duplicates: duplicateWindow, AllowMsgTTL: true, AllowAtomicPublish: true,
		},
		{
			Name: telemetry.DeliveryStream, Subjects: []string{telemetry.DeliveryFilter()}, Description: "attempts to reach destinations",
			Retention: jetstream.LimitsPolicy, Storage: jetstream.FileStorage, Replicas: replicas, Discard: jetstream.DiscardOld,
			MaxMsgsPerSubject: attemptsKept, MaxBytes: attemptsBytes, MaxAge: attemptsAge,
		},
		{
			Name: telemetry.UndeliveredStream, Subjects: []string{telemetry.UndeliveredFilter()}, Description: "what could not be delivered",
			Retention: jetstream.LimitsPolicy, Storage: jetstream.FileStorage, Replicas: replicas, Discard: jetstream.DiscardOld,
			MaxMsgsPerSubject: undeliveredKept, MaxBytes: undeliveredBytes, MaxAge: undeliveredAge, Duplicates: duplicateWindow,
		},
	}
}

// ensureStreams makes the streams that are missing, and checks of the others what the promises rest on.
func ensureStreams(ctx context.Context, js jetstream.JetStream, replicas int) error {
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	for _, want := range streams(replicas) {
		stream, err := js.Stream(ctx, want.Name)
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			stream, err = js.CreateStream(ctx, want) // the same definition by another copy at the same time is no error
		}
		if err != nil {
			return fmt.Errorf("stream %s: %w", want.Name, err)
		}
		have := stream.CachedInfo().Config
		if have.Retention != want.Retention || have.Discard != want.Discard || have.Storage != want.Storage ||
			have.MaxAge != 0 && have.MaxAge < want.MaxAge || len(have.Subjects) != 1 || have.Subjects[0] != want.Subjects[0] {
			return fmt.Errorf("%w: %s: retention, discard, storage, age or subjects", ErrStreamDiffers, want.Name)
		}
	}
	return nil
}
