package replay

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
	"github.com/prometheus/client_golang/prometheus"

	"longwave/ingest"
	"longwave/ingest/telemetry"
	"longwave/processors/forward"
	"longwave/processors/store"
	"longwave/tenants"
	"longwave/tenants/id"
)

// Options is what a Service needs. Replicas and Now may be left out.
type Options struct {
	JS       jetstream.JetStream
	Replicas int // of the bucket; 0 means 1
	Front    *ingest.Front
	Tenants  *tenants.Service
	// Insert stores a block, as for processors: twice is harmless, store.ErrRefused means that the data is at fault.
	Insert func(context.Context, *store.Block) error
	// Erase removes what is stored of a device that does not exist any more.
	Erase func(context.Context, id.Tenant, id.Device) (telemetry.Erased, error)
	// Forward queues packets for a destination; forward.ErrFull means that the same is to be asked again.
	Forward    func(context.Context, id.Tenant, forward.Replayed) (queued int, err error)
	Registerer prometheus.Registerer
	Log        *slog.Logger
	Now        func() time.Time // nil means time.Now
	// Lease is how long an owner may be silent before its job is taken over; 0 means leaseTime.
	Lease time.Duration
}

func (o *Options) complete() error {
	switch {
	case o.JS == nil, o.Front == nil, o.Tenants == nil:
		return fmt.Errorf("%w: JS, Front and Tenants are required", ErrOptions)
	case o.Insert == nil, o.Erase == nil, o.Forward == nil, o.Registerer == nil, o.Log == nil:
		return fmt.Errorf("%w: Insert, Erase, Forward, Registerer and Log are required", ErrOptions)
	case o.Replicas < 0 || o.Replicas > 5 || o.Lease < 0:
		return fmt.Errorf("%w: 0 to 5 replicas and no negative lease are wanted", ErrOptions)
	}
	o.Replicas = max(o.Replicas, 1)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Lease == 0 {
		o.Lease = leaseTime
	}
	return nil
}

// Service starts, does and lists jobs. Make it with Open.
type Service struct {
	o       Options
	kv      jetstream.KeyValue
	me      string // names this copy of the program as the owner of jobs
	metrics *metrics
	workers sync.WaitGroup

	mu    sync.Mutex
	known map[id.Tenant]known
	mine  map[id.Tenant]context.CancelCauseFunc // jobs that this copy does
}

// Open makes the bucket if there is none. It returns ErrOptions, ErrUnavailable, or the registerer's error.
func Open(ctx context.Context, o Options) (*Service, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	kv, err := o.JS.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: BucketName, Description: "Jobs on packets that are here already", History: 1,
		Storage: jetstream.FileStorage, Replicas: o.Replicas,
	})
	if err != nil {
		return nil, fmt.Errorf("open replays: %w: %w", ErrUnavailable, err)
	}
	s := &Service{o: o, kv: kv, me: nuid.Next(), metrics: newMetrics(),
		known: map[id.Tenant]known{}, mine: map[id.Tenant]context.CancelCauseFunc{}}
	if err := s.metrics.register(o.Registerer); err != nil {
		return nil, fmt.Errorf("open replays: %w", err)
	}
	return s, nil
}

// Order asks for a job.
type Order struct {
	Kind      Kind
	Filter    Filter    // of rejected packets
	Selection Selection // of lanes
	// Destination is where packets of the lanes go; for Forward only.
	Destination id.Destination
	Rate        int    // packets per second; 0 for the usual one
	By          string // who asks, in words
}

func (o *Order) check() error {
	if !slices.Contains(Kinds(), o.Kind) {
		return &tenants.InvalidError{Field: "kind", Detail: fmt.Sprintf("%.40q is not something that can be done again", o.Kind)}
	}
	usual, most := o.Kind.rates()
	if o.Rate == 0 {
		o.Rate = usual
	}
	if o.Rate < 1 || o.Rate > most {
		return &tenants.InvalidError{Field: "rate", Detail: fmt.Sprintf("is %d packets per second, want 1 to %d", o.Rate, most)}
	}
	if err := checkRange("to", o.Filter.From, o.Filter.To); err != nil {
		return err
	}
	if err := checkRange("to", o.Selection.From, o.Selection.To); err != nil {
		return err
	}
	return checkRange("sent_to", o.Selection.SentFrom, o.Selection.SentTo)
}

func checkRange(field string, from, to telemetry.Micros) error {
	if to != 0 && to <= from {
		return &tenants.InvalidError{Field: field, Detail: "must be after the beginning of its range"}
	}
	return nil
}

