package api_test

import (
	"context"
	"strings"
	"testing"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/web/oidc"
)

// discoverer knows one provider.
type discoverer struct{ issuer string }

func (d *discoverer) Discover(_ context.Context, issuer string) (oidc.Found, error) {
	if issuer != d.issuer {
		return oidc.Found{}, oidc.ErrIssuerText
	}
	return oidc.Found{Issuer: issuer, Algorithms: []string{"RS256"}, Scopes: []string{"openid"}, EndsSessions: true}, nil
}

func TestScriptsTakeCareOfIdentityProviders(t *testing.T) {
	r := newRig(t)
	r.providers.issuer = "https://works.example"
	owner, editor := r.ours.keys[tenants.Owner], r.ours.keys[tenants.Editor]
	const all, secret = "/manage/v1/identity-providers", "a secret that nobody sees"
	const body = `{"name":"Works","issuer":"https://works.example","client_id":"lw","client_secret":"` + secret + `","rules":[{"claim":"groups","value":"ops","role":"editor"}]}`
	var made struct {
		ID, Redirect_path                 string //nolint:revive,staticcheck // as in the answer
		Enabled, Has_client_secret, Works bool   //nolint:revive,staticcheck // as in the answer
		Rules                             []struct{ Role string }
	}
	got := r.ask(t, "POST "+all, owner, body)
	got.json(t, &made)
	if got.status != 201 || made.Enabled || !made.Has_client_secret || len(made.Rules) != 1 || !strings.HasSuffix(made.Redirect_path, made.ID) || strings.Contains(string(got.body), secret) {
		t.Fatalf("made: %d %s", got.status, got.body)
	}
	one := all + "/" + made.ID
	saved, _ := r.tenants.State().Provider(id.Provider(made.ID))
	if saved.Secret == "" || strings.Contains(string(saved.Secret), secret) {
		t.Errorf("the secret is kept as %q", saved.Secret)
	}
	if tested := r.ask(t, "POST "+one+"/test", owner, ""); tested.status != 200 || !strings.Contains(string(tested.body), `"works":true`) {
		t.Errorf("tested: %d %s", tested.status, tested.body)
	}
	if got := r.ask(t, "PATCH "+one, owner, `{"enabled":true,"name":"Plant login"}`); got.status != 200 || !strings.Contains(string(got.body), `"enabled":true`) || !strings.Contains(string(got.body), "Plant login") {
		t.Errorf("enabled: %d %s", got.status, got.body)
	}
	if kept, _ := r.tenants.State().Provider(id.Provider(made.ID)); kept.Secret != saved.Secret || len(kept.Rows) != 1 {
		t.Errorf("a change of the name left %+v", kept)
	}
	if got := r.ask(t, "PATCH "+one, owner, `{"issuer":"https://elsewhere.example"}`); got.status != 422 || !strings.Contains(string(got.body), "/issuer") {
		t.Errorf("an issuer that is none: %d %s", got.status, got.body)
	}
	if got := r.ask(t, "PATCH "+one, owner, `{"rules":[{"claim":"groups","value":"ops","role":"king"}]}`); got.status != 422 {
		t.Errorf("a role that is none: %d %s", got.status, got.body)
	}
	for _, what := range []string{"GET " + one, "PATCH " + one, "POST " + one + "/test", "DELETE " + one, "POST " + all} {
		if got := r.ask(t, what, editor, body); got.status != 403 {
			t.Errorf("%s with the key of an editor: %d %s", what, got.status, got.body)
		}
	}
	if got := r.ask(t, "PATCH "+one, owner, `{"enabled":false}`); got.status != 200 {
		t.Errorf("disabled: %d %s", got.status, got.body)
	}
	if _, open := r.tenants.State().OpenProvider(id.Provider(made.ID)); open {
		t.Error("people can sign in with a disabled provider")
	}
	if got := r.ask(t, "DELETE "+one, owner, ""); got.status != 204 || r.ask(t, "GET "+one, owner, "").status != 404 {
		t.Errorf("deleted: %d %s", got.status, got.body)
	}
}
