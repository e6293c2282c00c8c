package trial

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

const (
	// MaxDevices bounds the devices of one trial: a thousand of them for a week are some ten million readings.
	MaxDevices = 1000
	// MaxPeriod bounds how far back a trial looks: more than most tenants keep. How long it takes is bounded for itself.
	MaxPeriod = 400 * 24 * time.Hour
	// longest is when a trial is given up: nobody waits longer for a page.
	longest = 2 * time.Minute
	// perTenant and perProcess bound the trials at once. Each keeps up to readers cores of the engine busy, which others need as well.
	perTenant  = 2
	perProcess = 4
	// patience is how long a trial waits for its turn.
	patience = 5 * time.Second
)

// The classes of errors of this package.
var (
	// ErrOptions is returned by New when something that it needs is missing.
	ErrOptions = errors.New("trial: incomplete options")
	// ErrInvalid means that there is no such trial: no period, too long a one, or too many devices.
	ErrInvalid = errors.New("not a valid trial")
	// ErrBusy means that as many trials run as may.
	ErrBusy = errors.New("too many trials at once")
	// ErrTooMuch means that the trial takes longer than one may.
	ErrTooMuch = errors.New("the trial takes too long")
	// ErrUnavailable means that what is stored could not be read.
	ErrUnavailable = errors.New("stored readings cannot be read")
)

// Reader reads what is stored of one tenant. See store.Reader.
type Reader interface {
	Arrivals(context.Context, telemetry.ArrivalsQuery, func(*telemetry.Arrival) error) error
}

// Order is what to try, on what.
type Order struct {
	Rule     alertrule.Rule // its mode does not matter
	Devices  []alertrule.Device
	From, To telemetry.Micros // in whole seconds; in what became known from From on and before To
	// Progress is told, now and then, on how many devices the rule was tried; nil is told nothing. It must not block.
	Progress func(devices int)
}

func (o *Order) validate() error {
	length := time.Duration(o.To-o.From) * time.Microsecond
	switch {
	case o.From >= o.To || o.From < 0 || length > MaxPeriod:
		return fmt.Errorf("%w: from %d to %d", ErrInvalid, o.From, o.To)
	case len(o.Devices) > MaxDevices:
		return fmt.Errorf("%w: %d devices", ErrInvalid, len(o.Devices))
	}
	return nil
}

// Result is what a rule would have found.
type Result struct {
	From, To telemetry.Micros
	Devices  []Outcome              // the noisiest first
	Fired    int                    // alerts
	Values   uint64                 // that were looked at
	Late     uint64                 // packets that came late, or again, and second values of one instant: what was passed over
	Messages int                    // to destinations, if nobody had done anything
	Each     map[id.Destination]int // of Messages
	Complete bool                   // Messages is all of them
}

// Outcome is what a rule would have found on one device.
type Outcome struct {
	Device alertrule.Device
	Fired  int
	Lasted time.Duration // all together
	Worst  alertrule.Severity
	Open   bool // it fires at the end of the period
	Values uint64
	Late   uint64
	Spans  []Span // the first maxSpans
}

// Span is one alert, by the time of the device.
type Span struct {
	From, To telemetry.Micros
	Worst    alertrule.Severity
	Open     bool // it was not over at the end of the period, which is To
}

// Trials runs trials. Make it with New.
type Trials struct {
	readings func(id.Tenant) Reader
	gate     gate
}

// New prepares trials over what readings reads. It returns ErrOptions without it.
func New(readings func(id.Tenant) Reader) (*Trials, error) {
	if readings == nil {
		return nil, ErrOptions
	}
	return &Trials{readings: readings, gate: newGate()}, nil
}

// Run tries a rule of a tenant. It returns what alertrule.Compile returns, ErrInvalid, ErrBusy, ErrTooMuch, ErrUnavailable or the
// error of the context.
func (t *Trials) Run(ctx context.Context, tenant id.Tenant, o Order) (*Result, error) {
	return t.run(ctx, tenant, o, nil)
}

// run hands every change to watch, if there is one, from several goroutines.
func (t *Trials) run(caller context.Context, tenant id.Tenant, o Order, watch func(id.Device, *alertrule.Change)) (*Result, error) {
	program, err := alertrule.Compile(o.Rule)
	if err == nil {
		err = o.validate()
	}
	if err != nil {
		return nil, fmt.Errorf("trial: %w", err)
	}
	leave, err := t.gate.enter(caller, tenant)
	if err != nil {
		return nil, fmt.Errorf("trial: %w", err)
	}
	defer leave()
	ctx, cancel := context.WithTimeout(caller, longest)
	defer cancel()
	r := newRunning(program, t.readings(tenant), o)
	r.watch = watch
	if err := r.all(ctx); err != nil {
		return nil, fmt.Errorf("trial: %w", classify(caller, ctx, err))
	}
	return r.result(), nil
}

func classify(caller, ctx context.Context, err error) error {
	switch {
	case caller.Err() != nil:
		return caller.Err()
	case ctx.Err() != nil:
		return ErrTooMuch
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}

// result adds up what was found.
func (r *running) result() *Result {
	out := &Result{From: r.order.From, To: r.order.To, Devices: r.outcomes}
	for i := range r.outcomes {
		one := &r.outcomes[i]
		out.Fired += one.Fired
		out.Values += one.Values
		out.Late += one.Late
	}
	out.Messages, out.Each, out.Complete = r.rehearsal.Messages()
	slices.SortStableFunc(out.Devices, func(a, b Outcome) int {
		return cmp.Or(cmp.Compare(b.Fired, a.Fired), cmp.Compare(b.Lasted, a.Lasted), cmp.Compare(a.Device.Name, b.Device.Name))
	})
	return out
}
