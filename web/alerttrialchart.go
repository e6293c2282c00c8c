package web

import (
	"context"

	"longwave/ingest/telemetry"
	"longwave/processors/alert/trial"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
	"longwave/views"
)

// trialChart draws the noisiest device, or the first of which anything is stored.
func (w *Web) trialChart(ctx context.Context, v *views.AlertTrialResult, t id.Tenant, rule *alertrule.Rule, r *trial.Result) {
	shown := -1
	for i := range r.Devices {
		if r.Devices[i].Fired > 0 || r.Devices[i].Values > 0 {
			shown = i
			break
		}
	}
	if shown < 0 {
		return
	}
	d := &r.Devices[shown]
	metric := w.trialMetric(ctx, t, rule, d.Device.ID)
	if metric == "" {
		return
	}
	var m marks
	for _, l := range rule.Levels {
		m.Thresholds, m.Ends = append(m.Thresholds, limits(l.When, metric)...), append(m.Ends, limits(l.Clear, metric)...)
	}
	for _, s := range d.Spans {
		m.Intervals = append(m.Intervals, interval{From: s.From, To: s.To, Severity: s.Worst.String(), Name: rule.Name})
	}
	if asksUnusual(rule, metric) {
		m.Band = w.usualBand(ctx, t, telemetry.SeriesQuery{Device: d.Device.ID, Metric: metric, From: r.From, To: r.To})
		v.Usual = len(m.Band) > 0
	}
	v.Device, v.Base, v.Interval = d.Device.Name, devicesPath(t)+"/"+string(d.Device.ID)+"/series", seconds(d.Device.Interval)
	v.Metric = views.Metric{Name: metric, Unit: w.o.Tenants.State().Unit(t, metric), Chart: true}
	v.From, v.To, v.Marks = millis(r.From.Time()), millis(r.To.Time()), marksText(m)
}

// trialMetric is the metric that is drawn: the first that the worst level looks at, or for a rule about missing data any that the
// device has. It is empty without one.
func (w *Web) trialMetric(ctx context.Context, t id.Tenant, rule *alertrule.Rule, d id.Device) string {
	if rule.Kind == alertrule.Threshold {
		worst := &rule.Levels[0]
		for i := range rule.Levels {
			if rule.Levels[i].Severity > worst.Severity {
				worst = &rule.Levels[i]
			}
		}
		return worst.When.Tests[0].Metric
	}
	if rule.Metric != "" {
		return rule.Metric
	}
	latest, err := w.o.Readings(t).Latest(ctx, d)
	if err != nil {
		w.o.Log.WarnContext(ctx, "a trial is shown without its chart", "tenant", t, "error", err)
	}
	for _, l := range latest {
		if l.Value.Type == telemetry.Number {
			return l.Metric
		}
	}
	return ""
}
