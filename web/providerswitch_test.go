package web

import (
	"net/http"
	"net/url"
	"testing"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/tenants/session"
)

func TestADisabledProviderLetsNobodyIn(t *testing.T) {
	s := start(t)
	owner, tenant := s.owner(), s.claimed.Tenant.ID
	provider, err := s.tenants.SetProvider(t.Context(), tenants.Actor{}, tenants.NewProvider{
		ID: id.New[id.Provider](), Tenant: tenant, Name: "Works login", Issuer: "https://login.example.com", ClientID: "x",
		Rows: []tenants.RoleRow{{Claim: "role", Value: "viewer", Role: tenants.Viewer}},
	})
	if err != nil {
		t.Fatal(err)
	}
	made, _, err := s.tenants.Arrive(t.Context(), tenants.Arrival{Provider: provider.ID, Issuer: provider.Issuer, Subject: "bo", Claims: map[string]any{"role": "viewer"}})
	if err != nil {
		t.Fatal(err)
	}
	token, err := s.sessions.Create(t.Context(), made.ID, session.Meta{Provider: provider.ID, Proved: s.now()})
	if err != nil {
		t.Fatal(err)
	}
	bo, at := s.withSession(token), providersPath(tenant)+"/"+string(provider.ID)
	want := func(when string, inside, place int) {
		t.Helper()
		if got := bo.get(s.devices()); got.status != inside {
			t.Errorf("%s: the devices answer %d", when, got.status)
		}
		if got := s.visitor().get(signInPlace(tenant)); got.status != place {
			t.Errorf("%s: the sign-in of the tenant answers %d", when, got.status)
		}
	}
	want("enabled", http.StatusOK, http.StatusOK)
	if page := owner.follow(owner.post(at+"/switch", url.Values{})); !page.page.has("[role=note]") {
		t.Errorf("the page says %s", page.page.text("main"))
	}
	want("disabled", http.StatusSeeOther, http.StatusNotFound)
	if got := s.visitor().get(signInAtPath(provider.ID)); got.status != http.StatusNotFound {
		t.Errorf("signing in at it answers %d", got.status)
	}
	owner.follow(owner.post(at+"/switch", url.Values{}))
	want("enabled again", http.StatusOK, http.StatusOK)
}
