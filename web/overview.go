package web

import (
	"context"
	"math"
	"strconv"
	"strings"
	"time"

	"longwave/ingest/telemetry"
	"longwave/ingest/telemetry/freshness"
	"longwave/tenants"
	"longwave/views"
)

// span is a range of history that a page offers.
type span struct {
	key, label string
	length     time.Duration
}

// spans are the ranges that a page offers, shortest first.
func spans() []span {
	const day = 24 * time.Hour
	return []span{
		{"5m", "5 min", 5 * time.Minute}, {"15m", "15 min", 15 * time.Minute}, {"1h", "1 h", time.Hour},
		{"6h", "6 h", 6 * time.Hour}, {"24h", "24 h", day}, {"7d", "7 d", 7 * day}, {"30d", "30 d", 30 * day},
	}
}

// rangeOf reads a range from an address; what it does not know is an hour.
func rangeOf(key string) span {
	for _, s := range spans() {
		if s.key == key {
			return s
		}
	}
	return rangeOf("1h")
}

// The box that a sparkline is drawn in, and how many points it has room for.
const (
	sparkWidth  = 120.0
	sparkHeight = 32.0
	sparkPoints = 60
)

// overview is the first paint of the latest values; the socket keeps them current and draws the charts.
func (w *Web) overview(ctx context.Context, d tenants.Device, chosen span) *views.Overview {
	page := &views.Overview{Range: chosen.key, UnitHref: devicePath(d) + "?tab=" + tabSettings + "#units", ExportHref: exportPath(d.Tenant) + "?device=" + string(d.ID)}
	for _, s := range spans() {
		page.Ranges = append(page.Ranges, views.Link{Key: s.key, Label: s.label, Href: devicePath(d) + "?range=" + s.key, Current: s.key == chosen.key})
	}
	reader, now := w.o.Readings(d.Tenant), w.o.Now()
	latest, err := reader.Latest(ctx, d.ID)
	if err != nil {
		w.o.Log.WarnContext(ctx, "a page comes without latest values", "tenant", d.Tenant, "device", d.ID, "error", err)
		page.Unread = true
		return page
	}
	sparks := w.sparks(ctx, reader, d, chosen)
	st := w.o.Tenants.State()
	for i, v := range latest {
		interval := freshness.Expected(d.Interval, v.Interval)
		m := views.Metric{
			Name: v.Metric, Value: valueText(v.Value), Unit: st.Unit(d.Tenant, v.Metric), Spark: sparks[v.Metric],
			Chart: v.Value.Type != telemetry.Text, Bool: v.Value.Type == telemetry.Bool, Age: viewTime(v.Time.Time(), now),
		}
		m.Age.ID, m.Age.Interval = "age-"+strconv.Itoa(i), seconds(interval)
		m.State = viewState(string(freshness.Of(v.Time.Time(), interval, now)), m.Age.ID)
		page.Metrics = append(page.Metrics, m)
	}
	return page
}

func (w *Web) sparks(ctx context.Context, reader Reader, d tenants.Device, chosen span) map[string]string {
	now := w.o.Now()
	all, err := reader.Overview(ctx, d.ID, telemetry.At(now.Add(-chosen.length)), telemetry.At(now), sparkPoints)
	if err != nil {
		w.o.Log.WarnContext(ctx, "a page comes without sparklines", "tenant", d.Tenant, "device", d.ID, "error", err)
	}
	sparks := make(map[string]string, len(all))
	for _, s := range all {
		sparks[s.Metric] = sparkline(s.Points, telemetry.At(now.Add(-chosen.length)), telemetry.At(now))
	}
	return sparks
}

// sparkline is the points of a line from the range's beginning to its end; empty when there are too few for one.
func sparkline(points []telemetry.Point, from, to telemetry.Micros) string {
	if len(points) < 2 || to <= from {
		return ""
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, p := range points {
		low, high = min(low, p.Value), max(high, p.Value)
	}
	scale := high - low
	var line strings.Builder
	for _, p := range points {
		x := sparkWidth * float64(p.Time-from) / float64(to-from)
		y := sparkHeight / 2
		if scale > 0 {
			y = 1 + (sparkHeight-2)*(1-(p.Value-low)/scale)
		}
		line.WriteString(strconv.FormatFloat(x, 'f', 1, 64) + "," + strconv.FormatFloat(y, 'f', 1, 64) + " ")
	}
	return strings.TrimSpace(line.String())
}
