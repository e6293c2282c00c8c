package tenants

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Options is what a Service needs.
type Options struct {
	JS       jetstream.JetStream // required
	Replicas int                 // copies of the control stream; 0 means 1
	Log      *slog.Logger        // required
	Now      func() time.Time    // nil means time.Now
}

func (o *Options) check() error {
	if o.JS == nil || o.Log == nil {
		return invalid("options", "JS and Log are required")
	}
	if o.Replicas < 0 || o.Replicas > 5 {
		return invalid("options", "%d replicas, JetStream has 1 to 5", o.Replicas)
	}
	o.Replicas = max(1, o.Replicas)
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}

// Service holds the projection of the control log and accepts commands.
type Service struct {
	js       jetstream.JetStream
	log      *slog.Logger
	now      func() time.Time
	state    atomic.Pointer[State]
	draft    *State // written by Open, then by Run only
	running  atomic.Bool
	turns    [turnCount]chan struct{}
	seed     maphash.Seed // spreads subjects over turns
	hasher   *hasher
	attempts *throttle
	firstRun atomic.Pointer[digest]
}

// Open makes the control stream if there is none and folds everything that is in it. It returns ErrStreamDiffers if
// the stream exists with settings that could lose or change events, ErrLog or ErrNewer if it cannot be understood, and
// ErrUnavailable if the broker does not answer.
func Open(ctx context.Context, o Options) (*Service, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	s := &Service{
		js: o.JS, log: o.Log, now: o.Now, draft: new(State), seed: maphash.MakeSeed(), hasher: newHasher(), attempts: newThrottle(),
	}
	for i := range s.turns {
		s.turns[i] = make(chan struct{}, 1)
	}
	last, err := ensureStream(ctx, o.JS, o.Replicas)
	if err != nil {
		return nil, fmt.Errorf("open the control log: %w", err)
	}
	if err := s.replay(ctx, last); err != nil {
		return nil, fmt.Errorf("open the control log: %w", err)
	}
	s.state.Store(s.draft.freeze())
	return s, nil
}

// State returns the newest state that this process knows. It never waits.
func (s *Service) State() *State { return s.state.Load() }

// Changed returns a channel that is closed when the State that was the newest at the time of the call is replaced.
// Take it before the State that is then worked with, and no change is missed.
func (s *Service) Changed() <-chan struct{} { return s.State().changed }

// Run follows the control log until ctx ends, and returns nil then. It returns ErrLog or ErrNewer when the log cannot be
// understood any more; the program must not go on then. While the broker is away it tries again. Call it once.
func (s *Service) Run(ctx context.Context) error {
	if s.running.Swap(true) {
		return errors.New("the control log is followed already")
	}
	pause := followPause
	for ctx.Err() == nil {
		begin := s.draft.seq
		err := s.follow(ctx)
		switch {
		case ctx.Err() != nil: // the way to end it, and no failure
			continue
		case fatal(err):
			return fmt.Errorf("follow the control log: %w", err)
		case s.draft.seq > begin:
			pause = followPause
		}
		s.log.Warn("the control log cannot be read, trying again", "error", err, "wait", pause)
		select {
		case <-ctx.Done():
		case <-time.After(pause):
			pause = min(2*pause, longestPause)
		}
	}
	return nil
}

// publish makes the draft visible to everybody.
func (s *Service) publish() {
	old := s.state.Swap(s.draft.freeze())
	close(old.changed)
}

// await returns a state that reached the given position of a subject. It returns ErrUnavailable when ctx ends first.
func (s *Service) await(ctx context.Context, subject string, position uint64) (*State, error) {
	for {
		st := s.State()
		if reached, _ := st.subjects.Get(subject); reached >= position {
			return st, nil
		}
		select {
		case <-st.changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: the change is stored, but not visible yet: %w", ErrUnavailable, ctx.Err())
		}
	}
}
