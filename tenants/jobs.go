package tenants

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"longwave/tenants/id"
)

// Job is work on a tenant's packets that somebody asked for, as it stands in the control log.
type Job struct {
	ID   id.Job
	What string       // in words that follow "began to" and "ended to": "send rejected packets again"
	Of   []Difference // which packets: Before is empty
}

// Count is a number of a job's result with its name.
type Count struct {
	Name   string `json:"name"`
	Number uint64 `json:"number"`
}

// The events of a job change nothing in the State: where it stands is known to whoever does it. They are here for the
// people who ask who did what.
type (
	jobStarted struct {
		ID   id.Job       `json:"id"`
		What string       `json:"what"`
		Of   []Difference `json:"of,omitempty"`
	}
	jobEnded struct {
		ID      id.Job  `json:"id"`
		What    string  `json:"what"`
		Outcome string  `json:"outcome"`
		Counts  []Count `json:"counts,omitempty"`
	}
)

func (e jobStarted) apply(_ *State, at stamp) error { return ofTenant(at, e.ID) }
func (e jobEnded) apply(_ *State, at stamp) error   { return ofTenant(at, e.ID) }

func ofTenant(at stamp, job id.Job) error {
	if at.tenant == "" {
		return contradiction("job %s belongs to no tenant", job)
	}
	return nil
}

func (e jobStarted) tell(p *Past) {
	p.Did, p.Subject, p.Name = "began to "+e.What, string(e.ID), e.What
	p.Changes = append(p.Changes, e.Of...)
}

func (e jobEnded) tell(p *Past) {
	p.Did, p.Subject, p.Name = "ended to "+e.What, string(e.ID), e.What
	p.differ("outcome", "", e.Outcome)
	for _, c := range e.Counts {
		p.differ(c.Name, "", strconv.FormatUint(c.Number, 10))
	}
}

// RecordJob writes down who began a job, before anything of it is done. It returns ErrNotFound for the tenant, and the
// errors of every command.
func (s *Service) RecordJob(ctx context.Context, actor Actor, t id.Tenant, j Job) error {
	_, err := s.inTenant(ctx, actor, t, func(*State, time.Time) ([]event, error) {
		return []event{jobStarted(j)}, nil
	})
	if err != nil {
		return fmt.Errorf("record job: %w", err)
	}
	return nil
}

// JobResult is how a job ended.
type JobResult struct {
	Outcome string // "done", "cancelled" or "failed"
	Counts  []Count
}

// RecordJobEnd writes down how a job ended. It returns what RecordJob returns.
func (s *Service) RecordJobEnd(ctx context.Context, t id.Tenant, j Job, r JobResult) error {
	_, err := s.inTenant(ctx, Actor{System: "replay"}, t, func(*State, time.Time) ([]event, error) {
		return []event{jobEnded{ID: j.ID, What: j.What, Outcome: r.Outcome, Counts: r.Counts}}, nil
	})
	if err != nil {
		return fmt.Errorf("record the end of a job: %w", err)
	}
	return nil
}
