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
