package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"longwave/tenants"
	"longwave/tenants/id"
)

// TestAnOperatorAllowsPasswordsAgain is for a tenant whose provider fails after passwords were turned off.
func TestAnOperatorAllowsPasswordsAgain(t *testing.T) {
	s := start(t)
	b := s.owner()
	tenant := s.claimed.Tenant.ID
	at := operatedPath(tenant)
	if page := b.get(at); strings.Contains(page.body, at+"/passwords") {
		t.Error("it is offered although passwords are allowed")
	}
	_, err := s.tenants.SetProvider(t.Context(), tenants.Actor{System: "test"}, tenants.NewProvider{
		ID: id.New[id.Provider](), Tenant: tenant, Name: "Works", Issuer: "https://login.example.com", ClientID: "x",
	})
	if err == nil {
		err = s.tenants.SwitchPasswords(t.Context(), tenants.Actor{System: "test"}, tenant, true)
	}
	if err != nil {
		t.Fatal(err)
	}
	if page := b.get(at); !strings.Contains(page.body, at+"/passwords") {
		t.Fatalf("it is not offered: %s", page.page.text("main"))
	}
	if got := s.stranger().post(at+"/passwords", url.Values{}); got.status < http.StatusBadRequest {
		t.Errorf("somebody who is no operator is answered %d", got.status)
	}
	b.follow(b.post(at+"/passwords", url.Values{}))
	if now, _ := s.tenants.State().Tenant(tenant); now.NoPasswords {
		t.Error("passwords are still off")
	}
	if audit := b.get(auditPath(tenant)); !strings.Contains(audit.page.text("main"), "Allowed signing in with a password") {
		t.Errorf("the tenant's audit does not say it: %s", audit.page.text("main"))
	}
}
