package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"longwave/tenants"
	"longwave/tenants/dashboard"
	"longwave/views"
)

// variablePrefix stands before the name of a variable in addresses.
const variablePrefix = "var."

// chosenValues are the values of variables in an address.
func chosenValues(query url.Values) map[string]string {
	chosen := map[string]string{}
	for name := range query {
		if len(name) > len(variablePrefix) && name[:len(variablePrefix)] == variablePrefix {
			chosen[name[len(variablePrefix):]] = query.Get(name)
		}
	}
	return chosen
}

func (w *Web) showDashboard(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.dashboard(r, p)
	if err != nil {
		return err
	}
	base, current := dashboardPath(p.Tenant(), found.ID), found.Current()
	encoded, err := json.Marshal(current.Document)
	if err != nil {
		return fmt.Errorf("dashboard: %w", err)
	}
	page := views.Dashboard{
		Frame: w.frame(out, r, p, found.Name), ID: string(found.ID), Name: found.Name, Base: base, ListHref: dashboardsPath(p.Tenant()),
		ExportHref: base + "/export", ReadingsHref: exportPath(p.Tenant()), VersionsHref: base + "/versions", NamesHref: dashboardsPath(p.Tenant()) + "/names",
		DraftHref: dashboardsPath(p.Tenant()) + "/draft", DevicesHref: devicesPath(p.Tenant()),
		PicturesHref: dashboardsPath(p.Tenant()) + "/pictures",
		Document:     string(encoded), Version: strconv.Itoa(current.Number), CanEdit: p.May(tenants.EditDashboards) == nil,
		Saved: viewTime(current.At, w.o.Now()), SavedBy: w.authorName(current.By), Now: strconv.FormatInt(w.o.Now().UnixMilli(), 10),
		Compare: r.URL.Query().Get("compare") == "1",
	}
	page.Zones = w.zones(p.Tenant(), r.URL.Query().Get("zone"))
	values := current.Document.Values(chosenValues(r.URL.Query()))
	for _, v := range current.Document.Variables {
		page.Variables = append(page.Variables, w.variable(p, v, values[v.Name]))
	}
	chosen := rangeOf(current.Document.Range)
	if key := r.URL.Query().Get("range"); key != "" {
		chosen = rangeOf(key)
	}
	page.Range = chosen.key
	for _, s := range spans() {
		page.Ranges = append(page.Ranges, views.Link{Key: s.key, Label: s.label, Href: base + "?range=" + s.key, Current: s.key == chosen.key})
	}
	return w.render(out, r, http.StatusOK, views.DashboardPage(page))
}

// variable is the choice of one variable above the page.
func (w *Web) variable(p tenants.Principal, v dashboard.Variable, value string) views.Variable {
	out := views.Variable{ID: "var-" + v.Name, Name: variablePrefix + v.Name, Label: capital(v.Name)}
	options := w.known(p.Tenant()).options(v)
	out.Options = append(out.Options, views.Option{Value: "", Label: "All", Selected: value == ""})
	there := value == ""
	for _, o := range options {
		o.Selected = o.Value == value
		there = there || o.Selected
		out.Options = append(out.Options, o)
	}
	if !there {
		out.Options = append(out.Options, views.Option{Value: value, Label: value + " (not there)", Selected: true})
	}
	return out
}

// maxDocument bounds what a save sends: the document and a few words around it.
const maxDocument = dashboard.MaxBytes + 4096

// saveDashboard takes what the editor sends and answers in JSON: {"version":3}, or {"field":"…","detail":"…"} with 422 or 409.
func (w *Web) saveDashboard(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.dashboard(r, p)
	if err != nil {
		return err
	}
	var in struct {
		Base     int                `json:"base"`
		Document dashboard.Document `json:"document"`
	}
	decoder := json.NewDecoder(http.MaxBytesReader(out, r.Body, maxDocument))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&in); err != nil {
		return answerJSON(out, http.StatusUnprocessableEntity, saveProblem{Detail: "The dashboard could not be read, or is larger than 64 kB."})
	}
	saved, err := w.o.Tenants.SaveDashboard(r.Context(), w.actor(r, p), p.Tenant(), tenants.SaveDashboard{ID: found.ID, Base: max(in.Base, 1), Document: in.Document})
	var wrong *tenants.InvalidError
	switch {
	case errors.Is(err, tenants.ErrConflict):
		return answerJSON(out, http.StatusConflict, saveProblem{Detail: "Somebody else has saved this dashboard since you began. Copy what you need, reload the page and change it there."})
	case errors.As(err, &wrong):
		return answerJSON(out, http.StatusUnprocessableEntity, saveProblem{Field: wrong.Field, Detail: capital(wrong.Field + " " + wrong.Detail + ".")})
	case err != nil:
		return err
	}
	return answerJSON(out, http.StatusOK, map[string]int{"version": saved.Current().Number})
}

type saveProblem struct {
	Field  string `json:"field,omitempty"`
	Detail string `json:"detail"`
}

func answerJSON(out http.ResponseWriter, status int, value any) error {
	encoded, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	out.Header().Set("Content-Type", "application/json")
	out.Header().Set("Cache-Control", "private, no-store")
	out.WriteHeader(status)
	_, err = out.Write(encoded)
	return err
}

func (w *Web) exportDashboard(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.dashboard(r, p)
	if err != nil {
		return err
	}
	data, err := dashboard.Export(dashboard.File{ID: found.ID, Name: found.Name, Document: found.Current().Document})
	if err != nil {
		return err
	}
	out.Header().Set("Content-Type", "application/yaml; charset=utf-8")
	out.Header().Set("Content-Disposition", `attachment; filename="`+fileName(found.Name)+`.yaml"`)
	_, err = out.Write(data)
	return err
}

// showVersions tells who saved a dashboard and when, and lets an editor go back.
func (w *Web) showVersions(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.dashboard(r, p)
	if err != nil {
		return err
	}
	base := dashboardPath(p.Tenant(), found.ID)
	page := views.DashboardVersions{Frame: w.frame(out, r, p, "Versions of "+found.Name), Name: found.Name, Href: base, ListHref: dashboardsPath(p.Tenant()),
		RestoreAction: base + "/restore", CanEdit: p.May(tenants.EditDashboards) == nil}
	page.Past = w.pastOf(p, string(found.ID))
	for i, v := range found.Versions {
		page.Rows = append(page.Rows, views.DashboardVersion{
			Number: strconv.Itoa(v.Number), Current: i == 0, At: viewTime(v.At, w.o.Now()), By: w.authorName(v.By),
			Widgets: count(uint64(len(v.Document.Widgets)), "widget", "widgets"),
		})
	}
	return w.render(out, r, http.StatusOK, views.DashboardVersionsPage(page))
}

func (w *Web) restoreDashboard(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.dashboard(r, p)
	if err != nil {
		return err
	}
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	number, err := strconv.Atoi(form.Get("version"))
	if err != nil {
		return tenants.ErrNotFound
	}
	back, err := w.o.Tenants.RestoreDashboard(r.Context(), w.actor(r, p), p.Tenant(), found.ID, number)
	if err != nil {
		return err
	}
	w.done(out, r, "Version "+strconv.Itoa(number)+" is back, as version "+strconv.Itoa(back.Current().Number)+".")
	return see(out, r, dashboardPath(p.Tenant(), found.ID))
}
