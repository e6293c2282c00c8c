package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"longwave/tenants"
)

const newPassword = "entirely different words"

func TestAPersonChangesTheOwnPassword(t *testing.T) {
	s := start(t)
	owner := s.owner()
	bo, person := s.joined(owner, "bo", tenants.Viewer)
	elsewhere := s.signedIn(person)
	for current, status := range map[string]int{"not my password": http.StatusUnprocessableEntity, "": http.StatusUnprocessableEntity} {
		if got := bo.post("/account/password", url.Values{"current": {current}, "password": {newPassword}}); got.status != status || got.page.text("#current-error") == "" {
			t.Errorf("with %q: %d %s", current, got.status, got.page.text("main"))
		}
	}
	if weak := bo.post("/account/password", url.Values{"current": {password}, "password": {"short"}}); weak.status != http.StatusUnprocessableEntity || weak.page.text("#password-error") == "" {
		t.Errorf("a weak one: %d %s", weak.status, weak.page.text("main"))
	}
	done := bo.follow(bo.post("/account/password", url.Values{"current": {password}, "password": {newPassword}}))
	if done.status != http.StatusOK || !strings.Contains(done.page.text("main"), "signed out everywhere else") {
		t.Fatalf("changed: %d %s", done.status, done.page.text("main"))
	}
	if got := elsewhere.get("/account"); got.status != http.StatusSeeOther {
		t.Errorf("another session answers %d", got.status)
	}
	for typed, status := range map[string]int{password: http.StatusUnauthorized, newPassword: http.StatusSeeOther} {
		if got := s.visitor().post("/sign-in", url.Values{"email": {"bo@example.com"}, "password": {typed}}); got.status != status {
			t.Errorf("%q answers %d", typed, got.status)
		}
	}
}

func TestAForgottenPasswordIsReplacedWithALink(t *testing.T) {
	s := start(t)
	owner, tenant := s.owner(), s.claimed.Tenant.ID
	bo, person := s.joined(owner, "bo", tenants.Viewer)
	at := membersPath(tenant) + "/" + string(person) + "/recover"
	if got := bo.post(at, nil); got.status != http.StatusForbidden {
		t.Errorf("a viewer makes a link: %d", got.status)
	}
	made := owner.follow(owner.post(at, url.Values{}))
	link := strings.TrimPrefix(made.page.text("#recovery-link"), s.server.URL)
	if !strings.HasPrefix(link, "/recover?token=lwp_") {
		t.Fatalf("the link is %q: %s", link, made.page.text("main"))
	}
	if again := owner.get(membersPath(tenant)); again.page.has("#recovery-link") {
		t.Error("the link is shown twice")
	}
	stranger := s.visitor()
	form := stranger.get(link)
	token := form.page.attr("[name=token]", "value")
	if form.status != http.StatusOK || !strings.Contains(form.page.text("main"), "bo@example.com") {
		t.Fatalf("the form: %d %s", form.status, form.page.text("main"))
	}
	if weak := stranger.post("/recover", url.Values{"token": {token}, "password": {"short"}}); weak.status != http.StatusUnprocessableEntity || weak.page.text("#password-error") == "" {
		t.Errorf("a weak one: %d %s", weak.status, weak.page.text("main"))
	}
	if done := stranger.post("/recover", url.Values{"token": {token}, "password": {newPassword}}); done.header.Get("Location") != "/sign-in" {
		t.Fatalf("used: %d %s", done.status, done.page.text("main"))
	}
	if got := bo.get("/account"); got.status != http.StatusSeeOther {
		t.Errorf("a session from before answers %d", got.status)
	}
	for _, worthless := range []string{token, "", "lwp_nonsense"} {
		if got := stranger.post("/recover", url.Values{"token": {worthless}, "password": {newPassword}}); got.status != http.StatusNotFound {
			t.Errorf("%q answers %d", worthless, got.status)
		}
	}
}

func TestAnOperatorMakesALinkForEverybody(t *testing.T) {
	s := start(t)
	owner := s.owner() // who operates the installation
	s.joined(owner, "bo", tenants.Viewer)
	if got := owner.post(operatorsPath+"/recover", url.Values{"recover": {"nobody@example.com"}}); got.status != http.StatusUnprocessableEntity || got.page.text("#recover-error") == "" {
		t.Errorf("for nobody: %d %s", got.status, got.page.text("main"))
	}
	made := owner.follow(owner.post(operatorsPath+"/recover", url.Values{"recover": {"bo@example.com"}}))
	if !strings.Contains(made.page.text("#recovery-link"), "/recover?token=lwp_") {
		t.Errorf("no link: %s", made.page.text("main"))
	}
}

// recoveryOf is a link for a new password of somebody who belongs to the tenant of a device alone.
func (s *site) recoveryOf(d tenants.Device) string {
	s.t.Helper()
	_, secret, err := s.tenants.Invite(s.t.Context(), tenants.Actor{System: "test"}, d.Tenant, tenants.NewInvite{For: "Di", Role: tenants.Viewer})
	if err != nil {
		s.t.Fatal(err)
	}
	made, err := s.tenants.SignUp(s.t.Context(), tenants.Actor{System: "test"}, secret, tenants.NewAccount{Email: "di@example.com", Password: password})
	if err != nil {
		s.t.Fatal(err)
	}
	link, err := s.tenants.MakeRecovery(s.t.Context(), tenants.Actor{System: "test"}, "", made.ID)
	if err != nil {
		s.t.Fatal(err)
	}
	return recoverPath(link)
}
