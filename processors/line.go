package processors

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
	"longwave/processors/mark"
)

// line is one stage on one lane. Three goroutines pass messages on: inbox brings them from NATS, gather makes a block of
// them while land stores the block before it.
type line struct {
	runner *Runner
	stage  stage
	lane   telemetry.Lane
	log    *slog.Logger
	mark   mark.Keeper
	seen   gaps

	damaged []uint64 // numbers of the latest messages that were found to be unreadable; belongs to the sentinel
	deleted int      // how many numbers were missing when they were last looked at, also the sentinel's
	unmeant uint64   // and how many of them through nobody's purpose
}

// hands is how many blocks a line holds: one that is being stored, and one that grows meanwhile.
const hands = 2

func newLine(r *Runner, s stage, lane telemetry.Lane) *line {
	l := &line{runner: r, stage: s, lane: lane, log: r.Log.With("consumer", s.consumer, "lane", lane.String())}
	l.mark = mark.Keeper{
		JS: r.JS, Replicas: r.Replicas, Lane: lane, Clock: r.clock, Every: r.keepEvery, Log: l.log,
		Rewound:    func(why mark.Doubt) { r.metrics.rewind(lane, why) },
		Unreadable: func(number uint64) { l.seen.put([]uint64{number}) }, // the sentinel counts it
		Consumer: jetstream.ConsumerConfig{
			Durable:       s.consumer,
			Description:   "puts the packets of the lane into ClickHouse",
			AckPolicy:     jetstream.AckExplicitPolicy,
			AckWait:       ackWait,
			MaxAckPending: maxAckPending,
			MaxDeliver:    -1, // a packet is never given up: what is wrong with it is found out and recorded instead
			FilterSubject: telemetry.LaneFilter(lane),
		},
	}
	return l
}

// run works until ctx ends.
func (l *line) run(ctx context.Context) {
	messages, full, empty := make(chan jetstream.Msg), make(chan *hand), make(chan *hand, hands)
	for range hands {
		empty <- newHand(l.runner.Alive)
	}
	var workers sync.WaitGroup
	workers.Go(func() { l.inbox(ctx, messages) })
	workers.Go(func() { l.sentinel(ctx) })
	workers.Go(func() { l.mark.Keep(ctx) })
	workers.Go(func() {
		for h := range full {
			l.land(ctx, h)
			empty <- h
		}
	})
	for ctx.Err() == nil {
		h := <-empty
		h.empty()
		l.gather(ctx, h, messages, full)
	}
	close(full)
	workers.Wait()
}

// land lets the stage have the messages and settles them.
func (l *line) land(ctx context.Context, h *hand) {
	l.runner.metrics.fetched(l.lane, h)
	l.runner.densities[l.lane].saw(len(h.messages), h.packets)
	stop := l.keep(h)
	err := l.stage.land(l, ctx, h)
	stop()
	if err != nil { // only because the program stops: everything else is tried again until it succeeds
		l.log.Info("stopped before everything was stored; the rest is put back", "error", err)
		l.release(h)
		return
	}
	l.settle(h)
}

// drainTimeout is how long a block in hand may take once the program is told to stop: several times what the largest
// one takes, well below the grace that service managers give.
const drainTimeout = 8 * time.Second

// outlive returns a context that ends drainTimeout after ctx does, so that what has begun can be finished.
func outlive(ctx context.Context) (context.Context, context.CancelFunc) {
	finish, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		timer := time.AfterFunc(drainTimeout, cancel)
		context.AfterFunc(finish, func() { timer.Stop() })
	})
	return finish, func() { stop(); cancel() }
}
