package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func claimForm(token string) url.Values {
	return url.Values{"token": {token}, "email": {"ada@example.com"}, "name": {"Ada"}, "password": {password}, "tenant": {"North plant"}}
}

func TestFirstRunMakesTheOperatorAndSignsIn(t *testing.T) {
	s := start(t)
	b := s.visitor()
	form := b.get("/first-run?token=" + url.QueryEscape(s.token))
	if form.status != http.StatusOK || !form.page.has("form[action=/first-run] #password") || len(form.page.all("form .btn-primary")) != 1 {
		t.Fatalf("status %d, want a form with one primary action: %s", form.status, form.page.text("main"))
	}
	made := b.post("/first-run", claimForm(form.page.attr("[name=token]", "value")))
	list := b.follow(made)
	if list.status != http.StatusOK || !list.page.has(".empty-state") || list.page.text(".menu-person") != "Ada" {
		t.Fatalf("status %d, want the empty device list of Ada: %s", list.status, list.page.text("body"))
	}
	if again := s.visitor().get("/first-run?token=" + url.QueryEscape(s.token)); again.status != http.StatusGone || !strings.Contains(again.page.text("main"), "Sign in") {
		t.Errorf("a used link answers %d: %s", again.status, again.page.text("main"))
	}
}

func TestFirstRunRefusesAWrongToken(t *testing.T) {
	s := start(t)
	for _, token := range []string{"", "wrong"} {
		for _, got := range []answer{s.visitor().get("/first-run?token=" + token), s.visitor().post("/first-run", claimForm(token))} {
			if got.status != http.StatusForbidden || !strings.Contains(got.page.text("main"), "newest output of the server") {
				t.Errorf("token %q answers %d: %s", token, got.status, got.page.text("main"))
			}
		}
	}
	if s.tenants.State().Claimed() {
		t.Error("the installation was claimed without the token")
	}
}

func TestFirstRunKeepsWhatWasTyped(t *testing.T) {
	s := start(t)
	for field, value := range map[string]string{"email": "not an address", "password": "short", "tenant": ""} {
		form := claimForm(s.token)
		form.Set(field, value)
		got := s.visitor().post("/first-run", form)
		if got.status != http.StatusUnprocessableEntity {
			t.Fatalf("%s: status %d", field, got.status)
		}
		if got.page.text("#"+field+"-error") == "" || got.page.attr("[role=alert] a", "href") != "#"+field && !strings.Contains(got.page.text("[role=alert]"), " ") {
			t.Errorf("%s: no error beside the field or in the summary: %s", field, got.page.text("main"))
		}
		if got.page.attr("#"+field, "aria-invalid") != "true" {
			t.Errorf("%s: the field is not marked as invalid", field)
		}
		if field != "email" && got.page.attr("#email", "value") != "ada@example.com" {
			t.Errorf("%s: the address was not kept", field)
		}
		if strings.Contains(got.body, password) {
			t.Errorf("%s: the password stands in the page", field)
		}
	}
}

func TestSignInAnswersUnknownAccountsLikeWrongPasswords(t *testing.T) {
	s := start(t)
	s.owner()
	wrong := s.visitor().post("/sign-in", url.Values{"email": {"ada@example.com"}, "password": {"wrong"}})
	unknown := s.visitor().post("/sign-in", url.Values{"email": {"eve@example.com"}, "password": {"wrong"}})
	if wrong.status != http.StatusUnauthorized || unknown.status != wrong.status {
		t.Fatalf("status %d and %d, want 401 twice", wrong.status, unknown.status)
	}
	if strings.ReplaceAll(wrong.body, "ada@", "eve@") != unknown.body {
		t.Error("the pages differ in more than the address that was typed")
	}
}

func TestSignInSaysWhenToTryAgain(t *testing.T) {
	s := start(t)
	s.owner()
	for range 30 {
		got := s.visitor().post("/sign-in", url.Values{"email": {"ada@example.com"}, "password": {"wrong"}})
		if got.status != http.StatusTooManyRequests {
			continue
		}
		if got.header.Get("Retry-After") == "" || !strings.Contains(got.page.text("[role=alert]"), "Try again in") {
			t.Errorf("Retry-After %q, page: %s", got.header.Get("Retry-After"), got.page.text("main"))
		}
		return
	}
	t.Error("thirty wrong passwords were never slowed down")
}

