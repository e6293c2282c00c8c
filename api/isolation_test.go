package api_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/tenants/id"
)

// crossing is one route asked by our key for a device: ours, theirs, or one that never was.
type crossing struct {
	route, path, body string // {} in path stands for the device
	open              bool   // needs no credentials
	device            bool   // a device's credentials are wanted
	destination       bool   // {} stands for a destination
	replay            bool   // {} stands for a job
}

// thumbprint is that of a certificate.
const thumbprint = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
const alertRuleText = `{"name":"hot","kind":"threshold","levels":[{"severity":"warning","for":"5m","when":{"tests":[{"metric":"temp","op":"above","value":80}]}}]}`

const ruleText = `{"name":"hot","when":"temp > 80","then":{"lane":"critical"}}`

// crossings are all routes. TestTwoTenants fails when the router has one that is not here.
func crossings() []crossing {
	return []crossing{
		{route: "GET /livez", open: true},
		{route: "GET /readyz", open: true},
		{route: "HEAD /livez", open: true},
		{route: "HEAD /readyz", open: true},
		{route: "GET /metrics", open: true},
		{route: "GET /manage/v1/openapi.json", open: true},
		{route: "GET /manage/v1/openapi.yaml", open: true},
		{route: "POST /ingest/v1/packets", device: true, body: packet},
		{route: "GET /ingest/v1/ws", device: true},
		{route: "POST /manage/v1/devices", body: `{"name":"same name in both"}`},
		{route: "GET /manage/v1/devices"},
		{route: "GET /manage/v1/devices/{device}", path: "/manage/v1/devices/{}"},
		{route: "PATCH /manage/v1/devices/{device}", path: "/manage/v1/devices/{}", body: `{"name":"taken over"}`},
		{route: "POST /manage/v1/devices/{device}/token", path: "/manage/v1/devices/{}/token"},
		{route: "GET /manage/v1/devices/{device}/latest", path: "/manage/v1/devices/{}/latest"},
		{route: "GET /manage/v1/devices/{device}/rejected", path: "/manage/v1/devices/{}/rejected"},
		{route: "POST /manage/v1/devices/{device}/certificates", path: "/manage/v1/devices/{}/certificates", body: `{"certificate":"` + thumbprint + `"}`},
		{route: "GET /manage/v1/devices/{device}/certificates", path: "/manage/v1/devices/{}/certificates"},
		{route: "DELETE /manage/v1/devices/{device}/certificates/{thumbprint}", path: "/manage/v1/devices/{}/certificates/" + thumbprint},
		{route: "GET /manage/v1/device-trust"},
		{route: "POST /manage/v1/device-trust", body: `{"name":"same name in both","issuer":"https://a.example","audience":"x","names":{"field":"sub","by":"id"}}`},
		{route: "DELETE /manage/v1/device-trust/{trust}", path: "/manage/v1/device-trust/{}"},
		{route: "GET /manage/v1/members"},
		{route: "PATCH /manage/v1/members/{person}", path: "/manage/v1/members/{}", body: `{"role":"editor"}`},
		{route: "DELETE /manage/v1/members/{person}", path: "/manage/v1/members/{}"},
		{route: "GET /manage/v1/identity-providers"},
		{route: "POST /manage/v1/identity-providers", body: `{"name":"Works","issuer":"https://login.example.com","client_id":"x","rules":[]}`},
		{route: "GET /manage/v1/identity-providers/{provider}", path: "/manage/v1/identity-providers/{}"},
		{route: "PATCH /manage/v1/identity-providers/{provider}", path: "/manage/v1/identity-providers/{}", body: `{"name":"taken over"}`},
		{route: "POST /manage/v1/identity-providers/{provider}/test", path: "/manage/v1/identity-providers/{}/test"},
		{route: "DELETE /manage/v1/identity-providers/{provider}", path: "/manage/v1/identity-providers/{}"},
		{route: "GET /manage/v1/audit"},
		{route: "GET /manage/v1/readings", path: "/manage/v1/readings?metric=temp&device={}"},
		{route: "GET /manage/v1/exports", path: "/manage/v1/exports?devices={}"},
		{route: "GET /manage/v1/exports/extent", path: "/manage/v1/exports/extent?devices={}"},
		{route: "GET /manage/v1/events", path: "/manage/v1/events?device={}"},
		{route: "POST /manage/v1/destinations", body: `{"name":"same name in both","kind":"nats"}`},
		{route: "GET /manage/v1/destinations"},
		{route: "GET /manage/v1/destinations/{destination}", path: "/manage/v1/destinations/{}", destination: true},
		{route: "PATCH /manage/v1/destinations/{destination}", path: "/manage/v1/destinations/{}", destination: true, body: `{"name":"taken over"}`},
		{route: "POST /manage/v1/destinations/{destination}/secret", path: "/manage/v1/destinations/{}/secret", destination: true},
		{route: "POST /manage/v1/destinations/{destination}/test", path: "/manage/v1/destinations/{}/test", destination: true},
		{route: "GET /manage/v1/destinations/{destination}/attempts", path: "/manage/v1/destinations/{}/attempts", destination: true},
		{route: "POST /manage/v1/destinations/{destination}/attempts/{attempt}/resend", path: "/manage/v1/destinations/{}/attempts/7/resend", destination: true},
		{route: "GET /manage/v1/destinations/{destination}/undelivered", path: "/manage/v1/destinations/{}/undelivered", destination: true},
		{route: "POST /manage/v1/destinations/{destination}/redrive", path: "/manage/v1/destinations/{}/redrive", destination: true, body: `{"cause":"timeout"}`},
		{route: "DELETE /manage/v1/destinations/{destination}", path: "/manage/v1/destinations/{}", destination: true},
		{route: "GET /manage/v1/rules"},
		{route: "POST /manage/v1/rules", body: ruleText},
		{route: "POST /manage/v1/rules/test", body: ruleText},
		{route: "GET /manage/v1/rules/{rule}", path: "/manage/v1/rules/{}"},
		{route: "PUT /manage/v1/rules/{rule}/draft", path: "/manage/v1/rules/{}/draft", body: ruleText},
		{route: "POST /manage/v1/rules/{rule}/enable", path: "/manage/v1/rules/{}/enable", body: `{"reason":"test"}`},
		{route: "POST /manage/v1/rules/{rule}/disable", path: "/manage/v1/rules/{}/disable", body: `{"reason":"test"}`},
		{route: "POST /manage/v1/rules/{rule}/move", path: "/manage/v1/rules/{}/move", body: `{"position":1}`},
		{route: "POST /manage/v1/rules/{rule}/restore", path: "/manage/v1/rules/{}/restore", body: `{"position":7}`},
		{route: "GET /manage/v1/rules/{rule}/history", path: "/manage/v1/rules/{}/history"},
		{route: "DELETE /manage/v1/rules/{rule}", path: "/manage/v1/rules/{}"},
		{route: "GET /manage/v1/alert-rules"},
		{route: "POST /manage/v1/alert-rules", body: alertRuleText},
		{route: "POST /manage/v1/alert-rules/trial", body: alertRuleText},
		{route: "GET /manage/v1/alert-rules/{alert_rule}", path: "/manage/v1/alert-rules/{}"},
		{route: "PUT /manage/v1/alert-rules/{alert_rule}/draft", path: "/manage/v1/alert-rules/{}/draft", body: alertRuleText},
		{route: "POST /manage/v1/alert-rules/{alert_rule}/start", path: "/manage/v1/alert-rules/{}/start", body: `{"mode":"enabled","reason":"test"}`},
		{route: "POST /manage/v1/alert-rules/{alert_rule}/pause", path: "/manage/v1/alert-rules/{}/pause", body: `{"reason":"test"}`},
		{route: "POST /manage/v1/alert-rules/{alert_rule}/restore", path: "/manage/v1/alert-rules/{}/restore", body: `{"position":7}`},
		{route: "GET /manage/v1/alert-rules/{alert_rule}/history", path: "/manage/v1/alert-rules/{}/history"},
		{route: "DELETE /manage/v1/alert-rules/{alert_rule}", path: "/manage/v1/alert-rules/{}"},
		{route: "GET /manage/v1/alerts"},
		{route: "GET /manage/v1/alerts/{alert}", path: "/manage/v1/alerts/{}"},
		{route: "POST /manage/v1/alerts/{alert}/acknowledge", path: "/manage/v1/alerts/{}/acknowledge", body: `{}`},
		{route: "POST /manage/v1/alerts/{alert}/assign", path: "/manage/v1/alerts/{}/assign", body: `{"to":"Bo"}`},
		{route: "POST /manage/v1/alerts/{alert}/comment", path: "/manage/v1/alerts/{}/comment", body: `{"text":"seen"}`},
		{route: "POST /manage/v1/alerts/{alert}/snooze", path: "/manage/v1/alerts/{}/snooze", body: `{"for":"2h"}`},
		{route: "GET /manage/v1/silences"},
		{route: "POST /manage/v1/silences", body: `{"selector":{"sites":["plant-2"]},"for":"2h","reason":"release"}`},
		{route: "POST /manage/v1/silences/{silence}/end", path: "/manage/v1/silences/{}/end"},
		{route: "GET /manage/v1/dashboards"},
		{route: "POST /manage/v1/dashboards", body: `{"name":"same name in both"}`},
		{route: "POST /manage/v1/dashboards/import", body: "longwave: dashboard/1\nname: same name in both\n"},
		{route: "GET /manage/v1/dashboards/{dashboard}", path: "/manage/v1/dashboards/{}"},
		{route: "PUT /manage/v1/dashboards/{dashboard}", path: "/manage/v1/dashboards/{}", body: `{"name":"taken over","document":{}}`},
		{route: "GET /manage/v1/dashboards/{dashboard}/file", path: "/manage/v1/dashboards/{}/file"},
		{route: "PUT /manage/v1/dashboards/{dashboard}/file", path: "/manage/v1/dashboards/{}/file", body: "longwave: dashboard/1\nname: taken over\n"},
		{route: "GET /manage/v1/dashboards/{dashboard}/versions", path: "/manage/v1/dashboards/{}/versions"},
		{route: "POST /manage/v1/dashboards/{dashboard}/restore", path: "/manage/v1/dashboards/{}/restore", body: `{"version":1}`},
		{route: "DELETE /manage/v1/dashboards/{dashboard}", path: "/manage/v1/dashboards/{}"},
		{route: "GET /manage/v1/walls"},
		{route: "POST /manage/v1/walls", body: `{"name":"Hall","code":"CODE","dashboards":["BOARD"]}`},
		{route: "GET /manage/v1/walls/{wall}", path: "/manage/v1/walls/{}"},
		{route: "PATCH /manage/v1/walls/{wall}", path: "/manage/v1/walls/{}", body: `{"zoom":125}`},
		{route: "POST /manage/v1/walls/{wall}/ask", path: "/manage/v1/walls/{}/ask", body: `{"what":"identify"}`},
		{route: "DELETE /manage/v1/walls/{wall}", path: "/manage/v1/walls/{}"},
		{route: "GET /manage/v1/rejected"},
		{route: "POST /manage/v1/rejected/preview", body: `{}`},
		{route: "POST /manage/v1/rejected/redrive", body: `{}`},
		{route: "POST /manage/v1/rejected/dismiss", body: `{}`},
		{route: "GET /manage/v1/replays"},
		{route: "POST /manage/v1/replays", body: `{}`},
		{route: "GET /manage/v1/replays/{replay}", path: "/manage/v1/replays/{}", replay: true},
		{route: "POST /manage/v1/replays/{replay}/cancel", path: "/manage/v1/replays/{}/cancel", replay: true},
		{route: "DELETE /manage/v1/devices/{device}", path: "/manage/v1/devices/{}"},
	}
}

