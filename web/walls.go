package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"longwave/ingest/telemetry/freshness"
	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/views"
)

// screenReports is how often a screen says of itself that it is there, as another copy of the program hears of it. What is
// late and silent follows from it.
const screenReports = 30 * time.Second

func wallsPath(t id.Tenant) string             { return tenantPath(t) + "/walls" }
func wallOfPath(t id.Tenant, w id.Wall) string { return wallsPath(t) + "/" + string(w) }

// mountWalls adds what is about unattended screens: the address that stands open on them, and the page where people look
// after them.
func (w *Web) mountWalls(r chi.Router) {
	r.Get(wallPath, w.open(w.showWall))
	r.Post(wallPath+"/code", w.open(w.newWallCode))
	r.Get(wallPath+"/wait", w.open(w.awaitPairing))
	r.Get(wallPath+"/live", w.screenDoor(w.serveScreen))
	r.Get(wallPath+"/data", w.screenDoor(w.serveScreenWidget))
	const all, one = "/t/{tenant}/walls", "/t/{tenant}/walls/{wall}"
	r.Get(all, w.inTenant(tenants.View, w.listWalls))
	r.Post(all, w.inTenant(tenants.EditWalls, w.pairWall))
	r.Get(one, w.inTenant(tenants.EditWalls, w.showEditWall))
	r.Post(one, w.inTenant(tenants.EditWalls, w.changeWall))
	r.Post(one+"/ask", w.inTenant(tenants.EditWalls, w.askWall))
	r.Get(one+"/revoke", w.inTenant(tenants.EditWalls, w.showRevokeWall))
	r.Post(one+"/revoke", w.inTenant(tenants.EditWalls, w.revokeWall))
}

// wall is the screen that the address names; tenants.ErrNotFound when the tenant has none of that id.
func (w *Web) wall(r *http.Request, p tenants.Principal) (tenants.Wall, error) {
	wanted, err := id.Parse[id.Wall](chi.URLParam(r, "wall"))
	if err != nil {
		return tenants.Wall{}, tenants.ErrNotFound
	}
	found, ok := w.o.Tenants.State().Wall(p.Tenant(), wanted)
	if !ok {
		return tenants.Wall{}, tenants.ErrNotFound
	}
	return found, nil
}

func (w *Web) listWalls(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	return w.renderWalls(out, r, p, wallForm{Values: url.Values{"dashboard": r.URL.Query()["dashboard"]}})
}

func (w *Web) renderWalls(out http.ResponseWriter, r *http.Request, p tenants.Principal, form wallForm) error {
	t, status := p.Tenant(), http.StatusOK
	page := views.Walls{
		Frame: w.frame(out, r, p, "Walls"), Tabs: dashboardTabs(r, t), Self: wallsPath(t), CanEdit: p.May(tenants.EditWalls) == nil,
		Address: w.origin(r) + wallPath, DashboardsHref: dashboardsPath(t), Now: strconv.FormatInt(w.o.Now().UnixMilli(), 10),
	}
	page.Form = w.wallFields(t, &form)
	page.Form.Action, page.Form.Submit = wallsPath(t), "Pair screen"
	page.Form.Code = &views.Field{ID: "code", Label: "Code on the screen", Type: "text", Value: form.Get("code"), Autocomplete: "off", MaxLength: "20", Placeholder: "7F3K-92QD"}
	if len(form.problems) > 0 {
		status = http.StatusUnprocessableEntity
		page.Form.Problems = blame(form.problems, page.Form.Code, &page.Form.Name, &page.Form.Seconds, &page.Form.Zoom, &page.Form.Zone)
	}
	page.Rows, page.Warning = w.wallRows(r.Context(), p)
	if n := len(page.Rows); n > 0 {
		page.Count = count(uint64(n), "screen", "screens")
	}
	return w.render(out, r, status, views.WallsPage(page))
}

// wallRows lists the screens; without the bucket nobody knows what they said, and the page says so.
func (w *Web) wallRows(ctx context.Context, p tenants.Principal) (rows []views.WallRow, warning string) {
	st, t := w.o.Tenants.State(), p.Tenant()
	reports, err := w.o.Tenants.WallReports(ctx, t)
	if err != nil {
		w.o.Log.WarnContext(ctx, "a page comes without the reports of walls", "tenant", t, "error", err)
		warning = "What the screens last said of themselves cannot be read just now."
	}
	for _, wall := range st.Walls(t) {
		rows = append(rows, w.wallRow(st, wall, reports[wall.ID]))
	}
	return rows, warning
}

