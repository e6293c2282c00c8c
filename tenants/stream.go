package tenants

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// StreamName is the JetStream stream that holds the control log.
const StreamName = "CTL"

const (
	replayBatch = 2048 // messages asked for at once: a round trip costs nothing beside that many

	// replayStall is how long a replay waits for the next message before it asks again from where it is.
	replayStall = 5 * time.Second

	// replayStalls in a row without one message end the attempt to start.
	replayStalls = 3

	// followPause is the first wait between attempts to read the log, doubled up to longestPause: short, since nothing
	// can be changed meanwhile.
	followPause  = 250 * time.Millisecond
	longestPause = 4 * time.Second

	// publishEvery bounds how many messages of a burst are folded before readers see them.
	publishEvery = 256
)

func streamConfig(replicas int) jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name:        StreamName,
		Description: "Every change of tenants, people and devices, for ever",
		Subjects:    []string{subjectPrefix + ">"},
		Storage:     jetstream.FileStorage,
		Retention:   jetstream.LimitsPolicy,
		Discard:     jetstream.DiscardNew, // if an operator sets a limit by hand: refuse, never forget
		Replicas:    replicas,
		MaxMsgs:     -1, MaxBytes: -1, MaxMsgsPerSubject: -1,
		DenyDelete: true,
		DenyPurge:  true,
	}
}

// ensureStream makes the stream or checks the existing one, and returns the position of its last message.
func ensureStream(ctx context.Context, js jetstream.JetStream, replicas int) (last uint64, err error) {
	want := streamConfig(replicas)
	stream, err := js.CreateStream(ctx, want)
	if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
		stream, err = js.Stream(ctx, StreamName)
	}
	if err != nil {
		return 0, fmt.Errorf("%w: stream %s: %w", ErrUnavailable, StreamName, err)
	}
	info, err := stream.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("%w: stream %s: %w", ErrUnavailable, StreamName, err)
	}
	return info.State.LastSeq, checkStream(info.Config, want)
}

// checkStream compares every setting that could lose, hide or change an event.
func checkStream(have, want jetstream.StreamConfig) error {
	unlimited := func(n int64) bool { return n <= 0 }
	for _, setting := range []struct {
		name string
		ok   bool
	}{
		{"subjects", slices.Equal(have.Subjects, want.Subjects)},
		{"storage", have.Storage == want.Storage},
		{"retention", have.Retention == want.Retention},
		{"deny_delete", have.DenyDelete},
		{"deny_purge", have.DenyPurge},
		{"max_msgs", unlimited(have.MaxMsgs)},
		{"max_bytes", unlimited(have.MaxBytes)},
		{"max_age", have.MaxAge == 0},
		{"max_msgs_per_subject", unlimited(have.MaxMsgsPerSubject)},
		{"num_replicas", have.Replicas == want.Replicas},
		{"persist_mode", have.PersistMode == want.PersistMode},
		{"sealed", !have.Sealed},
	} {
		if !setting.ok {
			return fmt.Errorf("%w: stream %s: %s", ErrStreamDiffers, StreamName, setting.name)
		}
	}
	return nil
}

// reader delivers the log from the message after the given position on, in order and without a gap.
func (s *Service) reader(ctx context.Context, after uint64) (jetstream.MessagesContext, error) {
	consumer, err := s.js.OrderedConsumer(ctx, StreamName, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:   after + 1,
	})
	if err != nil {
		return nil, err
	}
	return consumer.Messages(jetstream.PullMaxMessages(replayBatch))
}

// replay folds everything up to the position last.
func (s *Service) replay(ctx context.Context, last uint64) error {
	for stalls := 0; s.draft.seq < last; {
		begin := s.draft.seq
		messages, err := s.reader(ctx, begin)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		err = s.foldUntil(ctx, messages, last)
		messages.Stop()
		switch {
		case ctx.Err() != nil:
			return fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
		case fatal(err):
			return err
		case s.draft.seq > begin:
			stalls = 0
		default:
			stalls++
		}
		if stalls == replayStalls {
			return fmt.Errorf("%w: the log ends at %d, but nothing comes after %d: %w", ErrUnavailable, last, begin, err)
		}
	}
	return nil
}

func (s *Service) foldUntil(ctx context.Context, messages jetstream.MessagesContext, last uint64) error {
	for s.draft.seq < last {
		wait, cancel := context.WithTimeout(ctx, replayStall)
		_, err := s.foldNext(wait, messages)
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}

// foldNext applies the next message to the draft and returns how many are waiting behind it.
func (s *Service) foldNext(ctx context.Context, messages jetstream.MessagesContext) (pending uint64, err error) {
	message, err := messages.Next(jetstream.NextContext(ctx))
	if err != nil {
		return 0, err
	}
	meta, err := message.Metadata()
	if err != nil {
		return 0, err
	}
	return meta.NumPending, fold(s.draft, message.Subject(), meta.Sequence.Stream, message.Data())
}

// follow folds and publishes what comes, until ctx ends or the broker is lost. A burst is published in steps.
func (s *Service) follow(ctx context.Context) error {
	messages, err := s.reader(ctx, s.draft.seq)
	if err != nil {
		return err
	}
	defer messages.Stop()
	for {
		pending, err := s.foldNext(ctx, messages)
		if err != nil {
			if !fatal(err) && s.draft.seq > s.State().seq { // the rest of a burst that was cut off
				s.publish()
			}
			return err
		}
		if pending == 0 || s.draft.seq%publishEvery == 0 {
			s.publish()
		}
	}
}

// fatal says that reading the log again would end the same way.
func fatal(err error) bool { return errors.Is(err, ErrLog) || errors.Is(err, ErrNewer) }
