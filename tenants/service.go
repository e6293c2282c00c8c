package tenants

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/tenants/seal"
)

// Options is what a Service needs.
type Options struct {
	JS       jetstream.JetStream // required
	Replicas int                 // copies of the control stream; 0 means 1
	Log      *slog.Logger        // required
	Now      func() time.Time    // nil means time.Now

	// SnapshotDir is a directory, of this process alone, for a file that keeps the start short. Without it every start
	// reads the whole log.
	SnapshotDir string

	// Secrets are the master keys for what the log must be able to give back. Without them, commands that need a secret
	// fail with ErrNoMasterKey.
	Secrets *seal.Ring

	// Limits are those of tenants without limits of their own.
	Limits Limits

	// PlainHTTP lets destinations have addresses that begin with http://.
	PlainHTTP bool

	// Anchor keeps the head of the log where who can change the log cannot: it is called by Run at its start, after
	// changes, and at its end, one call at a time, with a few seconds each.
	Anchor func(context.Context, Anchor) error
}

func (o *Options) check() error {
	if o.JS == nil || o.Log == nil {
		return invalid("options", "JS and Log are required")
	}
	if o.Replicas < 0 || o.Replicas > 5 {
		return invalid("options", "%d replicas, JetStream has 1 to 5", o.Replicas)
	}
	if err := o.Limits.check(); err != nil {
		return err
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
	stream   jetstream.Stream
	log      *slog.Logger
	now      func() time.Time
	state    atomic.Pointer[State]
	draft    *State // written by Open, then by Run only
	chain    *chain // of the draft
	running  atomic.Bool
	turns    [turnCount]chan struct{}
	seed     maphash.Seed // spreads subjects over turns
	hasher   *hasher
	attempts *throttle
	firstRun atomic.Pointer[digest]
	failures chan Failure // to be written down by Run
	unlisted atomic.Int64 // failures that were not
	sights   *sights
	tracing  chan struct{} // a place for each trace that is being made

	uses      *keyUses
	codes     *pairing
	reports   *wallReports
	secrets   *seal.Ring // nil when there are none
	plainHTTP bool
	defaults  Limits

	snapshots string // directory
	anchors   func(context.Context, Anchor) error
	recalled  uint64 // position of the snapshot that Open began with
	useless   bool   // there was one that could not be used
}

// Open makes the control stream if there is none and folds everything that is in it. It returns ErrStreamDiffers if
// the stream exists with settings that could lose or change events, ErrLog or ErrNewer if it cannot be understood, and
// ErrUnavailable if the broker does not answer.
func Open(ctx context.Context, o Options) (*Service, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	s := &Service{
		js: o.JS, log: o.Log, now: o.Now, draft: new(State), seed: maphash.MakeSeed(), hasher: newHasher(), attempts: newThrottle(), failures: make(chan Failure, failureQueue),
		sights: newSights(), tracing: make(chan struct{}, traces),
		secrets: o.Secrets, plainHTTP: o.PlainHTTP, defaults: o.Limits, snapshots: o.SnapshotDir, anchors: o.Anchor,
	}
	for i := range s.turns {
		s.turns[i] = make(chan struct{}, 1)
	}
	if err := s.load(ctx, o.Replicas); err != nil {
		return nil, fmt.Errorf("open the control log: %w", err)
	}
	s.state.Store(s.draft.freeze())
	var err error
	if s.uses, err = openKeyUses(ctx, o); err != nil {
		return nil, fmt.Errorf("open the control log: %w", err)
	}
	s.uses.known = func(of useOf) bool {
		_, ok := s.State().keys.Get(key2(of.tenant, of.key))
		_, ofOperator := s.State().opKeys.Get(publicOf(of.key))
		return ok || ofOperator
	}
	if s.codes, err = openPairing(ctx, o); err != nil {
		return nil, fmt.Errorf("open the control log: %w", err)
	}
	if s.reports, err = openWallReports(ctx, o); err != nil {
		return nil, fmt.Errorf("open the control log: %w", err)
	}
	return s, nil
}

// load folds everything that is in the log.
func (s *Service) load(ctx context.Context, replicas int) error {
	stream, state, err := ensureStream(ctx, s.js, replicas)
	if err != nil {
		return err
	}
	last, err := checkEnds(state)
	if err != nil {
		return err
	}
	s.stream = stream
	if state.Msgs == last { // otherwise a message is missing: reading all of them tells which
		s.recall(ctx, last)
	}
	s.chain = newChain(foldWindow, s.draft.seq, s.draft.head)
	return readLog(ctx, s.js, span{s.draft.seq, last}, func(m message) error { return fold(s.draft, s.chain, m) })
}

// State returns the newest state that this process knows. It never waits.
func (s *Service) State() *State { return s.state.Load() }

// SnapshotUseless tells whether Open found a snapshot that could not be used and read the whole log instead.
func (s *Service) SnapshotUseless() bool { return s.useless }

// Changed returns a channel that is closed when the State that was the newest at the time of the call is replaced.
// Take it before the State that is then worked with, and no change is missed.
func (s *Service) Changed() <-chan struct{} { return s.State().changed }

// Run follows the control log until ctx ends, and returns nil then. It returns ErrLog or ErrNewer when the log cannot be
// understood any more, or has become shorter; the program must not go on then, but a new start may. While the broker is
// away it tries again. Call it once.
func (s *Service) Run(ctx context.Context) error {
	if s.running.Swap(true) {
		return errors.New("the control log is followed already")
	}
	ctx, stop := context.WithCancelCause(ctx)
	var beside sync.WaitGroup
	beside.Go(func() {
		if err := (&keeper{Service: s, saved: s.recalled}).keep(ctx); err != nil {
			stop(err)
		}
	})
	beside.Go(func() { s.recordFailures(ctx) })
	beside.Go(func() { s.uses.keep(ctx) })
	beside.Go(func() { s.keepWallReports(ctx) })
	err := s.followAgain(ctx)
	stop(nil)
	beside.Wait()
	if cause := context.Cause(ctx); err == nil && fatal(cause) {
		err = cause
	}
	if err != nil {
		return fmt.Errorf("follow the control log: %w", err)
	}
	return nil
}

// followAgain follows the log, whatever comes between, until ctx ends or going on is of no use.
func (s *Service) followAgain(ctx context.Context) error {
	pause := followPause
	for ctx.Err() == nil {
		begin := s.draft.seq
		err := s.follow(ctx)
		switch {
		case ctx.Err() != nil: // the way to end it, and no failure
			continue
		case fatal(err):
			return err
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

// follow folds and publishes what comes, until ctx ends or the broker is lost. A burst is published in steps.
func (s *Service) follow(ctx context.Context) error {
	log, err := openLog(ctx, s.js, s.draft.seq)
	if err != nil {
		return err
	}
	defer log.messages.Stop()
	for {
		m, err := log.next(ctx)
		if err == nil {
			err = fold(s.draft, s.chain, m)
		}
		if err != nil {
			if !fatal(err) && s.draft.seq > s.State().seq { // the rest of a burst that was cut off
				s.publish()
			}
			return err
		}
		if m.pending == 0 || s.draft.seq%publishEvery == 0 {
			s.publish()
		}
	}
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
