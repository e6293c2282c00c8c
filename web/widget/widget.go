package widget

import (
	"context"
	"fmt"
	"hash/fnv"
	"iter"
	"slices"
	"strconv"
	"strings"

	"longwave/ingest/telemetry"
	"longwave/ingest/telemetry/freshness"
	"longwave/tenants"
	"longwave/tenants/dashboard"
	"longwave/tenants/id"
)

// Reader is what widgets read of one tenant's stored data.
type Reader interface {
	SeriesMany(ctx context.Context, q telemetry.ManyQuery) (map[telemetry.SeriesKey]telemetry.Series, error)
	LatestOf(ctx context.Context, devices []id.Device) (map[id.Device][]telemetry.Latest, error)
	EventsOf(ctx context.Context, q telemetry.EventsQuery) ([]telemetry.Event, error)
}

// Activity is when the devices of a tenant last sent.
type Activity func(ctx context.Context, t id.Tenant) (map[id.Device]telemetry.Activity, error)

// Bounds of one answer.
const (
	// MaxSeries is how many series a widget shows: more lines than anybody tells apart.
	MaxSeries = 50
	// MaxDevices is how many devices a widget is about.
	MaxDevices = 500
	// MaxPoints of each series: the pixels of a wide screen.
	MaxPoints = 2000

	maxEvents     = 200 // lines of a log
	timelineTexts = 2000
	barPoints     = 60 // buckets that become one bar
	usualBars     = 10
	usualNumbers  = 1
)

// Question is what a page asks about one widget.
type Question struct {
	Widget   dashboard.Widget
	Values   dashboard.Values
	From, To telemetry.Micros
	Points   int
	Compare  bool // also the period of the same length before
}

// Source answers questions about one tenant.
type Source struct {
	Tenant   id.Tenant
	State    *tenants.State
	Readings Reader
	Activity Activity
	Alerts   Alerts
}

// Interest is what a widget wants to hear: these metrics, or all if none is named, of these devices. It is also the key
// under which pages share what they hear.
type Interest struct {
	Devices []id.Device
	Metrics []string
	Newest  bool // only the newest value of each series counts
}

// Interest resolves a widget. left is how many devices there was no room for.
func (s Source) Interest(w dashboard.Widget, values dashboard.Values) (i Interest, left int) {
	chosen := w.Select.With(values)
	i.Devices = s.placed(w, values)
	for d := range s.subjects(chosen) {
		if w.Kind == dashboard.Image && (slices.Contains(i.Devices, d.ID) || !w.Loose()) {
			continue
		}
		if len(i.Devices) < MaxDevices {
			i.Devices = append(i.Devices, d.ID)
		} else {
			left++
		}
	}
	for _, m := range w.Metrics {
		i.Metrics = append(i.Metrics, m.Name)
	}
	if w.Kind == dashboard.Image {
		i.Metrics = nil
		for _, spot := range w.Spots {
			if !slices.Contains(i.Metrics, spot.Metric) {
				i.Metrics = append(i.Metrics, spot.Metric)
			}
		}
	}
	i.Newest = slices.Contains([]string{dashboard.Table, dashboard.Fleet, dashboard.Bars, dashboard.Image, dashboard.Map}, w.Kind)
	return i, left
}

// About is a short text that is another one when other devices match a widget, or are called otherwise.
func (s Source) About(w dashboard.Widget, values dashboard.Values) string {
	if w.Kind == dashboard.Text || w.Kind == dashboard.Alerts {
		return ""
	}
	i, left := s.Interest(w, values)
	sum := fnv.New64a()
	for _, d := range i.Devices {
		device, _ := s.State.Device(s.Tenant, d)
		fmt.Fprintf(sum, "%s %q %q %q %v\n", d, device.Name, device.Site, device.Labels[LocationLabel], device.Disabled)
	}
	return strconv.FormatUint(sum.Sum64()+uint64(left), 36)
}

// subjects walks the devices that a selection is about, in the order of their ids. Those that it names are looked up.
func (s Source) subjects(chosen dashboard.Selection) iter.Seq[tenants.Device] {
	if len(chosen.Devices) == 0 {
		return func(yield func(tenants.Device) bool) {
			for d := range s.State.Devices(s.Tenant, "") {
				if chosen.Matches(subject(d)) && !yield(d) {
					return
				}
			}
		}
	}
	return func(yield func(tenants.Device) bool) {
		for _, name := range chosen.Devices {
			wanted, err := id.Parse[id.Device](name)
			if err != nil {
				continue
			}
			if d, ok := s.State.Device(s.Tenant, wanted); ok && chosen.Matches(subject(d)) && !yield(d) {
				return
			}
		}
	}
}

func subject(d tenants.Device) dashboard.Subject {
	return dashboard.Subject{Device: d.ID, Profile: d.Profile, Site: d.Site, Labels: d.Labels}
}

// known is a series that exists, with what is known of it.
type known struct {
	device tenants.Device
	metric string
	latest telemetry.Latest
}

// numeric says whether the series has numbers; the others are texts.
func (k known) numeric() bool { return k.latest.Value.Type != telemetry.Text }

// interval is how often readings are expected, in seconds: as somebody said it, else as it was learned; 0 if not known.
func (k known) interval() float64 {
	return freshness.Expected(k.device.Interval, k.latest.Interval).Seconds()
}

// series lists what of the interest exists: by the name of the device, then as the widget orders its metrics.
func (s Source) series(ctx context.Context, i Interest) ([]known, error) {
	latest, err := s.Readings.LatestOf(ctx, i.Devices)
	if err != nil {
		return nil, err
	}
	var all []known
	for _, d := range i.Devices {
		device, _ := s.State.Device(s.Tenant, d)
		for _, l := range latest[d] {
			if len(i.Metrics) == 0 || slices.Contains(i.Metrics, l.Metric) {
				all = append(all, known{device, l.Metric, l})
			}
		}
	}
	slices.SortStableFunc(all, func(a, b known) int {
		if a.device.ID != b.device.ID {
			if by := strings.Compare(strings.ToLower(a.device.Name), strings.ToLower(b.device.Name)); by != 0 {
				return by
			}
			return strings.Compare(string(a.device.ID), string(b.device.ID))
		}
		return slices.Index(i.Metrics, a.metric) - slices.Index(i.Metrics, b.metric)
	})
	return all, nil
}

// before is the question about the period of the same length before.
func (q Question) before() Question {
	length := q.To - q.From
	q.From, q.To = q.From-length, q.From
	return q
}
