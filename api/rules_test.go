package api_test

import (
	"fmt"
	"strings"
	"testing"

	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/tenants/id"
)

// A script writes a rule, tries it on what was really sent, enables it, and finds who did what.
func TestRulesByScript(t *testing.T) {
	r := newRig(t)
	key := r.ours.keys[tenants.Editor]
	r.accept.recent = map[id.Tenant][]telemetry.Recent{r.ours.id: {
		{Device: r.ours.device.ID, Packet: telemetry.Packet{ID: "hot", Values: []telemetry.Value{{Name: "temp", Num: 81}}}},
		{Device: r.ours.device.ID, Packet: telemetry.Packet{ID: "odd", Values: []telemetry.Value{{Name: "temp", Type: telemetry.Text, Text: "n/a"}}}},
	}}
	tried := r.ask(t, "POST /manage/v1/rules/test", key, ruleText)
	for _, part := range []string{`"reason":"temp is 81"`, `"lane":"critical"`, `"decided_by":"hot"`, `"error":true`, "temp is text, expected a number", `"values":{"temp":"n/a"}`} {
		if tried.status != 200 || !strings.Contains(string(tried.body), part) {
			t.Errorf("%d without %s: %s", tried.status, part, tried.body)
		}
	}
	wrong := r.ask(t, "POST /manage/v1/rules/test", key, `{"name":"x","when":"temp >","then":{}}`)
	if wrong.status != 422 || !strings.Contains(string(wrong.body), "at character") {
		t.Errorf("%d %s", wrong.status, wrong.body)
	}

	made := r.ask(t, "POST /manage/v1/rules", key, ruleText)
	path := made.header.Get("Location")
	if made.status != 201 || !strings.HasPrefix(path, "/manage/v1/rules/r-") {
		t.Fatalf("%d %s", made.status, made.body)
	}
	if got := r.ask(t, "POST "+path+"/enable", r.ours.keys[tenants.Viewer], `{"reason":"x"}`); got.status != 403 {
		t.Errorf("a viewer: %d", got.status)
	}
	for _, step := range []struct{ ask, body, want string }{
		{"POST " + path + "/enable", `{"reason":"pumps overheat"}`, `"version":1`},
		{"PUT " + path + "/draft", `{"name":"hot","when":"temp > 90","then":{"lane":"critical"}}`, `"draft":{"name":"hot","when":"temp > 90"`},
		{"POST " + path + "/enable", `{"reason":"less noise"}`, `"version":2`},
		{"POST " + path + "/move", `{"position":1}`, `"position":1`},
		{"GET " + path, "", `"enabled":true`},
		{"POST " + path + "/disable", `{"reason":"night"}`, `"enabled":false`},
		{"GET " + path + "/history", "", `"less noise"`},
		{"GET " + path + "/history", "", `"position":`},
		{"GET /manage/v1/rules", "", `"items":[`},
	} {
		got := r.ask(t, step.ask, key, step.body)
		if got.status >= 300 || !strings.Contains(string(got.body), step.want) {
			t.Errorf("%s: %d %s, want %s", step.ask, got.status, got.body, step.want)
		}
	}
	var history struct{ Items []struct{ Position uint64 } }
	r.ask(t, "GET "+path+"/history", key, "").json(t, &history)
	first := history.Items[len(history.Items)-1].Position
	if got := r.ask(t, "POST "+path+"/restore", key, fmt.Sprintf(`{"position":%d}`, first)); got.status != 200 || !strings.Contains(string(got.body), `"draft":{"name":"hot","when":"temp > 80"`) {
		t.Errorf("restoring: %d %s", got.status, got.body)
	}
	if got := r.ask(t, "DELETE "+path, key, ""); got.status != 204 {
		t.Errorf("deleting: %d", got.status)
	}
	if got := r.ask(t, "GET "+path, key, ""); got.status != 404 {
		t.Errorf("a deleted rule: %d", got.status)
	}
}
