package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/tenants/session"
)

// invited makes a link as the owner's page does.
func (s *site) invited(owner *visitor, whom string, role tenants.Role) string {
	s.t.Helper()
	page := owner.follow(owner.post(membersPath(s.claimed.Tenant.ID)+"/invites", url.Values{"for": {whom}, "role": {role.String()}}))
	link := page.page.text("#invite-link")
	if !strings.HasPrefix(link, s.server.URL+"/join?token=") {
		s.t.Fatalf("the link is %q: %s", link, page.page.text("main"))
	}
	return strings.TrimPrefix(link, s.server.URL)
}

// joined is somebody new in the first tenant.
func (s *site) joined(owner *visitor, name string, role tenants.Role) (*visitor, id.Person) {
	s.t.Helper()
	link := s.invited(owner, name, role)
	b := s.visitor()
	form := b.get(link)
	got := b.post("/join", url.Values{"token": {form.page.attr("[name=token]", "value")}, "email": {name + "@example.com"}, "name": {name}, "password": {password}})
	if got.status != http.StatusSeeOther {
		s.t.Fatalf("joining answers %d: %s", got.status, got.page.text("main"))
	}
	for _, m := range s.tenants.State().Members(s.claimed.Tenant.ID) {
		if person, _ := s.tenants.State().Person(m.Person); person.Name == name {
			return b, m.Person
		}
	}
	s.t.Fatal("nobody joined")
	return nil, ""
}

func TestAnInvitationLetsOnePersonIn(t *testing.T) {
	s := start(t)
	owner := s.owner()
	link := s.invited(owner, "Bo", tenants.Viewer)
	if again := owner.get(membersPath(s.claimed.Tenant.ID)); again.page.has("#invite-link") {
		t.Error("the link is shown twice")
	}
	form := s.visitor().get(link)
	if form.status != http.StatusOK || !strings.Contains(form.page.text("main"), "Join North plant") {
		t.Fatalf("status %d: %s", form.status, form.page.text("main"))
	}
	token := form.page.attr("[name=token]", "value")
	weak := s.visitor().post("/join", url.Values{"token": {token}, "email": {"bo@example.com"}, "password": {"short"}})
	if weak.status != http.StatusUnprocessableEntity || weak.page.text("#password-error") == "" || weak.page.attr("#email", "value") != "bo@example.com" {
		t.Errorf("a weak password: %d %s", weak.status, weak.page.text("main"))
	}
	bo := s.visitor()
	in := bo.follow(bo.post("/join", url.Values{"token": {token}, "email": {"bo@example.com"}, "password": {password}}))
	if in.status != http.StatusOK || !strings.Contains(in.page.text("main"), "You are a member of North plant now.") {
		t.Errorf("joined: %d %s", in.status, in.page.text("main"))
	}
	if used := s.visitor().get(link); used.status != http.StatusNotFound || used.body != s.visitor().get("/join?token=never").body {
		t.Errorf("a used link answers %d", used.status)
	}
	if got := bo.post(membersPath(s.claimed.Tenant.ID)+"/invites", url.Values{"for": {"Cy"}, "role": {"owner"}}); got.status != http.StatusForbidden {
		t.Errorf("a viewer invites: %d", got.status)
	}
	if page := bo.get(membersPath(s.claimed.Tenant.ID)); page.page.has("#invite") || len(page.page.all("a[href]")) == 0 {
		t.Error("a viewer is offered to invite")
	}
}

// TestARemovedMemberIsGoneWithinASecond measures what the page promises.
func TestARemovedMemberIsGoneWithinASecond(t *testing.T) {
	s := start(t)
	owner, tenant := s.owner(), s.claimed.Tenant.ID
	bo, person := s.joined(owner, "bo", tenants.Editor)
	closed := bo.listen(tenant)
	began := time.Now()
	owner.follow(owner.post(membersPath(tenant)+"/"+string(person)+"/remove", url.Values{}))
	if got := bo.get(devicesPath(tenant)); got.status == http.StatusOK {
		t.Error("the next page is still shown")
	}
	end := soon(t, closed)
	t.Logf("the socket closed with %d after %s", end.code, end.at.Sub(began))
	if end.code != statusRevoked {
		t.Errorf("closed with %d", end.code)
	}
	if list, err := s.sessions.List(t.Context(), person); err != nil || len(list) != 0 {
		t.Errorf("%d sessions of somebody who can open nothing, %v", len(list), err)
	}
}

func TestMembersChangeAndLeave(t *testing.T) {
	s := start(t)
	owner, tenant := s.owner(), s.claimed.Tenant.ID
	bo, person := s.joined(owner, "bo", tenants.Viewer)
	ada := string(s.claimed.Person.ID)
	at := membersPath(tenant) + "/"
	if got := owner.post(at+ada+"/remove", url.Values{}); got.status != http.StatusConflict || !strings.Contains(got.page.text("main"), "without an owner") {
		t.Errorf("the last owner leaves: %d %s", got.status, got.page.text("main"))
	}
	if got := bo.post(at+ada+"/remove", url.Values{}); got.status != http.StatusForbidden {
		t.Errorf("a viewer removes the owner: %d", got.status)
	}
	owner.follow(owner.post(at+string(person)+"/role", url.Values{"role": {"editor"}}))
	owner.follow(owner.post(at+string(person)+"/transfer", url.Values{}))
	if now, _ := s.tenants.State().Member(tenant, person); now.Role != tenants.Owner {
		t.Errorf("after the transfer bo is %v", now.Role)
	}
	if left := owner.follow(owner.post(at+ada+"/remove", url.Values{})); !strings.Contains(left.page.text("main"), "You have left the tenant.") {
		t.Errorf("leaving says: %s", left.page.text("main"))
	}
	if got := owner.get(devicesPath(tenant)); got.status != http.StatusNotFound {
		t.Errorf("and still sees it: %d", got.status)
	}
}

