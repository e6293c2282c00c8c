package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// drainDeadline bounds the wait for what was acknowledged to be stored.
const drainDeadline = 3 * time.Minute

// program is a running Longwave with what the bench registered in it.
type program struct {
	*process
	installation
	dir      string
	launched time.Duration // from starting the process until it took requests
}

// programOptions say what to start.
type programOptions struct {
	durability  string
	tenants     int      // beside the first one, each with one device
	devices     int      // of the first tenant
	rules       int      // of the first tenant, none of which matches
	environment []string // beside the bench's own
}

// benchDevices is how many devices send unless a measurement is about their number.
const benchDevices = 64

func startProgram(ctx context.Context, s *settings, o programOptions) (p *program, err error) {
	p = &program{}
	if p.dir, err = os.MkdirTemp(s.dir, "program-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(p.dir))
		}
	}()
	if p.installation, err = furnish(ctx, p.data(), o); err != nil {
		return nil, fmt.Errorf("furnishing an installation: %w", err)
	}
	return p, p.serve(ctx, s, o)
}

// serve starts the process and says how long that took.
func (p *program) serve(ctx context.Context, s *settings, o programOptions) (err error) {
	began := time.Now()
	p.process, err = launch(ctx, o.environment, "address", s.binary, "serve", "--listen", "127.0.0.1:0", "--data", p.data(),
		"--durability", o.durability, "--device-packets", "0", "--tenant-packets", "0", "--log-level", "warn", "--profiling")
	p.launched = time.Since(began)
	return err
}

func (p *program) data() string { return filepath.Join(p.dir, "data") }

func (p *program) close() {
	p.stop()
	os.RemoveAll(p.dir)
}

// drained waits until nothing is left in the lanes: everything acknowledged can be queried.
func (p *program) drained(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, drainDeadline)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond) // a scrape costs more than many packets
	defer tick.Stop()
	for {
		lag, err := p.metrics(ctx, "longwave_consumer_lag_messages", "")
		if err != nil {
			return err
		}
		if lag == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("the lanes did not drain within %s: %g messages left", drainDeadline, lag)
		}
	}
}

// result is what one load did to a server.
type result struct {
	name, durability string
	acked            outcome
	behind           time.Duration // from the last answer until everything could be queried
	unstored         bool          // nothing was stored: only the answers were measured
	cost             cost          // from the first request until then; of memory, the most there was
	allocations      float64       // of the program, without its engine
}

func (r result) stored() float64 {
	return float64(r.acked.packets) / max((r.acked.elapsed+r.behind).Seconds(), 1e-9)
}

func (r result) perPacket(spent time.Duration) float64 {
	return float64(spent.Microseconds()) / float64(max(r.acked.packets, 1))
}

// measure runs a load and waits until what it sent is stored.
func (p *program) measure(ctx context.Context, l load) (result, error) {
	return p.observe(ctx, l, p.drained)
}

// acknowledge runs a load of which nothing is stored, because ClickHouse is away.
func (p *program) acknowledge(ctx context.Context, l load) (result, error) {
	r, err := p.observe(ctx, l, func(context.Context) error { return nil })
	r.unstored = true
	return r, err
}

// observe runs a load, and lets what comes of it end.
func (p *program) observe(ctx context.Context, l load, ended func(context.Context) error) (result, error) {
	l.address = p.address
	before := p.cost()
	objects, err := p.metrics(ctx, "go_memstats_mallocs_total", "")
	if err != nil {
		return result{}, err
	}
	high := p.highest(ctx)
	got, err := l.run(ctx)
	if err != nil {
		return result{}, err
	}
	answered := time.Now()
	if err := ended(ctx); err != nil {
		return result{}, err
	}
	r := result{acked: got, behind: time.Since(answered), cost: p.cost().minus(before)}
	r.cost.resident = high()
	after, err := p.metrics(ctx, "go_memstats_mallocs_total", "")
	r.allocations = (after - objects) / float64(max(got.packets, 1))
	return r, err
}

// highest follows the resident memory until it is asked for the most that there was.
func (p *process) highest(ctx context.Context) (most func() int64) {
	ctx, cancel := context.WithCancel(ctx)
	answer := make(chan int64)
	go func() {
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		high := p.cost().resident
		for {
			select {
			case <-tick.C:
				high = max(high, p.cost().resident)
			case <-ctx.Done():
				answer <- high
				return
			}
		}
	}()
	return func() int64 { cancel(); return <-answer }
}
