package web

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"longwave/tenants"
	"longwave/tenants/id"
)

// setUp sets a provider up as an owner does, in the browser, with a test before it is saved.
func (w *window) setUp(s *site, owner *visitor, p *realProvider, at string) {
	w.t.Helper()
	w.become(s, owner)
	w.do(chromedp.Navigate(s.server.URL+at+"/new"), chromedp.WaitVisible("#redirect-url"))
	form := run(w, chromedp.Evaluate[string]("location.pathname"))
	p.set("client", map[string]any{
		"client_id": "longwave", "client_secret": "a secret of the provider", "redirect_uris": []string{w.text("#redirect-url")},
		"backchannel_logout_uri": w.text("#logout-url"), "backchannel_logout_session_required": true,
		"post_logout_redirect_uris": []string{w.text("#after-logout-url")}, "require_auth_time": true,
	})
	w.do(
		chromedp.SendKeys("#name", "Works login"), chromedp.SendKeys("#issuer", p.Issuer), chromedp.SendKeys("#client_id", "longwave"),
		chromedp.SendKeys("#secret", "a secret of the provider"),
		chromedp.SendKeys("[aria-label='Claim of rule 1']", "groups"), chromedp.SendKeys("[aria-label='Value of rule 1']", "operators"),
		chromedp.SetValue("[aria-label='Role of rule 1']", "editor"),
		chromedp.SendKeys("[aria-label='Claim of rule 2']", "groups"), chromedp.SendKeys("[aria-label='Value of rule 2']", "admins"),
		chromedp.SetValue("[aria-label='Role of rule 2']", "owner"),
	)
	w.eventually(painted)
	w.do(chromedp.Click("button[value=test]"))
	w.logIn("bo")
	page := w.arrive(form)
	for _, want := range []string{"The sign-in worked: bo at " + p.Issuer, "would be editor of", "The claim has this value", "The claim is operators"} {
		if !strings.Contains(page, want) {
			w.t.Errorf("the page with the test does not say %q: %s", want, page)
		}
	}
	w.capture("provider-tested")
	w.do(chromedp.Click("button[value=save]"))
	if page := w.arrive(at); !strings.Contains(page, "Works login saved") {
		w.t.Fatalf("saving says: %s", page)
	}
	w.forget()
}

// signIn goes from the sign-in of a tenant to its devices.
func (w *window) signIn(s *site, t id.Tenant, login string) {
	w.t.Helper()
	w.do(chromedp.Navigate(s.server.URL+signInPlace(t)), chromedp.WaitVisible(".button-row a"))
	w.eventually(painted)
	w.do(chromedp.Click(".button-row a"))
	if login != "" {
		w.logIn(login)
	}
	w.arrive(devicesPath(t))
}

func TestSigningInAtARealProvider(t *testing.T) {
	p := startProvider(t)
	s := start(t)
	owner, tenant := s.owner(), s.claimed.Tenant.ID
	p.account("bo", "operators")
	w := openWindow(t)
	w.setUp(s, owner, p, providersPath(tenant))

	w.signIn(s, tenant, "bo")
	if got := w.text(".menu-person"); got != "Bo" {
		t.Errorf("signed in as %q", got)
	}
	bo, ok := s.tenants.State().Identity(p.Issuer, "bo")
	if who, err := s.tenants.Enter(bo.Person, tenant, bo.Provider); !ok || err != nil || who.Role() != tenants.Editor {
		t.Errorf("bo is %v, %v", who.Role(), err)
	}

	p.set("rotate", map[string]any{})
	w.forget()
	w.signIn(s, tenant, "bo")

	w.endsThere(s, p, tenant)
	w.losesTheGroup(s, p, bo)
}

// endsThere ends the session at the provider, which ends it here, with its sockets.
func (w *window) endsThere(s *site, p *realProvider, tenant id.Tenant) {
	w.t.Helper()
	closed := w.visitor(s).listen(tenant)
	w.do(chromedp.Navigate(p.Issuer+"/session/end"), chromedp.WaitVisible("[name=logout]"))
	began := time.Now()
	w.do(chromedp.Click("[name=logout]"))
	end := soon(w.t, closed)
	w.t.Logf("closed with %d after %s", end.code, end.at.Sub(began))
	if end.code != statusRevoked {
		w.t.Errorf("closed with %d", end.code)
	}
	w.do(chromedp.Navigate(s.server.URL + devicesPath(tenant)))
	w.arrive("/sign-in")
	w.forget()
}

// losesTheGroup takes away the group that gave access, which is noticed when the provider is asked again.
func (w *window) losesTheGroup(s *site, p *realProvider, bo tenants.Identity) {
	w.t.Helper()
	tenant := s.claimed.Tenant.ID
	w.signIn(s, tenant, bo.Subject)
	p.set("account", map[string]any{"login": bo.Subject, "claims": map[string]any{"groups": []string{"visitors"}}})
	s.forward.Store(int64(recheckAfter + time.Minute))
	w.do(chromedp.Navigate(s.server.URL + devicesPath(tenant)))
	if page := w.arrive(callbackPath(bo.Provider)); !strings.Contains(page, "none of the rules here gives you a role") {
		w.t.Errorf("the page says: %s", page)
	}
	w.capture("provider-no-access")
	if _, ok := s.tenants.State().Member(tenant, bo.Person); ok {
		w.t.Error("bo is still a member")
	}
	if got := w.visitor(s).get(devicesPath(tenant)); got.status != http.StatusSeeOther {
		w.t.Errorf("the devices answer %d", got.status)
	}
}

// Two tenants, each with a provider of its own, have people signed in at the same time, who never meet.
func TestTwoTenantsWithTwoProviders(t *testing.T) {
	s := start(t)
	owner, north := s.owner(), s.claimed.Tenant
	south, err := s.tenants.CreateTenant(t.Context(), tenants.Actor{Person: s.claimed.Person.ID}, "South works")
	if err != nil {
		t.Fatal(err)
	}
	w := openWindow(t)
	providers := map[id.Tenant]*realProvider{}
	signedIn := map[id.Tenant]*visitor{}
	for _, tenant := range []id.Tenant{north.ID, south.ID} {
		p := startProvider(t)
		p.account("bo", "operators") // the same subject at both
		providers[tenant] = p
		w.setUp(s, owner, p, providersPath(tenant))
		w.signIn(s, tenant, "bo")
		signedIn[tenant] = w.visitor(s)
		w.forget()
	}
	first, _ := s.tenants.State().Identity(providers[north.ID].Issuer, "bo")
	second, _ := s.tenants.State().Identity(providers[south.ID].Issuer, "bo")
	if first.Person == second.Person || first.Person == "" {
		t.Errorf("both are %s", first.Person)
	}
	for tenant, b := range signedIn {
		for _, other := range []id.Tenant{north.ID, south.ID} {
			want := http.StatusNotFound
			if other == tenant {
				want = http.StatusOK
			}
			if got := b.get(devicesPath(other)); got.status != want {
				t.Errorf("of %s, %s answers %d, want %d", tenant, other, got.status, want)
			}
		}
	}
}
