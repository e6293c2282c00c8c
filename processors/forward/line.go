package forward

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/time/rate"

	"longwave/ingest/telemetry"
	"longwave/processors/forward/reach"
	"longwave/processors/retry"
)

// The headers of what waits in OUT. The destination stands in it because a subject outlives the destination it was made for.
const (
	headDestination = "Longwave-Destination"
	headCause       = "Longwave-Cause"
	headDetail      = "Longwave-Detail"
	headQueued      = "Longwave-Queued"
)

const (
	// holdWait is after how long NATS gives what a worker has in hand to another one: well above the time of an attempt.
	holdWait = 6 * reach.Timeout
	// lookAgain is how often a worker looks whether a test by hand has closed the circuit.
	lookAgain = time.Second
	// pendingMost is how many messages of a destination may wait for their next attempt while others are tried.
	pendingMost = 256
)

// pace bounds what a destination is asked.
type pace struct {
	atOnce    int
	perSecond rate.Limit
	burst     int
}

// paceOf knows what kinds of receivers bear: a chat takes one message a second, and nobody reads more mail than that.
func paceOf(k reach.Kind) pace {
	switch k {
	case reach.Slack:
		return pace{1, 1, 5}
	case reach.Email:
		return pace{1, 0.5, 10}
	default:
		return pace{8, 200, 200}
	}
}

// line is one destination as it is now: a change makes a new one.
type line struct {
	f       *Forwarder
	d       Destination
	log     *slog.Logger
	breaker breaker
	pace    pace
	turns   *rate.Limiter
	kept    *rate.Limiter // of attempts in the log
	room    atomic.Int64  // messages that the queue still takes, as of the last survey

	mu        sync.Mutex
	cancel    context.CancelFunc // nil before start; a no-op once stopped
	discarded map[string]int     // since it was last said, by reason
}

func newLine(f *Forwarder, d Destination) *line {
	p := paceOf(d.Kind)
	l := &line{
		f: f, d: d, log: f.Log.With("tenant", d.Tenant, "destination", d.ID), pace: p,
		turns: rate.NewLimiter(p.perSecond, p.burst), kept: rate.NewLimiter(keptPerSecond, keptBurst), discarded: make(map[string]int),
	}
	l.room.Store(plenty)
	return l
}

// start has the line worked on, if it is not yet.
func (l *line) start(ctx context.Context, workers *sync.WaitGroup) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cancel != nil || l.d.Disabled {
		return
	}
	ctx, l.cancel = context.WithCancel(ctx)
	workers.Go(func() { l.run(ctx) })
}

func (l *line) stop() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cancel != nil {
		l.cancel()
	}
}

// message is what goes into OUT.
func (l *line) message(body []byte) *nats.Msg {
	m := &nats.Msg{Subject: telemetry.OutSubject(l.d.Tenant, l.d.Slug), Data: body, Header: nats.Header{headDestination: []string{string(l.d.ID)}}}
	if l.d.Own {
		m.Header.Set(jetstream.MsgTTLHeader, giveUpAfter.String()) // no worker of ours sees to it
	}
	return m
}

// unique names a message for the duplicate window of OUT, which all destinations share.
func (l *line) unique(message string) string { return string(l.d.ID) + "." + message }

// run works until ctx ends.
func (l *line) run(ctx context.Context) {
	for failures := 0; ctx.Err() == nil; {
		err := l.deliver(ctx)
		if ctx.Err() != nil {
			return
		}
		if failures++; failures == 1 {
			l.log.Warn("the queue of a destination cannot be read; trying again", "error", err)
		}
		retry.Pause(ctx, failures)
	}
}

// deliver takes what is queued, as many at once as the destination bears, until something fails or ctx ends.
func (l *line) deliver(ctx context.Context) error {
	consumer, err := l.find(ctx)
	if err != nil {
		return err
	}
	if l.d.Own {
		<-ctx.Done()
		return nil
	}
	var hands sync.WaitGroup
	defer hands.Wait()
	free := make(chan struct{}, l.pace.atOnce)
	for ctx.Err() == nil {
		left, half := l.breaker.wait(l.f.Now())
		if left > 0 {
			retry.Wait(ctx, min(left, lookAgain))
			continue
		}
		if half {
			hands.Wait() // attempts from before tell nothing of now, and one is enough to tell
		}
		m, err := l.next(ctx, consumer, free)
		if err != nil {
			return err
		}
		hands.Go(func() { defer func() { <-free }(); l.attempt(ctx, m) })
		if half {
			hands.Wait()
		}
	}
	return nil
}

// next waits for a place among the attempts, for the destination's turn, and for a message. It returns ctx's error when
// that ends.
func (l *line) next(ctx context.Context, consumer jetstream.Consumer, free chan struct{}) (jetstream.Msg, error) {
	select {
	case free <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := l.turns.Wait(ctx); err != nil {
		return nil, err
	}
	for ctx.Err() == nil {
		request, cancel := context.WithTimeout(ctx, idleWait)
		m, err := consumer.Next(jetstream.FetchContext(request))
		cancel()
		switch {
		case err == nil:
			return m, nil
		case ctx.Err() == nil && !errors.Is(err, nats.ErrTimeout) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, jetstream.ErrNoMessages):
			return nil, fmt.Errorf("fetch: %w", err)
		}
	}
	return nil, ctx.Err()
}

// find makes sure that the consumer exists. For a destination that the tenant's own consumers read it is what they bind to.
func (l *line) find(ctx context.Context) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	config := jetstream.ConsumerConfig{
		Durable: string(l.d.ID), Description: "delivers to a destination", AckPolicy: jetstream.AckExplicitPolicy,
		AckWait: holdWait, MaxAckPending: pendingMost, MaxDeliver: -1, FilterSubject: telemetry.OutSubject(l.d.Tenant, l.d.Slug),
	}
	if l.d.Own {
		config.Description, config.MaxAckPending = "read by the tenant's own consumers", 0
	}
	if err := l.letGo(ctx, true); err != nil {
		return nil, err
	}
	consumer, err := l.f.JS.CreateOrUpdateConsumer(ctx, telemetry.OutStream, config)
	if err != nil {
		return nil, fmt.Errorf("consumer %s of %s: %w", l.d.ID, telemetry.OutStream, err)
	}
	return consumer, nil
}

// letGo removes the consumer if it has messages in hand, so that one that is made anew delivers them at once; loaded says
// that only one is meant that has delivered nothing since it was read from the disk. When the clock was ahead as that was
// written, or has been put back since, they would wait until it has caught up. The queue loses nothing by it. A consumer that
// the tenant's own programs hold on to stays.
func (l *line) letGo(ctx context.Context, loaded bool) error {
	if l.d.Own {
		return nil
	}
	consumer, err := l.f.JS.Consumer(ctx, telemetry.OutStream, string(l.d.ID))
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("consumer %s of %s: %w", l.d.ID, telemetry.OutStream, err)
	}
	info := consumer.CachedInfo()
	if info.NumAckPending == 0 || loaded && info.Delivered.Last != nil {
		return nil
	}
	err = l.f.JS.DeleteConsumer(ctx, telemetry.OutStream, string(l.d.ID))
	if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) { // another copy of the program was faster
		return fmt.Errorf("remove consumer %s: %w", l.d.ID, err)
	}
	return nil
}
