package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"longwave/tenants"
)

// deviceJSON is what the tests look at of a device.
type deviceJSON struct {
	ID       string            `json:"id"`
	Name     string            `json:"name"`
	Labels   map[string]string `json:"labels"`
	Disabled bool              `json:"disabled"`
	Interval string            `json:"interval"`
	Token    string            `json:"token"`
	Tokens   []struct {
		Prefix  string
		Expires *time.Time
	} `json:"tokens"`
}

func TestDevicesFromCreationToDeletion(t *testing.T) {
	r := newRig(t)
	owner := r.ours.keys[tenants.Owner]
	var made, seen deviceJSON

	created := r.ask(t, "POST /manage/v1/devices", owner, `{"name":"pump-7","labels":{"site":"plant-2"},"interval":"30s"}`)
	created.json(t, &made)
	if created.status != 201 || made.Name != "pump-7" || !strings.HasPrefix(made.Token, "lwd_") || made.Interval != "30s" || made.Labels["site"] != "plant-2" {
		t.Fatalf("answered %d %s", created.status, created.body)
	}
	at := created.header.Get("Location")
	if at != "/manage/v1/devices/"+made.ID {
		t.Errorf("Location is %q", at)
	}
	if got := r.ask(t, "POST /ingest/v1/packets", made.Token, packet); got.status != 200 {
		t.Errorf("the new token is answered %d %s", got.status, got.body)
	}

	got := r.ask(t, "GET "+at, owner, "")
	got.json(t, &seen)
	if got.status != 200 || seen.ID != made.ID || seen.Token != "" || len(seen.Tokens) != 1 || !strings.HasPrefix(made.Token, seen.Tokens[0].Prefix) {
		t.Errorf("answered %d %s", got.status, got.body)
	}

	got = r.ask(t, "PATCH "+at, owner, `{"name":"pump-8","disabled":true}`)
	got.json(t, &seen)
	if got.status != 200 || seen.Name != "pump-8" || !seen.Disabled {
		t.Errorf("answered %d %s", got.status, got.body)
	}
	if got := r.ask(t, "POST /ingest/v1/packets", made.Token, packet); got.status != 403 {
		t.Errorf("a disabled device is answered %d", got.status)
	}
	if got := r.ask(t, "PATCH "+at, owner, `{"disabled":false}`, "Content-Type", "application/merge-patch+json"); got.status != 200 {
		t.Errorf("answered %d %s", got.status, got.body)
	}

	var rotated struct{ Token string }
	got = r.ask(t, "POST "+at+"/token", owner, `{"overlap":"1h"}`)
	got.json(t, &rotated)
	if got.status != 200 || rotated.Token == made.Token {
		t.Fatalf("answered %d %s", got.status, got.body)
	}
	for _, token := range []string{made.Token, rotated.Token} {
		if got := r.ask(t, "POST /ingest/v1/packets", token, packet); got.status != 200 {
			t.Errorf("during the overlap a token is answered %d", got.status)
		}
	}
	if got := r.ask(t, "POST "+at+"/token", owner, ""); got.status != 200 {
		t.Errorf("without a body: %d %s", got.status, got.body)
	}
	if got := r.ask(t, "POST /ingest/v1/packets", made.Token, packet); got.status != 401 {
		t.Errorf("a replaced token is answered %d", got.status)
	}

	if got := r.ask(t, "DELETE "+at, owner, ""); got.status != 204 || len(got.body) != 0 {
		t.Errorf("answered %d %s", got.status, got.body)
	}
	if got := r.ask(t, "GET "+at, owner, ""); got.status != 404 || got.problem(t).Code != "not_found" {
		t.Errorf("after deletion: %d", got.status)
	}
}

