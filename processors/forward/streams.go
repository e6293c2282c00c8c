package forward

import (
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
