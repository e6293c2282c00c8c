package web

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/go-chi/chi/v5"

	"longwave/tenants"
	"longwave/tenants/dashboard"
	"longwave/tenants/id"
	"longwave/views"
)

func dashboardsPath(t id.Tenant) string { return tenantPath(t) + "/dashboards" }
func dashboardPath(t id.Tenant, d id.Dashboard) string {
	return dashboardsPath(t) + "/" + string(d)
}

// mountDashboards adds what is about dashboards.
func (w *Web) mountDashboards(r chi.Router) {
	const all, one = "/t/{tenant}/dashboards", "/t/{tenant}/dashboards/{dashboard}"
	r.Get(all, w.inTenant(tenants.View, w.listDashboards))
	r.Post(all, w.inTenant(tenants.EditDashboards, w.createDashboard))
	r.Post(all+"/import", w.inTenant(tenants.EditDashboards, w.importDashboard))
	r.Post(all+"/pictures", w.inTenant(tenants.EditDashboards, w.addPicture))
	r.Get(all+"/pictures/{picture}", w.inTenant(tenants.View, w.servePicture))
	r.Post(all+"/pin", w.inTenant(tenants.EditDashboards, w.pinChart))
	r.Get(all+"/names", w.inTenant(tenants.View, w.serveNames))
	r.Post(all+"/draft", w.inTenant(tenants.View, w.serveDraft))
	r.Get(one, w.inTenant(tenants.View, w.showDashboard))
	r.Post(one, w.inTenant(tenants.EditDashboards, w.saveDashboard))
	r.Get(one+"/data", w.inTenant(tenants.View, w.serveWidget))
	r.Get(one+"/matches", w.inTenant(tenants.View, w.serveMatches))
	r.Get(one+"/export", w.inTenant(tenants.View, w.exportDashboard))
	r.Get(one+"/versions", w.inTenant(tenants.View, w.showVersions))
	r.Post(one+"/restore", w.inTenant(tenants.EditDashboards, w.restoreDashboard))
	r.Post(one+"/rename", w.inTenant(tenants.EditDashboards, w.renameDashboard))
	r.Post(one+"/delete", w.inTenant(tenants.EditDashboards, w.deleteDashboard))
	r.Post(one+"/undelete", w.inTenant(tenants.EditDashboards, w.undeleteDashboard))
}

func (w *Web) listDashboards(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	return w.renderDashboards(out, r, p, nil)
}

func (w *Web) renderDashboards(out http.ResponseWriter, r *http.Request, p tenants.Principal, problems []views.Problem) error {
	st, t := w.o.Tenants.State(), p.Tenant()
	list := st.Dashboards(t)
	page := views.Dashboards{
		Frame: w.frame(out, r, p, "Dashboards"), Tabs: dashboardTabs(r, t), Action: dashboardsPath(t), ImportAction: dashboardsPath(t) + "/import",
		CanEdit: p.May(tenants.EditDashboards) == nil, Problems: problems, HasDevices: st.DeviceCount(t) > 0, DevicesHref: devicesPath(t),
	}
	if len(list) > 0 {
		page.Count = count(uint64(len(list)), "dashboard", "dashboards")
	}
	for _, d := range list {
		current := d.Current()
		page.Rows = append(page.Rows, views.DashboardRow{
			Name: d.Name, Href: dashboardPath(t, d.ID), Widgets: count(uint64(len(current.Document.Widgets)), "widget", "widgets"),
			Version: strconv.Itoa(current.Number), Changed: viewTime(current.At, w.o.Now()), By: w.authorName(current.By),
			RenameAction: dashboardPath(t, d.ID) + "/rename", DeleteAction: dashboardPath(t, d.ID) + "/delete",
		})
	}
	if page.CanEdit {
		page.Pin = w.pinnable(t, r.URL.Query())
	}
	page.From = w.beginnings(st, t, r.URL.Query().Get("from"))
	status := http.StatusOK
	if len(problems) > 0 {
		status = http.StatusUnprocessableEntity
	}
	return w.render(out, r, status, views.DashboardsPage(page))
}

// dashboardTabs lead to what is looked at: dashboards, and the screens that show them.
func dashboardTabs(r *http.Request, t id.Tenant) []views.Link {
	return []views.Link{
		{Label: "Dashboards", Href: dashboardsPath(t), Current: below(r.URL.Path, dashboardsPath(t))},
		{Label: "Walls", Href: wallsPath(t), Current: below(r.URL.Path, wallsPath(t))},
	}
}

// standalone is a problem that stands alone.
func standalone(p views.Problem) views.Problem {
	if p.Field != "" {
		p.Text = capital(p.Field + " " + p.Text + ".")
	}
	return p
}

