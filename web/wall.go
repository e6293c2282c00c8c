package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"longwave/tenants"
	"longwave/tenants/dashboard"
	"longwave/tenants/id"
	"longwave/views"
	"longwave/web/handler"
)

const (
	// wallCookie holds the token of a screen. It is a name of its own: somebody may be signed in on the same machine.
	wallCookie = "longwave-wall"

	// wallCookieSeconds is as long as browsers keep a cookie; each time the page is loaded it begins anew.
	wallCookieSeconds = 400 * 24 * 60 * 60

	// waitForPairing is how long one question of a screen waits for its answer: far below the minute after which proxies give up.
	waitForPairing = 10 * time.Second

	// maxWaitingScreens bounds the questions that wait; a screen beyond them asks again every few seconds.
	maxWaitingScreens = 2000
)

const wallPath = "/wall"

// screenDoor lets paired screens through, and nobody else.
func (w *Web) screenDoor(f pageFunc) http.HandlerFunc {
	return w.handler.Handle(func(out http.ResponseWriter, r *http.Request) error {
		p, err := w.screenOf(r)
		if errors.Is(err, tenants.ErrUnauthenticated) {
			return handler.Problem{
				Status: http.StatusUnauthorized, Code: "screen_unknown", Title: "This screen is not paired",
				Detail: "It never was, or somebody has revoked it. Open " + wallPath + " on it to pair it again.",
			}.Because(err)
		}
		if err == nil {
			err = p.May(tenants.ShowWall)
		}
		if err != nil {
			return err
		}
		out.Header().Set("Cache-Control", "private, no-store")
		return f(out, r, p)
	})
}

// screenOf is the screen whose token the request carries; the errors are those of tenants.WallByToken.
func (w *Web) screenOf(r *http.Request) (tenants.Principal, error) {
	return w.o.Tenants.WallByToken(w.wallToken(r))
}

func (w *Web) wallToken(r *http.Request) string {
	cookie, err := r.Cookie(w.cookieName(r, wallCookie))
	if err != nil {
		return ""
	}
	return cookie.Value
}

// showWall is the one address of a screen, whatever its state: what it is to show, or the code that pairs it.
func (w *Web) showWall(out http.ResponseWriter, r *http.Request) error {
	p, err := w.screenOf(r)
	page := views.Wall{Frame: w.bare("Wall"), Host: r.Host}
	var suspended *tenants.SuspendedError
	switch {
	case errors.As(err, &suspended):
		page.Suspended = "The tenant of this screen is suspended. It goes on by itself when that is over."
	case err != nil && !errors.Is(err, tenants.ErrUnauthenticated):
		return err
	case err == nil:
		screen, _ := p.Wall()
		page.Title, page.Live = screen.Name, wallPath+"/live"
		w.setCookie(out, r, wallCookie, w.wallToken(r), wallCookieSeconds)
		return w.render(out, r, http.StatusOK, views.WallPage(page))
	}
	return w.render(out, r, http.StatusOK, views.PairPage(page))
}

// newWallCode gives a screen a code to show, and the token that the code will pair.
func (w *Web) newWallCode(out http.ResponseWriter, r *http.Request) error {
	code, err := w.o.Tenants.NewWallCode(r.Context(), w.handler.ClientAddress(r))
	if err != nil {
		return err
	}
	w.setCookie(out, r, wallCookie, code.Token, wallCookieSeconds)
	return answerJSON(out, http.StatusOK, map[string]any{"code": code.Code, "seconds": int(code.Expires.Sub(w.o.Now()).Seconds())})
}

// awaitPairing answers {"paired":true} as soon as the screen may show something, and {"paired":false} when that takes long.
func (w *Web) awaitPairing(out http.ResponseWriter, r *http.Request) error {
	if w.wallToken(r) == "" {
		return answerJSON(out, http.StatusOK, map[string]bool{"paired": false})
	}
	select {
	case w.waiting <- struct{}{}:
		defer func() { <-w.waiting }()
	default:
		return handler.Problem{
			Status: http.StatusServiceUnavailable, Code: "busy", Title: "Too many screens wait to be paired",
			Detail: "The server has as many of them as it can serve. The screen tries again by itself.", RetryAfter: comeBackAfter,
		}.Because(nil)
	}
	ctx, cancel := context.WithTimeout(r.Context(), waitForPairing)
	defer cancel()
	return answerJSON(out, http.StatusOK, map[string]bool{"paired": w.paired(ctx, r)})
}