func TestTwoTenants(t *testing.T) {
	r := newRig(t)
	r.reader.points = map[id.Device][]telemetry.Point{r.theirs.device.ID: {{Time: 1, Value: 424242}}}
	r.accept.rejected = []telemetry.RejectedPacket{{Device: r.theirs.device.ID, Rejection: telemetry.Rejection{Detail: "424242"}}}
	var covered []string
	for _, c := range crossings() {
		covered = append(covered, c.route)
		t.Run(c.route, func(t *testing.T) { r.cross(t, c) })
	}
	for _, c := range operatorCrossings() {
		covered = append(covered, c.route)
		t.Run(c.route, func(t *testing.T) { r.crossAsOperator(t, c) })
	}
	for _, route := range r.routes(t) {
		if !slices.Contains(covered, route) {
			t.Errorf("%s is not tested with two tenants", route)
		}
	}
	if d, ok := r.tenants.State().Device(r.theirs.id, r.theirs.device.ID); !ok || d.Name != r.theirs.device.Name || d.Disabled {
		t.Errorf("their device was changed: %+v", d)
	}
	if r.ask(t, "POST /ingest/v1/packets", r.theirs.token, packet).status != 200 {
		t.Error("their token was replaced")
	}
	if d, ok := r.tenants.State().Destination(r.theirs.id, r.theirs.destination.ID); !ok || d.Name != r.theirs.destination.Name {
		t.Errorf("their destination was changed: %+v", d)
	}
	for _, asked := range r.deliverer.asked {
		if asked.tenant != r.ours.id || asked.destination != "" && asked.destination != r.ours.destination.ID {
			t.Errorf("what delivers was asked for %s of %s", asked.destination, asked.tenant)
		}
	}
	for _, q := range r.reader.asked {
		if q.tenant != r.ours.id || q.device != r.ours.device.ID {
			t.Errorf("the storage was asked for %s of %s", q.device, q.tenant)
		}
	}
}

