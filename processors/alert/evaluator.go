package alert

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/provision"
	"longwave/ingest/telemetry"
	"longwave/processors/retry"
	"longwave/tenants/id"
)

const (
	// checkpointEvery is how often what is known is written down: what a copy that takes over has to read again.
	checkpointEvery = 5 * time.Second
	// checkpointRate is how many bytes a second that may take on average, at the cost of writing it down less often.
	checkpointRate = 512 << 10
	// tickEvery is how often timers are looked at; one that is due costs something, looking does not.
	tickEvery = 100 * time.Millisecond
	// grace is what a packet may take from the front door to here before the second in which it became known is over: with
	// it, a timer is at most a second and a half late, and half a second of it is this.
	grace = 500 * time.Millisecond
	// silence is how long NATS may not have answered until timers stop: what cannot be heard is nobody's silence.
	silence = leaseRenew + grace
	// followPause keeps a burst of changes from having everything looked through again and again.
	followPause = 250 * time.Millisecond
	// excusedAfter is how long nobody may have evaluated until that is not held against devices.
	excusedAfter = 15 * time.Second
)

// Evaluator evaluates the alert rules of all tenants, in one of all copies of the program at a time. Make it with Open.
type Evaluator struct {
	o       Options
	metrics *metrics
	kv      jetstream.KeyValue
	trouble trouble
	leads   atomic.Bool
}

// Active says whether this copy of the program evaluates.
func (v *Evaluator) Active() bool { return v.leads.Load() }

// trouble is what went wrong since the Evaluator was made.
type trouble struct{ missed, leftOut atomic.Uint64 }

// Trouble is what an operator must hear of.
type Trouble struct {
	Missed  uint64 // lane messages that were gone before rules saw them
	LeftOut uint64 // rules times devices that are not evaluated now, because a tenant has too many
}

// Trouble tells what went wrong since the program started.
func (v *Evaluator) Trouble() Trouble {
	return Trouble{Missed: v.trouble.missed.Load(), LeftOut: v.trouble.leftOut.Load()}
}

