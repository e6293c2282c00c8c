package api_test

import (
	"context"
	"fmt"
	"io"
	"sync"

	"longwave/api"
	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// reader is a storage by hand: what it answers, and what it was asked for. Every question carries its tenant, as the
// real one cannot be asked without.
type reader struct {
	mu       sync.Mutex
	asked    []question
	exported []telemetry.ExportQuery
	points   map[id.Device][]telemetry.Point
	step     string
	latest   []telemetry.Latest
	events   []telemetry.Event
	fail     error         // answers everything
	hold     chan struct{} // when it is not nil, Each waits until it is closed
	cutAt    int           // Each fails after this many points, when it is not 0
}

type question struct {
	tenant id.Tenant
	device id.Device
	series telemetry.SeriesQuery
	events telemetry.EventQuery
}

func (r *reader) of(t id.Tenant) api.Reader { return tenantReader{r, t} }

// last is the newest question.
func (r *reader) last() question {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.asked) == 0 {
		return question{}
	}
	return r.asked[len(r.asked)-1]
}

type tenantReader struct {
	*reader
	tenant id.Tenant
}

func (r tenantReader) note(q question) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	q.tenant = r.tenant
	r.asked = append(r.asked, q)
	return r.fail
}

func (r tenantReader) Latest(_ context.Context, d id.Device) ([]telemetry.Latest, error) {
	return r.latest, r.note(question{device: d})
}

func (r tenantReader) Series(_ context.Context, q telemetry.SeriesQuery) (telemetry.Series, error) {
	step := r.step
	if step == "" {
		step = "raw"
	}
	return telemetry.Series{Metric: q.Metric, Step: step, Points: r.points[q.Device]}, r.note(question{device: q.Device, series: q})
}

func (r tenantReader) Each(ctx context.Context, q telemetry.SeriesQuery, yield func(telemetry.Point) error) error {
	if err := r.note(question{device: q.Device, series: q}); err != nil {
		return err
	}
	if r.hold != nil {
		select {
		case <-r.hold:
		case <-ctx.Done():
		}
	}
	for i, p := range r.points[q.Device] {
		if r.cutAt > 0 && i == r.cutAt {
			return context.DeadlineExceeded
		}
		if err := yield(p); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (r tenantReader) Events(_ context.Context, q telemetry.EventQuery) ([]telemetry.Event, error) {
	return r.events[:min(q.Limit, len(r.events))], r.note(question{device: q.Device, events: q})
}

// Export has one metric, temp, of each device.
func (r tenantReader) Export(ctx context.Context, q telemetry.ExportQuery, yield func(telemetry.ExportRow) error) error {
	r.exported = append(r.exported, q)
	for _, d := range q.Devices {
		for _, p := range r.points[d] {
			if q.After != nil && (d < q.After.Device || d == q.After.Device && p.Time <= q.After.Time) {
				continue
			}
			if err := yield(telemetry.ExportRow{Device: string(d), Metric: "temp", Point: p}); err != nil {
				return err
			}
		}
	}
	return r.note(question{device: q.Devices[0]})
}

func (r tenantReader) ExportParquet(_ context.Context, q telemetry.ExportQuery, out io.Writer) error {
	_, err := fmt.Fprintf(out, "PAR1 of %d devices", len(q.Devices))
	return err
}

func (r tenantReader) Extent(_ context.Context, q telemetry.ExportQuery) (e telemetry.Extent, err error) {
	for _, d := range q.Devices {
		if n := len(r.points[d]); n > 0 {
			e.Rows, e.Series = e.Rows+uint64(n), e.Series+1
		}
	}
	return e, r.note(question{device: q.Devices[0]})
}
