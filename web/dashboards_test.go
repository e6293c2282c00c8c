package web

import (
	"encoding/csv"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/tenants/dashboard"
	"longwave/web/widget"
)

// made is a dashboard that was made from what a device sends.
func made(t *testing.T, s *site, b *visitor, from string) tenants.Dashboard {
	t.Helper()
	got := b.post(dashboardsPath(s.claimed.Tenant.ID), url.Values{"name": {"Pumps"}, "from": {from}})
	if got.status != http.StatusSeeOther {
		t.Fatalf("making a dashboard answers %d: %s", got.status, got.page.text("main"))
	}
	list := s.tenants.State().Dashboards(s.claimed.Tenant.ID)
	return list[len(list)-1]
}

// send posts JSON as the scripts of a page do.
func (b *visitor) send(path, body string) answer {
	b.s.t.Helper()
	r, err := http.NewRequestWithContext(b.s.t.Context(), http.MethodPost, b.s.server.URL+path, strings.NewReader(body))
	if err != nil {
		b.s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Origin", b.s.server.URL)
	got, err := b.client.Do(r)
	if err != nil {
		b.s.t.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		b.s.t.Fatal(err)
	}
	return answer{status: got.StatusCode, body: string(text)}
}

func TestDashboardFromADevice(t *testing.T) {
	s, b, device := full(t)
	d := made(t, s, b, fromDevice+string(device.ID))
	kinds := map[string]int{}
	for _, w := range d.Current().Document.Widgets {
		kinds[w.Kind]++
	}
	if kinds[dashboard.Number] != 4 || kinds[dashboard.Line] != 4 || kinds[dashboard.Timeline] != 1 || kinds[dashboard.Log] != 1 {
		t.Errorf("proposed %v", kinds)
	}
	if got := b.get(dashboardPath(d.Tenant, d.ID)); got.status != http.StatusOK || !strings.Contains(got.body, "data-document") {
		t.Errorf("the page answers %d", got.status)
	}
	if got := b.post(dashboardsPath(d.Tenant), url.Values{"name": {""}}); got.status != http.StatusUnprocessableEntity {
		t.Errorf("without a name: %d", got.status)
	}
}

// TestWidgetFileEqualsItsAnswer compares the CSV of a widget with what the page shows, number by number.
func TestWidgetFileEqualsItsAnswer(t *testing.T) {
	s, b, device := full(t)
	d := made(t, s, b, fromDevice+string(device.ID))
	line := d.Current().Document.Widgets[4]
	now := time.Now()
	address := dashboardPath(d.Tenant, d.ID) + "/data?widget=" + line.ID + "&points=500&from=" + strconv.FormatInt(now.Add(-time.Hour).UnixMilli(), 10) + "&to=" + strconv.FormatInt(now.UnixMilli(), 10)
	var answer struct {
		Step   string
		Series []struct {
			Name, Metric, Unit string
			Points             [][]float64
		}
	}
	got := b.get(address)
	if err := json.Unmarshal([]byte(got.body), &answer); err != nil || len(answer.Series) != 1 || len(answer.Series[0].Points) == 0 || answer.Step != "1m" {
		t.Fatalf("answer %d %.200s: %v", got.status, got.body, err)
	}
	rows, err := csv.NewReader(strings.NewReader(b.get(address + "&format=csv").body)).ReadAll()
	if err != nil || len(rows) != len(answer.Series[0].Points)+1 {
		t.Fatalf("%d rows for %d points: %v", len(rows), len(answer.Series[0].Points), err)
	}
	for i, p := range answer.Series[0].Points {
		row := rows[i+1]
		at, err := time.Parse(time.RFC3339Nano, row[0])
		value, err2 := strconv.ParseFloat(row[5], 64)
		if err != nil || err2 != nil || float64(telemetry.At(at)) != p[0] || value != p[1] || row[3] != line.Metrics[0].Name {
			t.Fatalf("row %v, point %v: %v %v", row, p, err, err2)
		}
	}
	for _, wrong := range []string{"widget=w99&from=1&to=2", "widget=" + line.ID + "&from=2&to=1"} {
		if got := b.get(dashboardPath(d.Tenant, d.ID) + "/data?" + wrong); got.status != http.StatusNotFound && got.status != http.StatusBadRequest {
			t.Errorf("%s answers %d", wrong, got.status)
		}
	}
}

// TestExportAndImportGiveTheSamePage takes a dashboard out, deletes it, and brings it back under the same ids.
func TestExportAndImportGiveTheSamePage(t *testing.T) {
	s, b, device := full(t)
	d := made(t, s, b, fromDevice+string(device.ID))
	path := dashboardPath(d.Tenant, d.ID)
	before := b.get(path).page.attr("#board", "data-document")
	file := b.get(path + "/export").body
	if got := b.post(path+"/delete", nil); got.status != http.StatusSeeOther || b.get(path).status != http.StatusNotFound {
		t.Fatalf("deleting answers %d", got.status)
	}
	if got := b.post(dashboardsPath(d.Tenant)+"/import", url.Values{"yaml": {file}}); got.status != http.StatusSeeOther || got.header.Get("Location") != path {
		t.Fatalf("importing answers %d: %s", got.status, got.page.text("main"))
	}
	if after := b.get(path).page.attr("#board", "data-document"); after != before || before == "" {
		t.Errorf("the page was\n%s\nand is\n%s", before, after)
	}
	if got := b.post(dashboardsPath(d.Tenant)+"/import", url.Values{"yaml": {"longwave: dashboard/1\nnane: x"}}); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.page.text("main"), "nane") {
		t.Errorf("a wrong file answers %d: %s", got.status, got.page.text("main"))
	}
}

