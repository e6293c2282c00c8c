package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/tenants/seal"
	"longwave/views"
	"longwave/web/oidc"
)

// journeyLasts is how long somebody may take at a provider: to find the phone with the second factor, and type.
const journeyLasts = 15 * time.Minute

// journeyCookie and the first characters of the state name a cookie, so that sign-ins in two tabs do not meet.
const (
	journeyCookie = "longwave-way-"
	journeyName   = 12
)

// purpose is why somebody was sent to a provider.
type purpose string

const (
	forSignIn purpose = "in"    // to sign in
	forCheck  purpose = "check" // without being asked, to find out whether the person may still be here
	forLink   purpose = "link"  // to add a way to sign in to an account
	forTest   purpose = "test"  // to try out a registration that is not saved
)

// journey is what the browser of somebody carries to a provider and back, sealed: no process has to remember it.
type journey struct {
	oidc.Pending
	Provider id.Provider `json:"p"`
	Purpose  purpose     `json:"w"`
	Next     string      `json:"x,omitempty"`
	Person   id.Person   `json:"i,omitempty"` // who must still be signed in on the way back
	Until    time.Time   `json:"u"`
}

func journeyPlace(state string) seal.Place {
	return seal.Place{Thing: "sign-in", Field: state}
}

// depart gives the browser what it must carry, and returns the address to send it to. It returns an *oidc.Error.
func (w *Web) depart(out http.ResponseWriter, r *http.Request, cfg oidc.Config, way departure) (string, error) {
	address, pending, err := w.o.Providers.Begin(r.Context(), cfg, way.ask)
	if err != nil {
		return "", err
	}
	j := way.journey
	j.Pending, j.Until = pending, w.o.Now().Add(journeyLasts)
	text, err := json.Marshal(j)
	if err != nil {
		return "", err
	}
	sealed, err := w.o.Secrets.Seal(journeyPlace(pending.State), text)
	if err != nil {
		return "", err
	}
	w.setCookie(out, r, journeyCookie+pending.State[:journeyName], string(sealed), int(journeyLasts.Seconds()))
	return address, nil
}

// departure is a journey that begins, and how the person is to be asked.
type departure struct {
	journey
	ask oidc.Ask
}

// arrived takes back what the browser carried, once. It returns oidc.ErrState when there is nothing, it is too old, or it
// was for another provider than the one in the address.
func (w *Web) arrived(out http.ResponseWriter, r *http.Request, at id.Provider) (journey, error) {
	state := r.URL.Query().Get("state")
	if len(state) < journeyName || strings.Trim(state[:journeyName], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		return journey{}, oidc.ErrState
	}
	name := journeyCookie + state[:journeyName]
	cookie, err := r.Cookie(w.cookieName(r, name))
	if err != nil {
		return journey{}, oidc.ErrState
	}
	w.setCookie(out, r, name, "", -1)
	text, err := w.o.Secrets.Open(journeyPlace(state), seal.Sealed(cookie.Value))
	var j journey
	if err != nil || json.Unmarshal(text, &j) != nil || w.o.Now().After(j.Until) {
		return journey{}, oidc.ErrState
	}
	if j.Provider != at {
		return journey{}, oidc.ErrMixedUp
	}
	return j, nil
}

// leave shows a page that leads to a provider. A redirect would not do: the policy of the page with the form lets its answer
// lead to this server only.
func (w *Web) leave(out http.ResponseWriter, r *http.Request, heading, to string) error {
	u, err := url.Parse(to)
	if err != nil {
		return err
	}
	out.Header().Set("Refresh", "0; url="+to)
	return w.render(out, r, http.StatusOK, views.JourneyPage(views.Journey{Frame: w.bare(heading), Heading: heading, To: to, Host: u.Host}))
}

// registration is Longwave's registration at a saved provider. It returns seal.ErrKey or seal.ErrSealed when its secret
// cannot be opened.
func (w *Web) registration(r *http.Request, p tenants.Provider) (oidc.Config, error) {
	cfg := oidc.Config{Issuer: p.Issuer, ClientID: p.ClientID, RedirectURL: w.origin(r) + callbackPath(p.ID), Claims: wantedClaims(p.Rows)}
	if p.Secret == "" {
		return cfg, nil
	}
	secret, err := w.o.Secrets.Open(tenants.SecretPlace(p.Tenant, p.ID), p.Secret)
	cfg.Secret = string(secret)
	return cfg, err
}

// wantedClaims are those that rules look at, and those that an account is named after.
func wantedClaims(rows []tenants.RoleRow) []string {
	list := []string{"email", "name"}
	for _, row := range rows {
		list = append(list, row.Claim)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// finish checks the answer of a provider and says who it is.
func (w *Web) finish(ctx context.Context, cfg oidc.Config, j journey, answer url.Values) (oidc.Identity, error) {
	who, err := w.o.Providers.Finish(ctx, cfg, j.Pending, answer)
	var failed *oidc.Error
	if errors.As(err, &failed) {
		w.o.Log.InfoContext(ctx, "a sign-in at a provider failed", "provider", j.Provider, "code", failed.Code, "error", err)
	}
	return who, err
}
