package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"longwave/api"
	"longwave/ingest"
	"longwave/ingest/telemetry"
	"longwave/vitals"
	"longwave/web"
)

const (
	// watchInterval is how often the conditions are judged. Each costs a few questions to the broker.
	watchInterval = 5 * time.Second
	// partsEvery is how many times as seldom ClickHouse is asked for damaged parts, which it lists from its disk.
	partsEvery = 12
	// watchTimeout bounds one look.
	watchTimeout = 10 * time.Second
)

// watch is what the platform sees of itself.
type watch struct {
	board  vitals.Board
	parts  atomic.Int64                    // parts that were set aside as damaged; -1 while it is not known
	stuck  [telemetry.Bulk + 1]atomic.Bool // lanes that are nearly full of what is not stored
	clock  vitals.Clock                    // these belong to the goroutine of keepWatch
	engine vitals.Recent
	broker vitals.Recent
	looks  int
}

// keepWatch judges until ctx ends.
func (p *platform) keepWatch(ctx context.Context) error {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		p.look(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// look judges once, and logs what has changed.
func (p *platform) look(ctx context.Context) {
	now := time.Now()
	for _, c := range p.watch.board.Put(vitals.Judge(p.facts(ctx, now)), now) {
		if c.Over {
			p.log.InfoContext(ctx, "condition is over", "condition", c.Name, "after", now.Sub(c.Since).Round(time.Second))
			continue
		}
		level := slog.LevelWarn
		if c.Severity == vitals.Critical {
			level = slog.LevelError
		}
		p.log.Log(ctx, level, "a condition holds that an operator must see", "condition", c.Name, "severity", c.Severity.String(),
			"what", c.Title, "detail", c.Detail, "do", c.Action)
	}
}

func (p *platform) facts(ctx context.Context, now time.Time) vitals.Facts {
	ctx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	trouble, window, alerts := p.runner.Trouble(), p.front.Window(), p.alerts.Trouble()
	f := vitals.Facts{
		Lanes:           p.laneVitals(ctx),
		Lost:            max(trouble.Lost, p.lostBefore()), // both look at the same lanes
		LostTrack:       trouble.LostTrack + p.forward.LostTrack(),
		PassedOver:      p.forward.PassedOver(),
		AlertsMissed:    alerts.Missed,
		AlertsLeftOut:   alerts.LeftOut,
		DamagedParts:    p.damagedParts(ctx),
		ClockJumped:     p.watch.clock.Look(now, now.Sub(p.began), vitals.JumpMemory),
		SnapshotUseless: p.tenants.SnapshotUseless() && now.Sub(p.began) < vitals.JumpMemory,
		Window:          vitals.Window{Entries: window.Entries, Reaches: window.Reaches},
	}
	if known := p.anchored.Load(); known != nil && known.err != nil {
		f.ControlLog = known.err.Error()
	}
	if p.engine != nil {
		f.EngineRestarts = p.watch.engine.Count(uint64(p.engine.Health().Restarts), vitals.RestartMemory, now)
	}
	if p.broker != nil {
		f.BrokerRestarts = p.watch.broker.Count(p.broker.Restarts(), vitals.RestartMemory, now)
		if err := p.broker.Room(); err != nil {
			f.NoRoom = err.Error()
		}
	}
	return f
}

// laneVitals leaves out how old a backlog is while the broker does not answer; that it does not is said elsewhere.
func (p *platform) laneVitals(ctx context.Context) []vitals.Lane {
	var lanes []vitals.Lane
	for _, lane := range telemetry.Lanes() {
		lanes = append(lanes, vitals.Lane{Name: lane.String(), Stuck: p.watch.stuck[lane].Load()})
	}
	lags, err := p.runner.Lag(ctx)
	if err != nil {
		return lanes
	}
	for _, lag := range lags {
		l := &lanes[lag.Lane]
		l.Oldest, l.Retention = max(l.Oldest, time.Duration(lag.Seconds*float64(time.Second))), ingest.Retention(lag.Lane)
	}
	return lanes
}

// lostBefore is what the start found to be gone.
func (p *platform) lostBefore() (messages uint64) {
	for _, d := range p.front.Damage() {
		messages += d.Missing + d.Corrupt + d.Truncated
	}
	return messages
}

func (p *platform) damagedParts(ctx context.Context) int {
	if p.watch.looks++; p.watch.looks%partsEvery == 1 {
		p.watch.parts.Store(-1)
		if set, err := p.store.SetAside(ctx); err == nil {
			p.watch.parts.Store(int64(len(set)))
		}
	}
	return max(int(p.watch.parts.Load()), 0)
}

// conditionsCheck is the line of /readyz. A condition is no reason to send no packets here: what is has a line of its own.
func (p *platform) conditionsCheck() api.Check {
	var all []string
	for _, c := range p.watch.board.Conditions() {
		all = append(all, fmt.Sprintf("%s (%s since %s)", c.Name, c.Severity, c.Since.UTC().Format(time.RFC3339)))
	}
	if len(all) == 0 {
		return api.Check{Name: "conditions", OK: true, Reason: "none that an operator must see"}
	}
	return api.Check{Name: "conditions", OK: true, Reason: strings.Join(all, ", ")}
}

// webConditions are for the system page.
func (p *platform) webConditions() []web.Condition {
	var all []web.Condition
	for _, c := range p.watch.board.Conditions() {
		all = append(all, web.Condition{Critical: c.Severity == vitals.Critical, Title: c.Title, Detail: c.Detail, Action: c.Action, Since: c.Since})
	}
	return all
}

// conditionCollector tells a scraper which conditions hold.
type conditionCollector struct {
	watch       *watch
	holds, gone *prometheus.Desc
}

func newConditionCollector(w *watch) *conditionCollector {
	return &conditionCollector{
		watch: w,
		holds: prometheus.NewDesc("longwave_condition", "1 while a condition holds that an operator must see; the system page says what to do.", []string{"condition"}, nil),
		gone:  prometheus.NewDesc("longwave_store_damaged_parts", "Parts of tables that were set aside because they cannot be read.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *conditionCollector) Describe(out chan<- *prometheus.Desc) { out <- c.holds; out <- c.gone }

// Collect implements prometheus.Collector.
func (c *conditionCollector) Collect(out chan<- prometheus.Metric) {
	holds := map[string]float64{}
	for _, condition := range c.watch.board.Conditions() {
		holds[condition.Name] = 1
	}
	for _, name := range vitals.Names() {
		out <- prometheus.MustNewConstMetric(c.holds, prometheus.GaugeValue, holds[name], name)
	}
	if parts := c.watch.parts.Load(); parts >= 0 {
		out <- prometheus.MustNewConstMetric(c.gone, prometheus.GaugeValue, float64(parts))
	}
}
