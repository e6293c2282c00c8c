package tenants

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	replayBatch = 2048 // messages asked for at once: a round trip costs nothing beside that many

	// replayStall is how long a replay waits for the next message before it asks again from where it is.
	replayStall = 5 * time.Second

	// replayStalls in a row without one message end the attempt to start.
	replayStalls = 3
)

// message is one message of the log.
type message struct {
	subject string
	seq     uint64
	data    []byte
	pending uint64 // how many were behind it when it was sent
}

// logReader delivers the log in order and without a gap.
type logReader struct {
	messages jetstream.MessagesContext
	position uint64
}

// openLog begins behind the given position. The caller stops the messages.
func openLog(ctx context.Context, js jetstream.JetStream, after uint64) (*logReader, error) {
	consumer, err := js.OrderedConsumer(ctx, StreamName, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy,
		OptStartSeq:   after + 1,
	})
	if err != nil {
		return nil, err
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(replayBatch))
	return &logReader{messages, after}, err
}

// next waits for the next message. It returns a *ChainError when one is missing before it.
func (r *logReader) next(ctx context.Context) (message, error) {
	got, err := r.messages.Next(jetstream.NextContext(ctx))
	if err != nil {
		return message{}, err
	}
	meta, err := got.Metadata()
	if err != nil {
		return message{}, err
	}
	m := message{subject: got.Subject(), seq: meta.Sequence.Stream, data: got.Data(), pending: meta.NumPending}
	if m.seq != r.position+1 {
		return message{}, &ChainError{
			Damage: Removed, From: r.position + 1, To: m.seq - 1, Detail: fmt.Sprintf("message %d follows %d", m.seq, r.position),
		}
	}
	r.position = m.seq
	return m, nil
}

// until hands every message up to the position last to each, and ends with its error. It returns ErrUnavailable when
// nothing comes.
func (r *logReader) until(ctx context.Context, last uint64, each func(message) error) error {
	for r.position < last {
		wait, cancel := context.WithTimeout(ctx, replayStall)
		m, err := r.next(wait)
		cancel()
		switch {
		case fatal(err):
			return err
		case err != nil:
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		if err := each(m); err != nil {
			return err
		}
		if m.pending == 0 && m.seq < last {
			return &ChainError{Damage: Removed, From: m.seq + 1, To: last, Detail: fmt.Sprintf("nothing follows message %d, the log ends at %d", m.seq, last)}
		}
	}
	return nil
}

// span is the part of the log behind the position after, up to last.
type span struct{ after, last uint64 }

// readLog hands every message of a part of the log to each, and ends with its error. It returns a
// *ChainError when one is missing and ErrUnavailable when the broker does not deliver.
func readLog(ctx context.Context, js jetstream.JetStream, part span, each func(message) error) error {
	for stalls := 0; part.after < part.last; {
		reader, err := openLog(ctx, js, part.after)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		err = reader.until(ctx, part.last, each)
		reader.messages.Stop()
		switch {
		case err == nil || !errors.Is(err, ErrUnavailable) || ctx.Err() != nil:
			return err
		case reader.position > part.after:
			stalls = 0
		default:
			stalls++
		}
		part.after = reader.position
		if stalls == replayStalls {
			return fmt.Errorf("the log ends at %d, but nothing comes after %d: %w", part.last, part.after, err)
		}
	}
	return nil
}

// fatal says that reading the log again would end the same way.
func fatal(err error) bool { return errors.Is(err, ErrLog) || errors.Is(err, ErrNewer) }