func TestSavingADashboard(t *testing.T) {
	s, b, device := full(t)
	d := made(t, s, b, fromDevice+string(device.ID))
	path := dashboardPath(d.Tenant, d.ID)
	save := func(base int, title string) answer {
		document := dashboard.Document{Widgets: []dashboard.Widget{{Kind: dashboard.Text, Title: title, At: dashboard.Place{W: 4, H: 4}}}}
		body, err := json.Marshal(map[string]any{"base": base, "document": document})
		if err != nil {
			t.Fatal(err)
		}
		return b.send(path, string(body))
	}
	if got := save(1, "Note"); got.status != http.StatusOK || !strings.Contains(got.body, `"version":2`) {
		t.Fatalf("saving answers %d %s", got.status, got.body)
	}
	if got := save(1, "Other"); got.status != http.StatusConflict || !strings.Contains(got.body, "Somebody else") {
		t.Errorf("saving over another answers %d %s", got.status, got.body)
	}
	if got := save(2, strings.Repeat("x", 101)); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, "widgets[0].title") {
		t.Errorf("a title that is too long answers %d %s", got.status, got.body)
	}
	if got := b.get(path + "/versions"); !strings.Contains(got.page.text("main"), "current") {
		t.Error("the versions are not listed")
	}
	if got := b.post(path+"/restore", url.Values{"version": {"1"}}); got.status != http.StatusSeeOther {
		t.Errorf("restoring answers %d", got.status)
	}
	if now, _ := s.tenants.State().Dashboard(d.Tenant, d.ID); now.Current().Number != 3 || len(now.Current().Document.Widgets) != len(d.Current().Document.Widgets) {
		t.Errorf("restored %+v", now.Current())
	}
	b.post(path+"/delete", nil)
	if got := b.post(path+"/undelete", nil); got.status != http.StatusSeeOther || b.get(path).status != http.StatusOK {
		t.Errorf("taking it back answers %d", got.status)
	}
}

// A selection that names a device of another tenant selects nothing.
func TestWidgetsSeeTheirTenantOnly(t *testing.T) {
	s, _, device := full(t)
	source := widget.Source{Tenant: s.another(), State: s.tenants.State()}
	i, left := source.Interest(dashboard.Widget{Kind: dashboard.Line, Select: dashboard.Selection{Devices: []string{string(device.ID)}}}, nil)
	if len(i.Devices) != 0 || left != 0 {
		t.Errorf("it is about %v", i.Devices)
	}
}

// dashboardOf is the address of a dashboard with a widget of every kind, most of them about one device; it is made once.
func (s *site) dashboardOf(d tenants.Device) string {
	s.t.Helper()
	if list := s.tenants.State().Dashboards(d.Tenant); len(list) > 0 {
		return dashboardPath(d.Tenant, list[0].ID)
	}
	saved, err := s.tenants.SaveDashboard(s.t.Context(), tenants.Actor{Person: s.claimed.Person.ID}, d.Tenant, tenants.SaveDashboard{Name: "Pump 1", Document: everyKind(d)})
	if err != nil {
		s.t.Fatal(err)
	}
	return dashboardPath(d.Tenant, saved.ID)
}

