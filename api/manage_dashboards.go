package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"longwave/tenants"
	"longwave/tenants/dashboard"
	"longwave/tenants/id"
	"longwave/web/handler"
)

// DashboardBody is a dashboard as scripts see it.
type DashboardBody struct {
	DashboardHead
	Document dashboard.Document `json:"document"`
}

// DashboardHead is what is known of a dashboard without what is on it.
type DashboardHead struct {
	ID      string    `json:"id" example:"b-7k3m9c2p5v8x1z4b"`
	Name    string    `json:"name" example:"Plant 2"`
	Version int       `json:"version" doc:"Counts from 1" example:"3"`
	Saved   time.Time `json:"saved" doc:"When this version was saved"`
	Widgets int       `json:"widgets" doc:"How many there are" example:"12"`
}

// DashboardPath is the part of an address that names a dashboard.
type DashboardPath struct {
	Dashboard string `path:"dashboard" doc:"Id of the dashboard" example:"b-7k3m9c2p5v8x1z4b"`
}

// DashboardMatch is the precondition of a change: nothing is changed when somebody else has saved meanwhile.
type DashboardMatch struct {
	IfMatch string `header:"If-Match" doc:"The ETag that was read; the change is refused with 412 when another version is there by now. Without it, whatever is there is replaced" example:"\"3\""`
}

type (
	listDashboardsIn  struct{ call }
	listDashboardsOut struct {
		Body struct {
			Items []DashboardHead `json:"items"`
		}
	}
	newDashboardIn struct {
		call
		Body struct {
			Name     string             `json:"name" doc:"1 to 100 characters" example:"Plant 2"`
			Document dashboard.Document `json:"document,omitzero" doc:"Empty when missing"`
		}
	}
	putDashboardIn struct {
		call
		DashboardPath
		DashboardMatch
		Body struct {
			Name     string             `json:"name,omitempty" doc:"As it is when missing" example:"Plant 2"`
			Document dashboard.Document `json:"document"`
		}
	}
	oneDashboardIn struct {
		call
		DashboardPath
	}
	oneDashboardOut struct {
		ETag string `header:"ETag"`
		Body DashboardBody
	}
	madeDashboardOut struct {
		Location string `header:"Location"`
		ETag     string `header:"ETag"`
		Body     DashboardBody
	}
	dashboardVersionsOut struct {
		Body struct {
			Items []DashboardHead `json:"items" doc:"The newest first; the last twenty are kept"`
		}
	}
	restoreDashboardIn struct {
		call
		DashboardPath
		Body struct {
			Version int `json:"version" doc:"One of those that are kept" minimum:"1" example:"2"`
		}
	}
)

func (m *management) mountDashboards() {
	const all, one = "/dashboards", "/dashboards/{dashboard}"
	register(m, describe(http.MethodGet, all, "list-dashboards", "List dashboards by name", tenants.View), m.listDashboards)
	made := describe(http.MethodPost, all, "create-dashboard", "Create a dashboard", tenants.EditDashboards)
	made.DefaultStatus = http.StatusCreated
	register(m, made, m.createDashboard)
	register(m, describe(http.MethodGet, one, "get-dashboard", "Look at a dashboard", tenants.View), m.getDashboard)
	register(m, m.refusable(describe(http.MethodPut, one, "save-dashboard", "Save the next version of a dashboard", tenants.EditDashboards)), m.putDashboard)
	register(m, describe(http.MethodDelete, one, "delete-dashboard", "Delete a dashboard", tenants.EditDashboards), m.deleteDashboard)
	register(m, describe(http.MethodGet, one+"/versions", "dashboard-versions", "What a dashboard was saved as", tenants.View), m.dashboardVersions)
	register(m, describe(http.MethodPost, one+"/restore", "restore-dashboard", "Make an older version the newest again", tenants.EditDashboards), m.restoreDashboard)
	m.mountDashboardFiles()
}

// refusable documents the answer to a precondition that does not hold.
func (m *management) refusable(op operation) operation {
	op.Responses = map[string]*huma.Response{}
	addProblems(m.huma.OpenAPI(), &op.Operation, http.StatusPreconditionFailed)
	return op
}

// exampleDashboards puts examples to the parts of a document, whose types belong to another package.
func exampleDashboards(description *huma.OpenAPI) {
	selection := map[string]any{"site": "plant-2", "labels": map[string]string{"line": "4"}}
	widget := map[string]any{"id": "w1", "kind": "line", "title": "Temperature", "at": map[string]int{"x": 0, "y": 0, "w": 6, "h": 8}, "select": selection, "metrics": []any{map[string]any{"name": "temp"}}}
	for name, example := range map[string]any{
		"Document": map[string]any{"range": "24h", "widgets": []any{widget}}, "Widget": widget, "Selection": selection,
		"Variable": map[string]any{"name": "site", "of": "site"}, "Place": map[string]int{"x": 0, "y": 0, "w": 6, "h": 8}, "Metric": map[string]any{"name": "temp"},
		"Threshold": map[string]any{"from": 80, "level": "critical", "word": "Hot"}, "Spot": map[string]any{"x": 42.5, "y": 60, "metric": "temp"},
	} {
		description.Components.Schemas.Map()[name].Examples = []any{example}
	}
}

