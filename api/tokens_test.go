package api_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/go-jose/go-jose/v4"

	"longwave/tenants"
)

func (r *rig) trustIssuer(t *testing.T, of tenantRig, i *issuer, change func(*tenants.NewTrust)) tenants.Trust {
	t.Helper()
	wanted := tenants.NewTrust{Name: i.URL, Issuer: i.URL, Audience: "longwave", Names: tenants.Naming{Field: "device.name", By: tenants.ByName}}
	if change != nil {
		change(&wanted)
	}
	made, err := r.tenants.AddTrust(t.Context(), tenants.Actor{System: "test"}, of.id, wanted)
	must(t, err)
	return made
}

func TestADeviceShowsATokenOfAnIssuer(t *testing.T) {
	r := newRig(t, insideAllowed(t))
	found, pasted, theirs, stranger := newIssuer(t), newIssuer(t), newIssuer(t), newIssuer(t)
	r.trustIssuer(t, r.ours, found, nil)
	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	must(t, err)
	pasted.add(t, "ed", edwards)
	trust := r.trustIssuer(t, r.ours, pasted, func(n *tenants.NewTrust) { n.Keys = string(pasted.set(t)) })
	r.trustIssuer(t, r.theirs, theirs, func(n *tenants.NewTrust) { n.Names.By = tenants.ByID })
	name, ours := r.ours.device.Name, string(r.ours.id)
	post := func(tenant, token string) answer {
		return r.ask(t, "POST /ingest/v1/packets?tenant="+tenant, token, packet)
	}
	for what, token := range map[string]string{"found keys": found.token(t, name, nil), "pasted keys": pasted.token(t, name, nil)} {
		if got := post(ours, token); got.status != 200 {
			t.Errorf("%s: %d %s", what, got.status, got.body)
		}
		if _, by := r.accept.last(t); by.Device != r.ours.device.ID || by.Tenant != r.ours.id {
			t.Errorf("%s: it is taken for %s of %s", what, by.Device, by.Tenant)
		}
	}

	said := func(name string, value any) func(map[string]any) { return func(c map[string]any) { c[name] = value } }
	claims := map[string]any{"iss": found.URL, "aud": "longwave", "device": map[string]any{"name": name}, "exp": time.Now().Add(time.Hour).Unix()}
	public, err := x509.MarshalPKIXPublicKey(found.keys[0].Public().Key)
	must(t, err)
	shared := signToken(t, jose.SigningKey{Algorithm: jose.HS256, Key: public}, claims)
	part := base64.RawURLEncoding.EncodeToString
	none := part([]byte(`{"alg":"none"}`)) + "." + part([]byte(`{"iss":"`+found.URL+`"}`)) + "."
	unknown := signToken(t, jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: newKey(t), KeyID: "7"}}, claims)
	forged := signToken(t, jose.SigningKey{Algorithm: jose.ES256, Key: jose.JSONWebKey{Key: newKey(t), KeyID: "1"}}, claims)
	for what, refused := range map[string]struct{ tenant, token, code string }{
		"alg none":                 {ours, none, "token_algorithm"},
		"HS256 with the public":    {ours, shared, "token_algorithm"},
		"unknown key":              {ours, unknown, "token_not_trusted"},
		"another's key":            {ours, forged, "token_not_trusted"},
		"not trusted issuer":       {ours, stranger.token(t, name, nil), "token_not_trusted"},
		"their issuer":             {ours, theirs.token(t, name, nil), "token_not_trusted"},
		"ours in their tenant":     {string(r.theirs.id), found.token(t, name, nil), "token_not_trusted"},
		"a tenant that is none":    {"t-0000000000000000", found.token(t, name, nil), "token_not_trusted"},
		"wrong issuer":             {ours, found.token(t, name, said("iss", found.URL+"/")), "token_not_trusted"},
		"wrong audience":           {ours, found.token(t, name, said("aud", "another")), "token_audience"},
		"expired":                  {ours, found.token(t, name, said("exp", time.Now().Add(-2*time.Minute).Unix())), "token_expired"},
		"without an end":           {ours, found.token(t, name, func(c map[string]any) { delete(c, "exp") }), "token_expired"},
		"not yet valid":            {ours, found.token(t, name, said("nbf", time.Now().Add(2*time.Minute).Unix())), "token_not_yet_valid"},
		"issued in the future":     {ours, found.token(t, name, said("iat", time.Now().Add(2*time.Minute).Unix())), "token_issued_in_future"},
		"no claim":                 {ours, found.token(t, name, said("device", "x")), "token_device_unknown"},
		"no device":                {ours, found.token(t, "nobody", nil), "token_device_unknown"},
		"their device":             {ours, found.token(t, r.theirs.device.Name, nil), "token_device_unknown"},
		"our device by their word": {string(r.theirs.id), theirs.token(t, string(r.ours.device.ID), nil), "token_device_unknown"},
		"no JSON":                  {ours, "a.b.c", "token_malformed"},
		"tenant not named":         {"", found.token(t, name, nil), "tenant_missing"},
	} {
		if got := post(refused.tenant, refused.token); got.status != 401 || got.problem(t).Code != refused.code {
			t.Errorf("%s: %d %s, want %s", what, got.status, got.body, refused.code)
		}
	}
	token := pasted.token(t, name, nil)
	must(t, r.tenants.RemoveTrust(t.Context(), tenants.Actor{System: "test"}, r.ours.id, trust.ID))
	if got := post(ours, token); got.status != 401 || got.problem(t).Code != "token_not_trusted" {
		t.Errorf("removed: %d %s", got.status, got.body)
	}
}

