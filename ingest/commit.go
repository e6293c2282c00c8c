package ingest

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/atomicbatch"
)

// commit returns when every group of a turn is decided: acknowledged, certainly not stored, or no longer to be found out.
// Attempts repeat the message ids, so the stream stores a group once, however often and in whatever company it is asked.
func (c *committer) commit(turn []group) {
	started := time.Now()
	ctx, cancel := context.WithTimeout(c.ctx, decideDeadline)
	defer cancel()
	together := len(turn) >= atomicbatch.Least && c.batches.Load()
	for undecided := false; ; undecided = true {
		var err error
		if together {
			together, err = c.tryTogether(ctx, turn, started)
		}
		if !together {
			err = c.trySingly(ctx, turn, undecided, started)
		}
		c.heard(err)
		if !slices.ContainsFunc(turn, func(g group) bool { return !g.decided }) {
			return
		}
		select {
		case <-time.After(retryPause):
		case <-ctx.Done():
			c.giveUp(turn, err)
			return
		}
	}
}

// heard tells Options.Silent when there was no word of a stream for too long: no answer, or that nobody is there to give one.
func (c *committer) heard(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	silent := errors.Is(err, context.DeadlineExceeded) || errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrNoResponders)
	switch {
	case !silent:
		c.silentSince = time.Time{}
	case c.silentSince.IsZero():
		c.silentSince = time.Now()
	case time.Since(c.silentSince) > silence:
		c.silentSince = time.Time{}
		c.silent()
	}
}

func (c *committer) giveUp(turn []group, cause error) {
	for i := range turn {
		if !turn[i].decided {
			c.decide(&turn[i], unavailable(retryOutage, sendSameAgain, cause))
		}
	}
}

// tryTogether publishes the turn as one atomic batch. When the stream refuses it, for instance because one of its
// messages is there already, it is not to be tried together again: each message then gets an answer of its own.
func (c *committer) tryTogether(ctx context.Context, turn []group, started time.Time) (again bool, err error) {
	batch := c.name() // a new one each time: an old one may be half there
	wait := c.acks.expect(1)
	defer wait.forget()
	for i := range turn {
		m := turn[i].letter
		m.place.Take(batch, i+1)
		m.message.Header, m.message.Reply = m.among, ""
		if i == len(turn)-1 {
			m.message.Header, m.message.Reply = atomicbatch.Commit(m.among), wait.reply(0)
		}
		if err := c.acks.conn.PublishMsg(&m.message); err != nil {
			return false, err // it is not committed; the messages one by one find out what is wrong
		}
	}
	ctx, cancel := context.WithTimeout(ctx, attemptDeadline)
	defer cancel()
	answer, err := wait.next(ctx)
	if err != nil {
		return true, err
	}
	if err = answer.err; err == nil {
		err = answer.ack.Of(batch)
	}
	if errors.Is(err, atomicbatch.ErrUnsupported) {
		c.batches.Store(false)
	}
	if err != nil {
		c.metrics.splits.Inc()
		return false, err
	}
	c.metrics.batched(c.lane, len(turn))
	for i := range turn {
		c.stored(&turn[i], started)
	}
	return true, nil
}

// trySingly publishes what is undecided, one message after the other without waiting in between.
func (c *committer) trySingly(ctx context.Context, turn []group, undecided bool, started time.Time) (last error) {
	wait := c.acks.expect(len(turn))
	defer wait.forget()
	open := 0
	for i := range turn {
		if turn[i].decided {
			continue
		}
		turn[i].message.Header, turn[i].message.Reply = turn[i].alone, wait.reply(i)
		if err := c.acks.conn.PublishMsg(&turn[i].message); err != nil {
			last = err
			c.refuse(&turn[i], err, undecided)
			continue
		}
		open++
	}
	ctx, cancel := context.WithTimeout(ctx, attemptDeadline)
	defer cancel()
	for ; open > 0; open-- {
		answer, err := wait.next(ctx)
		if err != nil {
			return err
		}
		if answer.err != nil {
			last = answer.err
			c.refuse(&turn[answer.index], answer.err, undecided)
			continue
		}
		c.stored(&turn[answer.index], started)
	}
	return last
}

func (c *committer) stored(g *group, started time.Time) {
	c.metrics.published(c.lane, g, time.Since(started))
	c.decide(g, nil)
}

// refuse decides the group when it is certainly not stored.
func (c *committer) refuse(g *group, err error, undecided bool) {
	if refusal := refusalOf(err, undecided); refusal != nil {
		c.decide(g, refusal)
	}
}

// Codes of the server for a stream or an account that may hold no more.
const (
	codeInsufficientResources jetstream.ErrorCode = 10023
	codeInsufficientStorage   jetstream.ErrorCode = 10047
	codeAccountLimits         jetstream.ErrorCode = 10002
	codeStoreFailed           jetstream.ErrorCode = 10077
)

// refusalOf returns what to tell the waiting requests when the message is certainly not stored; nil when it may be. An
// answer of the stream is certain: it looks for the message id first. That nobody listened is certain for the first
// attempt only.
func refusalOf(err error, undecided bool) error {
	var answer *jetstream.APIError
	if errors.As(err, &answer) {
		full := answer.ErrorCode == codeInsufficientResources || answer.ErrorCode == codeInsufficientStorage ||
			answer.ErrorCode == codeAccountLimits ||
			answer.ErrorCode == codeStoreFailed && answer.Description == "maximum bytes exceeded"
		if full {
			return &UnavailableError{Full: true, Detail: "the queue is full because packets are not being processed",
				RetryAfter: retryFull, Cause: err}
		}
		return unavailable(retryOutage, "the packets could not be stored", err)
	}
	unsent := errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrReconnectBufExceeded) ||
		errors.Is(err, nats.ErrMaxPayload) || errors.Is(err, nats.ErrConnectionClosed)
	if unsent && !undecided {
		return unavailable(retryOutage, "the message broker does not answer", err)
	}
	return nil
}
