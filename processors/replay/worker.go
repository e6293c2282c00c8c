package replay

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"longwave/ingest"
	"longwave/processors/forward"
	"longwave/processors/retry"
	"longwave/processors/store"
	"longwave/tenants"
	"longwave/tenants/id"
)

const (
	// saveEvery is how often a job says where it is, and looks whether it is still its owner's.
	saveEvery = time.Second
	// endTimeout bounds what is written when a job ends or is put back.
	endTimeout = 5 * time.Second
	// firstPause and longestPause bound the back-off while what a job needs does not answer.
	firstPause   = 200 * time.Millisecond
	longestPause = 5 * time.Second
)

// worker does one job. It belongs to one goroutine.
type worker struct {
	*Service
	tenant id.Tenant
	job    Job
	log    *slog.Logger
	saved  time.Time
	pace   pacer
	state  *tenants.State // for looking up devices; a new one with every page
}

func newWorker(s *Service, t id.Tenant, job Job) *worker {
	return &worker{Service: s, tenant: t, job: job, pace: pacer{rate: job.Rate},
		log: s.o.Log.With("tenant", t, "job", job.ID, "kind", string(job.Kind))}
}

func (w *worker) run(ctx context.Context) {
	w.log.InfoContext(ctx, "a job runs", "read", w.job.Progress.Read)
	begun := time.Now()
	err := w.work(ctx)
	if cause := context.Cause(ctx); cause != nil && errors.Is(cause, errCancelled) {
		err = cause
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	switch {
	case errors.Is(err, errLost):
		w.log.WarnContext(ctx, "a job went to another owner")
		return
	case err == nil:
		w.job.State = Done
	case errors.Is(err, errCancelled):
		w.job.State = Cancelled
	case ctx.Err() != nil: // the program stops: whoever starts next goes on with it
		w.job.State = Waiting
	default:
		w.job.State, w.job.Problem = Failed, problemOf(err)
		w.log.ErrorContext(ctx, "a job failed", "error", err)
	}
	w.end(ending, time.Since(begun))
}

// end writes down how the job stands, and tells of its end.
func (w *worker) end(ctx context.Context, took time.Duration) {
	if w.job.State.Ended() {
		w.job.Ended = w.o.Now().UTC()
	}
	err := w.edit(ctx, w.tenant, func(b *board) error {
		stored := b.job(w.job.ID)
		if stored == nil || stored.Owner != w.me {
			return errLost
		}
		w.job.Owner = w.me
		if w.job.State == Waiting {
			w.job.Owner = ""
		}
		*stored = w.job
		return nil
	})
	if err != nil {
		w.log.WarnContext(ctx, "the end of a job could not be written; it will be done again, to the same effect", "error", err)
		return
	}
	w.log.InfoContext(ctx, "a job ends", "state", string(w.job.State), "took", took)
	if w.job.State.Ended() {
		w.metrics.ended(&w.job)
		if w.job.untold() {
			w.tell(ctx, w.tenant, w.job)
		}
	}
}

// tell puts the end of a job into the control log. A crash between that and writing down that it is told tells it twice.
func (s *Service) tell(ctx context.Context, t id.Tenant, job Job) {
	p := job.Progress
	result := tenants.JobResult{Outcome: string(job.State)}
	for _, c := range []tenants.Count{
		{Name: "read", Number: p.Read}, {Name: "packets", Number: p.Packets}, {Name: "stored", Number: p.Stored}, {Name: "queued", Number: p.Queued},
		{Name: "refused", Number: p.Refused}, {Name: "dismissed", Number: p.Dismissed}, {Name: "of deleted devices", Number: p.Dropped},
	} {
		if c.Number > 0 {
			result.Counts = append(result.Counts, c)
		}
	}
	err := s.o.Tenants.RecordJobEnd(ctx, t, job.record(), result)
	if errors.Is(err, tenants.ErrNotFound) { // the tenant is gone, and with it whoever would ask
		err = nil
	}
	if err == nil {
		err = s.edit(ctx, t, func(b *board) error {
			if stored := b.job(job.ID); stored != nil {
				stored.Told = true
			}
			return nil
		})
	}
	if err != nil {
		s.o.Log.WarnContext(ctx, "the end of a job is not in the control log yet", "tenant", t, "job", job.ID, "error", err)
	}
}

// save writes the progress down when it is time, and finds out whether the job is to go on: errLost, errCancelled, or
// that the bucket does not answer, which is no reason to stop before the lease is over.
func (w *worker) save(ctx context.Context) error {
	if err := context.Cause(ctx); err != nil {
		return err
	}
	if time.Since(w.saved) < saveEvery {
		return nil
	}
	err := w.edit(ctx, w.tenant, func(b *board) error {
		stored := b.job(w.job.ID)
		switch {
		case stored == nil || stored.Owner != w.me || stored.State.Ended():
			return errLost
		case stored.Cancel:
			return errCancelled
		}
		stored.Progress, stored.Problem = w.job.Progress, w.job.Problem
		return nil
	})
	if errors.Is(err, ErrUnavailable) && time.Since(w.saved) < w.o.Lease/2 && !w.saved.IsZero() {
		w.log.DebugContext(ctx, "the progress of a job is not written yet", "error", err)
		return nil
	}
	if err == nil {
		w.saved = time.Now()
	}
	return err
}

func (w *worker) work(ctx context.Context) error {
	if err := w.begin(ctx); err != nil {
		return err
	}
	switch w.job.Kind {
	case Redrive:
		return w.rejected(ctx, w.redrive)
	case Dismiss:
		return w.rejected(ctx, w.dismiss)
	case Preview:
		return w.lanes(ctx, newTally(w))
	case Forward:
		return w.lanes(ctx, &outward{worker: w})
	case Route:
		return w.lanes(ctx, &rerouted{worker: w})
	default:
		return w.lanes(ctx, newStorage(w))
	}
}

// begin finds out how much there is, once; what comes later is not part of the job.
func (w *worker) begin(ctx context.Context) error {
	p := &w.job.Progress
	if p.Begun && w.job.Kind != Preview {
		return nil
	}
	*p = Progress{}
	measure := w.measureRejected
	if w.job.Kind.OfLanes() {
		measure = w.measureLanes
	}
	if err := w.persist(ctx, func(ctx context.Context) error { return measure(ctx) }); err != nil {
		return err
	}
	p.Begun = true
	return w.save(ctx)
}

// persist tries until it succeeds or the job is to end; what it waits for is told meanwhile.
func (w *worker) persist(ctx context.Context, try func(context.Context) error) error {
	for wait := firstPause; ; wait = min(2*wait, longestPause) {
		err := try(ctx)
		if err == nil {
			w.job.Problem = ""
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if fatal(err) {
			return err
		}
		if w.job.Problem == "" {
			w.log.WarnContext(ctx, "a job waits", "error", err)
		}
		w.job.Problem = problemOf(err)
		if err := w.save(ctx); err != nil {
			return err
		}
		var limit *ingest.LimitError
		if errors.As(err, &limit) {
			wait = max(wait, limit.RetryAfter)
		}
		retry.Wait(ctx, wait)
	}
}

// fatal says whether trying again is pointless.
func fatal(err error) bool {
	return errors.Is(err, errLost) || errors.Is(err, errCancelled) || errors.Is(err, errSuspect) || errors.Is(err, store.ErrRefused) ||
		errors.Is(err, forward.ErrUnknown) || errors.Is(err, forward.ErrDisabled)
}

// problemOf is what the person who asked is told: nothing of the causes, which stand in the log.
func problemOf(err error) string {
	var limit *ingest.LimitError
	switch {
	case errors.As(err, &limit):
		return "Waits, because the limit of packets per second is reached: " + limit.Error() + "."
	case errors.Is(err, ingest.ErrFull):
		return "Waits, because the queue for packets is full."
	case errors.Is(err, errSuspect):
		return "The storage refuses every packet, so the fault is taken to be the storage's. Nothing was lost."
	case errors.Is(err, forward.ErrFull):
		return "Waits, because half of the destination's queue is full; the other half is for packets that come in."
	case errors.Is(err, forward.ErrUnknown), errors.Is(err, forward.ErrDisabled):
		return "The destination was deleted or disabled."
	case errors.Is(err, store.ErrUnavailable):
		return "Waits for the storage, which does not answer."
	}
	return "Waits for the queue, which does not answer."
}

// pacer keeps a job at its rate.
type pacer struct {
	rate int
	due  time.Time
}

// wait returns when n more packets may be worked on, or when ctx ends.
func (p *pacer) wait(ctx context.Context, n int) {
	if now := time.Now(); p.due.Before(now) {
		p.due = now // what was not used is not saved up
	}
	ahead := time.Until(p.due)
	p.due = p.due.Add(time.Duration(float64(n) / float64(p.rate) * float64(time.Second)))
	if ahead > 0 {
		retry.Wait(ctx, ahead)
	}
}
