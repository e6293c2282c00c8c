package ingest

import (
	"context"
	"time"
)

// Pending is a request that Begin has taken. It belongs to one goroutine at a time.
type Pending interface {
	// Ready says whether Finish would return at once: the outcome is known, of which Begin's told tells, or has been
	// waited for long enough by now, of which nobody tells.
	Ready(now time.Time) bool
	// Finish returns what Accept would, and waits for it as Accept does. It must be called once, and ends the Pending.
	Finish(ctx context.Context) (Receipt, error)
}

// Begin is the first half of Accept: it has the packets on their way when it returns, and waits for nothing. It is for a
// caller with many requests at once, which would otherwise need a goroutine for each. told is called when the outcome is
// known, perhaps before Begin returns and perhaps more than once, from a goroutine that must not be held up.
func (f *Front) Begin(p Principal, r Request, told func()) Pending {
	in := f.begin(p, r, told)
	if in.failed != nil || !in.needsMore() {
		return in
	}
	late := &lateAnswer{done: make(chan struct{})}
	go func() { // ends by itself, within ackDeadline and keepDeadline; f.inside counts it
		defer told()
		defer close(late.done)
		late.receipt, late.err = in.Finish(f.publishers.ctx)
	}()
	return late
}

func (f *Front) begin(p Principal, r Request, told func()) *items {
	in := f.borrow()
	in.front, in.from, in.transport, in.told, in.began = f, p, r.Transport, told, time.Now()
	decided := false
	defer func() {
		if !decided { // a panic: whoever serves the request recovers from it
			f.release(in)
		}
	}()
	in.failed = f.accept(in, r)
	decided = true
	return in
}

// needsMore says that there is more to be waited for than the request's own flights: those of others, or the keeping of
// what was rejected.
func (in *items) needsMore() bool {
	if len(in.others) > 0 || len(in.decoded.Rejected) > 0 {
		return true
	}
	for i := range in.all {
		if in.all[i].verdict == reused {
			return true
		}
	}
	return false
}

// Ready implements Pending.
func (in *items) Ready(now time.Time) bool {
	if now.Sub(in.began) >= ackDeadline {
		return true
	}
	for _, fl := range in.own {
		if !fl.decided() {
			return false
		}
	}
	return true
}

// Finish implements Pending.
func (in *items) Finish(ctx context.Context) (Receipt, error) {
	f := in.front
	defer f.release(in)
	receipt, err := f.answer(ctx, in)
	f.metrics.answered(in.transport, err)
	return receipt, err
}

// lateAnswer is the outcome of a request that a goroutine of its own waits for.
type lateAnswer struct {
	done    chan struct{}
	receipt Receipt
	err     error
}

// Ready implements Pending.
func (l *lateAnswer) Ready(time.Time) bool {
	select {
	case <-l.done:
		return true
	default:
		return false
	}
}

// Finish implements Pending.
func (l *lateAnswer) Finish(ctx context.Context) (Receipt, error) {
	select {
	case <-l.done:
		return l.receipt, l.err
	case <-ctx.Done():
		return Receipt{}, unavailable(retryOutage, sendSameAgain, ctx.Err())
	}
}
