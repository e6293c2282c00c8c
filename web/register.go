package web

import (
	"net/http"
	"net/url"

	"longwave/tenants"
	"longwave/views"
)

func (w *Web) showRegister(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	return w.renderRegister(out, r, p, registerForm(url.Values{}))
}

func registerForm(form url.Values) views.Register {
	return views.Register{
		Name:     views.Field{ID: "name", Label: "Name", Type: "text", Value: form.Get("name"), Focus: true, MaxLength: "100", Autocomplete: "off", Help: "What people call it: pump-7, say."},
		Interval: views.Field{ID: "interval", Label: "Expected interval", Type: "text", Value: form.Get("interval"), Optional: true, Autocomplete: "off", Help: "How often it sends: 10 s, 5 min or 1 h. Left empty, it is learned. A device that misses three is late, ten is silent."},
		Site:     views.Field{ID: "site", Label: "Site", Type: "text", Value: form.Get("site"), Optional: true, Autocomplete: "off", MaxLength: "200", Help: "Where it is, from the widest to the narrowest: plant-2/line-4."},
		Profile:  views.Field{ID: "profile", Label: "Profile", Type: "text", Value: form.Get("profile"), Optional: true, Autocomplete: "off", MaxLength: "100", Help: "What kind of device it is: pump, say. Rules can ask for it."},
		Labels:   views.Field{ID: "labels", Label: "Labels", Type: "text", Value: form.Get("labels"), Optional: true, Autocomplete: "off", Help: "To search by, as name=text with commas between: site=plant-2, line=4."},
	}
}

func (w *Web) renderRegister(out http.ResponseWriter, r *http.Request, p tenants.Principal, page views.Register) error {
	status := http.StatusOK
	if len(page.Problems) > 0 {
		status = http.StatusUnprocessableEntity
		page.Problems = blame(page.Problems, &page.Name, &page.Interval, &page.Site, &page.Profile, &page.Labels)
	}
	tenant := p.Tenant()
	page.Frame = w.frame(out, r, p, "Register device")
	page.Action, page.Cancel = devicesPath(tenant), devicesPath(tenant)
	return w.render(out, r, status, views.RegisterPage(page))
}

// registerDevice makes the device and leads to the page that shows its token once.
func (w *Web) registerDevice(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	page := registerForm(form)
	wanted, problems := newDevice(form)
	if len(problems) > 0 {
		page.Problems = problems
		return w.renderRegister(out, r, p, page)
	}
	device, token, err := w.o.Tenants.CreateDevice(r.Context(), w.actor(r, p), p.Tenant(), wanted)
	if problem, ok := fault(err); ok {
		page.Problems = []views.Problem{problem}
		return w.renderRegister(out, r, p, page)
	}
	if err != nil {
		return err
	}
	w.handover.put(w.slot(r, string(device.ID)), token)
	return see(out, r, devicePath(device)+"/connect")
}

// newDevice reads the form; everything that is wrong with it is told at once.
func newDevice(form url.Values) (tenants.NewDevice, []views.Problem) {
	var problems []views.Problem
	interval, err := parseInterval(form.Get("interval"))
	if err != nil {
		problems = append(problems, views.Problem{Field: "interval", Text: err.Error()})
	}
	labels, err := parseLabels(form.Get("labels"))
	if err != nil {
		problems = append(problems, views.Problem{Field: "labels", Text: err.Error()})
	}
	return tenants.NewDevice{Name: form.Get("name"), Interval: interval, Labels: labels, Site: form.Get("site"), Profile: form.Get("profile")}, problems
}

// slot is where a secret waits for the page after the redirect, for this session only.
func (w *Web) slot(r *http.Request, of string) slot {
	return slot{session: w.sessionToken(r), of: of}
}
