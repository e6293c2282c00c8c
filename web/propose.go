package web

import (
	"context"
	"maps"
	"slices"
	"strings"

	"longwave/tenants"
	"longwave/tenants/dashboard"
	"longwave/tenants/id"
	"longwave/views"
)

// What a proposal holds at most: a page that is understood at a glance.
const (
	proposedNumbers = 4
	proposedCharts  = 6
)

// The ways in which a dashboard may begin, as forms name them: "", "all", "profile:pump", "device:d-…".
const (
	fromAll     = "all"
	fromProfile = "profile:"
	fromDevice  = "device:"
)

// beginnings offers what a dashboard can be made from.
func (w *Web) beginnings(st *tenants.State, t id.Tenant, chosen string) []views.Option {
	list := []views.Option{}
	if st.DeviceCount(t) > 0 {
		list = append(list, views.Option{Value: fromAll, Label: "All devices: a first page from the metrics that they send"})
	}
	known := w.known(t)
	for _, profile := range known.profiles {
		list = append(list, views.Option{Value: fromProfile + profile, Label: "Profile " + profile})
	}
	for _, d := range known.devices {
		list = append(list, views.Option{Value: fromDevice + string(d.ID), Label: "Device " + d.Name})
	}
	list = append(list, views.Option{Value: "", Label: "Nothing: an empty page"})
	for i := range list {
		list[i].Selected = chosen != "" && list[i].Value == chosen
	}
	return list
}

// propose makes a first document from what devices really send.
func (w *Web) propose(ctx context.Context, t id.Tenant, from string) (dashboard.Document, error) {
	var selection dashboard.Selection
	profile, isProfile := strings.CutPrefix(from, fromProfile)
	device, isDevice := strings.CutPrefix(from, fromDevice)
	switch {
	case isProfile:
		selection.Profile = profile
	case isDevice:
		if d, err := id.Parse[id.Device](device); err != nil {
			return dashboard.Document{}, tenants.ErrNotFound
		} else if _, ok := w.o.Tenants.State().Device(t, d); !ok {
			return dashboard.Document{}, tenants.ErrNotFound
		}
		selection.Devices = []string{device}
	case from != fromAll:
		return dashboard.Document{}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, storageTimeout)
	defer cancel()
	metrics, err := w.metricsOf(ctx, t, selection)
	if err != nil {
		w.o.Log.WarnContext(ctx, "a dashboard begins without metrics", "tenant", t, "error", err)
	}
	if isDevice {
		return layout{selection: selection}.ofDevice(metrics), nil
	}
	l := layout{selection: selection}
	if len(w.known(t).sites) > 0 {
		l.document.Variables = []dashboard.Variable{{Name: "site", Of: "site"}}
		l.selection.Site = "$site"
	}
	return l.ofFleet(metrics), nil
}

func commonest(found map[string]*metricName) []metricName {
	list := make([]metricName, 0, len(found))
	for _, name := range slices.Sorted(maps.Keys(found)) {
		list = append(list, *found[name])
	}
	slices.SortStableFunc(list, compareCommon)
	return list
}

// layout places widgets from left to right in rows.
type layout struct {
	selection dashboard.Selection
	document  dashboard.Document
	x, y, h   int
}

func (l *layout) put(w dashboard.Widget, width, height int) {
	if l.x+width > dashboard.Columns {
		l.x, l.y, l.h = 0, l.y+l.h, 0
	}
	w.At = dashboard.Place{X: l.x, Y: l.y, W: width, H: height}
	w.Select = l.selection
	l.x, l.h = l.x+width, max(l.h, height)
	l.document.Widgets = append(l.document.Widgets, w)
}

func numeric(metrics []metricName) (numbers, others []metricName) {
	for _, m := range metrics {
		if m.Type == "number" {
			numbers = append(numbers, m)
		} else {
			others = append(others, m)
		}
	}
	return numbers, others
}

func named(m ...metricName) []dashboard.Metric {
	list := make([]dashboard.Metric, len(m))
	for i := range m {
		list[i].Name = m[i].Name
	}
	return list
}

// ofDevice shows the newest values, then each number over time, then states and events.
func (l layout) ofDevice(metrics []metricName) dashboard.Document {
	numbers, others := numeric(metrics)
	for _, m := range numbers[:min(len(numbers), proposedNumbers)] {
		l.put(dashboard.Widget{Kind: dashboard.Number, Title: m.Name, Metrics: named(m)}, 3, 4)
	}
	for _, m := range numbers[:min(len(numbers), proposedCharts)] {
		l.put(dashboard.Widget{Kind: dashboard.Line, Title: m.Name, Metrics: named(m)}, 6, 8)
	}
	if len(others) > 0 {
		l.put(dashboard.Widget{Kind: dashboard.Timeline, Title: "States", Metrics: named(others[:min(len(others), proposedCharts)]...)}, dashboard.Columns, 5)
	}
	l.put(dashboard.Widget{Kind: dashboard.Log, Title: "Events"}, dashboard.Columns, 6)
	return l.document
}

// ofFleet shows which devices are well, then the commonest metrics of all of them.
func (l layout) ofFleet(metrics []metricName) dashboard.Document {
	numbers, others := numeric(metrics)
	l.put(dashboard.Widget{Kind: dashboard.Fleet, Title: "Devices"}, dashboard.Columns, 4)
	for _, m := range numbers[:min(len(numbers), proposedNumbers)] {
		l.put(dashboard.Widget{Kind: dashboard.Line, Title: m.Name, Metrics: named(m)}, 6, 8)
	}
	if len(numbers) > 0 {
		l.put(dashboard.Widget{Kind: dashboard.Bars, Title: "Highest mean of " + numbers[0].Name, Metrics: named(numbers[0])}, 6, 8)
		l.put(dashboard.Widget{Kind: dashboard.Table, Title: "Newest values", Metrics: named(metrics[:min(len(metrics), proposedCharts)]...)}, 6, 8)
	}
	if len(others) > 0 {
		l.put(dashboard.Widget{Kind: dashboard.Timeline, Title: "States", Metrics: named(others[:min(len(others), 2)]...), Count: 20}, dashboard.Columns, 6)
	}
	l.put(dashboard.Widget{Kind: dashboard.Log, Title: "Events"}, dashboard.Columns, 6)
	return l.document
}
