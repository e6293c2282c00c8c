package api

import (
	"context"
	"errors"
	"net/http"

	"longwave/tenants"
	"longwave/tenants/dashboard"
)

// yamlType is what a dashboard is written as to be kept in a file.
const yamlType = "application/yaml"

type (
	dashboardFileOut struct {
		ContentType string `header:"Content-Type"`
		ETag        string `header:"ETag"`
		Body        []byte
	}
	putDashboardFileIn struct {
		call
		DashboardPath
		DashboardMatch
		RawBody []byte `contentType:"application/yaml"`
	}
	importDashboardIn struct {
		call
		RawBody []byte `contentType:"application/yaml"`
	}
)

// mountDashboardFiles adds dashboards as files: what the page exports and imports.
func (m *management) mountDashboardFiles() {
	const file = "/dashboards/{dashboard}/file"
	get := describe(http.MethodGet, file, "export-dashboard", "A dashboard as a file", tenants.View)
	register(m, get, m.exportDashboard)
	put := m.refusable(describe(http.MethodPut, file, "save-dashboard-file", "Save the next version of a dashboard from a file", tenants.EditDashboards))
	put.Description = "A file that names the id of another dashboard is refused."
	register(m, put, m.putDashboardFile)
	take := describe(http.MethodPost, "/dashboards/import", "import-dashboard", "Create a dashboard from a file", tenants.EditDashboards)
	take.Description = "The dashboard gets the id that the file names, or a new one. Where that id is there already the file becomes its next version."
	take.DefaultStatus = http.StatusCreated
	register(m, take, m.importDashboard)
	paths := m.huma.OpenAPI().Paths
	media := paths[managePrefix+file].Get.Responses["200"].Content
	delete(media, "application/json")
	media[yamlType] = paths[managePrefix+file].Put.RequestBody.Content[yamlType]
}

func (m *management) exportDashboard(_ context.Context, who visitor, in *oneDashboardIn) (*dashboardFileOut, error) {
	d, err := m.dashboardOf(who, in.Dashboard)
	if err != nil {
		return nil, err
	}
	data, err := dashboard.Export(dashboard.File{ID: d.ID, Name: d.Name, Document: d.Current().Document})
	if err != nil {
		return nil, err
	}
	return &dashboardFileOut{ContentType: yamlType, ETag: etag(&d), Body: data}, nil
}

func (m *management) putDashboardFile(ctx context.Context, who visitor, in *putDashboardFileIn) (*oneDashboardOut, error) {
	d, err := m.dashboardOf(who, in.Dashboard)
	if err != nil {
		return nil, err
	}
	file, err := readFile(in.RawBody)
	if err != nil {
		return nil, err
	}
	if file.ID != "" && file.ID != d.ID {
		return nil, &tenants.InvalidError{Field: "id", Detail: "is that of another dashboard"}
	}
	return oneDashboard(m.saveDashboard(ctx, who, in.DashboardMatch, tenants.SaveDashboard{ID: d.ID, Name: file.Name, Document: file.Document}))
}

func (m *management) importDashboard(ctx context.Context, who visitor, in *importDashboardIn) (*madeDashboardOut, error) {
	file, err := readFile(in.RawBody)
	if err != nil {
		return nil, err
	}
	return madeDashboard(m.saveDashboard(ctx, who, DashboardMatch{}, tenants.SaveDashboard{ID: file.ID, Name: file.Name, Document: file.Document}))
}

// readFile is dashboard.Import in the words of the API.
func readFile(data []byte) (dashboard.File, error) {
	file, err := dashboard.Import(data)
	var wrong *dashboard.InvalidError
	if errors.As(err, &wrong) {
		return file, &tenants.InvalidError{Field: wrong.Field, Detail: wrong.Detail}
	}
	return file, err
}