// authorName is who did something, as a page says it.
func (w *Web) authorName(a tenants.Actor) string {
	st := w.o.Tenants.State()
	if person, ok := st.Person(a.Person); ok {
		return person.Name
	}
	switch {
	case a.Key != "":
		return "an API key"
	case a.System != "":
		return "Longwave"
	}
	return "somebody"
}

func (w *Web) createDashboard(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	document, err := w.propose(r.Context(), p.Tenant(), form.Get("from"))
	if err != nil {
		return err
	}
	saved, err := w.o.Tenants.SaveDashboard(r.Context(), w.actor(r, p), p.Tenant(), tenants.SaveDashboard{Name: form.Get("name"), Document: document})
	if problem, ok := fault(err); ok {
		return w.renderDashboards(out, r, p, []views.Problem{standalone(problem)})
	}
	if err != nil {
		return err
	}
	path := dashboardPath(p.Tenant(), saved.ID)
	if len(document.Widgets) == 0 {
		path += "?edit=1"
	}
	return see(out, r, path)
}

// importDashboard reads a file or pasted text. One with the id of a dashboard that is there becomes its next version.
func (w *Web) importDashboard(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	r.Body = http.MaxBytesReader(out, r.Body, 4*dashboard.MaxBytes)
	text := r.FormValue("yaml")
	if file, _, err := r.FormFile("file"); err == nil {
		data, err := io.ReadAll(file)
		if err != nil {
			return err
		}
		if len(data) > 0 {
			text = string(data)
		}
	}
	found, err := dashboard.Import([]byte(text))
	if err == nil {
		var saved tenants.Dashboard
		saved, err = w.o.Tenants.SaveDashboard(r.Context(), w.actor(r, p), p.Tenant(), tenants.SaveDashboard{ID: found.ID, Name: found.Name, Document: found.Document})
		if err == nil {
			w.done(out, r, saved.Name+" imported as version "+strconv.Itoa(saved.Current().Number)+".")
			return see(out, r, dashboardPath(p.Tenant(), saved.ID))
		}
	}
	var wrong *dashboard.InvalidError
	if errors.As(err, &wrong) {
		return w.renderDashboards(out, r, p, []views.Problem{{Field: "yaml", Text: capital(wrong.Error()) + "."}})
	}
	if problem, ok := fault(err); ok {
		problem = standalone(problem)
		problem.Field = "yaml"
		return w.renderDashboards(out, r, p, []views.Problem{problem})
	}
	return err
}

// dashboard is the one that the address names; tenants.ErrNotFound when the tenant has none of that id.
func (w *Web) dashboard(r *http.Request, p tenants.Principal) (tenants.Dashboard, error) {
	return w.dashboardOf(p.Tenant(), chi.URLParam(r, "dashboard"))
}

func (w *Web) dashboardOf(t id.Tenant, name string) (tenants.Dashboard, error) {
	wanted, err := id.Parse[id.Dashboard](name)
	if err != nil {
		return tenants.Dashboard{}, tenants.ErrNotFound
	}
	found, ok := w.o.Tenants.State().Dashboard(t, wanted)
	if !ok || !found.Deleted.IsZero() {
		return tenants.Dashboard{}, tenants.ErrNotFound
	}
	return found, nil
}

func (w *Web) renameDashboard(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.dashboard(r, p)
	if err != nil {
		return err
	}
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	_, err = w.o.Tenants.RenameDashboard(r.Context(), w.actor(r, p), p.Tenant(), found.ID, form.Get("name"))
	if problem, ok := fault(err); ok {
		return w.renderDashboards(out, r, p, []views.Problem{{Text: standalone(problem).Text}})
	}
	if err != nil {
		return err
	}
	w.done(out, r, found.Name+" renamed to "+strings.TrimSpace(form.Get("name"))+".")
	return see(out, r, dashboardsPath(p.Tenant()))
}

func (w *Web) deleteDashboard(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.dashboard(r, p)
	if err != nil {
		return err
	}
	if err := w.o.Tenants.DeleteDashboard(r.Context(), w.actor(r, p), p.Tenant(), found.ID); err != nil {
		return err
	}
	w.undoable(out, r, found.Name+" deleted.", dashboardPath(p.Tenant(), found.ID)+"/undelete")
	return see(out, r, dashboardsPath(p.Tenant()))
}

func (w *Web) undeleteDashboard(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	wanted, err := id.Parse[id.Dashboard](chi.URLParam(r, "dashboard"))
	if err != nil {
		return tenants.ErrNotFound
	}
	back, err := w.o.Tenants.UndeleteDashboard(r.Context(), w.actor(r, p), p.Tenant(), wanted)
	if err != nil {
		return err
	}
	w.done(out, r, back.Name+" is back.")
	return see(out, r, dashboardPath(p.Tenant(), back.ID))
}