func TestListPages(t *testing.T) {
	r := newRig(t)
	list := make([]tenants.NewDevice, 24)
	for i := range list {
		list[i] = tenants.NewDevice{Name: fmt.Sprintf("sensor-%02d", i)}
	}
	_, err := r.tenants.CreateDevices(t.Context(), tenants.Actor{}, r.ours.id, list)
	must(t, err)
	var seen []string
	for at := "/manage/v1/devices?limit=10&q=sensor"; at != ""; {
		var page struct {
			Items []deviceJSON
			Next  string
		}
		got := r.ask(t, "GET "+at, r.ours.keys[tenants.Viewer], "")
		got.json(t, &page)
		for _, d := range page.Items {
			seen = append(seen, d.Name)
		}
		link := got.header.Get("Link")
		if (page.Next == "") != (link == "") || len(page.Items) > 10 {
			t.Fatalf("next %q, Link %q, %d items", page.Next, link, len(page.Items))
		}
		at = strings.TrimPrefix(strings.TrimSuffix(link, `>; rel="next"`), "<")
	}
	if len(seen) != 24 || seen[0] != "sensor-00" || seen[23] != "sensor-23" {
		t.Errorf("walked %v", seen)
	}
	var disabled struct{ Items []deviceJSON }
	r.ask(t, "GET /manage/v1/devices?state=disabled", r.ours.keys[tenants.Viewer], "").json(t, &disabled)
	if disabled.Items == nil || len(disabled.Items) != 0 {
		t.Errorf("disabled devices: %+v", disabled.Items)
	}
}

