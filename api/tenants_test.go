package api_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"longwave/tenants"
	"longwave/tenants/id"
)

// operatorCrossings are the routes for operators; {} stands for a tenant.
func operatorCrossings() []crossing {
	return []crossing{
		{route: "GET /manage/v1/tenants"},
		{route: "POST /manage/v1/tenants", body: `{"name":"Third","owner":"Bo"}`},
		{route: "GET /manage/v1/tenants/{tenant}"},
		{route: "PATCH /manage/v1/tenants/{tenant}", body: `{"name":"taken over"}`},
		{route: "PUT /manage/v1/tenants/{tenant}/limits", body: `{"devices":7}`},
		{route: "POST /manage/v1/tenants/{tenant}/suspend", body: `{"reason":"taken over"}`},
		{route: "POST /manage/v1/tenants/{tenant}/resume"},
		{route: "DELETE /manage/v1/tenants/{tenant}", path: "/manage/v1/tenants/{}?confirm=theirs"},
		{route: "GET /manage/v1/tenants/{tenant}/deletion"},
	}
}

// operatorKey is a key of the first operator, or of somebody who oversees our tenant only.
func (r *rig) operatorKey(t *testing.T, reach tenants.Reach, limited bool) string {
	t.Helper()
	who := r.owner
	if limited {
		who = r.ours.person
		must(t, r.tenants.SetOperator(t.Context(), tenants.Actor{Person: r.owner}, who, tenants.Scope{Limited: true, Tenants: []id.Tenant{r.ours.id}}))
	}
	_, secret, err := r.tenants.CreateOperatorKey(t.Context(), tenants.Actor{Person: who}, tenants.NewOperatorKey{Name: "script", Reach: reach, Expires: time.Now().Add(time.Hour)})
	must(t, err)
	return secret
}

// crossAsOperator asks for a foreign, a missing and an impossible tenant with the key of an operator who oversees ours, and
// with that of our owner, who operates nothing.
func (r *rig) crossAsOperator(t *testing.T, c crossing) {
	t.Helper()
	method, pattern, _ := strings.Cut(c.route, " ")
	path := c.path
	if path == "" {
		path = strings.ReplaceAll(pattern, "{tenant}", "{}")
	}
	to := func(tenant string) string { return method + " " + strings.ReplaceAll(path, "{}", tenant) }
	for _, token := range []string{"", r.ours.token, "nonsense"} {
		if got := r.ask(t, to(string(r.ours.id)), token, c.body); got.status != http.StatusUnauthorized {
			t.Errorf("with token %.4q: %d", token, got.status)
		}
	}
	for _, key := range []string{r.operatorKey(t, tenants.ReachOversee, true), r.ours.keys[tenants.Owner]} {
		foreign, missing, nonsense := r.ask(t, to(string(r.theirs.id)), key, c.body), r.ask(t, to("t-0000000000000000"), key, c.body), r.ask(t, to("No.Id"), key, c.body)
		list := method+pattern == "GET/manage/v1/tenants" && foreign.status == http.StatusOK
		if !list && foreign.status != http.StatusNotFound && foreign.status != http.StatusForbidden || !bytes.Equal(foreign.body, missing.body) && !list || !bytes.Equal(foreign.body, nonsense.body) && !list {
			t.Errorf("foreign: %d %s\nmissing: %d %s\nnonsense: %d %s", foreign.status, foreign.body, missing.status, missing.body, nonsense.status, nonsense.body)
		}
		if bytes.Contains(foreign.body, []byte(r.theirs.id)) || bytes.Contains(foreign.body, []byte("theirs")) {
			t.Errorf("tells of theirs: %s", foreign.body)
		}
	}
	if found, ok := r.tenants.State().Tenant(r.theirs.id); !ok || found.Name != "theirs" || found.Suspended.Holds() || found.Limits != (tenants.Limits{}) {
		t.Errorf("their tenant was changed: %+v", found)
	}
}

func TestOperatorsManageTenants(t *testing.T) {
	r := newRig(t)
	key := r.operatorKey(t, tenants.ReachOperate, false)
	var made struct{ ID, Name, Invitation string }
	got := r.ask(t, "POST /manage/v1/tenants", key, `{"name":"Third","owner":"Bo"}`)
	if got.json(t, &made); got.status != http.StatusCreated || !strings.HasPrefix(made.Invitation, "lwi_") || got.header.Get("Location") != "/manage/v1/tenants/"+made.ID {
		t.Fatalf("created: %d %s", got.status, got.body)
	}
	if got := r.ask(t, "POST /manage/v1/tenants", key, `{"name":"third","owner":"Bo"}`); got.status != http.StatusConflict {
		t.Errorf("created again: %d %s", got.status, got.body)
	}
	one := "/manage/v1/tenants/" + made.ID
	for _, step := range []struct{ what, body, says string }{
		{"GET " + one, "", `"state":"open"`},
		{"PATCH " + one, `{"name":"Third Ltd"}`, `"name":"Third Ltd"`},
		{"PUT " + one + "/limits", `{"devices":7,"walls":3}`, `"limits":{"devices":7,"walls":3}`},
		{"PUT " + one + "/limits", `{"devices":7,"walls":3}`, `"effective_limits":{"devices":7,"stored_days"`},
		{"POST " + one + "/suspend", `{"reason":"unpaid"}`, `"reason":"unpaid"`},
		{"GET /manage/v1/tenants?state=suspended", "", `"Third Ltd"`},
		{"POST " + one + "/resume", "", `"state":"open"`},
	} {
		if got := r.ask(t, step.what, key, step.body); got.status != http.StatusOK || !strings.Contains(string(got.body), step.says) {
			t.Errorf("%s: %d %s", step.what, got.status, got.body)
		}
	}
	if got := r.ask(t, "DELETE "+one+"?confirm=third+ltd", key, ""); got.status != http.StatusUnprocessableEntity || !strings.Contains(string(got.body), "not_confirmed") {
		t.Errorf("deleted without its name: %d %s", got.status, got.body)
	}
	for range 2 { // ordering it again tells how far it is
		if got := r.ask(t, "DELETE "+one+"?confirm=Third+Ltd", key, ""); got.status != http.StatusAccepted || !strings.Contains(string(got.body), `"state":"deleting"`) {
			t.Errorf("deleted: %d %s", got.status, got.body)
		}
	}
	past, err := r.tenants.PlatformHistory(t.Context(), tenants.HistoryQuery{About: made.ID, Limit: 1})
	if err != nil || len(past.Past) != 1 || past.Past[0].By != "Operator (key script)" {
		t.Errorf("the audit says %+v, %v", past.Past, err)
	}
}

func TestTenantsAreListedInPages(t *testing.T) {
	r := newRig(t)
	key := r.operatorKey(t, tenants.ReachSee, false)
	seen, cursor := map[string]bool{}, ""
	for range 3 {
		var page struct {
			Items []struct{ ID string }
			Next  string
		}
		r.ask(t, "GET /manage/v1/tenants?limit=1&cursor="+cursor, key, "").json(t, &page)
		for _, each := range page.Items {
			seen[each.ID] = true
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if len(seen) != 2 || !seen[string(r.ours.id)] || !seen[string(r.theirs.id)] {
		t.Errorf("listed %v", seen)
	}
	if got := r.ask(t, "POST /manage/v1/tenants/"+string(r.ours.id)+"/suspend", key, `{"reason":"x"}`); got.status != http.StatusForbidden {
		t.Errorf("a key that only sees suspends: %d %s", got.status, got.body)
	}
}