func TestAnIssuerChangesItsKeysAndFails(t *testing.T) {
	r := newRig(t, insideAllowed(t))
	i, dead := newIssuer(t), newIssuer(t)
	r.trustIssuer(t, r.ours, i, nil)
	r.trustIssuer(t, r.ours, dead, nil)
	post := func(token string) answer {
		return r.ask(t, "POST /ingest/v1/packets?tenant="+string(r.ours.id), token, packet)
	}
	before := i.token(t, r.ours.device.Name, nil)
	if got := post(before); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	i.add(t, "2", nil)
	if got := post(i.token(t, r.ours.device.Name, nil)); got.status != 200 {
		t.Errorf("with a new key: %d %s", got.status, got.body)
	}
	for _, each := range []*issuer{i, dead} {
		each.mu.Lock()
		each.fail = true
		each.mu.Unlock()
	}
	again := i.token(t, r.ours.device.Name, func(c map[string]any) { c["jti"] = "another" })
	if got := post(again); got.status != 200 {
		t.Errorf("while the issuer fails: %d %s", got.status, got.body)
	}
	if got := post(dead.token(t, r.ours.device.Name, nil)); got.status != 503 || got.problem(t).Code != "issuer_unreachable" || got.header.Get("Retry-After") == "" {
		t.Errorf("of an issuer that never answered: %d %s", got.status, got.body)
	}
}

// TestASocketEndsWithItsToken opens one with a token of an issuer, and removes the issuer.
func TestASocketEndsWithItsToken(t *testing.T) {
	r := newRig(t, insideAllowed(t))
	i := newIssuer(t)
	trust := r.trustIssuer(t, r.ours, i, nil)
	conn, _, err := websocket.Dial(t.Context(), r.server.URL+"/ingest/v1/ws?tenant="+string(r.ours.id), &websocket.DialOptions{
		HTTPHeader: http.Header{"Authorization": {"Bearer " + i.token(t, r.ours.device.Name, nil)}},
	})
	must(t, err)
	defer conn.CloseNow()
	must(t, conn.Write(t.Context(), websocket.MessageText, []byte(packet)))
	if _, text, err := conn.Read(t.Context()); err != nil {
		t.Fatalf("the packet is answered %s, %v", text, err)
	}
	must(t, r.tenants.RemoveTrust(t.Context(), tenants.Actor{System: "test"}, r.ours.id, trust.ID))
	removed := time.Now()
	_, _, err = conn.Read(t.Context())
	if code := websocket.CloseStatus(err); code != 4401 {
		t.Errorf("it ends with %d, %v", code, err)
	}
	t.Logf("the socket ended %s after the issuer was removed", time.Since(removed).Round(time.Millisecond))
}