// paired waits until the screen of the request is paired. It gives up when the context ends or the server stops.
func (w *Web) paired(ctx context.Context, r *http.Request) bool {
	var stopping <-chan struct{}
	if w.o.Hub != nil {
		stopping = w.o.Hub.Done()
	}
	for {
		changed := w.o.Tenants.Changed()
		if _, err := w.screenOf(r); err == nil {
			return true
		}
		select {
		case <-changed:
		case <-stopping:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// serveScreen opens the socket of a screen. It ends within a second of the revocation.
func (w *Web) serveScreen(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	if w.socket == nil {
		return tenants.ErrNotFound
	}
	wall, _ := p.Wall()
	return w.socket.serve(out, r, visit{
		Tenant: p.Tenant(),
		Check: func(context.Context) error {
			_, err := w.screenOf(r)
			return err
		},
		Screen: &wallScreen{web: w, tenant: p.Tenant(), wall: wall.ID, address: w.handler.ClientAddress(r)},
	})
}

// serveScreenWidget answers what a widget of one of the screen's dashboards shows, as serveWidget does for people. Variables
// have the values that the dashboard gives them: a screen is not to look around.
func (w *Web) serveScreenWidget(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.dashboardOf(p.Tenant(), r.URL.Query().Get("dashboard"))
	if err != nil || !p.Shows(found.ID) {
		return tenants.ErrNotFound
	}
	document := found.Current().Document
	one, ok := document.Widget(r.URL.Query().Get("widget"))
	if !ok {
		return tenants.ErrNotFound
	}
	q, err := widgetQuestion(r.URL.Query())
	if err != nil {
		return err
	}
	q.Widget, q.Values = one, document.Values(nil)
	return w.answerWidget(out, r, p.Tenant(), q)
}

// shown is what a screen is to show, as its scripts read it. Times are milliseconds since 1970.
type shown struct {
	Tenant   string      `json:"tenant"`
	Name     string      `json:"name"`
	Seconds  int         `json:"seconds"`
	Pause    bool        `json:"pause"`
	Zoom     int         `json:"zoom"`
	Zone     string      `json:"zone,omitempty"`
	Light    bool        `json:"light,omitempty"`
	Reload   int64       `json:"reload,omitempty"`
	Identify int64       `json:"identify,omitempty"`
	Pages    []shownPage `json:"pages"`
}

type shownPage struct {
	ID       id.Dashboard       `json:"id"`
	Name     string             `json:"name"`
	Version  int                `json:"version"`
	Document dashboard.Document `json:"document"`
}

// shownOn is what a screen is to show now; false when there is no such screen any more. Dashboards that were deleted are left out.
func shownOn(st *tenants.State, t id.Tenant, of id.Wall) (shown, bool) {
	wall, ok := st.Wall(t, of)
	if !ok {
		return shown{}, false
	}
	tenant, _ := st.Tenant(t)
	out := shown{
		Tenant: tenant.Name, Name: wall.Name, Seconds: wall.Seconds, Pause: wall.PauseOnAlert, Zoom: wall.Zoom, Zone: wall.Zone, Light: wall.Light,
		Reload: sinceEpoch(wall.Asked[tenants.WallReload]), Identify: sinceEpoch(wall.Asked[tenants.WallIdentify]), Pages: []shownPage{},
	}
	for _, d := range wall.Dashboards {
		if found, ok := st.Dashboard(t, d); ok && found.Deleted.IsZero() {
			current := found.Current()
			out.Pages = append(out.Pages, shownPage{d, found.Name, current.Number, current.Document})
		}
	}
	return out, true
}

// mark is the same for two that need not be told apart. The documents are not compared: another one is another version.
func (s shown) mark() string {
	s.Pages = slices.Clone(s.Pages)
	for i := range s.Pages {
		s.Pages[i].Document = dashboard.Document{}
	}
	text, err := json.Marshal(s)
	if err != nil { // strings and numbers
		return ""
	}
	return string(text)
}

func sinceEpoch(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.UnixMilli()
}
