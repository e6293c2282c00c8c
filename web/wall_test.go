package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"longwave/tenants"
	"longwave/tenants/dashboard"
	"longwave/tenants/id"
)

// hung is a dashboard of one number, and a second widget that a screen must not be asked about.
func (s *site) hung(t id.Tenant, name string) tenants.Dashboard {
	s.t.Helper()
	d, err := s.tenants.SaveDashboard(s.t.Context(), tenants.Actor{System: "test"}, t, tenants.SaveDashboard{Name: name, Document: dashboard.Document{
		Variables: []dashboard.Variable{{Name: "site", Of: "site", Default: "plant-1"}},
		Widgets: []dashboard.Widget{
			{Kind: dashboard.Number, Title: "Temperature", Metrics: []dashboard.Metric{{Name: "temp"}}, At: dashboard.Place{W: 6, H: 8}},
			{Kind: dashboard.Line, Title: "By site", Select: dashboard.Selection{Site: "$site"}, Metrics: []dashboard.Metric{{Name: "temp"}}, At: dashboard.Place{Y: 8, W: 12, H: 10}},
		}}})
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

// paired is the browser of a screen that shows some dashboards.
func (s *site) paired(t id.Tenant, name string, boards ...id.Dashboard) (*visitor, tenants.Wall) {
	s.t.Helper()
	screen := s.visitor()
	code := screen.code()
	w, err := s.tenants.PairWall(s.t.Context(), tenants.Actor{System: "test"}, t, code, tenants.WallSettings{Name: name, Dashboards: boards})
	if err != nil {
		s.t.Fatal(err)
	}
	return screen, w
}

// code asks for a code as a screen does.
func (b *visitor) code() string {
	b.s.t.Helper()
	var got struct {
		Code    string
		Seconds int
	}
	answer := b.send("/wall/code", "")
	if err := json.Unmarshal([]byte(answer.body), &got); err != nil || answer.status != http.StatusOK || got.Seconds < 60 {
		b.s.t.Fatalf("asking for a code answers %d %s", answer.status, answer.body)
	}
	return got.Code
}

// wallsOf is the page of the walls of a tenant that has two: one that was never heard of, and one that has said something.
func (s *site) wallsOf(d tenants.Device) string {
	if len(s.tenants.State().Walls(d.Tenant)) == 0 {
		first, second := s.hung(d.Tenant, "Pump hall"), s.hung(d.Tenant, "Energy")
		_, w := s.paired(d.Tenant, "Hall 2, north", first.ID, second.ID)
		s.paired(d.Tenant, "Control room", first.ID)
		s.tenants.NoteWall(d.Tenant, w.ID, tenants.WallReport{At: time.Now(), Page: second.ID, Version: "test", Width: 1920, Height: 1080})
	}
	return wallsPath(d.Tenant)
}

func TestPairingByThePage(t *testing.T) {
	s := start(t)
	b := s.owner()
	tenant := s.claimed.Tenant.ID
	empty := b.get(wallsPath(tenant))
	if empty.status != http.StatusOK || !strings.Contains(empty.body, "No walls yet") || strings.Contains(empty.body, `name="code"`) {
		t.Errorf("without a dashboard: %d %s", empty.status, empty.page.text("main"))
	}
	board := s.hung(tenant, "Plant")
	screen := s.visitor()
	if got := screen.get("/wall"); got.status != http.StatusOK || !strings.Contains(got.body, `data-page="pair"`) {
		t.Fatalf("a new screen is shown %d", got.status)
	}
	code := screen.code()
	form := url.Values{"code": {"2222-2222"}, "name": {"Hall 2"}, "dashboard": {string(board.ID)}, "seconds": {"x"}, "zoom": {"125"}, "pause": {"1"}, "zone": {"Europe/Berlin"}}
	if got := b.post(wallsPath(tenant), form); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, "whole number") || !strings.Contains(got.body, "Hall 2") {
		t.Errorf("wrong seconds: %d %s", got.status, got.page.text("main"))
	}
	form.Set("seconds", "20")
	if got := b.post(wallsPath(tenant), form); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.body, "is shown by no screen") {
		t.Errorf("a wrong code: %d %s", got.status, got.page.text("main"))
	}
	form.Set("code", strings.ToLower(code))
	if got := b.follow(b.post(wallsPath(tenant), form)); !strings.Contains(got.page.text("main"), "Hall 2 is paired") {
		t.Errorf("paired: %s", got.page.text("main"))
	}
	if got := screen.get("/wall/wait"); !strings.Contains(got.body, "true") {
		t.Errorf("the screen is told %s", got.body)
	}
	if got := screen.get("/wall"); !strings.Contains(got.body, `data-page="wall"`) || !strings.Contains(got.body, "Hall 2") {
		t.Errorf("the screen is shown %s", got.page.text("main"))
	}
	one := wallOfPath(tenant, s.tenants.State().Walls(tenant)[0].ID)
	form.Set("name", "Hall 3")
	if got := b.follow(b.post(one, form)); !strings.Contains(got.page.text("main"), "Hall 3 is saved") {
		t.Errorf("changed: %s", got.page.text("main"))
	}
	if got := b.follow(b.post(one+"/ask", url.Values{"what": {"identify"}})); !strings.Contains(got.page.text("main"), "Hall 3 shows its name") {
		t.Errorf("asked: %s", got.page.text("main"))
	}
	if got := b.get(one + "/revoke"); !strings.Contains(got.page.text("main"), "Revoke Hall 3") {
		t.Errorf("before revoking: %s", got.page.text("main"))
	}
	b.follow(b.post(one+"/revoke", url.Values{}))
	if got := screen.get("/wall"); !strings.Contains(got.body, `data-page="pair"`) {
		t.Errorf("a revoked screen is shown %s", got.page.text("main"))
	}
}

