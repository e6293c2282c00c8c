package tenants

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"longwave/tenants/id"
)

const (
	// commandTimeout bounds a command from its first decision to its visibility. A person waits for it.
	commandTimeout = 10 * time.Second

	// storeTimeout is how long a command waits for its acknowledgement before it is sent again.
	storeTimeout = 2 * time.Second

	// commandAttempts bounds how often a command decides again because others were faster. Within a process commands of
	// one subject take turns, so only other processes can be faster.
	commandAttempts = 25

	// commandBytes bounds the message of one command: below the 1 MiB that NATS carries by default, headers included.
	commandBytes = 900 << 10

	// turnCount is how many subjects can be written at the same time by this process.
	turnCount = 64
)

// decision is the pure part of a command: from a state and its input to the events, or an error. No events means that
// nothing is to be changed.
type decision func(st *State, now time.Time) ([]event, error)

// command decides, stores and waits until the result is visible; it returns the state that shows it. It returns what
// decide returns, ErrConflict after too many attempts, *InvalidError when the command is too large for one message,
// and ErrUnavailable when the broker does not answer in time.
func (s *Service) command(ctx context.Context, actor Actor, subject string, decide decision) (*State, error) {
	ctx, cancel := context.WithTimeout(ctx, commandTimeout)
	defer cancel()
	done, err := s.turn(ctx, subject)
	if err != nil {
		return nil, err
	}
	defer done()
	for range commandAttempts {
		st := s.State()
		now := s.now().UTC().Truncate(time.Microsecond)
		events, err := decide(st, now)
		if err != nil || len(events) == 0 {
			return st, err
		}
		expected, _ := st.subjects.Get(subject)
		data, err := encodeCommand(envelope{At: now, Actor: actor, After: st.link(subject)}, events)
		if err != nil {
			return nil, err
		}
		position, err := s.store(ctx, subject, expected, data)
		if err == nil {
			return s.await(ctx, subject, position)
		}
		if !errors.Is(err, ErrConflict) {
			return nil, err
		}
		if _, err := s.await(ctx, subject, expected+1); err != nil {
			return nil, err
		}
	}
	return nil, ErrConflict
}

// turn lets the commands of one subject pass one by one, so that those of one process never conflict with each other.
func (s *Service) turn(ctx context.Context, subject string) (done func(), err error) {
	turn := s.turns[maphash.String(s.seed, subject)%turnCount]
	select {
	case turn <- struct{}{}:
		return func() { <-turn }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, ctx.Err())
	}
}

// store appends a command if the last message of its subject is still the expected one, and ErrConflict otherwise. What
// gets no answer is sent again: it may have been on its way when the connection broke.
func (s *Service) store(ctx context.Context, subject string, expected uint64, data []byte) (uint64, error) {
	if len(data) > commandBytes {
		return 0, tooLarge(len(data))
	}
	for again := false; ; again = true {
		attempt, cancel := context.WithTimeout(ctx, storeTimeout)
		ack, err := s.js.PublishMsg(attempt, &nats.Msg{Subject: subject, Data: data},
			jetstream.WithExpectLastSequencePerSubject(expected), jetstream.WithExpectStream(StreamName))
		cancel()
		switch {
		case err == nil:
			return ack.Sequence, nil
		case wrongSequence(err) && again:
			return s.stored(ctx, subject, expected, data)
		case wrongSequence(err):
			return 0, ErrConflict
		case errors.Is(err, nats.ErrMaxPayload): // an external server with a smaller bound than the default
			return 0, tooLarge(len(data))
		case !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil:
			return 0, fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
	}
}

// stored tells whose message took the place behind the expected one: ErrConflict when it is not this one. The broker
// would not know it by a message id, since it looks at the expected position first.
func (s *Service) stored(ctx context.Context, subject string, expected uint64, data []byte) (uint64, error) {
	next, err := s.stream.GetMsg(ctx, expected+1, jetstream.WithGetMsgSubject(subject))
	if err != nil {
		return 0, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	if !bytes.Equal(next.Data, data) {
		return 0, ErrConflict
	}
	return next.Sequence, nil
}

func tooLarge(bytes int) error {
	return invalid("command", "needs %d bytes, which is more than fits into one change; split it", bytes)
}

func wrongSequence(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && (api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence ||
		api.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

// inTenant is a command on one tenant: ErrNotFound if there is none.
func (s *Service) inTenant(ctx context.Context, actor Actor, t id.Tenant, decide decision) (*State, error) {
	return s.command(ctx, actor, tenantSubject(t), func(st *State, now time.Time) ([]event, error) {
		if _, ok := st.Tenant(t); !ok {
			return nil, fmt.Errorf("tenant: %w", ErrNotFound)
		}
		return decide(st, now)
	})
}