func TestSignInLeadsBack(t *testing.T) {
	s := start(t)
	s.owner()
	b := s.visitor()
	wanted := s.devices() + "?state=late"
	asked := b.get(wanted)
	form := b.follow(asked)
	signedIn := b.post("/sign-in", url.Values{"email": {"ada@example.com"}, "password": {password}, "next": {form.page.attr("[name=next]", "value")}})
	if got := signedIn.header.Get("Location"); got != wanted {
		t.Errorf("signed in to %q, want %q", got, wanted)
	}
}

func TestSignInLeadsNowhereElse(t *testing.T) {
	foreign := []string{
		"//evil.example", "///evil.example", `/\evil.example`, `\\evil.example`, "https://evil.example", "http:evil.example",
		"javascript:alert(1)", "/\t/evil.example", "/\n/evil.example", "\t//evil.example", " //evil.example", "/%0d/evil", "evil.example",
		"", "/sign-out", "/sign-in?next=/x", "@evil.example", "/..//evil.example\\", "data:text/html,x", "/\x00/evil", "/a\\b", "//%2f/evil",
	}
	for _, next := range foreign {
		if got := localPath(next); got != "" && got != "/%0d/evil" {
			t.Errorf("%q leads to %q", next, got)
		}
	}
	for _, next := range []string{"/", "/t/t-1/devices?q=a%2Fb&state=late", "/system", "/t/t-1/devices/d-1?tab=packets#x"} {
		if localPath(next) != next {
			t.Errorf("%q is a page of ours", next)
		}
	}
}

func TestSignOutEndsTheSession(t *testing.T) {
	s := start(t)
	b := s.owner()
	stolen := &visitor{s: s, client: &http.Client{Jar: b.client.Jar, CheckRedirect: b.client.CheckRedirect}}
	base, _ := url.Parse(s.server.URL)
	cookies := b.client.Jar.Cookies(base)
	page := b.follow(b.post("/sign-out", url.Values{}))
	if !strings.Contains(page.page.text("main"), "You are signed out.") {
		t.Errorf("the page says: %s", page.page.text("main"))
	}
	b.client.Jar.SetCookies(base, cookies)
	if got := stolen.get(s.devices()); got.status != http.StatusSeeOther {
		t.Errorf("the old cookie still answers %d", got.status)
	}
}

func TestSessionCookie(t *testing.T) {
	s := start(t)
	s.owner()
	got := s.visitor().post("/sign-in", url.Values{"email": {"ada@example.com"}, "password": {password}})
	cookie := got.header.Get("Set-Cookie")
	for _, want := range []string{"longwave=", "HttpOnly", "SameSite=Lax", "Path=/"} {
		if !strings.Contains(cookie, want) {
			t.Errorf("cookie %q lacks %s", cookie, want)
		}
	}
}

func TestSessionCookieOverTLS(t *testing.T) {
	s := start(t)
	s.owner()
	form := url.Values{"email": {"ada@example.com"}, "password": {password}}
	r := httptest.NewRequest(http.MethodPost, "https://longwave.example/sign-in", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.server.Config.Handler.ServeHTTP(w, r)
	cookie := w.Header().Get("Set-Cookie")
	if w.Code != http.StatusSeeOther || !strings.HasPrefix(cookie, "__Host-longwave=") || !strings.Contains(cookie, "Secure") {
		t.Errorf("status %d, cookie %q", w.Code, cookie)
	}
}

func TestAFormOfAnEndedSessionSaysSo(t *testing.T) {
	s := start(t)
	s.owner()
	got := s.visitor().post(s.devices(), url.Values{"name": {"pump"}})
	if got.status != http.StatusUnauthorized || !strings.Contains(got.page.text("main"), "nothing was done") {
		t.Errorf("status %d, the page says: %s", got.status, got.page.text("main"))
	}
	partial := s.visitor().do(http.MethodGet, s.devices(), nil, http.Header{"Hx-Request": {"true"}})
	if got := partial.header.Get("HX-Redirect"); !strings.HasPrefix(got, "/sign-in?next=") {
		t.Errorf("a search of an ended session leads to %q", got)
	}
}
