package api_test

import (
	"context"
	"strings"
	"testing"

	"longwave/api"
	"longwave/ingest/telemetry"
	"longwave/processors/alert/trial"
	"longwave/tenants"
	"longwave/tenants/id"
)

// yesterday is a trial's storage: each device showed 81 for ten minutes.
type yesterday struct{}

// Arrivals implements trial.Reader.
func (yesterday) Arrivals(_ context.Context, q telemetry.ArrivalsQuery, yield func(*telemetry.Arrival) error) error {
	const minute = telemetry.Micros(60_000_000)
	for i := range q.Devices {
		for n, value := range []float64{81, 81, 79} {
			at := q.From + telemetry.Micros(n*5)*minute
			if err := yield(&telemetry.Arrival{Device: i, Received: at, At: at, Value: telemetry.Value{Num: value}}); err != nil {
				return err
			}
		}
	}
	return nil
}

func tryAll(t *testing.T) api.Trials {
	t.Helper()
	trials, err := trial.New(func(id.Tenant) trial.Reader { return yesterday{} })
	must(t, err)
	return trials
}

func TestAlertRuleIsTriedByScript(t *testing.T) {
	r := newRig(t)
	key := r.ours.keys[tenants.Editor]
	body := func(more string) string {
		return strings.TrimSuffix(strings.TrimSpace(alertRuleText), "}") + more + "}"
	}
	got := r.ask(t, "POST /manage/v1/alert-rules/trial", key, body(`,"from":"2026-03-01T00:00:00Z","to":"2026-03-02T00:00:00Z"`))
	want := `"alerts":[{"from":"2026-03-01T00:05:00Z","to":"2026-03-01T00:10:00Z","worst":"warning"}]`
	if got.status != 200 || !strings.Contains(string(got.body), want) || !strings.Contains(string(got.body), `"fired":1`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	for _, wrong := range []struct{ body, want string }{
		{body(`,"from":"2026-03-02T00:00:00Z","to":"2026-03-01T00:00:00Z"`), "ends after it begins"},
		{strings.Replace(alertRuleText, "above", "over", 1), "no operator"},
	} {
		if got := r.ask(t, "POST /manage/v1/alert-rules/trial", key, wrong.body); got.status != 422 || !strings.Contains(string(got.body), wrong.want) {
			t.Errorf("%s: %d %s", wrong.body, got.status, got.body)
		}
	}
	if got := r.ask(t, "POST /manage/v1/alert-rules/trial", r.ours.keys[tenants.Viewer], alertRuleText); got.status != 403 {
		t.Errorf("a viewer: %d", got.status)
	}
}

// A script writes an alert rule, runs it in shadow and then for all to hear, silences it, and takes everything back.
func TestAlertRulesByScript(t *testing.T) {
	r := newRig(t)
	key := r.ours.keys[tenants.Editor]
	made := r.ask(t, "POST /manage/v1/alert-rules", key, alertRuleText)
	path := made.header.Get("Location")
	if made.status != 201 || !strings.HasPrefix(path, "/manage/v1/alert-rules/w-") || !strings.Contains(string(made.body), `"sentence":"temp is above 80 for 5m (warning)"`) {
		t.Fatalf("%d %s", made.status, made.body)
	}
	for _, step := range []struct{ ask, body, want string }{
		{"POST " + path + "/start", `{"mode":"shadow","reason":"see first"}`, `"mode":"shadow","version":1`},
		{"POST " + path + "/start", `{"mode":"enabled","reason":"pumps overheat"}`, `"mode":"enabled","version":2`},
		{"PUT " + path + "/draft", strings.Replace(alertRuleText, "80", "90", 1), `"value":90`},
		{"GET " + path, "", `"devices":1`},
		{"POST " + path + "/pause", `{}`, `"mode":"paused"`},
		{"GET " + path + "/history", "", `"see first"`},
		{"GET /manage/v1/alert-rules", "", `"items":[`},
		{"POST /manage/v1/silences", `{"rules":["` + strings.TrimPrefix(path, "/manage/v1/alert-rules/") + `"],"for":"2h","reason":"release"}`, `"active":true`},
		{"GET /manage/v1/silences", "", `"reason":"release"`},
		{"DELETE " + path, "", ""},
	} {
		got := r.ask(t, step.ask, key, step.body)
		if got.status >= 300 || !strings.Contains(string(got.body), step.want) {
			t.Errorf("%s: %d %s, want %s", step.ask, got.status, got.body, step.want)
		}
	}
	for _, wrong := range []struct{ ask, body, want string }{
		{"POST /manage/v1/alert-rules", strings.Replace(alertRuleText, "above", "over", 1), "no operator"},
		{"POST /manage/v1/alert-rules", strings.Replace(alertRuleText, `"value"`, `"valeu"`, 1), "valeu"},
		{"POST /manage/v1/silences", `{"for":"2h","reason":"x"}`, "say which devices"},
		{"POST /manage/v1/silences", `{"everything":true,"reason":"x"}`, "must be after the beginning"},
		{"POST /manage/v1/silences", `{"everything":true,"for":"2h","until":"2030-01-01T00:00:00Z","reason":"x"}`, "either until or for"},
		{"POST /manage/v1/silences", `{"everything":true,"for":"2h","reason":" "}`, "reason"},
	} {
		if got := r.ask(t, wrong.ask, key, wrong.body); got.status != 422 || !strings.Contains(string(got.body), wrong.want) {
			t.Errorf("%s: %d %s", wrong.body, got.status, got.body)
		}
	}
	if got := r.ask(t, "POST /manage/v1/silences", r.ours.keys[tenants.Viewer], `{"everything":true,"for":"2h","reason":"x"}`); got.status != 403 {
		t.Errorf("a viewer: %d", got.status)
	}
}

// A script sees what is open and takes care of it; it is written down as the key's doing.
func TestAlertsByScript(t *testing.T) {
	r := newRig(t)
	key := r.ours.keys[tenants.Editor]
	path := "/manage/v1/alerts/" + r.alert(t, r.ours)
	for _, step := range []struct{ ask, body, want string }{
		{"GET /manage/v1/alerts", "", `"state":"active"`},
		{"GET /manage/v1/alerts?severity=critical", "", `"items":[]`},
		{"GET /manage/v1/alerts?device=No.Id", "", `"items":[]`},
		{"POST " + path + "/assign", `{"to":"Bo"}`, `"assigned":"Bo"`},
		{"POST " + path + "/comment", `{"text":"seen"}`, `"state":"active"`},
		{"POST " + path + "/snooze", `{"for":"2h"}`, `"snoozed_until":"`},
		{"POST " + path + "/acknowledge", `{"comment":"on my way"}`, `"acknowledged_by":"API key `},
		{"GET /manage/v1/alerts?state=taken", "", `"message":"too hot"`},
	} {
		if got := r.ask(t, step.ask, key, step.body); got.status != 200 || !strings.Contains(string(got.body), step.want) {
			t.Errorf("%s: %d %s, want %s", step.ask, got.status, got.body, step.want)
		}
	}
	if got := r.ask(t, "POST "+path+"/acknowledge", r.ours.keys[tenants.Viewer], `{}`); got.status != 403 {
		t.Errorf("a viewer: %d", got.status)
	}
	if got := r.ask(t, "POST "+path+"/snooze", key, `{"for":"2000h"}`); got.status != 422 {
		t.Errorf("too long: %d %s", got.status, got.body)
	}
}
