package web

import (
	"net/http"
	"net/url"
	"strconv"

	"longwave/tenants"
	"longwave/views"
)

func (w *Web) showEditWall(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.wall(r, p)
	if err != nil {
		return err
	}
	form := wallForm{Values: url.Values{"name": {found.Name}, "seconds": {strconv.Itoa(found.Seconds)}, "zoom": {strconv.Itoa(found.Zoom)}, "zone": {found.Zone}}}
	for _, d := range found.Dashboards {
		form.Add("dashboard", string(d))
	}
	for field, on := range map[string]bool{"pause": found.PauseOnAlert, "light": found.Light} {
		if on {
			form.Set(field, "1")
		}
	}
	return w.renderEditWall(out, r, p, found, form)
}

func (w *Web) renderEditWall(out http.ResponseWriter, r *http.Request, p tenants.Principal, found tenants.Wall, form wallForm) error {
	base := wallOfPath(p.Tenant(), found.ID)
	page := views.WallEdit{Frame: w.frame(out, r, p, found.Name), Name: found.Name, Back: wallsPath(p.Tenant()), Revoke: base + "/revoke", Form: w.wallFields(p.Tenant(), &form)}
	page.Form.Action, page.Form.Submit = base, "Save"
	status := http.StatusOK
	if len(form.problems) > 0 {
		status = http.StatusUnprocessableEntity
		page.Form.Problems = blame(form.problems, &page.Form.Name, &page.Form.Seconds, &page.Form.Zoom, &page.Form.Zone)
	}
	return w.render(out, r, status, views.WallEditPage(page))
}

func (w *Web) changeWall(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.wall(r, p)
	if err != nil {
		return err
	}
	values, err := parse(out, r)
	if err != nil {
		return err
	}
	form := wallForm{Values: values}
	settings, problems := form.settings()
	if len(problems) == 0 {
		var changed tenants.Wall
		changed, err = w.o.Tenants.ChangeWall(r.Context(), w.actor(r, p), p.Tenant(), found.ID, settings)
		if err == nil {
			w.done(out, r, changed.Name+" is saved. The screen follows at once.")
			return see(out, r, wallsPath(p.Tenant()))
		}
	}
	if form.problems, err = wallProblems(problems, err); err != nil {
		return err
	}
	return w.renderEditWall(out, r, p, found, form)
}

// askWall has a screen load its page again, or show its name.
func (w *Web) askWall(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.wall(r, p)
	if err != nil {
		return err
	}
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	what := tenants.WallRequest(form.Get("what"))
	if _, err := w.o.Tenants.AskWall(r.Context(), w.actor(r, p), p.Tenant(), found.ID, what); err != nil {
		return err
	}
	said := found.Name + " shows its name for some seconds, if it is connected."
	if what == tenants.WallReload {
		said = found.Name + " loads its page again, if it is connected."
	}
	w.done(out, r, said)
	return see(out, r, wallsPath(p.Tenant()))
}

// showRevokeWall says what revoking a screen does before it is done: it cannot be taken back.
func (w *Web) showRevokeWall(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.wall(r, p)
	if err != nil {
		return err
	}
	return w.render(out, r, http.StatusOK, views.ConfirmPage(views.Confirm{
		Frame:   w.frame(out, r, p, "Revoke "+found.Name),
		Heading: "Revoke " + found.Name, Action: wallOfPath(p.Tenant(), found.ID) + "/revoke", Submit: "Revoke screen",
		Cancel: wallsPath(p.Tenant()), Back: "Walls",
		Lines: []string{
			"The screen shows nothing of this tenant any more from that moment on. It says so, and shows a code with which it can be paired again.",
			"It was paired on " + found.Created.UTC().Format("2 January 2006") + " and shows: " + wallWords(w.o.Tenants.State(), found) + ".",
		},
	}))
}

func (w *Web) revokeWall(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.wall(r, p)
	if err != nil {
		return err
	}
	if err := w.o.Tenants.RevokeWall(r.Context(), w.actor(r, p), p.Tenant(), found.ID); err != nil {
		return err
	}
	w.done(out, r, found.Name+" is revoked.")
	return see(out, r, wallsPath(p.Tenant()))
}