func TestManagementRefusals(t *testing.T) {
	r := newRig(t)
	owner, viewer, editor := r.ours.keys[tenants.Owner], r.ours.keys[tenants.Viewer], r.ours.keys[tenants.Editor]
	device := "/manage/v1/devices/" + string(r.ours.device.ID)
	readings := "GET /manage/v1/readings?device=" + string(r.ours.device.ID)
	for _, c := range []struct {
		name, what, key, body string
		status                int
		code, says, where     string // where: pointer or parameter of the first fault
	}{
		{"no key", "GET /manage/v1/devices", "", "", 401, "credentials_missing", "Bearer", ""},
		{"no key comes first", "POST /manage/v1/devices", "", "{", 401, "credentials_missing", "Bearer", ""},
		{"a device's token", "GET /manage/v1/devices", r.ours.token, "", 401, "credentials_unknown", "Unknown token", ""},
		{"viewer creates", "POST /manage/v1/devices", viewer, `{"name":"x"}`, 403, "forbidden", "role", ""},
		{"viewer renames", "PATCH " + device, viewer, `{"name":"x"}`, 403, "forbidden", "role", ""},
		{"viewer rotates", "POST " + device + "/token", viewer, ``, 403, "forbidden", "role", ""},
		{"editor deletes", "DELETE " + device, editor, ``, 403, "forbidden", "role", ""},
		{"no json", "POST /manage/v1/devices", owner, `{"name":`, 400, "body_unreadable", "JSON", ""},
		{"no body", "POST /manage/v1/devices", owner, ``, 400, "body_unreadable", "required", ""},
		{"no name", "POST /manage/v1/devices", owner, `{}`, 422, "invalid", "name", ""},
		{"empty name", "POST /manage/v1/devices", owner, `{"name":""}`, 422, "invalid", "name", "/name"},
		{"blank name", "POST /manage/v1/devices", owner, `{"name":"  "}`, 422, "invalid", "must not be empty", "/name"},
		{"name is a number", "POST /manage/v1/devices", owner, `{"name":7}`, 422, "invalid", "string", "/name"},
		{"unknown field", "POST /manage/v1/devices", owner, `{"name":"x","nickname":"y"}`, 422, "invalid", "unexpected", "/nickname"},
		{"taken name", "POST /manage/v1/devices", owner, `{"name":"` + r.ours.device.Name + `"}`, 409, "exists", "choose another", "/name"},
		{"odd interval", "POST /manage/v1/devices", owner, `{"name":"x","interval":"soon"}`, 422, "invalid", "30s", "/interval"},
		{"short interval", "POST /manage/v1/devices", owner, `{"name":"x","interval":"1ms"}`, 422, "invalid", "between", "/interval"},
		{"odd label", "POST /manage/v1/devices", owner, `{"name":"x","labels":{"a b":"c"}}`, 422, "invalid", "label", "/labels"},
		{"too long", "POST /manage/v1/devices", owner, `{"name":"` + strings.Repeat("x", 140000) + `"}`, 413, "body_too_large", "131072", ""},
		{"xml", "POST /manage/v1/devices", owner, `<name>`, 400, "body_unreadable", "", ""},
		{"odd overlap", "POST " + device + "/token", owner, `{"overlap":"x"}`, 422, "invalid", "1h", "/overlap"},
		{"long overlap", "POST " + device + "/token", owner, `{"overlap":"90d"}`, 422, "invalid", "overlap", "/overlap"},
		{"limit 0", "GET /manage/v1/devices?limit=0", owner, "", 422, "invalid", "limit", "limit"},
		{"limit x", "GET /manage/v1/devices?limit=x", owner, "", 422, "invalid", "integer", "limit"},
		{"odd cursor", "GET /manage/v1/devices?cursor=%20", owner, "", 422, "invalid", "cursor", "cursor"},
		{"odd state", "GET /manage/v1/devices?state=lost", owner, "", 422, "invalid", "enabled", "state"},
		{"mistyped parameter", "GET /manage/v1/devices?lmit=5", owner, "", 422, "invalid", "unknown", "lmit"},
		{"no metric", readings, viewer, "", 422, "invalid", "metric", "metric"},
		{"odd from", readings + "&metric=temp&from=yesterday", viewer, "", 422, "invalid", "RFC 3339", "from"},
		{"odd to", readings + "&metric=temp&to=-1y", viewer, "", 422, "invalid", "-7d", "to"},
		{"far from", readings + "&metric=temp&from=99999999999999999", viewer, "", 422, "invalid", "year", "from"},
		{"from after to", readings + "&metric=temp&from=-1h&to=-2h", viewer, "", 422, "invalid", "before to", "from"},
		{"many points", readings + "&metric=temp&max_points=10001", viewer, "", 422, "invalid", "max_points", "max_points"},
		{"no such address", "GET /manage/v1/nothing", owner, "", 404, "no_such_address", "nothing at this address", ""},
		{"no such method", "PUT /manage/v1/devices", owner, "", 405, "method_not_allowed", "GET, POST", ""},
		{"get packets", "GET /ingest/v1/packets", owner, "", 405, "method_not_allowed", "only to POST", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := r.ask(t, c.what, c.key, c.body)
			p := got.problem(t)
			if got.status != c.status || p.Code != c.code || !strings.Contains(p.Detail, c.says) {
				t.Errorf("answered %d %s", got.status, got.body)
			}
			if c.where != "" && (len(p.Errors) == 0 || p.Errors[0].Pointer+p.Errors[0].Parameter != c.where) {
				t.Errorf("points at %+v, want %s", p.Errors, c.where)
			}
			if (c.status == 401) != (got.header.Get("WWW-Authenticate") != "") || c.status == 405 && got.header.Get("Allow") == "" {
				t.Errorf("headers %v", got.header)
			}
		})
	}
}

func TestHealth(t *testing.T) {
	r := newRig(t)
	if got := r.ask(t, "GET /livez", "", ""); got.status != 200 || string(got.body) != "ok" {
		t.Errorf("livez: %d %s", got.status, got.body)
	}
	if got := r.ask(t, "GET /readyz", "", ""); got.status != 200 || string(got.body) != `{"ready":true,"checks":[{"name":"nats","ok":true}]}` {
		t.Errorf("readyz: %d %s", got.status, got.body)
	}
	got := r.ask(t, "GET /metrics", "", "")
	for _, name := range []string{"longwave_http_requests_total", "longwave_device_sockets"} {
		if got.status != 200 || !strings.Contains(string(got.body), name) {
			t.Errorf("metrics: %d, no %s", got.status, name)
		}
	}
	if got := r.ask(t, "POST /metrics", "", ""); got.status != http.StatusMethodNotAllowed {
		t.Errorf("POST /metrics: %d", got.status)
	}
}