func TestAWallOfAnotherTenantIsNotThere(t *testing.T) {
	s := start(t)
	s.owner()
	_, theirs := s.paired(s.claimed.Tenant.ID, "Hall", s.hung(s.claimed.Tenant.ID, "Plant").ID)
	eve := s.stranger()
	everyRoute(t, func(method, pattern string) {
		if !strings.Contains(pattern, "{wall}") {
			return
		}
		form := url.Values{"name": {"taken over"}, "dashboard": {"b-1"}, "what": {"reload"}}
		foreign := eve.do(method, fill(strings.ReplaceAll(pattern, "{wall}", string(theirs.ID)), string(eve.tenant), ""), form, nil)
		missing := eve.do(method, fill(pattern, string(eve.tenant), ""), form, nil)
		if foreign.status != http.StatusNotFound || foreign.body != missing.body {
			t.Errorf("%s %s: answers %d, want the 404 of a wall that does not exist", method, pattern, foreign.status)
		}
	})
	if w, ok := s.tenants.State().Wall(theirs.Tenant, theirs.ID); !ok || w.Name != "Hall" || len(w.Asked) > 0 {
		t.Errorf("the foreign wall was changed: %+v", w)
	}
}

// TestAScreenSeesItsDashboardsOnly walks every route with the token of a screen, and then its socket.
func TestAScreenSeesItsDashboardsOnly(t *testing.T) {
	s := start(t)
	b := s.owner()
	tenant := s.claimed.Tenant.ID
	mine, other := s.hung(tenant, "Mine"), s.hung(tenant, "Other")
	screen, w := s.paired(tenant, "Hall", mine.ID)
	everyRoute(t, func(method, pattern string) {
		if !strings.HasPrefix(pattern, "/t/") {
			return
		}
		if got := screen.do(method, fill(pattern, string(tenant), "d-0000000000000000"), url.Values{}, nil); passed(got, pattern, anyone) {
			t.Errorf("%s %s lets a screen in: %d", method, pattern, got.status)
		}
	})
	ask := func(d tenants.Dashboard, widget string) int {
		return screen.get("/wall/data?from=1&to=1000&points=100&dashboard=" + string(d.ID) + "&widget=" + widget).status
	}
	if own, foreign, missing := ask(mine, "w1"), ask(other, "w1"), ask(mine, "w9"); own != 200 || foreign != 404 || missing != 404 {
		t.Errorf("data of its own %d, of another dashboard %d, of no widget %d", own, foreign, missing)
	}
	if got := b.get("/wall/data?dashboard=" + string(mine.ID) + "&widget=w1"); got.status != http.StatusUnauthorized {
		t.Errorf("somebody who is no screen: %d", got.status)
	}
	p := &client{t: t, conn: screen.socket()}
	p.send(`{"report":{"page":"` + string(mine.ID) + `","width":800,"height":600,"version":"test"}}`)
	p.send(`{"sub":1,"topic":"wall"}`)
	if f := p.next(); f.Wall == nil || f.Wall.Name != "Hall" || len(f.Wall.Pages) != 1 || f.Wall.Pages[0].ID != mine.ID {
		t.Errorf("it is to show %+v", f.Wall)
	}
	for i, topic := range []string{
		`"topic":"devices"`, `"topic":"rate"`, `"topic":"device","device":"d-1"`, `"topic":"attempts","device":"d-1"`, `"topic":"widget","dashboard":"` + string(other.ID) + `","widget":"w1"`,
		`"topic":"widget","dashboard":"","widget":"w1"`, `"topic":"widget","draft":{"widget":{"kind":"number"},"variables":[]}`,
	} {
		p.send(`{"sub":` + string(rune('2'+i)) + `,` + topic + `}`)
		if f := p.next(); f.Error == nil || f.Error.Code != "not_found" {
			t.Errorf("%s is answered with %+v", topic, f)
		}
	}
	p.send(`{"sub":90,"topic":"alerts"}`)
	if f := p.next(); f.Snapshot == nil {
		t.Errorf("alerts: %+v", f)
	}
	if _, err := s.tenants.AskWall(t.Context(), tenants.Actor{}, tenant, w.ID, tenants.WallReload); err != nil {
		t.Fatal(err)
	}
	if f := p.next(); f.Wall == nil || f.Wall.Reload == 0 {
		t.Errorf("asked to reload: %+v", f)
	}
	reports, err := s.tenants.WallReports(t.Context(), tenant)
	if err != nil || reports[w.ID].Width != 800 || reports[w.ID].Page != mine.ID {
		t.Errorf("it has said %+v, %v", reports, err)
	}
	began := time.Now()
	if err := s.tenants.RevokeWall(t.Context(), tenants.Actor{}, tenant, w.ID); err != nil {
		t.Fatal(err)
	}
	if code := p.closed(); code != statusRevoked {
		t.Errorf("closed with %d", code)
	}
	t.Logf("revoked within %v", time.Since(began))
}

// socket is the socket of a screen.
func (b *visitor) socket() *websocket.Conn {
	b.s.t.Helper()
	conn, _, err := websocket.Dial(b.s.t.Context(), "ws"+strings.TrimPrefix(b.s.server.URL, "http")+"/wall/live", &websocket.DialOptions{
		HTTPClient: &http.Client{Jar: b.client.Jar}, HTTPHeader: http.Header{"Origin": {b.s.server.URL}},
	})
	if err != nil {
		b.s.t.Fatal(err)
	}
	b.s.t.Cleanup(func() { conn.CloseNow() })
	return conn
}
