package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"

	"longwave/tenants"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
	"longwave/tenants/rule"
)

// canary is in everything that belongs to the other tenant. It must never be in an answer.
const canary = "canary"

// neighbour is a tenant that nobody of this test may see: a device with readings, events and a rejected packet.
func neighbour(t *testing.T, r *running, owner id.Person) tenants.Device {
	t.Helper()
	actor := tenants.Actor{Person: owner}
	other, err := r.tenants.CreateTenant(t.Context(), actor, canary+" Ltd")
	if err != nil {
		t.Fatal(err)
	}
	device, token, err := r.tenants.CreateDevice(t.Context(), actor, other.ID, tenants.NewDevice{Name: canary, Labels: map[string]string{canary: canary}})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := r.tenants.CreateDestination(t.Context(), actor, other.ID, tenants.NewDestination{Name: canary, Kind: tenants.Webhook, URL: "https://" + canary + ".example/"}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.tenants.DraftRule(t.Context(), actor, other.ID, rule.Rule{Name: canary}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.tenants.AddCertificate(t.Context(), actor, other.ID, device.ID, strings.Repeat("ca", 32)); err != nil {
		t.Fatal(err)
	}
	if _, err := r.tenants.AddTrust(t.Context(), actor, other.ID, tenants.NewTrust{
		Name: canary, Issuer: "https://" + canary + ".example", Audience: canary, Names: tenants.Naming{Field: canary, By: tenants.ByID},
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.tenants.SetProvider(t.Context(), actor, tenants.NewProvider{
		ID: id.New[id.Provider](), Tenant: other.ID, Name: canary, Issuer: "https://" + canary + ".example", ClientID: canary,
	}); err != nil {
		t.Fatal(err)
	}
	silent := alertrule.Rule{Name: canary, Kind: alertrule.NoData, Levels: []alertrule.Level{{Severity: alertrule.Warning}}}
	if _, err := r.tenants.DraftAlertRule(t.Context(), actor, other.ID, silent); err != nil {
		t.Fatal(err)
	}
	if _, err := r.tenants.StartSilence(t.Context(), actor, other.ID, alertrule.Silence{Everything: true, Until: time.Now().Add(time.Hour), Reason: canary}); err != nil {
		t.Fatal(err)
	}
	if _, err := r.tenants.SaveDashboard(t.Context(), actor, other.ID, tenants.SaveDashboard{Name: canary}); err != nil {
		t.Fatal(err)
	}
	pairedWith(t, r, other.ID, canary)
	r.post(t, token, `{"`+canary+`":4711.25,"state":"`+canary+`"}`, http.StatusOK)
	r.post(t, token, `{"`+canary+`":{}}`, http.StatusBadRequest)
	r.eventually(t, "the neighbour's reading is stored", func() error {
		latest, err := r.store.ForTenant(other.ID).Latest(t.Context(), device.ID)
		if err == nil && len(latest) < 2 {
			err = fmt.Errorf("%d series", len(latest))
		}
		return err
	})
	return device
}

// pairedWith is a screen of a tenant, with a dashboard of its own.
func pairedWith(t *testing.T, r *running, tenant id.Tenant, name string) tenants.Wall {
	t.Helper()
	actor := tenants.Actor{System: "test"}
	board, err := r.tenants.SaveDashboard(t.Context(), actor, tenant, tenants.SaveDashboard{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	code, err := r.tenants.NewWallCode(t.Context(), "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	w, err := r.tenants.PairWall(t.Context(), actor, tenant, code.Code, tenants.WallSettings{Name: name, Dashboards: []id.Dashboard{board.ID}})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (r *running) post(t *testing.T, token, body string, want int) {
	t.Helper()
	if status, answer := r.request(t, http.MethodPost, "/ingest/v1/packets", token, body); status != want {
		t.Fatalf("posting %s: %d %s", body, status, answer)
	}
}

// Every route of the whole program, asked by one tenant's key about another tenant's things: each answers as for things
// that do not exist, to the letter, and nothing of the other tenant is in any answer. Pages, which need a session, are
// walked in the same way by the tests of package web.
func TestTwoTenants(t *testing.T) {
	r := startPlatform(t)
	first := r.claim(t)
	foreign := neighbour(t, r, r.operator(t))
	_, key, err := r.tenants.CreateKey(t.Context(), tenants.Actor{System: "test"}, first, tenants.NewKey{Name: "script", Role: tenants.Owner})
	if err != nil {
		t.Fatal(err)
	}
	missing := tenants.Device{ID: id.New[id.Device](), Tenant: id.New[id.Tenant]()}
	routes := 0
	err = chi.Walk(r.router, func(method, pattern string, _ http.Handler, _ ...func(http.Handler) http.Handler) error {
		routes++
		theirs, nobodys := r.ask(t, method, pattern, key, foreign), r.ask(t, method, pattern, key, missing)
		named := strings.Contains(pattern, "{") || strings.HasSuffix(pattern, "/readings") || strings.HasSuffix(pattern, "/events") || strings.HasPrefix(pattern, "/manage/v1/rejected") || strings.HasPrefix(pattern, "/manage/v1/exports")
		if named && theirs != nobodys {
			t.Errorf("%s %s tells a foreign thing from a missing one:\n%s\n%s", method, pattern, theirs, nobodys)
		}
		if strings.Contains(theirs, canary) || strings.Contains(theirs, "4711") {
			t.Errorf("%s %s shows something of another tenant: %s", method, pattern, theirs)
		}
		return nil
	})
	if err != nil || routes < 30 {
		t.Fatalf("walked %d routes: %v", routes, err)
	}
	if _, ok := r.tenants.State().Device(foreign.Tenant, foreign.ID); !ok {
		t.Error("one of the routes has deleted the neighbour's device")
	}
	if list := r.tenants.State().Destinations(foreign.Tenant); len(list) != 1 || list[0].Name != canary {
		t.Error("one of the routes has changed the neighbour's destination")
	}
}

// operator is the person who claimed the installation.
func (r *running) operator(t *testing.T) id.Person {
	t.Helper()
	person, err := r.tenants.SignIn(t.Context(), tenants.Credentials{Email: "ada@example.org", Password: "correct horse battery staple", Address: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	return person.ID
}

// ruleOf is the first routing rule of a tenant, or one that nobody has.
func (r *running) ruleOf(t id.Tenant) id.Rule {
	for _, found := range r.tenants.State().Rules(t) {
		return found.ID
	}
	return "r-0000000000000000"
}

// alertRuleOf is the first alert rule of a tenant, or one that nobody has.
func (r *running) alertRuleOf(t id.Tenant) id.AlertRule {
	for _, found := range r.tenants.State().AlertRules(t) {
		return found.ID
	}
	return "w-0000000000000000"
}

// providerOf is the first identity provider of a tenant, or none.
func (r *running) providerOf(t id.Tenant) string {
	for _, found := range r.tenants.State().Providers(t) {
		return string(found.ID)
	}
	return "i-0000000000000000"
}

// dashboardOf is the first dashboard of a tenant, or one that nobody has.
func (r *running) dashboardOf(t id.Tenant) id.Dashboard {
	for _, found := range r.tenants.State().Dashboards(t) {
		return found.ID
	}
	return "b-0000000000000000"
}

// trustOf is whom a tenant trusts about its devices, or nobody.
func (r *running) trustOf(t id.Tenant) string {
	for _, found := range r.tenants.State().Trusts(t) {
		return string(found.ID)
	}
	return "c-0000000000000000"
}

// wallOf is the first screen of a tenant, or none.
func (r *running) wallOf(t id.Tenant) string {
	for _, found := range r.tenants.State().Walls(t) {
		return string(found.ID)
	}
	return "m-0000000000000000"
}

// ask fills a route's pattern with the ids of a device and its tenant, and returns status and body with these ids, and
// what differs between any two answers, made equal.
func (r *running) ask(t *testing.T, method, pattern, key string, d tenants.Device) string {
	t.Helper()
	destination := "o-0000000000000000"
	for _, theirs := range r.tenants.State().Destinations(d.Tenant) {
		destination = string(theirs.ID)
	}
	provider := "i-0000000000000000"
	if strings.HasPrefix(pattern, "/manage/") { // whoever knows the id of one may sign in at it, and is told its name
		provider = r.providerOf(d.Tenant)
	}
	path := strings.NewReplacer("{destination}", destination, "{attempt}", "1", "{tenant}", string(d.Tenant), "{device}", string(d.ID), "{key}", "k-0000000000000000", "{rule}", string(r.ruleOf(d.Tenant)), "{alert_rule}", string(r.alertRuleOf(d.Tenant)), "{dashboard}", string(r.dashboardOf(d.Tenant)), "{thumbprint}", strings.Repeat("ca", 32), "{trust}", r.trustOf(d.Tenant), "{provider}", provider, "{wall}", r.wallOf(d.Tenant), "/*", "/").Replace(pattern)
	if strings.HasPrefix(pattern, "/manage/") && method == http.MethodGet {
		path += "?device=" + string(d.ID) + "&metric=" + canary + "&from=" + time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
		if !strings.Contains(pattern, "readings") && !strings.Contains(pattern, "events") {
			path, _, _ = strings.Cut(path, "?")
		}
		if strings.HasPrefix(pattern, "/manage/v1/exports") {
			path += "?devices=" + string(d.ID)
		}
		if pattern == "/manage/v1/rejected" {
			path += "?device=" + string(d.ID)
		}
	}
	body := ""
	if method != http.MethodGet && method != http.MethodHead {
		body = `{"name":"renamed"}`
		if strings.HasSuffix(pattern, "/rejected/preview") || strings.HasSuffix(pattern, "/replays") {
			body = `{"device":"` + string(d.ID) + `"}`
		}
	}
	status, answer := r.request(t, method, path, key, body)
	same := strings.NewReplacer(string(r.ruleOf(d.Tenant)), "RULE", string(r.alertRuleOf(d.Tenant)), "ALERTRULE", string(r.dashboardOf(d.Tenant)), "DASHBOARD", r.trustOf(d.Tenant), "TRUST", r.wallOf(d.Tenant), "WALL", string(d.Tenant), "TENANT", string(d.ID), "DEVICE", destination, "DESTINATION", canary, "METRIC").Replace
	if strings.Contains(answer, canary) && !strings.Contains(path, canary) {
		return answer
	}
	return fmt.Sprint(status, " ", same(answer))
}
