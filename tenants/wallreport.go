package tenants

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/tenants/id"
)

// WallReportBucket is the JetStream key-value bucket of what screens last said of themselves, by tenant and wall. It is not
// in the control log, which keeps everything for ever.
const WallReportBucket = "WALLS"

const (
	// wallReportEvery is how coarse the last contact is for other copies of the program: one write for each screen and while.
	wallReportEvery = 30 * time.Second

	// wallReportFor forgets screens that nobody has switched on for longer than a year.
	wallReportFor = 400 * 24 * time.Hour

	// wallReportTimeout bounds one question to the bucket, and the writes of one while.
	wallReportTimeout = 5 * time.Second

	// maxReports bounds what is kept until it is written: defaultWalls of 200 tenants.
	maxReports = 20_000
)

// WallReport is what a screen says of itself.
type WallReport struct {
	At      time.Time    `json:"at"`
	Page    id.Dashboard `json:"page,omitempty"`
	Version string       `json:"version,omitempty"` // of the program that its page came from
	Width   int          `json:"width,omitempty"`
	Height  int          `json:"height,omitempty"`
	Address string       `json:"address,omitempty"`
}

// wallReports keeps the newest report of each screen and writes it down now and then.
type wallReports struct {
	kv  jetstream.KeyValue
	log *slog.Logger

	mu     sync.Mutex
	newest map[wallRef]WallReport
	dirty  map[wallRef]bool
}

func (w wallRef) name() string { return string(w.tenant) + "." + string(w.wall) }

func openWallReports(ctx context.Context, o Options) (*wallReports, error) {
	kv, err := o.JS.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
		Bucket: WallReportBucket, Description: "What walls last said of themselves", History: 1, TTL: wallReportFor,
		Storage: jetstream.FileStorage, Replicas: o.Replicas,
	})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return &wallReports{kv: kv, log: o.Log, newest: map[wallRef]WallReport{}, dirty: map[wallRef]bool{}}, nil
}

// NoteWall remembers what a screen says of itself. It waits for nobody but another note.
func (s *Service) NoteWall(t id.Tenant, w id.Wall, report WallReport) {
	of := wallRef{t, w}
	s.reports.mu.Lock()
	defer s.reports.mu.Unlock()
	if _, known := s.reports.newest[of]; known || len(s.reports.newest) < maxReports {
		s.reports.newest[of], s.reports.dirty[of] = report, true
	}
}

// keepWallReports writes down what was noted, until ctx ends.
func (s *Service) keepWallReports(ctx context.Context) {
	tick := time.NewTicker(wallReportEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), wallReportTimeout)
			defer cancel()
			s.writeWallReports(last)
			return
		case <-tick.C:
			bounded, cancel := context.WithTimeout(ctx, wallReportTimeout)
			s.writeWallReports(bounded)
			cancel()
		}
	}
}

// writeWallReports puts what is new into the bucket. What fails is tried again with the next report of the screen.
func (s *Service) writeWallReports(ctx context.Context) {
	for of, report := range s.reports.due(s.State()) {
		value, err := json.Marshal(report)
		if err == nil {
			_, err = s.reports.kv.Put(ctx, of.name(), value)
		}
		if err != nil {
			s.log.Warn("what walls said is not written down", "error", err)
			return
		}
	}
}

// due is what is new of the screens that there are. The others are forgotten: their tenant may have been deleted, and nothing
// of it is to come back.
func (r *wallReports) due(st *State) map[wallRef]WallReport {
	r.mu.Lock()
	defer r.mu.Unlock()
	due := make(map[wallRef]WallReport, len(r.dirty))
	for of, report := range r.newest {
		if _, ok := st.Wall(of.tenant, of.wall); !ok {
			delete(r.newest, of)
		} else if r.dirty[of] {
			due[of] = report
		}
	}
	clear(r.dirty)
	return due
}

func (r *wallReports) drop(of wallRef) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.newest, of)
	delete(r.dirty, of)
}

// forget removes what a revoked screen has said. It is a convenience, and so is its failure.
func (r *wallReports) forget(ctx context.Context, of wallRef) {
	r.drop(of)
	if err := r.kv.Purge(ctx, of.name()); err != nil {
		r.log.Warn("the last report of a revoked wall is not removed", "wall", of.wall, "error", err)
	}
}

// WallReports says what the screens of a tenant last said of themselves, half a minute old across processes; those that never
// did are not in it. It returns ErrUnavailable.
func (s *Service) WallReports(ctx context.Context, t id.Tenant) (map[id.Wall]WallReport, error) {
	ctx, cancel := context.WithTimeout(ctx, wallReportTimeout)
	defer cancel()
	reports := map[id.Wall]WallReport{}
	for _, w := range s.State().Walls(t) {
		of := wallRef{t, w.ID}
		report, err := s.reports.stored(ctx, of)
		if err != nil {
			return nil, fmt.Errorf("wall reports: %w", err)
		}
		s.reports.mu.Lock()
		if mine, ok := s.reports.newest[of]; ok && mine.At.After(report.At) { // it may look at another copy by now
			report = mine
		}
		s.reports.mu.Unlock()
		if !report.At.IsZero() {
			reports[w.ID] = report
		}
	}
	return reports, nil
}

func (r *wallReports) stored(ctx context.Context, of wallRef) (report WallReport, err error) {
	entry, err := r.kv.Get(ctx, of.name())
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return report, nil
	}
	if err != nil {
		return report, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return report, json.Unmarshal(entry.Value(), &report)
}
