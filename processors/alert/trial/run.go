package trial

import (
	"context"
	"sync"
	"time"

	"longwave/ingest/telemetry"
	"longwave/processors/alert/notify"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

const (
	// chunk is how many devices are read with one question about chunkPeriod: enough for it to be worth asking, few enough for
	// progress and for the engine to sort. A longer period is asked about fewer.
	chunk       = 20
	chunkPeriod = 7 * 24 * telemetry.Micros(time.Hour/time.Microsecond)
	// readers is how many questions are under way: while one answer is evaluated the engine prepares the next. The tenant's pages keep
	// the other half of the questions that it may ask at once.
	readers = 2
	// maxSpans is how many alerts of a device are kept one by one: more than a chart can show apart.
	maxSpans = 500
	// maxTurns is how many changes of severity of one alert are remembered for who is told.
	maxTurns = 1000
	// maxNotices is up to how many notices are counted.
	maxNotices = 100_000
)

// running is one trial under way.
type running struct {
	program  *alertrule.Program
	reader   Reader
	order    Order
	outcomes []Outcome // each belongs to the reader that has its device
	watch    func(id.Device, *alertrule.Change)

	mu        sync.Mutex // for what follows
	next      int        // the first device that nobody has
	done      int
	rehearsal *notify.Rehearsal
}

func newRunning(p *alertrule.Program, reader Reader, o Order) *running {
	return &running{program: p, reader: reader, order: o, outcomes: make([]Outcome, len(o.Devices)), rehearsal: notify.NewRehearsal(o.Rule.Notify, maxNotices)}
}

// all tries the rule on all devices. It returns the first error, after all readers have ended.
func (r *running) all(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var group sync.WaitGroup
	for range readers {
		group.Go(func() {
			for from, to := r.take(); from < to && ctx.Err() == nil; from, to = r.take() {
				if err := r.some(ctx, from, to); err != nil {
					cancel(err)
				}
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

// take hands out the next devices; none when from is to.
func (r *running) take() (from, to int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	from = r.next
	some := max(1, chunk*chunkPeriod/max(chunkPeriod, r.order.To-r.order.From))
	r.next = min(from+int(some), len(r.order.Devices))
	return from, r.next
}

// some tries the rule on the devices [from, to).
func (r *running) some(ctx context.Context, from, to int) error {
	query := telemetry.ArrivalsQuery{From: r.order.From, To: r.order.To}
	names := r.program.Metrics()
	if query.Metrics = names; r.program.Rule().Kind == alertrule.NoData {
		query.From -= heardBefore
	}
	for _, d := range r.order.Devices[from:to] {
		query.Devices = append(query.Devices, d.ID)
	}
	current := newSubject(r, from)
	err := r.reader.Arrivals(ctx, query, func(a *telemetry.Arrival) error {
		for from+a.Device > current.place {
			current = current.finish()
		}
		name := ""
		if a.Metric >= 0 {
			name = names[a.Metric]
		}
		current.see(a, name)
		return nil
	})
	if err != nil {
		return err
	}
	for current.place < to-1 {
		current = current.finish()
	}
	current.end()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.done += to - from
	if r.order.Progress != nil {
		r.order.Progress(r.done)
	}
	return nil
}
