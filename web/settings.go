package web

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"longwave/tenants"
	"longwave/views"
)

func (w *Web) settings(ctx context.Context, v deviceView) *views.Settings {
	d := v.device
	name := views.Field{ID: "name", Label: "Name", Type: "text", Value: d.Name, MaxLength: "100", Autocomplete: "off"}
	if len(v.problems) > 0 {
		name.Value = v.typed
	}
	page := &views.Settings{
		Action: devicePath(d) + "/rename", UnitAction: devicePath(d) + "/units", Problems: blame(v.problems, &name), Name: name,
		Facts: []views.Fact{
			{Name: "Expected interval", Value: intervalOrLearned(d.Interval)},
			{Name: "Registered", Value: d.Created.UTC().Format("2006-01-02 15:04 MST")},
		},
	}
	for _, t := range d.Tokens {
		page.Tokens = append(page.Tokens, views.TokenRow{ID: t.Prefix() + "…", Created: t.Created.UTC().Format("2006-01-02 15:04"), Expires: expiry(t.Expires)})
	}
	latest, err := w.o.Readings(d.Tenant).Latest(ctx, d.ID)
	if err != nil {
		w.o.Log.WarnContext(ctx, "a page comes without metrics", "tenant", d.Tenant, "device", d.ID, "error", err)
	}
	for i, l := range latest {
		page.Units = append(page.Units, views.UnitRow{ID: "unit-" + strconv.Itoa(i), Metric: l.Metric, Unit: w.o.Tenants.State().Unit(d.Tenant, l.Metric)})
	}
	return page
}

func intervalOrLearned(d time.Duration) string {
	if d == 0 {
		return "learned from what arrives"
	}
	return duration(d)
}

func expiry(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2006-01-02 15:04")
}

func (w *Web) renameDevice(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	device, err := w.device(r, p)
	if err != nil {
		return err
	}
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	renamed, err := w.o.Tenants.RenameDevice(r.Context(), w.actor(r, p), p.Tenant(), device.ID, form.Get("name"))
	if problem, ok := fault(err); ok {
		return w.renderDevice(out, r, p, deviceView{device: device, tab: tabSettings, typed: form.Get("name"), problems: []views.Problem{problem}})
	}
	if err != nil {
		return err
	}
	w.done(out, r, "Renamed to "+renamed.Name+".")
	return see(out, r, devicePath(renamed)+"?tab="+tabSettings)
}

func (w *Web) disableDevice(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	device, err := w.device(r, p)
	if err != nil {
		return err
	}
	if _, err := w.o.Tenants.DisableDevice(r.Context(), w.actor(r, p), p.Tenant(), device.ID); err != nil {
		return err
	}
	w.done(out, r, "Disabled. Its packets are refused with 403 until it is enabled again.")
	return see(out, r, devicePath(device))
}

func (w *Web) enableDevice(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	device, err := w.device(r, p)
	if err != nil {
		return err
	}
	if _, err := w.o.Tenants.EnableDevice(r.Context(), w.actor(r, p), p.Tenant(), device.ID); err != nil {
		return err
	}
	w.done(out, r, "Enabled. Its packets are accepted again.")
	return see(out, r, devicePath(device))
}

// maxUnits bounds one form of units: each changed one is an event of its own.
const maxUnits = 256

// setUnits describes the metrics whose unit was changed on the form.
func (w *Web) setUnits(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	device, err := w.device(r, p)
	if err != nil {
		return err
	}
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	metrics, units := form["metric"], form["unit"]
	if len(metrics) != len(units) || len(metrics) > maxUnits {
		return badQuery("The form of units is damaged. Reload the page and try again.")
	}
	for i, metric := range metrics {
		if w.o.Tenants.State().Unit(p.Tenant(), metric) == units[i] {
			continue
		}
		described := tenants.MetricDescription{Name: metric, Unit: units[i]}
		if err := w.o.Tenants.DescribeMetric(r.Context(), w.actor(r, p), p.Tenant(), described); err != nil {
			return err
		}
	}
	w.done(out, r, "Units saved.")
	return see(out, r, devicePath(device)+"?tab="+tabSettings)
}

// overlaps are how long a replaced token may go on working.
func overlaps() []time.Duration {
	const day = 24 * time.Hour
	return []time.Duration{0, time.Hour, day, 7 * day}
}

func (w *Web) showRotate(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	device, err := w.device(r, p)
	if err != nil {
		return err
	}
	page := views.Rotate{Frame: w.frame(out, r, p, "Rotate token of "+device.Name), Name: device.Name, Action: devicePath(device) + "/rotate", Cancel: devicePath(device)}
	for _, overlap := range overlaps() {
		label := "Not any longer: it stops at once"
		if overlap > 0 {
			label = duration(overlap)
		}
		page.Overlap = append(page.Overlap, views.Option{Value: overlap.String(), Label: label, Selected: overlap == 24*time.Hour})
	}
	return w.render(out, r, http.StatusOK, views.RotatePage(page))
}

func (w *Web) rotateToken(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	device, err := w.device(r, p)
	if err != nil {
		return err
	}
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	overlap, err := time.ParseDuration(form.Get("overlap"))
	if err != nil {
		return badQuery("Choose how long the old token works.")
	}
	token, err := w.o.Tenants.RotateToken(r.Context(), w.actor(r, p), p.Tenant(), device.ID, overlap)
	if err != nil {
		return err
	}
	w.handover.put(w.slot(r, string(device.ID)), token)
	w.done(out, r, "Token rotated. The new one is shown below, only now.")
	return see(out, r, devicePath(device)+"/connect")
}