// Start writes a job down; whichever copy of the program is free begins with it at once. It returns *tenants.InvalidError,
// ErrBusy, ErrUnavailable, and the errors of tenants.RecordJob.
func (s *Service) Start(ctx context.Context, actor tenants.Actor, t id.Tenant, order Order) (Job, error) {
	if err := order.check(); err != nil {
		return Job{}, err
	}
	if err := s.reaches(t, &order); err != nil {
		return Job{}, err
	}
	if err := s.free(ctx, t); err != nil {
		return Job{}, err
	}
	job := Job{ID: id.New[id.Job](), Kind: order.Kind, Rate: order.Rate, By: order.By, Created: s.o.Now().UTC(), State: Waiting}
	if order.Kind.OfLanes() {
		job.Selection, job.Destination = order.Selection, order.Destination
	} else {
		job.Filter = order.Filter
	}
	if order.Kind.Writes() {
		if err := s.o.Tenants.RecordJob(ctx, actor, t, job.record()); err != nil {
			return Job{}, fmt.Errorf("start a job: %w", err)
		}
	}
	err := s.edit(ctx, t, func(b *board) error {
		if b.open() != nil {
			return ErrBusy
		}
		b.Jobs = slices.Insert(b.Jobs, 0, job)
		return nil
	})
	if err != nil {
		return Job{}, fmt.Errorf("start a job: %w", err)
	}
	return job, nil
}

// reaches refuses a destination that is not there, is switched off, or is given where none is wanted.
func (s *Service) reaches(t id.Tenant, o *Order) error {
	if (o.Kind == Forward) != (o.Destination != "") {
		return &tenants.InvalidError{Field: "destination", Detail: "is wanted for a replay to a destination, and for nothing else"}
	}
	if o.Destination == "" {
		return nil
	}
	d, ok := s.o.Tenants.State().Destination(t, o.Destination)
	switch {
	case !ok:
		return fmt.Errorf("destination: %w", tenants.ErrNotFound)
	case d.Disabled:
		return &tenants.InvalidError{Field: "destination", Detail: "is disabled"}
	}
	return nil
}

// free refuses early, so that a job that cannot be started is not in the control log.
func (s *Service) free(ctx context.Context, t id.Tenant) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	b, _, err := s.read(ctx, t)
	if err == nil && b.open() != nil {
		err = ErrBusy
	}
	return err
}

// record is the job for the control log.
func (j *Job) record() tenants.Job {
	of := j.Filter.words()
	if j.Kind.OfLanes() {
		of = append(j.Selection.words(), differences([][2]string{{"destination", string(j.Destination)}})...)
	}
	return tenants.Job{ID: j.ID, What: j.Kind.Words(), Of: of}
}

// Cancel ends a job: at once when nobody does it, else as soon as its owner hears of it. To cancel one that has ended
// changes nothing. It returns tenants.ErrNotFound or ErrUnavailable.
func (s *Service) Cancel(ctx context.Context, t id.Tenant, j id.Job) (Job, error) {
	var found Job
	var atOnce bool
	err := s.edit(ctx, t, func(b *board) error {
		job := b.job(j)
		switch atOnce = job != nil && job.State == Waiting; {
		case job == nil:
			return tenants.ErrNotFound
		case atOnce:
			job.State, job.Ended, job.Owner = Cancelled, s.o.Now().UTC(), s.me
		case job.State == Running:
			job.Cancel = true
		}
		found = *job
		return nil
	})
	if err != nil {
		return Job{}, fmt.Errorf("cancel a job: %w", err)
	}
	if atOnce && found.untold() {
		s.tell(ctx, t, found)
	}
	return found, nil
}

// Jobs lists the latest jobs of a tenant, newest first. It returns ErrUnavailable.
func (s *Service) Jobs(ctx context.Context, t id.Tenant) ([]Job, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	b, _, err := s.read(ctx, t)
	return b.Jobs, err
}

// Job returns one job of a tenant. It returns tenants.ErrNotFound or ErrUnavailable.
func (s *Service) Job(ctx context.Context, t id.Tenant, text string) (Job, error) {
	wanted, err := id.Parse[id.Job](strings.TrimSpace(text))
	if err != nil {
		return Job{}, fmt.Errorf("job: %w", tenants.ErrNotFound)
	}
	all, err := s.Jobs(ctx, t)
	if err != nil {
		return Job{}, err
	}
	for _, job := range all {
		if job.ID == wanted {
			return job, nil
		}
	}
	return Job{}, fmt.Errorf("job: %w", tenants.ErrNotFound)
}
