package web

import (
	"context"
	"io"
	"slices"
	"sync"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// storage is what the fake reader knows.
type storage struct {
	mu       sync.Mutex
	err      error
	activity []telemetry.Activity
	latest   map[id.Device][]telemetry.Latest
	overview []telemetry.Series
	counted  telemetry.Erased
	hourly   []telemetry.Point
	events   []telemetry.Event
	breaks   int // an export fails after as many rows, once
}

func newStorage() *storage { return &storage{latest: map[id.Device][]telemetry.Latest{}} }

// reader hands out what the storage knows to the one tenant that has devices.
type reader struct {
	s      *storage
	tenant id.Tenant
}

func (r reader) Latest(_ context.Context, d id.Device) ([]telemetry.Latest, error) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	if r.s.err != nil {
		return nil, r.s.err
	}
	return r.s.latest[d], nil
}

func (r reader) Activity(context.Context) ([]telemetry.Activity, error) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	if r.s.err != nil {
		return nil, r.s.err
	}
	return r.s.activity, nil
}

func (r reader) Series(_ context.Context, q telemetry.SeriesQuery) (telemetry.Series, error) {
	all, err := r.Overview(context.Background(), q.Device, q.From, q.To, q.MaxPoints)
	for _, series := range all {
		if series.Metric == q.Metric {
			return series, err
		}
	}
	return telemetry.Series{Step: "raw"}, err
}

func (r reader) Overview(context.Context, id.Device, telemetry.Micros, telemetry.Micros, int) ([]telemetry.Series, error) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	return r.s.overview, r.s.err
}

// Each is what the past shows of every series: see past.
func (r reader) Each(ctx context.Context, q telemetry.SeriesQuery, yield func(telemetry.Point) error) error {
	return new(past).Arrivals(ctx, telemetry.ArrivalsQuery{Devices: []id.Device{q.Device}, From: q.From, To: q.To}, func(a *telemetry.Arrival) error {
		return yield(telemetry.Point{Time: a.At, Value: a.Value.Num, Min: a.Value.Num, Max: a.Value.Num, Count: 1})
	})
}

func (r reader) Events(context.Context, telemetry.EventQuery) ([]telemetry.Event, error) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	return nil, r.s.err
}

func (r reader) Count(context.Context, id.Device) (telemetry.Erased, error) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	return r.s.counted, r.s.err
}

func (r reader) LatestOf(_ context.Context, devices []id.Device) (map[id.Device][]telemetry.Latest, error) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	found := map[id.Device][]telemetry.Latest{}
	for _, d := range devices {
		if len(r.s.latest[d]) > 0 {
			found[d] = r.s.latest[d]
		}
	}
	return found, r.s.err
}

// SeriesMany answers with the same points for every series that is asked for and known.
func (r reader) SeriesMany(_ context.Context, q telemetry.ManyQuery) (map[telemetry.SeriesKey]telemetry.Series, error) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	found := map[telemetry.SeriesKey]telemetry.Series{}
	for _, key := range q.Series {
		for _, s := range r.s.overview {
			if s.Metric == key.Metric {
				found[key] = s
			}
		}
	}
	return found, r.s.err
}

func (r reader) EventsOf(context.Context, telemetry.EventsQuery) ([]telemetry.Event, error) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	return r.s.events, r.s.err
}

// fail makes the storage answer with an error from now on.
func (s *storage) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

func (r reader) Hourly(context.Context, telemetry.Micros, telemetry.Micros) ([]telemetry.Point, error) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	return r.s.hourly, r.s.err
}

// Export has what the overview has, of every device.
func (r reader) Export(_ context.Context, q telemetry.ExportQuery, yield func(telemetry.ExportRow) error) error {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	if r.s.err != nil {
		return r.s.err
	}
	for i, row := range r.s.rows(q) {
		if r.s.breaks > 0 && i == r.s.breaks {
			r.s.breaks = 0
			return io.ErrUnexpectedEOF
		}
		if err := yield(row); err != nil {
			return err
		}
	}
	return nil
}

func (r reader) ExportParquet(_ context.Context, _ telemetry.ExportQuery, out io.Writer) error {
	_, err := io.WriteString(out, "PAR1")
	return err
}

func (r reader) Extent(_ context.Context, q telemetry.ExportQuery) (telemetry.Extent, error) {
	r.s.mu.Lock()
	defer r.s.mu.Unlock()
	series := map[string]bool{}
	all := r.s.rows(q)
	for _, row := range all {
		series[row.Device+row.Metric] = true
	}
	return telemetry.Extent{Rows: uint64(len(all)), Series: uint64(len(series))}, r.s.err
}

func (s *storage) rows(q telemetry.ExportQuery) (all []telemetry.ExportRow) {
	for _, d := range q.Devices {
		for _, series := range s.overview {
			if len(q.Metrics) > 0 && !slices.Contains(q.Metrics, series.Metric) {
				continue
			}
			for _, p := range series.Points {
				behind := q.After == nil || d > q.After.Device || d == q.After.Device && (series.Metric > q.After.Metric || series.Metric == q.After.Metric && p.Time > q.After.Time)
				if behind && (q.Limit == 0 || len(all) < q.Limit) {
					all = append(all, telemetry.ExportRow{Device: string(d), Metric: series.Metric, Point: p})
				}
			}
		}
	}
	return all
}

// lengthen adds readings to the first series.
func (s *storage) lengthen(more int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	points := s.overview[0].Points
	last := points[len(points)-1]
	for range more {
		last.Time++
		points = append(points, last)
	}
	s.overview[0].Points = points
}

// breakAfter makes the next long export fail after some rows.
func (s *storage) breakAfter(rows int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.breaks = rows
}
