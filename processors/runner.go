package processors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"longwave/ingest/telemetry"
	"longwave/processors/mark"
	"longwave/processors/store"
	"longwave/tenants/id"
)

// Inserter is the part of the store that stores. Inserting the same block twice must change nothing.
type Inserter interface {
	// Insert returns an error that is store.ErrRefused when the data is at fault, any other when trying again may help.
	Insert(ctx context.Context, b *store.Block) error
}

// Options are what a Runner needs. All fields but Replicas are required.
type Options struct {
	JS       jetstream.JetStream
	Replicas int // of the marks that it keeps; 0 means 1
	Store    Inserter
	// Alive says whether a device exists as far as this copy of the program knows. It must be cheap and never block.
	Alive func(id.Tenant, id.Device) bool
	// RemovedUpTo is the number up to which messages may be missing from the middle of a lane because their tenant was
	// deleted; nil when that does not happen.
	RemovedUpTo func(context.Context, telemetry.Lane) (uint64, error)
	Registerer  prometheus.Registerer
	Log         *slog.Logger
}

// ErrOptions is returned by New when something that it needs is missing.
var ErrOptions = errors.New("processors: incomplete options")

func (o Options) validate() error {
	switch {
	case o.JS == nil:
		return fmt.Errorf("%w: JS", ErrOptions)
	case o.Store == nil:
		return fmt.Errorf("%w: Store", ErrOptions)
	case o.Alive == nil:
		return fmt.Errorf("%w: Alive", ErrOptions)
	case o.Registerer == nil:
		return fmt.Errorf("%w: Registerer", ErrOptions)
	case o.Log == nil:
		return fmt.Errorf("%w: Log", ErrOptions)
	}
	return nil
}

// Runner works on the lanes.
type Runner struct {
	Options
	metrics   *metrics
	densities [telemetry.Bulk + 1]density
	turns     turns
	lookEvery time.Duration       // sentinelInterval but in tests
	keepEvery time.Duration       // of marks, their own interval but in tests
	clock     func() mark.Reading // the machine's but in tests
}

// New prepares a Runner. It returns ErrOptions, or the registerer's error for metrics that are registered already.
func New(o Options) (*Runner, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	m := newMetrics()
	r := &Runner{Options: o, metrics: m, lookEvery: sentinelInterval, clock: mark.MachineClock()}
	if err := errors.Join(m.register(o.Registerer), o.Registerer.Register(newLagCollector(r))); err != nil {
		return nil, fmt.Errorf("processors: %w", err)
	}
	return r, nil
}

// Trouble is what went wrong in the lanes since the Runner was made.
type Trouble struct {
	Lost      uint64 // messages that are gone or damaged and were never stored, as far as is known
	LostTrack uint64 // times that NATS had lost track of what is settled; nothing is lost by it
}

// Trouble tells what went wrong.
func (r *Runner) Trouble() Trouble {
	return Trouble{Lost: r.metrics.lostMessages.Load(), LostTrack: r.metrics.lostTrack.Load()}
}

// stage is one thing that is done with every packet, behind a durable consumer of its own on every lane.
type stage struct {
	consumer string
	land     func(l *line, ctx context.Context, h *hand) error
}

// stages is the whole pipeline. A stage sees every message of every lane; a slow one delays no other.
func stages() []stage {
	return []stage{
		{consumer: storeConsumer, land: (*line).store},
	}
}

// storeConsumer is the durable name of the stage that stores. Renaming it would read the lanes from their beginning.
const storeConsumer = "store"

// Run works until ctx ends and everything in hand is settled or put back. It always returns nil after ctx ended;
// what fails on the way is retried and logged.
func (r *Runner) Run(ctx context.Context) error {
	var lines []*line
	var running sync.WaitGroup
	for _, s := range stages() {
		for _, lane := range telemetry.Lanes() {
			l := newLine(r, s, lane)
			lines = append(lines, l)
			running.Go(func() { l.run(ctx) })
		}
	}
	running.Wait()
	r.flush()
	for _, l := range lines {
		l.mark.Advance(context.WithoutCancel(ctx)) // it has a deadline of its own
	}
	return nil
}

// flush sees to it that the last acknowledgements have left this process before Run returns: the caller may close the
// connection next, and an acknowledgement that is lost means the same work again at the next start.
func (r *Runner) flush() {
	ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
	defer cancel()
	if err := r.JS.Conn().FlushWithContext(ctx); err != nil {
		r.Log.Warn("last acknowledgements may be lost; their packets will be stored again, to the same effect", "error", err)
	}
}

// flushTimeout bounds the last round trip to NATS at shutdown.
const flushTimeout = 2 * time.Second
