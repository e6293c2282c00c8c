package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
	"longwave/tenants/rule"
)

// Options is what a Front needs.
type Options struct {
	JS        jetstream.JetStream
	Conn      *nats.Conn // carries packets, their acknowledgements, and attempts; best one that nothing else is busy on
	Replicas  int        // of the streams; 0 means 1
	Limits    Limits
	LaneBytes int64 // what each lane may hold; 0 means 1 GiB
	// SyncAlways says that the stream's acknowledgement waits for the disk. It changes no promise, only what is cheap:
	// with it, the messages of many tenants share an atomic batch and its fsync; without, they go one by one, more at once.
	SyncAlways bool
	// Room returns an error, for the operator, while packets are to be refused because the broker's disk is nearly full.
	// Nil means that it never is.
	Room func() error
	// Silent is called when there was no word of a stream for some seconds, and again after as many more: the server at the
	// other end of Conn may be cut off from the others. It must not block. Nil means that nobody wants to know.
	Silent func()
	// Rules returns the routing rules of a tenant, nil when it has none: the same Set until they change. It is asked for
	// every request and must not wait. Nil means that nobody has rules.
	Rules      func(id.Tenant) *rule.Set
	Registerer prometheus.Registerer
	Log        *slog.Logger
	Now        func() time.Time // nil means time.Now
}

