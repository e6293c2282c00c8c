package web

import (
	"net/http"
	"net/url"

	"longwave/tenants"
	"longwave/tenants/dashboard"
	"longwave/tenants/id"
	"longwave/views"
)

// Size of a chart that is pinned: half a row, as the proposals make them.
const (
	pinnedWidth  = dashboard.Columns / 2
	pinnedHeight = 8
)

// pinnable is the chart of a device that an address names; nil when it names none that is there.
func (w *Web) pinnable(t id.Tenant, query url.Values) *views.Pin {
	wanted, err := id.Parse[id.Device](query.Get("pin"))
	device, ok := w.o.Tenants.State().Device(t, wanted)
	metric := query.Get("metric")
	if err != nil || !ok || metric == "" {
		return nil
	}
	pin := &views.Pin{Action: dashboardsPath(t) + "/pin", Device: string(device.ID), Metric: metric, Name: metric + " of " + device.Name, Back: devicePath(device)}
	for _, d := range w.o.Tenants.State().Dashboards(t) {
		pin.Dashboards = append(pin.Dashboards, views.Option{Value: string(d.ID), Label: d.Name})
	}
	pin.Dashboards = append(pin.Dashboards, views.Option{Label: "A new dashboard"})
	return pin
}

// pinChart puts the chart of a device below everything else of a dashboard.
func (w *Web) pinChart(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	t := p.Tenant()
	pin := w.pinnable(t, url.Values{"pin": {form.Get("device")}, "metric": {form.Get("metric")}})
	if pin == nil {
		return tenants.ErrNotFound
	}
	want := tenants.SaveDashboard{Name: pin.Name}
	if name := form.Get("dashboard"); name != "" {
		found, err := w.dashboardOf(t, name)
		if err != nil {
			return err
		}
		current := found.Current()
		want = tenants.SaveDashboard{ID: found.ID, Base: current.Number, Document: current.Document}
	}
	want.Document = pinned(want.Document, dashboard.Widget{Kind: dashboard.Line, Title: pin.Name, Select: dashboard.Selection{Devices: []string{pin.Device}}, Metrics: []dashboard.Metric{{Name: pin.Metric}}})
	saved, err := w.o.Tenants.SaveDashboard(r.Context(), w.actor(r, p), t, want)
	if problem, ok := fault(err); ok {
		return w.renderDashboards(out, r, p, []views.Problem{standalone(problem)})
	}
	if err != nil {
		return err
	}
	w.done(out, r, pin.Name+" pinned.")
	return see(out, r, dashboardPath(t, saved.ID))
}

// pinned is the document with one more widget in the first row below all others.
func pinned(d dashboard.Document, one dashboard.Widget) dashboard.Document {
	below := 0
	for _, w := range d.Widgets {
		below = max(below, w.At.Y+w.At.H)
	}
	one.At = dashboard.Place{Y: below, W: pinnedWidth, H: pinnedHeight}
	d.Widgets = append(d.Widgets[:len(d.Widgets):len(d.Widgets)], one)
	return d
}