// cross asks one route with no credentials, with those of the wrong kind, and across the border between the tenants.
func (r *rig) cross(t *testing.T, c crossing) {
	t.Helper()
	method, pattern, _ := strings.Cut(c.route, " ")
	path := c.path
	if path == "" {
		path = pattern
	}
	to := func(d string) string { return method + " " + strings.ReplaceAll(path, "{}", d) }
	key := r.ours.keys[tenants.Owner]
	var upgrade []string
	if strings.HasSuffix(pattern, "/ws") {
		upgrade = []string{"Upgrade", "websocket", "Connection", "Upgrade", "Authorization", "Bearer nonsense"}
	}
	ours, theirs := string(r.ours.device.ID), string(r.theirs.device.ID)
	if c.destination {
		ours, theirs = string(r.ours.destination.ID), string(r.theirs.destination.ID)
	}
	if strings.Contains(pattern, "{rule}") {
		ours, theirs = string(r.ours.rule), string(r.theirs.rule)
	}
	if strings.Contains(pattern, "{person}") {
		ours, theirs = string(r.ours.person), string(r.theirs.person)
	}
	if strings.Contains(pattern, "{provider}") {
		st := r.tenants.State()
		ours, theirs = string(st.Providers(r.ours.id)[0].ID), string(st.Providers(r.theirs.id)[0].ID)
	}
	if strings.Contains(pattern, "{trust}") {
		ours, theirs = string(r.ours.trust), string(r.theirs.trust)
	}
	if strings.Contains(pattern, "{alert_rule}") {
		ours, theirs = string(r.ours.alertRule), string(r.theirs.alertRule)
	}
	if strings.Contains(pattern, "{dashboard}") {
		ours, theirs = string(r.ours.dashboard), string(r.theirs.dashboard)
	}
	if strings.Contains(pattern, "{alert}") {
		ours, theirs = r.alert(t, r.ours), r.alert(t, r.theirs)
	}
	if strings.Contains(pattern, "{silence}") {
		ours, theirs = string(r.ours.silence), string(r.theirs.silence)
	}
	if strings.Contains(pattern, "{wall}") {
		ours, theirs = string(r.ours.wall), string(r.theirs.wall)
	}
	if strings.Contains(c.body, "CODE") {
		code, err := r.tenants.NewWallCode(t.Context(), "192.0.2.1")
		must(t, err)
		c.body = strings.NewReplacer("CODE", code.Code, "BOARD", string(r.ours.board)).Replace(c.body)
	}
	c.body = strings.ReplaceAll(c.body, `"position":7`, `"position":`+r.written(t, ours))
	if c.replay {
		ours, theirs = r.job(t, r.ours), r.job(t, r.theirs)
	}

	if !c.open {
		wrong := r.ours.token
		if c.device {
			wrong = key
		}
		for _, token := range []string{"", wrong, "nonsense"} {
			if got := r.ask(t, to(ours), token, c.body, upgrade...); got.status != 401 {
				t.Errorf("with token %.4q: %d", token, got.status)
			}
		}
	}
	if strings.Contains(path, "{}") {
		foreign, missing := r.ask(t, to(theirs), key, c.body), r.ask(t, to("d-0000000000000000"), key, c.body)
		nonsense := r.ask(t, to("No.Id%2A"), key, c.body)
		if foreign.status != 404 || !bytes.Equal(foreign.body, missing.body) || !bytes.Equal(foreign.body, nonsense.body) || len(foreign.header) != len(missing.header) {
			t.Errorf("foreign: %d %s\nmissing: %d %s\nnonsense: %d %s", foreign.status, foreign.body, missing.status, missing.body, nonsense.status, nonsense.body)
		}
	}
	if c.device {
		return // a device has no way to name a tenant or another device
	}
	got := r.ask(t, to(ours), key, c.body)
	if got.status >= 300 {
		t.Errorf("for our own: %d %s", got.status, got.body)
	}
	for _, secret := range []string{theirs, string(r.theirs.id), r.theirs.device.Name, r.theirs.destination.Name, "424242"} {
		if bytes.Contains(got.body, []byte(secret)) {
			t.Errorf("tells us of theirs: %s", got.body)
		}
	}
}

// written is where in the log the first text of a rule stands.
func (r *rig) written(t *testing.T, rule string) string {
	t.Helper()
	past, err := r.tenants.History(t.Context(), r.ours.id, tenants.HistoryQuery{About: rule})
	must(t, err)
	if len(past.Past) == 0 {
		return "1"
	}
	return fmt.Sprint(past.Past[len(past.Past)-1].Position)
}

// job starts a job of a tenant and returns its id.
func (r *rig) job(t *testing.T, of tenantRig) string {
	t.Helper()
	var made struct{ ID string }
	r.ask(t, "POST /manage/v1/replays", of.keys[tenants.Owner], "{}").json(t, &made)
	return made.ID
}