func (o *Options) complete() error {
	switch {
	case o.JS == nil || o.Conn == nil:
		return fmt.Errorf("%w: JS and Conn are needed", ErrOptions)
	case o.Conn.IsConnected() && o.Conn.MaxPayload() < leastPayload:
		return fmt.Errorf("%w: max_payload of the NATS server is %d, needed is %d", ErrOptions, o.Conn.MaxPayload(), leastPayload)
	case o.Registerer == nil || o.Log == nil:
		return fmt.Errorf("%w: Registerer and Log are needed", ErrOptions)
	case o.Replicas < 0 || o.Replicas > 5:
		return fmt.Errorf("%w: Replicas is %d, want 1 to 5", ErrOptions, o.Replicas)
	case o.LaneBytes < 0:
		return fmt.Errorf("%w: LaneBytes is %d, want 0 for the default or more", ErrOptions, o.LaneBytes)
	case o.Limits.DevicePackets < 0 || o.Limits.TenantPackets < 0 || o.Limits.TenantShare < 0:
		return fmt.Errorf("%w: Limits must not be negative", ErrOptions)
	}
	o.Replicas = max(o.Replicas, 1)
	if o.LaneBytes == 0 {
		o.LaneBytes = defaultLane
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Room == nil {
		o.Room = func() error { return nil }
	}
	if o.Silent == nil {
		o.Silent = func() {}
	}
	if o.Rules == nil {
		o.Rules = func(id.Tenant) *rule.Set { return nil }
	}
	return nil
}

// Principal is who sends: a device whose credentials were checked.
type Principal struct {
	Tenant     id.Tenant
	Device     id.Device
	RetainDays uint16
	// What rules may ask of the device. Nobody writes to the labels.
	Profile, Site string
	Labels        map[string]string
	Limits        TenantLimits // of the tenant's own
}

// Request is what a device sent at once.
type Request struct {
	Body           []byte // not kept
	Format         telemetry.Format
	IdempotencyKey string // makes a retry of packets without ids answer as the first time; may be empty
	Transport      string // "HTTP" or "WebSocket"
}

// Receipt says what became of a request. Every packet that it calls accepted is stored.
type Receipt struct {
	Accepted   int                   `json:"accepted"`   // packets that are safe now, those made safe earlier included
	Duplicates int                   `json:"duplicates"` // how many of them were there already
	Rejected   []telemetry.Rejection `json:"rejected"`
	PacketIDs  []string              `json:"packet_ids"` // of the accepted ones, in the order sent
	TimeUnit   string                `json:"time_unit,omitempty"`
	// Demoted says how many went to the bulk lane because the tenant sends more than its share: they are as safe as the
	// others, and are shown later.
	Demoted int `json:"demoted,omitempty"`
	// Dropped says how many of the accepted ones a routing rule of the tenant does not keep. They are stored nowhere; sending them
	// again changes nothing.
	Dropped int `json:"dropped,omitempty"`
}

// Front is the one front door. Make it with Open.
type Front struct {
	o          Options
	quota      *quota
	met        *limitsMet
	window     *window
	publishers *publishers
	keep       *buckets[deviceKey] // rejected packets a device may have kept
	whole      *buckets[id.Tenant] // bytes of them that a tenant may have kept beyond their beginnings
	rejects    jetstream.JetStream // of its own, so that a stuck stream of rejected packets holds up nothing else
	tell       *buckets[string]    // attempts that may be told of, by subject
	tellAll    *buckets[string]    // the same for all subjects together
	tallies    tallies
	attempts   chan *nats.Msg
	metrics    *metrics
	spare      sync.Pool // of *items
	damage     [3]Damage // found by Open
	marks      jetstream.KeyValue
	atMark     [3]mark // as they are written down; belongs to the keeper of marks
	stop       context.CancelFunc
	teller     sync.WaitGroup // of attempts, and the keeper of marks

	mu     sync.Mutex // guards closed against inside
	closed bool
	inside sync.WaitGroup
}

// Open makes the streams that are missing and reads back the ids of recent packets. It returns ErrOptions,
// ErrStreamDiffers, or what JetStream answered.
func Open(ctx context.Context, o Options) (*Front, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	if err := ensureStreams(ctx, o); err != nil {
		return nil, err
	}
	f := assemble(o)
	if err := f.openMarks(ctx); err != nil {
		return nil, err
	}
	if err := f.rebuild(ctx); err != nil {
		return nil, err
	}
	if err := f.start(); err != nil {
		return nil, err
	}
	return f, nil
}

// assemble makes a Front at rest.
func assemble(o Options) *Front {
	f := &Front{
		o:        o,
		quota:    newQuota(o.Limits),
		met:      newLimitsMet(),
		window:   newWindow(o.Now()),
		keep:     &buckets[deviceKey]{pace: pace{keptPerSecond, keptBurst}, all: map[deviceKey]bucket{}},
		whole:    &buckets[id.Tenant]{pace: pace{wholePerSecond, wholeBurst}, all: map[id.Tenant]bucket{}},
		tell:     &buckets[string]{pace: pace{toldPerSubject, 2 * toldPerSubject}, all: map[string]bucket{}},
		tellAll:  &buckets[string]{pace: pace{toldInAll, toldInAll}, all: map[string]bucket{}},
		attempts: make(chan *nats.Msg, attemptQueue),
	}
	f.publishers = newPublishers(o, func(fl *flight) { f.window.settle(fl, o.Now()) })
	return f
}

func (f *Front) start() (err error) {
	f.rejects, err = jetstream.New(f.o.Conn, jetstream.WithPublishAsyncMaxPending(maxKeeping), jetstream.WithPublishAsyncTimeout(keepDeadline))
	if err != nil {
		return fmt.Errorf("open ingest: %w", err)
	}
	if f.metrics, err = newMetrics(f.o.Registerer, f); err != nil {
		return err
	}
	if f.publishers.acks, err = newAcks(f.o.Conn); err != nil {
		return err
	}
	running, stop := context.WithCancel(context.Background()) // outlives the call that opens; ended by Close
	f.stop = stop
	f.publishers.ctx, f.publishers.metrics = running, f.metrics
	f.report()
	f.teller.Go(func() { f.tellAttempts(running) })
	f.teller.Go(func() { f.keepMarks(running) })
	return nil
}

// Accept takes the packets of a request. It returns after the streams' acknowledgement, and an error unless every packet
// is either stored or named in the Receipt's Rejected: a *RefusedError when all were rejected, a *telemetry.SyntaxError,
// a *LimitError, or an *UnavailableError. After an error the same request may be sent again without harm.
func (f *Front) Accept(ctx context.Context, p Principal, r Request) (Receipt, error) {
	return f.begin(p, r, nil).Finish(ctx)
}

// accept is the life of a packet, in the order of the package's documentation, up to where it is on its way into its lane.
func (f *Front) accept(in *items, r Request) error {
	if !f.enter() {
		return f.refused(unavailable(retryOutage, "the server is shutting down", nil), 0)
	}
	in.inside = true
	if err := f.o.Room(); err != nil { // before anything is spent on a request that will come again
		return f.refused(&UnavailableError{Full: true, Detail: "the disk that keeps packets is nearly full",
			RetryAfter: retryFull, Cause: err}, 1)
	}
	p, now := in.from, f.o.Now()
	received := telemetry.At(now)
	err := in.decoded.Decode(r.Body, telemetry.DecodeOptions{
		Now: received, IdempotencyKey: r.IdempotencyKey, Device: p.Device, Format: r.Format})
	if err != nil {
		return f.refused(err, 1)
	}
	if err := f.send(in, now, received); err != nil {
		return f.refused(err, in.count())
	}
	return nil
}

// send puts what was decoded on its way into the lanes, or returns a *LimitError.
func (f *Front) send(in *items, now time.Time, received telemetry.Micros) error {
	p := in.from
	if err := f.quota.take(p, in.demand(), now); err != nil {
		return err
	}
	in.enrich(p, received)
	f.route(in, p, now)
	f.depart(in)
	return nil
}

// landed waits until the streams have what was sent.
func (f *Front) landed(ctx context.Context, in *items) error {
	err := f.publish(ctx, in)
	if err != nil {
		f.quota.giveBack(in.from, in.demand()) // the same packets will come again
	}
	return err
}

// answer waits until the streams have the packets, and says so.
func (f *Front) answer(ctx context.Context, in *items) (Receipt, error) {
	if in.failed != nil {
		return Receipt{}, in.failed
	}
	if err := f.landed(ctx, in); err != nil {
		return Receipt{}, f.refused(err, in.count())
	}
	in.tallyUp()
	receipt := in.receipt()
	if len(receipt.Rejected) > 0 {
		f.keepRejected(ctx, in.from, in.batch.Received, receipt.Rejected)
	}
	f.metrics.received(in, receipt)
	if receipt.Accepted == 0 && len(receipt.Rejected) > 0 {
		return Receipt{}, &RefusedError{Rejected: receipt.Rejected}
	}
	return receipt, nil
}

func (f *Front) enter() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return false
	}
	f.inside.Add(1)
	return true
}

// refused counts a request that was refused as a whole.
func (f *Front) refused(err error, packets int) error {
	cause := "unavailable"
	switch {
	case errors.Is(err, telemetry.ErrSyntax):
		cause = "syntax"
	case errors.Is(err, ErrLimited):
		cause = "limited"
	case errors.Is(err, ErrFull):
		cause = "full"
	}
	f.metrics.packets.WithLabelValues("refused", "", cause).Add(float64(max(packets, 1)))
	return err
}

// Close refuses new requests and returns when those inside have their answer and what was on its way is decided. When ctx
// ends first, it gives up waiting for the streams and returns the context's error.
func (f *Front) Close(ctx context.Context) error {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	done := make(chan struct{})
	go func() { // ends with the publishers: at the latest when stop has been called
		defer close(done)
		f.inside.Wait()
		f.publishers.running.Wait()
	}()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = fmt.Errorf("close ingest: %w", ctx.Err())
	}
	f.stop()
	<-done
	f.teller.Wait()
	f.setMarks(context.WithoutCancel(ctx)) // it has a deadline of its own
	f.publishers.acks.close()
	return err
}