// dashboardOf finds a dashboard of the visitor's tenant, with the same error for a foreign one, a missing one, a deleted one,
// and text that is no id.
func (m *management) dashboardOf(who visitor, text string) (tenants.Dashboard, error) {
	if d, err := id.Parse[id.Dashboard](text); err == nil {
		if found, ok := m.api.tenants.State().Dashboard(who.tenant, d); ok && found.Deleted.IsZero() {
			return found, nil
		}
	}
	return tenants.Dashboard{}, fmt.Errorf("dashboard: %w", tenants.ErrNotFound)
}

func dashboardHead(d *tenants.Dashboard, v tenants.DashboardVersion) DashboardHead {
	return DashboardHead{ID: string(d.ID), Name: d.Name, Version: v.Number, Saved: v.At, Widgets: len(v.Document.Widgets)}
}

// etag is the newest version of a dashboard as a precondition names it.
func etag(d *tenants.Dashboard) string { return `"` + strconv.Itoa(d.Current().Number) + `"` }

// oneDashboard is the answer about a dashboard, also after it was changed.
func oneDashboard(d tenants.Dashboard, err error) (*oneDashboardOut, error) {
	if err != nil {
		return nil, err
	}
	current := d.Current()
	return &oneDashboardOut{ETag: etag(&d), Body: DashboardBody{DashboardHead: dashboardHead(&d, current), Document: current.Document}}, nil
}

// base is the version that a precondition names; 0 when there is none. It fails for what is no ETag of a dashboard.
func (in DashboardMatch) base() (int, error) {
	if in.IfMatch == "" || in.IfMatch == "*" {
		return 0, nil
	}
	number, err := strconv.Atoi(strings.Trim(in.IfMatch, `"`))
	if err != nil || number < 1 {
		return 0, badParameter("If-Match", `want the ETag of a dashboard, "3" say, or *`)
	}
	return number, nil
}

// saveDashboard saves under a precondition.
func (m *management) saveDashboard(ctx context.Context, who visitor, match DashboardMatch, want tenants.SaveDashboard) (tenants.Dashboard, error) {
	base, err := match.base()
	if err != nil {
		return tenants.Dashboard{}, err
	}
	want.Base = base
	saved, err := m.api.tenants.SaveDashboard(ctx, who.actor, who.tenant, want)
	if errors.Is(err, tenants.ErrConflict) && base > 0 {
		return saved, handler.Problem{
			Status: http.StatusPreconditionFailed, Code: "version_changed", Title: "Another version is there",
			Detail: "The dashboard was saved since version " + strconv.Itoa(base) + ", so nothing was changed. Read it again and make your change there.",
		}.Because(err)
	}
	return saved, err
}

func (m *management) listDashboards(_ context.Context, who visitor, _ *listDashboardsIn) (*listDashboardsOut, error) {
	out := &listDashboardsOut{}
	out.Body.Items = []DashboardHead{}
	for _, d := range m.api.tenants.State().Dashboards(who.tenant) {
		out.Body.Items = append(out.Body.Items, dashboardHead(&d, d.Current()))
	}
	return out, nil
}

func (m *management) createDashboard(ctx context.Context, who visitor, in *newDashboardIn) (*madeDashboardOut, error) {
	return madeDashboard(m.saveDashboard(ctx, who, DashboardMatch{}, tenants.SaveDashboard{Name: in.Body.Name, Document: in.Body.Document}))
}

func madeDashboard(d tenants.Dashboard, err error) (*madeDashboardOut, error) {
	one, err := oneDashboard(d, err)
	if err != nil {
		return nil, err
	}
	return &madeDashboardOut{Location: managePrefix + "/dashboards/" + one.Body.ID, ETag: one.ETag, Body: one.Body}, nil
}

func (m *management) getDashboard(_ context.Context, who visitor, in *oneDashboardIn) (*oneDashboardOut, error) {
	return oneDashboard(m.dashboardOf(who, in.Dashboard))
}

func (m *management) putDashboard(ctx context.Context, who visitor, in *putDashboardIn) (*oneDashboardOut, error) {
	d, err := m.dashboardOf(who, in.Dashboard)
	if err != nil {
		return nil, err
	}
	return oneDashboard(m.saveDashboard(ctx, who, in.DashboardMatch, tenants.SaveDashboard{ID: d.ID, Name: in.Body.Name, Document: in.Body.Document}))
}

func (m *management) deleteDashboard(ctx context.Context, who visitor, in *oneDashboardIn) (*struct{}, error) {
	d, err := m.dashboardOf(who, in.Dashboard)
	if err == nil {
		err = m.api.tenants.DeleteDashboard(ctx, who.actor, who.tenant, d.ID)
	}
	return nil, err // without an answer huma says 204
}

func (m *management) dashboardVersions(_ context.Context, who visitor, in *oneDashboardIn) (*dashboardVersionsOut, error) {
	d, err := m.dashboardOf(who, in.Dashboard)
	if err != nil {
		return nil, err
	}
	out := &dashboardVersionsOut{}
	for _, v := range d.Versions {
		out.Body.Items = append(out.Body.Items, dashboardHead(&d, v))
	}
	return out, nil
}

func (m *management) restoreDashboard(ctx context.Context, who visitor, in *restoreDashboardIn) (*oneDashboardOut, error) {
	d, err := m.dashboardOf(who, in.Dashboard)
	if err != nil {
		return nil, err
	}
	return oneDashboard(m.api.tenants.RestoreDashboard(ctx, who.actor, who.tenant, d.ID, in.Body.Version))
}
