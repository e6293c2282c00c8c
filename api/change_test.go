package api_test

import (
	"net/http"
	"strings"
	"testing"

	"longwave/tenants"
)

// patch changes our device and returns the answer.
func (r *rig) patch(t *testing.T, body string) answer {
	t.Helper()
	return r.ask(t, "PATCH /manage/v1/devices/"+string(r.ours.device.ID), r.ours.keys[tenants.Owner], body, "Content-Type", "application/merge-patch+json")
}

func TestChangeIsAtomic(t *testing.T) {
	r := newRig(t)
	got := r.patch(t, `{"name":"renamed","labels":{"site":"a","row":"7"},"interval":"90s","disabled":true}`)
	var device struct {
		Name, Interval string
		Labels         map[string]string
		Disabled       bool
	}
	got.json(t, &device)
	if got.status != 200 || device.Name != "renamed" || device.Interval != "1m30s" || !device.Disabled || len(device.Labels) != 2 {
		t.Fatalf("answered %d %s", got.status, got.body)
	}
	for _, body := range []string{
		`{"disabled":false,"name":""}`, `{"disabled":false,"name":null}`, `{"disabled":false,"interval":"never"}`, `{"disabled":false,"labels":{"":"x"}}`,
		`{"disabled":false,"labels":null}`, `{"disabled":false,"more":1}`, `{"disabled":false,"Name":"x"}`, `{"disabled":false,"disabled":false}`,
	} {
		if got := r.patch(t, body); got.status != http.StatusUnprocessableEntity && got.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	got = r.patch(t, `{"labels":{"row":null,"hall":"b"},"interval":""}`)
	if text := string(got.body); !strings.Contains(text, `"labels":{"hall":"b","site":"a"}`) || !strings.Contains(text, `"disabled":true`) || strings.Contains(text, `"interval"`) {
		t.Errorf("answered %d %s", got.status, text)
	}
}

func TestTwoTokensAreNone(t *testing.T) {
	r := newRig(t)
	for _, what := range []string{"POST /ingest/v1/packets", "GET /manage/v1/devices", "GET /ingest/v1/ws"} {
		method, path, _ := strings.Cut(what, " ")
		req, err := http.NewRequestWithContext(t.Context(), method, r.server.URL+path, strings.NewReader(`{"a":1}`))
		must(t, err)
		req.Header = http.Header{"Authorization": {"Bearer " + r.ours.token, "Bearer " + r.ours.token}, "Upgrade": {"websocket"}, "Connection": {"Upgrade"}}
		if got := send(t, req); got.status != 401 || got.problem(t).Code != "credentials_ambiguous" {
			t.Errorf("%s: %d %s", what, got.status, got.body)
		}
	}
}

func TestQueriesAreReadInOneWay(t *testing.T) {
	r := newRig(t)
	for _, query := range []string{"?limit=1&limit=2", "?q=%zz", "?state=enabled;limit=1", "?Limit=1"} {
		if got := r.ask(t, "GET /manage/v1/devices"+query, r.ours.keys[tenants.Owner], ""); got.status != 422 || got.problem(t).Code != "invalid" {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
}
