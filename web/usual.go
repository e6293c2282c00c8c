package web

import (
	"context"
	"errors"
	"math"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/alertrule"
	"longwave/tenants/alertrule/unusual"
	"longwave/tenants/id"
)

const (
	// learnsFrom is how long before a chart begins what is usual is learned from for it: each hour of the week twice.
	learnsFrom = 14 * 24 * telemetry.Micros(time.Hour/time.Microsecond)
	// bandReadings bounds what is read for a band, and bandWithin how long that may take: a chart is complete without it.
	bandReadings = 500_000
	bandWithin   = 5 * time.Second
	// bandSteps is in how many places a band is drawn.
	bandSteps = 400
)

// errEnough ends the reading of a series that is too long for a band.
var errEnough = errors.New("more readings than a band is drawn from")

// usualAt is what was usual at an instant: the instant in microseconds, the lowest and the highest value.
type usualAt [3]float64

// asksUnusual says whether a rule asks if a metric is unusual.
func asksUnusual(r *alertrule.Rule, metric string) bool {
	for _, l := range r.Levels {
		for _, t := range l.When.Tests {
			if t.Op == alertrule.Unusual && t.Metric == metric {
				return true
			}
		}
	}
	return false
}

// usualBand is what was usual for a series at each time of a chart. Without an answer of the storage there is none.
func (w *Web) usualBand(ctx context.Context, t id.Tenant, q telemetry.SeriesQuery) (band []usualAt) {
	ctx, cancel := context.WithTimeout(ctx, bandWithin)
	defer cancel()
	var series unusual.Series
	from, step, seen := q.From, max(1, (q.To-q.From)/bandSteps), 0
	next := from
	q.From -= learnsFrom
	err := w.o.Readings(t).Each(ctx, q, func(p telemetry.Point) error {
		if seen++; seen > bandReadings {
			return errEnough
		}
		v := series.Add(p.Time, p.Value)
		if v.Known && p.Time >= next && !math.IsInf(v.Low, 0) && !math.IsInf(v.High, 0) {
			band = append(band, usualAt{float64(p.Time), v.Low, v.High})
			next = p.Time + step
		}
		return nil
	})
	if err != nil {
		w.o.Log.WarnContext(ctx, "a chart is shown without what is usual", "tenant", t, "device", q.Device, "error", err)
		return nil
	}
	return band
}