func (w *Web) wallRow(st *tenants.State, wall tenants.Wall, said tenants.WallReport) views.WallRow {
	base, now := wallOfPath(wall.Tenant, wall.ID), w.o.Now()
	row := views.WallRow{
		ID: string(wall.ID), Name: wall.Name, Shows: wallWords(st, wall), Seen: viewTime(said.At, now), Href: base, Ask: base + "/ask", Revoke: base + "/revoke",
		Version: said.Version, Paired: wall.Created.UTC().Format("2006-01-02 15:04"),
	}
	row.Seen.ID, row.Seen.Interval = "seen-"+string(wall.ID), seconds(screenReports)
	row.State = viewState(string(freshness.Of(said.At, screenReports, now)), row.Seen.ID)
	if said.Width > 0 {
		row.Size = strconv.Itoa(said.Width) + " × " + strconv.Itoa(said.Height)
	}
	if row.Version != "" && row.Version != w.o.Version {
		row.Version += ", not yet " + w.o.Version
	}
	if d, ok := st.Dashboard(wall.Tenant, said.Page); ok && len(wall.Dashboards) > 1 {
		row.Page = d.Name
	}
	return row
}

// wallWords says what a screen shows.
func wallWords(st *tenants.State, wall tenants.Wall) string {
	var names []string
	for _, d := range wall.Dashboards {
		name := "a deleted dashboard"
		if found, ok := st.Dashboard(wall.Tenant, d); ok && found.Deleted.IsZero() {
			name = found.Name
		}
		names = append(names, name)
	}
	words := strings.Join(names, ", ")
	if len(names) > 1 {
		words += ", " + strconv.Itoa(wall.Seconds) + " s each"
	}
	if len(names) > 1 && wall.PauseOnAlert {
		words += ", stops while an alert is open"
	}
	return words
}

// wallForm is what was typed about a screen, and what is wrong with it.
type wallForm struct {
	url.Values
	problems []views.Problem
}

// settings are those that a form asks for.
func (f wallForm) settings() (tenants.WallSettings, []views.Problem) {
	out := tenants.WallSettings{Name: f.Get("name"), Zone: f.Get("zone"), PauseOnAlert: f.Get("pause") != "", Light: f.Get("light") != ""}
	var problems []views.Problem
	for _, text := range f.Values["dashboard"] {
		if text != "" {
			out.Dashboards = append(out.Dashboards, known[id.Dashboard](text))
		}
	}
	for field, to := range map[string]*int{"seconds": &out.Seconds, "zoom": &out.Zoom} {
		number, err := strconv.Atoi(strings.TrimSpace(or(f.Get(field), "0")))
		if err != nil {
			problems = append(problems, views.Problem{Field: field, Text: "is not a whole number"})
		}
		*to = number
	}
	return out, problems
}

// wallFields are the fields about a screen, with what was typed.
func (w *Web) wallFields(t id.Tenant, f *wallForm) views.WallForm {
	form := views.WallForm{
		Name:    views.Field{ID: "name", Label: "Name of the screen", Type: "text", Value: f.Get("name"), MaxLength: "100", Autocomplete: "off", Help: "Where it hangs: Hall 2, north."},
		Seconds: views.Field{ID: "seconds", Label: "Seconds for each page", Type: "text", Mode: "numeric", Value: or(f.Get("seconds"), "30"), Autocomplete: "off", Help: "Of a rotation; one dashboard alone stays."},
		Zoom:    views.Field{ID: "zoom", Label: "Zoom in per cent", Type: "text", Mode: "numeric", Value: or(f.Get("zoom"), "100"), Autocomplete: "off", Help: "More for a screen that is far away."},
		Zone:    views.Field{ID: "zone", Label: "Time zone of the clock", Type: "text", Value: f.Get("zone"), Optional: true, Autocomplete: "off", Placeholder: "Europe/Berlin", Help: "The site's; empty is the screen's own."},
		Pause:   f.Get("pause") != "", Light: f.Get("light") != "",
	}
	list := w.o.Tenants.State().Dashboards(t)
	for _, d := range list {
		form.Dashboards = append(form.Dashboards, views.Option{Value: string(d.ID), Label: d.Name, Selected: slices.Contains(f.Values["dashboard"], string(d.ID))})
	}
	return form
}

func (w *Web) pairWall(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	values, err := parse(out, r)
	if err != nil {
		return err
	}
	form := wallForm{Values: values}
	settings, problems := form.settings()
	if len(problems) == 0 {
		var made tenants.Wall
		made, err = w.o.Tenants.PairWall(r.Context(), w.actor(r, p), p.Tenant(), values.Get("code"), settings)
		if err == nil {
			w.done(out, r, made.Name+" is paired. The screen shows its dashboard in a moment.")
			return see(out, r, wallsPath(p.Tenant()))
		}
	}
	if form.problems, err = wallProblems(problems, err); err != nil {
		return err
	}
	return w.renderWalls(out, r, p, form)
}

// wallProblems adds what a command found to what was wrong with the form; any other error comes back.
func wallProblems(problems []views.Problem, err error) ([]views.Problem, error) {
	if problem, ok := fault(err); ok {
		if problem.Field == "dashboards" {
			problem = standalone(problem)
			problem.Field = ""
		}
		return append(problems, problem), nil
	}
	return problems, err
}
