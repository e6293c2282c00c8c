package api_test

import (
	"net/http"
	"strings"
	"testing"

	"longwave/tenants"
)

// A suspended tenant's devices and keys are told why, and nobody else is told anything.
func TestSuspendedTenantIsToldWhy(t *testing.T) {
	r := newRig(t)
	must(t, r.tenants.SuspendTenant(t.Context(), tenants.Actor{}, r.ours.id, "unpaid since May"))
	for what, token := range map[string]string{"POST /ingest/v1/packets": r.ours.token, "GET /manage/v1/devices": r.ours.keys[tenants.Owner]} {
		got := r.ask(t, what, token, packet)
		if p := got.problem(t); got.status != http.StatusForbidden || p.Code != "tenant_suspended" || !strings.Contains(p.Detail, "unpaid since May") {
			t.Errorf("%s: %d %s", what, got.status, got.body)
		}
	}
	for what, token := range map[string]string{"POST /ingest/v1/packets": r.theirs.token, "GET /manage/v1/devices": r.theirs.keys[tenants.Owner]} {
		if got := r.ask(t, what, token, packet); got.status != http.StatusOK {
			t.Errorf("the neighbour, %s: %d %s", what, got.status, got.body)
		}
	}
	if got := r.ask(t, "POST /ingest/v1/packets", r.ours.token+"x", packet); got.status != http.StatusUnauthorized || strings.Contains(string(got.body), "unpaid") {
		t.Errorf("a stranger: %d %s", got.status, got.body)
	}
	must(t, r.tenants.ResumeTenant(t.Context(), tenants.Actor{}, r.ours.id))
	if got := r.ask(t, "POST /ingest/v1/packets", r.ours.token, packet); got.status != http.StatusOK {
		t.Errorf("resumed: %d %s", got.status, got.body)
	}
}

// A request or a socket beyond what its tenant may have is told whose limit that is, and its device's page, too.
func TestTenantsOwnLimits(t *testing.T) {
	r := newRig(t)
	must(t, r.tenants.SetLimits(t.Context(), tenants.Actor{}, r.ours.id, tenants.Limits{Request: 10, Sockets: 1}))
	got := r.ask(t, "POST /ingest/v1/packets", r.ours.token, `{"temp":21.5}`)
	if p := got.problem(t); got.status != http.StatusRequestEntityTooLarge || p.Limit == nil || p.Limit.Scope != "tenant" || p.Limit.Max != 10 || p.Limit.Current != 13 {
		t.Errorf("a large request: %d %s", got.status, got.body)
	}
	if met := r.accept.met; len(met) != 1 || met[0].Name != "request_bytes" || met[0].Device != r.ours.device.ID {
		t.Errorf("the limit that was met is noted as %+v", met)
	}
	if got := r.ask(t, "POST /ingest/v1/packets", r.theirs.token, `{"temp":21.5}`); got.status != http.StatusOK {
		t.Errorf("of another tenant: %d %s", got.status, got.body)
	}
	p := r.dialed(t)
	p.say(`{"a":1}`)
	p.hear()
	if code := r.dialed(t).closed(); code != 4429 {
		t.Errorf("a second socket is closed with %d", code)
	}
	p.say(`{"temp":21.5}`)
	if said := p.hear(); !strings.Contains(said.Detail, "may send 10 bytes") {
		t.Errorf("a large frame: %+v", said)
	}
}
