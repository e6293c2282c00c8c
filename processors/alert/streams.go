package alert

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/atomicbatch"
	"longwave/ingest/telemetry"
)

const (
	// logAge is how long an alert can be looked up.
	logAge = 400 * 24 * time.Hour
	// logPerTenant bounds the log of one tenant; the oldest entries give way, so that a rule that flaps harms nobody else's.
	logPerTenant = 1_000_000
	logBytes     = 2 << 30
	stateBytes   = 1 << 30
	// duplicateWindow is how long the log knows an entry that is written again because the answer was lost.
	duplicateWindow = 5 * time.Minute

	setupTimeout = 30 * time.Second // a cluster may have to elect leaders first
	writeTimeout = 10 * time.Second
	// mostBatch is half of what the server takes in one.
	mostBatch = atomicbatch.Most / 2
)

func streams(replicas int) []jetstream.StreamConfig {
	return []jetstream.StreamConfig{
		{
			Name: telemetry.AlertStream, Subjects: []string{telemetry.AlertFilter()}, Description: "the log of alerts",
			Retention: jetstream.LimitsPolicy, Storage: jetstream.FileStorage, Replicas: replicas, Discard: jetstream.DiscardOld,
			MaxAge: logAge, MaxBytes: logBytes, MaxMsgsPerSubject: logPerTenant, Duplicates: duplicateWindow, AllowAtomicPublish: true,
		},
		{
			Name: telemetry.AlertStateStream, Subjects: []string{telemetry.AlertStateFilter()}, Description: "how far alert rules have come",
			Retention: jetstream.LimitsPolicy, Storage: jetstream.FileStorage, Replicas: replicas, Discard: jetstream.DiscardOld,
			MaxMsgsPerSubject: 1, MaxBytes: stateBytes, AllowAtomicPublish: true,
		},
	}
}

// together writes messages as one atomic batch, all of them or none, and returns the place of the last one.
func together(ctx context.Context, conn *nats.Conn, list []*nats.Msg) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, writeTimeout)
	defer cancel()
	return atomicbatch.Publish(ctx, conn, list)
}

func newMsg(subject string, data []byte) *nats.Msg {
	return &nats.Msg{Subject: subject, Data: data, Header: nats.Header{}}
}

// readAll hands over the messages of a stream from a place on, in order, up to the end that the stream has now.
func readAll(ctx context.Context, js jetstream.JetStream, stream string, o reading) error {
	s, err := js.Stream(ctx, stream)
	if err != nil {
		return fmt.Errorf("stream %s: %w", stream, err)
	}
	config := jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverAllPolicy}
	if o.from > 0 {
		config.DeliverPolicy, config.OptStartSeq = jetstream.DeliverByStartSequencePolicy, o.from
	}
	config.FilterSubjects = o.filters
	consumer, err := s.OrderedConsumer(ctx, config)
	if err != nil {
		return fmt.Errorf("read %s: %w", stream, err)
	}
	for pending := consumer.CachedInfo().NumPending; pending > 0; {
		batch, err := consumer.Fetch(int(min(pending, fetchMessages)), jetstream.FetchMaxWait(writeTimeout))
		if err != nil {
			return fmt.Errorf("read %s: %w", stream, err)
		}
		got := 0
		for m := range batch.Messages() {
			meta, err := m.Metadata()
			if err != nil {
				return fmt.Errorf("read %s: %w", stream, err)
			}
			got, pending = got+1, meta.NumPending
			if err := o.each(m, meta.Sequence.Stream); err != nil {
				return err
			}
		}
		if err := errors.Join(batch.Error(), ctx.Err()); err != nil {
			return fmt.Errorf("read %s: %w", stream, err)
		}
		if got == 0 {
			return fmt.Errorf("read %s: %w", stream, context.DeadlineExceeded)
		}
	}
	return nil
}

// reading says what readAll reads.
type reading struct {
	from    uint64
	filters []string
	each    func(m jetstream.Msg, place uint64) error
}

// fetchMessages bounds what is on its way from NATS.
const fetchMessages = 500
