package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/processors/retry"
	"longwave/tenants/id"
)

const (
	// leaseTime is how long an owner may write nothing before it is taken for dead: many times saveEvery.
	leaseTime = 15 * time.Second
	// lookEvery is how often jobs without an owner are looked for, beside being told of changes.
	lookEvery = time.Second
	// watchPause is how long to wait before the bucket is watched again after that failed.
	watchPause = 2 * time.Second
	// mostJobs is how many jobs this copy does at once: they are guests beside what comes in.
	mostJobs = 4
)

// known is the record of a tenant as this copy last heard of it. Its age is measured by this copy's own clock, so that
// clocks which differ give nobody's job away.
type known struct {
	board    board
	revision uint64
	heard    time.Time
}

// Run does jobs until ctx ends, and returns nil when they are put back.
func (s *Service) Run(ctx context.Context) error {
	defer s.workers.Wait()
	failures := 0
	for ctx.Err() == nil {
		err := s.follow(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if failures++; failures == 1 {
			s.o.Log.Warn("jobs cannot be followed; trying again", "error", err)
		}
		retry.Wait(ctx, watchPause)
	}
	return nil
}

// follow hears of every change of every record, and looks for work.
func (s *Service) follow(ctx context.Context) error {
	watcher, err := s.kv.WatchAll(ctx)
	if err != nil {
		return fmt.Errorf("watch jobs: %w", err)
	}
	defer func() { _ = watcher.Stop() }() // fails only when it has ended
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case entry, open := <-watcher.Updates():
			if !open {
				return errors.New("watch jobs: it ended")
			}
			if entry != nil { // nil: everything that was there has been told
				s.hear(ctx, entry)
			}
		case <-tick.C:
			s.look(ctx)
		}
	}
}

// hear takes in a record. A job of ours that somebody wants to end is told at once.
func (s *Service) hear(ctx context.Context, entry jetstream.KeyValueEntry) {
	t, err := id.Parse[id.Tenant](entry.Key())
	if err != nil {
		return // not one of ours
	}
	if entry.Operation() != jetstream.KeyValuePut { // the tenant is gone
		s.mu.Lock()
		delete(s.known, t)
		s.mu.Unlock()
		return
	}
	b, err := decodeBoard(entry.Value())
	if err != nil {
		s.o.Log.Error("a record of jobs cannot be read", "tenant", t, "error", err)
		return
	}
	s.mu.Lock()
	s.known[t] = known{board: b, revision: entry.Revision(), heard: time.Now()}
	cancel := s.mine[t]
	s.mu.Unlock()
	if job := b.open(); cancel != nil && job != nil && job.Cancel && job.Owner == s.me {
		cancel(errCancelled)
	}
	s.consider(ctx, t)
}

func (s *Service) look(ctx context.Context) {
	s.mu.Lock()
	var all []id.Tenant
	for t := range s.known {
		all = append(all, t)
	}
	s.mu.Unlock()
	for _, t := range all {
		s.consider(ctx, t)
	}
}

// consider begins the tenant's job if nobody does it, and tells of one whose end nobody told.
func (s *Service) consider(ctx context.Context, t id.Tenant) {
	s.mu.Lock()
	k, busy := s.known[t], s.mine[t] != nil || len(s.mine) >= mostJobs
	s.mu.Unlock()
	silent := time.Since(k.heard) > s.o.Lease
	if job := k.board.open(); job != nil && !busy && (job.State == Waiting || silent) {
		s.claim(ctx, t, *job)
	}
	if silent && !busy {
		s.tellOld(ctx, t, k)
	}
}

// tellOld tells of the ends that their owner did not live to tell. Who becomes the owner tells.
func (s *Service) tellOld(ctx context.Context, t id.Tenant, k known) {
	for _, job := range k.board.Jobs {
		if !job.untold() {
			continue
		}
		err := s.edit(ctx, t, func(b *board) error {
			stored := b.job(job.ID)
			if stored == nil || !stored.untold() || stored.Owner != job.Owner {
				return errLost
			}
			stored.Owner = s.me
			return nil
		})
		if err == nil {
			s.tell(ctx, t, job)
		}
	}
}

// claim makes this copy the owner of a job, unless another was faster, and begins with it.
func (s *Service) claim(ctx context.Context, t id.Tenant, wanted Job) {
	var job Job
	err := s.edit(ctx, t, func(b *board) error {
		open := b.job(wanted.ID)
		if open == nil || open.State.Ended() || open.State != wanted.State || open.Owner != wanted.Owner || open.Progress.Read != wanted.Progress.Read {
			return errLost
		}
		open.State, open.Owner, open.Problem = Running, s.me, ""
		if open.Began.IsZero() {
			open.Began = s.o.Now().UTC()
		}
		job = *open
		return nil
	})
	if err != nil {
		if !errors.Is(err, errLost) {
			s.o.Log.Warn("a job cannot be taken; trying again", "tenant", t, "job", wanted.ID, "error", err)
		}
		return
	}
	running, cancel := context.WithCancelCause(ctx)
	s.mu.Lock()
	s.mine[t] = cancel
	s.mu.Unlock()
	s.workers.Go(func() {
		newWorker(s, t, job).run(running)
		s.mu.Lock()
		delete(s.mine, t)
		s.mu.Unlock()
		cancel(nil)
	})
}