func TestThePersonEndsSessions(t *testing.T) {
	s := start(t)
	b := s.owner()
	s.visitor().post("/sign-in", url.Values{"email": {"ada@example.com"}, "password": {password}})
	phone := s.visitor()
	phone.do(http.MethodPost, "/sign-in", url.Values{"email": {"ada@example.com"}, "password": {password}}, http.Header{
		"User-Agent": {"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1"},
	})
	page := b.get("/account")
	if text := page.page.text("main"); !strings.Contains(text, "Safari on an iPhone") || !strings.Contains(text, "This one") || !strings.Contains(text, "127.0.0.1") {
		t.Errorf("the account says: %s", text)
	}
	list, err := s.sessions.List(t.Context(), s.claimed.Person.ID)
	if err != nil || len(list) != 3 {
		t.Fatalf("%d sessions, %v", len(list), err)
	}
	for _, each := range list {
		if strings.Contains(each.Meta.UserAgent, "iPhone") {
			b.follow(b.post("/account/sessions/"+each.ID+"/end", url.Values{}))
		}
	}
	if got := phone.get("/account"); got.status != http.StatusSeeOther {
		t.Errorf("the phone is answered %d", got.status)
	}
	if done := b.follow(b.post("/account/sessions/end", url.Values{})); !strings.Contains(done.page.text("main"), "1 other session has ended.") {
		t.Errorf("ending the others says: %s", done.page.text("main"))
	}
	if got := b.post("/account/sessions/0/end", url.Values{}); got.status != http.StatusNotFound {
		t.Errorf("a session that does not exist: %d", got.status)
	}
}

// Sensitive pages want a proof that is ten minutes old at most, and lead back.
func TestSensitivePagesAskAgain(t *testing.T) {
	s := start(t)
	b := s.owner()
	device := s.device("pump", nil)
	s.forward.Store(int64(provedWithin + time.Minute))
	keys := keysPath(s.claimed.Tenant.ID)
	for _, path := range []string{keys, providersPath(s.claimed.Tenant.ID), providersPath(""), s.devices() + "/delete?device=" + string(device.ID)} {
		if got := b.get(path); got.header.Get("Location") != "/sign-in/again?next="+url.QueryEscape(path) {
			t.Errorf("%s leads to %q", path, got.header.Get("Location"))
		}
	}
	if got := b.post(keys, url.Values{"name": {"ci"}, "role": {"viewer"}}); got.status != http.StatusForbidden || !strings.Contains(got.page.text("main"), "nothing was done") {
		t.Errorf("a form answers %d", got.status)
	}
	form := b.get("/sign-in/again?next=" + url.QueryEscape(keys))
	if form.page.attr("#email", "value") != "ada@example.com" || !form.page.has("#password") {
		t.Errorf("asked: %s", form.page.text("main"))
	}
	back := b.post("/sign-in", url.Values{"email": {"ada@example.com"}, "password": {password}, "next": {form.page.attr("[name=next]", "value")}})
	if back.header.Get("Location") != keys || b.get(keys).status != http.StatusOK {
		t.Errorf("then leads to %q", back.header.Get("Location"))
	}
}

// A session of a provider that nobody asked again for too long opens nothing that does not look at a page.
func TestAnOldWordOfAProviderIsNotEnough(t *testing.T) {
	s := start(t)
	s.owner()
	tenant := s.claimed.Tenant.ID
	p, err := s.tenants.SetProvider(t.Context(), tenants.Actor{}, tenants.NewProvider{
		ID: id.New[id.Provider](), Tenant: tenant, Name: "Login", Issuer: "https://login.example.com", ClientID: "x", Rows: []tenants.RoleRow{{Claim: "sub", Value: "*", Role: tenants.Viewer}},
	})
	if err != nil {
		t.Fatal(err)
	}
	person, _, err := s.tenants.Arrive(t.Context(), tenants.Arrival{Provider: p.ID, Issuer: p.Issuer, Subject: "bo", Claims: map[string]any{"sub": "bo"}})
	if err != nil {
		t.Fatal(err)
	}
	token, err := s.sessions.Create(t.Context(), person.ID, session.Meta{Provider: p.ID})
	if err != nil {
		t.Fatal(err)
	}
	b := s.withSession(token)
	script := http.Header{"Sec-Fetch-Dest": {"empty"}}
	for _, step := range []struct {
		after        time.Duration
		page, script int
	}{{0, http.StatusOK, http.StatusOK}, {recheckAfter, http.StatusSeeOther, http.StatusOK}, {overdueAfter, http.StatusSeeOther, http.StatusUnauthorized}} {
		s.forward.Store(int64(step.after))
		if got := b.get(s.devices()); got.status != step.page || step.page == http.StatusSeeOther && !strings.HasPrefix(got.header.Get("Location"), signInAtPath(p.ID)+"?check") {
			t.Errorf("after %s a page answers %d %s", step.after, got.status, got.header.Get("Location"))
		}
		if got := b.do(http.MethodGet, s.devices(), nil, script); got.status != step.script {
			t.Errorf("after %s a script is answered %d", step.after, got.status)
		}
	}
	s.forward.Store(0)
	if err := s.tenants.RemoveProvider(t.Context(), tenants.Actor{}, tenant, p.ID); err != nil {
		t.Fatal(err)
	}
	if got := b.get(s.devices()); !strings.HasPrefix(got.header.Get("Location"), "/sign-in?") {
		t.Errorf("without the provider: %d %s", got.status, got.header.Get("Location"))
	}
}