func everyKind(d tenants.Device) dashboard.Document {
	low, high := 0.0, 60.0
	one := dashboard.Selection{Devices: []string{string(d.ID)}}
	steps := []dashboard.Threshold{{From: 0, Level: "good", Word: "Normal"}, {From: 21, Level: "warning", Word: "Warm"}, {From: 40, Level: "critical", Word: "Hot"}}
	metrics := func(names ...string) (list []dashboard.Metric) {
		for _, name := range names {
			list = append(list, dashboard.Metric{Name: name})
		}
		return list
	}
	return dashboard.Document{
		Range: "1h", Variables: []dashboard.Variable{{Name: "line", Of: "label", Label: "line"}},
		Widgets: []dashboard.Widget{
			{Kind: dashboard.Number, Title: "Temperature", Select: one, Metrics: metrics("temp"), Thresholds: steps, At: dashboard.Place{W: 3, H: 6}},
			{Kind: dashboard.Gauge, Title: "Temperature on a scale", Select: one, Metrics: metrics("temp"), Thresholds: steps, Min: &low, Max: &high, At: dashboard.Place{X: 3, W: 3, H: 6}},
			{Kind: dashboard.Bars, Title: "Means", Select: one, Metrics: metrics("temp", "flow"), At: dashboard.Place{X: 6, W: 3, H: 6}},
			{Kind: dashboard.Text, Title: "Note", Text: "## Pump hall\n\nCall **Bo** before switching anything *off*.\n\n- [Manual](https://example.com/manual)\n- key `K4`", At: dashboard.Place{X: 9, W: 3, H: 6}},
			{Kind: dashboard.Line, Title: "Temperature and flow", Select: one, Metrics: []dashboard.Metric{{Name: "temp"}, {Name: "flow", Right: true}}, Thresholds: steps[1:2], At: dashboard.Place{Y: 6, W: 6, H: 9}},
			{Kind: dashboard.Area, Title: "Flow", Select: one, Metrics: metrics("flow"), At: dashboard.Place{X: 6, Y: 6, W: 3, H: 9}},
			{Kind: dashboard.Band, Title: "All pressures", Metrics: metrics("pressure", "rpm"), At: dashboard.Place{X: 9, Y: 6, W: 3, H: 9}},
			{Kind: dashboard.Timeline, Title: "States", Select: one, Metrics: metrics("state", "valve_open", "temp"), Thresholds: steps, At: dashboard.Place{Y: 15, W: 6, H: 5}},
			{Kind: dashboard.Table, Title: "Newest values", Select: one, Metrics: metrics("temp", "pressure", "flow", "state"), Thresholds: steps, At: dashboard.Place{X: 6, Y: 15, W: 6, H: 5}},
			{Kind: dashboard.Fleet, Title: "Devices", Select: dashboard.Selection{Labels: map[string]string{"line": "$line"}}, Metrics: metrics("temp"), At: dashboard.Place{Y: 20, W: 12, H: 9}},
			{Kind: dashboard.Log, Title: "Events", At: dashboard.Place{Y: 29, W: 12, H: 5}},
		},
	}
}

// TestPinAChart puts the chart of a device on a new dashboard, and another below it.
func TestPinAChart(t *testing.T) {
	s, b, device := full(t)
	list := dashboardsPath(device.Tenant)
	asked := b.get(list + "?pin=" + string(device.ID) + "&metric=temp")
	if text := asked.page.text(".dashboard-pin"); !strings.Contains(text, "temp of pump-01") || !strings.Contains(text, "A new dashboard") {
		t.Fatalf("asked %q", text)
	}
	for _, form := range []url.Values{{"metric": {"temp"}, "dashboard": {""}}, {"metric": {"flow"}}} {
		form.Set("device", string(device.ID))
		if have := s.tenants.State().Dashboards(device.Tenant); len(have) > 0 {
			form.Set("dashboard", string(have[0].ID))
		}
		if got := b.follow(b.post(list+"/pin", form)); got.status != http.StatusOK || !strings.Contains(got.page.text("main"), "pinned") {
			t.Fatalf("%v answers %d: %s", form, got.status, got.page.text("main"))
		}
	}
	all := s.tenants.State().Dashboards(device.Tenant)
	if widgets := all[0].Current().Document.Widgets; len(all) != 1 || len(widgets) != 2 || widgets[1].At.Y != pinnedHeight || widgets[1].Select.Devices[0] != string(device.ID) {
		t.Errorf("%d dashboards with %+v", len(all), widgets)
	}
	for _, wrong := range []url.Values{{"device": {"d-nobody"}, "metric": {"temp"}}, {"device": {string(device.ID)}}, {"device": {string(device.ID)}, "metric": {"temp"}, "dashboard": {"b-nobody"}}} {
		if got := b.post(list+"/pin", wrong); got.status != http.StatusNotFound {
			t.Errorf("%v answers %d", wrong, got.status)
		}
	}
}
