package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"longwave/tenants"
	"longwave/views"
)

func (w *Web) settings(ctx context.Context, v deviceView) *views.Settings {
	d := v.device
	page := settingsForm(v)
	page.Action, page.UnitAction = devicePath(d)+"/change", devicePath(d)+"/units"
	page.Facts = []views.Fact{
		{Name: "Registered", Value: d.Created.UTC().Format("2006-01-02 15:04 MST")},
	}
	for _, t := range d.Tokens {
		page.Tokens = append(page.Tokens, views.TokenRow{ID: t.Prefix() + "…", Created: t.Created.UTC().Format("2006-01-02 15:04"), Expires: expiry(t.Expires)})
	}
	w.fillCertificates(page, v)
	latest, err := w.o.Readings(d.Tenant).Latest(ctx, d.ID)
	if err != nil {
		w.o.Log.WarnContext(ctx, "a page comes without metrics", "tenant", d.Tenant, "device", d.ID, "error", err)
	}
	for i, l := range latest {
		page.Units = append(page.Units, views.UnitRow{ID: "unit-" + strconv.Itoa(i), Metric: l.Metric, Unit: w.o.Tenants.State().Unit(d.Tenant, l.Metric)})
	}
	return page
}

// settingsForm is the form of what an editor may change: as it is, or as it was typed when that was refused.
func settingsForm(v deviceView) *views.Settings {
	form := v.form
	if form == nil {
		form = url.Values{"name": {v.device.Name}, "labels": {strings.Join(labelTexts(v.device.Labels), ", ")},
			"site": {v.device.Site}, "profile": {v.device.Profile}}
		if v.device.Interval > 0 {
			form.Set("interval", intervalInput(v.device.Interval))
		}
	}
	fields := registerForm(form)
	fields.Name.Focus, fields.Name.Help = false, ""
	problems := blame(v.problems, &fields.Name, &fields.Interval, &fields.Site, &fields.Profile, &fields.Labels)
	return &views.Settings{Problems: problems, Name: fields.Name, Interval: fields.Interval, Site: fields.Site, Profile: fields.Profile, Labels: fields.Labels}
}

func expiry(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// intervalInput writes an interval so that reading it again gives the same.
func intervalInput(d time.Duration) string {
	switch {
	case d%time.Hour == 0:
		return strconv.FormatInt(int64(d/time.Hour), 10) + " h"
	case d%time.Minute == 0:
		return strconv.FormatInt(int64(d/time.Minute), 10) + " min"
	}
	return seconds(d) + " s"
}

// changeDevice takes the whole form or nothing of it.
func (w *Web) changeDevice(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	device, err := w.device(r, p)
	if err != nil {
		return err
	}
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	refused := deviceView{device: device, tab: tabSettings, form: form}
	wanted, problems := newDevice(form)
	if len(problems) > 0 {
		refused.problems = problems
		return w.renderDevice(out, r, p, refused)
	}
	change := tenants.DeviceChange{Name: &wanted.Name, Labels: &wanted.Labels, Interval: &wanted.Interval, Site: &wanted.Site, Profile: &wanted.Profile}
	changed, err := w.o.Tenants.ChangeDevice(r.Context(), w.actor(r, p), p.Tenant(), device.ID, change)
	if problem, ok := fault(err); ok {
		refused.problems = []views.Problem{problem}
		return w.renderDevice(out, r, p, refused)
	}
	if err != nil {
		return err
	}
	w.done(out, r, changed.Name+" saved.")
	return see(out, r, devicePath(changed)+"?tab="+tabSettings)
}

func (w *Web) disableDevice(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	device, err := w.device(r, p)
	if err != nil {
		return err
	}
	if _, err := w.o.Tenants.DisableDevice(r.Context(), w.actor(r, p), p.Tenant(), device.ID); err != nil {
		return err
	}
	w.undoable(out, r, "Disabled. Its packets are refused with 403 until it is enabled again.", devicePath(device)+"/enable")
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
	w.undoable(out, r, "Enabled. Its packets are accepted again.", devicePath(device)+"/disable")
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
