package api_test

import (
	"strings"
	"testing"

	"longwave/tenants"
)

const boardJSON = `{"name":"Plant 2","document":{"range":"24h","widgets":[{"kind":"line","title":"Temperature","at":{"x":0,"y":0,"w":6,"h":8},"metrics":[{"name":"temp"}]}]}}`

// A script writes a dashboard, saves over the version that it read, keeps it as a file, and goes back.
func TestDashboardsByScript(t *testing.T) {
	r := newRig(t)
	key := r.ours.keys[tenants.Editor]
	made := r.ask(t, "POST /manage/v1/dashboards", key, boardJSON)
	path := made.header.Get("Location")
	if made.status != 201 || !strings.HasPrefix(path, "/manage/v1/dashboards/b-") || made.header.Get("ETag") != `"1"` || !strings.Contains(string(made.body), `"id":"w1"`) {
		t.Fatalf("%d %v %s", made.status, made.header, made.body)
	}
	file := r.ask(t, "GET "+path+"/file", key, "")
	if file.status != 200 || file.header.Get("Content-Type") != "application/yaml" || !strings.HasPrefix(string(file.body), "longwave: dashboard/1") {
		t.Fatalf("%d %v %s", file.status, file.header, file.body)
	}
	for _, step := range []struct {
		ask, body, match string
		status           int
		want             string
	}{
		{"PUT " + path, strings.Replace(boardJSON, "Temperature", "Heat", 1), `"1"`, 200, `"version":2`},
		{"PUT " + path, boardJSON, `"1"`, 412, `"version_changed"`},
		{"PUT " + path + "/file", strings.Replace(string(file.body), "Temperature", "Warmth", 1) + "\n", `"2"`, 200, `"version":3`},
		{"PUT " + path + "/file", string(file.body), `"2"`, 412, `"version_changed"`},
		{"PUT " + path, boardJSON, "three", 422, `"If-Match"`},
		{"GET " + path, "", "", 200, `"title":"Warmth"`},
		{"GET " + path + "/versions", "", "", 200, `"version":3`},
		{"POST " + path + "/restore", `{"version":1}`, "", 200, `"title":"Temperature"`},
		{"POST " + path + "/restore", `{"version":99}`, "", 404, `"not_found"`},
		{"POST /manage/v1/dashboards/import", string(file.body), "", 201, `"version":4`},
		{"POST /manage/v1/dashboards/import", "longwave: dashboard/1\nname: Other\n", "", 201, `"version":1`},
		{"POST /manage/v1/dashboards/import", "longwave: dashboard/1\nnane: x\n", "", 422, "nane"},
		{"PUT " + path + "/file", "longwave: dashboard/1\nid: b-1\nname: x\n", "", 422, "another dashboard"},
		{"PUT " + path, strings.Replace(boardJSON, `"w":6`, `"w":60`, 1), "", 422, "widgets[0].at"},
		{"GET /manage/v1/dashboards", "", "", 200, `"name":"Plant 2"`},
		{"DELETE " + path, "", "", 204, ""},
		{"GET " + path, "", "", 404, ""},
	} {
		var headers []string
		if step.match != "" {
			headers = []string{"If-Match", step.match}
		}
		if got := r.ask(t, step.ask, key, step.body, headers...); got.status != step.status || !strings.Contains(string(got.body), step.want) {
			t.Errorf("%s If-Match %s: %d %s, want %d %s", step.ask, step.match, got.status, got.body, step.status, step.want)
		}
	}
	if got := r.ask(t, "POST /manage/v1/dashboards", r.ours.keys[tenants.Viewer], boardJSON); got.status != 403 {
		t.Errorf("a viewer: %d", got.status)
	}
}
