package web

import (
	"context"
	"fmt"
	"sync"

	"longwave/processors/replay"
	"longwave/tenants"
	"longwave/tenants/id"
)

// desk is a work list and jobs that answer what they are told, and keep what is ordered.
type desk struct {
	mu     sync.Mutex
	list   replay.List
	trial  replay.Trial
	jobs   map[id.Tenant][]replay.Job
	orders []replay.Order
	asked  replay.Filter
	fails  error
}

func newDesk() *desk { return &desk{jobs: map[id.Tenant][]replay.Job{}} }

func (d *desk) Groups(_ context.Context, _ id.Tenant, f replay.Filter, _ string) (replay.List, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = f
	return d.list, d.fails
}

func (d *desk) Try(_ context.Context, _ id.Tenant, f replay.Filter) (replay.Trial, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = f
	return d.trial, d.fails
}

func (d *desk) Start(_ context.Context, _ tenants.Actor, t id.Tenant, o replay.Order) (replay.Job, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.fails != nil {
		return replay.Job{}, d.fails
	}
	d.orders = append(d.orders, o)
	job := replay.Job{ID: id.New[id.Job](), Kind: o.Kind, By: o.By, Rate: o.Rate, State: replay.Waiting, Filter: o.Filter, Selection: o.Selection}
	d.jobs[t] = append([]replay.Job{job}, d.jobs[t]...)
	return job, nil
}

func (d *desk) Cancel(ctx context.Context, t id.Tenant, j id.Job) (replay.Job, error) {
	d.mu.Lock()
	for i := range d.jobs[t] {
		if d.jobs[t][i].ID == j {
			d.jobs[t][i].State = replay.Cancelled
		}
	}
	d.mu.Unlock()
	return d.Job(ctx, t, string(j))
}

func (d *desk) Jobs(_ context.Context, t id.Tenant) ([]replay.Job, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.jobs[t], d.fails
}

func (d *desk) Job(_ context.Context, t id.Tenant, text string) (replay.Job, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, job := range d.jobs[t] {
		if string(job.ID) == text {
			return job, nil
		}
	}
	return replay.Job{}, fmt.Errorf("job: %w", tenants.ErrNotFound)
}