// Open makes the streams and the bucket that are missing. It returns ErrOptions, provision.ErrDiffers, the registerer's error, or
// what NATS answered.
func Open(ctx context.Context, o Options) (*Evaluator, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	if err := provision.Streams(ctx, o.JS, streams(o.Replicas)...); err != nil {
		return nil, fmt.Errorf("alert: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	kv, err := o.JS.KeyValue(ctx, leaseBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = o.JS.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: leaseBucket, Description: "who evaluates alert rules", Storage: jetstream.FileStorage, Replicas: o.Replicas})
	}
	if err != nil {
		return nil, fmt.Errorf("alert: bucket %s: %w", leaseBucket, err)
	}
	v := &Evaluator{o: o, kv: kv, metrics: newMetrics()}
	return v, v.metrics.register(o.Registerer)
}

// Run evaluates whenever it is this copy's turn, until ctx ends. It returns nil then.
func (v *Evaluator) Run(ctx context.Context) error {
	for failures := 0; ctx.Err() == nil; {
		if !v.needed(ctx) {
			return nil
		}
		worked, err := v.lead(ctx)
		if worked {
			failures = 0
		}
		if failures++; failures == 1 && ctx.Err() == nil {
			v.o.Log.Warn("alert rules are not evaluated by this copy of the program any more; trying again", "error", err)
		}
		retry.Pause(ctx, failures)
	}
	return nil
}

// needed waits until there are rules, or something to end that rules of before have left. It says whether that was so before ctx ended.
func (v *Evaluator) needed(ctx context.Context) bool {
	for ctx.Err() == nil {
		changed := v.o.Directory.Changed()
		if len(v.o.Directory.Tenants()) > 0 {
			return true
		}
		stream, err := v.o.JS.Stream(ctx, telemetry.AlertStateStream)
		if err == nil && stream.CachedInfo().State.Msgs > 0 {
			return true
		}
		select {
		case <-changed:
			retry.Wait(ctx, followPause)
		case <-ctx.Done():
		}
	}
	return false
}

// lead evaluates until something fails or ctx ends; it says whether it came to evaluate at all.
func (v *Evaluator) lead(ctx context.Context) (worked bool, err error) {
	h := &holder{kv: v.kv, owner: v.o.Owner, now: v.o.Now}
	if err := h.acquire(ctx); err != nil {
		return false, err
	}
	began := time.Now()
	inner, cancel := context.WithCancelCause(ctx)
	l := &leader{o: v.o, trouble: &v.trouble, holder: h, evaluation: &evaluation{
		tenants: make(map[id.Tenant]*tenant), epoch: h.epoch, dir: v.o.Directory, metrics: v.metrics, log: v.o.Log}}
	l.contact.Store(v.o.Now().UnixMicro())
	var helpers sync.WaitGroup
	helpers.Go(func() { l.keepLease(inner, cancel) })
	if err = l.takeOver(inner); err == nil {
		worked = true
		v.metrics.takeOvers.Inc()
		v.metrics.active.Set(1)
		v.leads.Store(true)
		v.o.Log.Info("this copy of the program evaluates alert rules", "epoch", h.epoch, "tenants", len(l.tenants), "pairs", l.pairs(), "took", time.Since(began))
		in := make(chan message, fetchMessages)
		for i, lane := range telemetry.Lanes() {
			from := l.position[i] + 1
			helpers.Go(func() { l.read(inner, lane, from, in) })
		}
		if v.o.Beside != nil {
			helpers.Go(func() { l.beside(inner) })
		}
		err = l.work(inner, in)
		v.metrics.active.Set(0)
		v.leads.Store(false)
	}
	why := context.Cause(inner)
	cancel(nil)
	helpers.Wait() // the lease belongs to one of them until then
	if !errors.Is(why, errLost) && !errors.Is(err, errLost) {
		l.leave(context.WithoutCancel(ctx), worked)
	}
	return worked, errors.Join(err, why)
}

// keepLease renews the lease until ctx ends or somebody else has it, which ends everything.
func (l *leader) keepLease(ctx context.Context, end context.CancelCauseFunc) {
	tick := time.NewTicker(leaseRenew)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		err := l.holder.renew(ctx)
		switch {
		case err == nil:
			l.contact.Store(l.o.Now().UnixMicro())
		case errors.Is(err, errLost):
			end(errLost)
			return
		}
	}
}

// beside runs what belongs to whoever evaluates, and runs it again when it fails.
func (l *leader) beside(ctx context.Context) {
	for failures := 1; ctx.Err() == nil; failures++ {
		if err := l.o.Beside(ctx); ctx.Err() == nil {
			l.log.Warn("what runs beside evaluation has ended; starting it again", "error", err)
			retry.Pause(ctx, failures)
		}
	}
}

// leave writes down what is known and lets somebody else begin at once.
func (l *leader) leave(ctx context.Context, worked bool) {
	if worked && len(l.out) == 0 { // else the log is behind, and the checkpoint before is the one that agrees with it
		if err := l.checkpoint(ctx); err != nil {
			l.log.Warn("what is known of alert rules cannot be written down; who takes over reads more of the lanes again", "error", err)
		}
	}
	if err := l.holder.giveBack(ctx); err != nil {
		l.log.Warn("the lease cannot be given back; alert rules are evaluated elsewhere after it has run out", "error", err)
	}
}

// Purge removes everything that is kept of the alerts of a tenant that is no more. The copy that evaluates ends its alerts
// within a second after the tenant is gone from the Directory, and writes that down: so it is to be called again then, which
// is harmless. It returns ErrUnavailable.
func (v *Evaluator) Purge(ctx context.Context, t id.Tenant) error {
	return errors.Join(purge(ctx, v.o.JS, telemetry.AlertStream, telemetry.AlertSubject(t)),
		purge(ctx, v.o.JS, telemetry.AlertStateStream, telemetry.AlertStateOf(t)))
}
