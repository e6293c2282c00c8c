package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/tenants/session"
	"longwave/web/handler"
)

// pageFunc is a handler behind the sign-in.
type pageFunc func(http.ResponseWriter, *http.Request, tenants.Principal) error

// open adapts a handler that everybody may reach.
func (w *Web) open(f handler.Func) http.HandlerFunc { return w.handler.Handle(f) }

// inTenant lets a member of the tenant in the address through who may do what the route needs.
func (w *Web) inTenant(need tenants.Action, f pageFunc) http.HandlerFunc {
	return w.handler.Handle(func(out http.ResponseWriter, r *http.Request) error {
		t, err := id.Parse[id.Tenant](chi.URLParam(r, "tenant"))
		if err != nil { // the same answer as for a tenant of somebody else
			t = ""
		}
		return w.enter(out, r, door{may: allows(need), page: f, who: func(s session.Session) (tenants.Principal, error) {
			return w.o.Tenants.Enter(s.Person, t, s.Meta.Provider)
		}})
	})
}

// platform lets those through who operate the whole installation.
func (w *Web) platform(f pageFunc) http.HandlerFunc {
	return w.handler.Handle(func(out http.ResponseWriter, r *http.Request) error {
		return w.enter(out, r, door{may: allows(tenants.OperatePlatform), page: f, who: w.identify})
	})
}

// operator lets operators through, also those who oversee some tenants only.
func (w *Web) operator(f pageFunc) http.HandlerFunc {
	return w.handler.Handle(func(out http.ResponseWriter, r *http.Request) error {
		return w.enter(out, r, door{may: allows(tenants.OverseeTenants), page: f, who: w.identify})
	})
}

// person lets everybody through who is signed in, for what is about themselves.
func (w *Web) person(f pageFunc) http.HandlerFunc {
	return w.handler.Handle(func(out http.ResponseWriter, r *http.Request) error {
		return w.enter(out, r, door{may: anybody, page: f, who: w.identify})
	})
}

func (w *Web) identify(s session.Session) (tenants.Principal, error) {
	return w.o.Tenants.Identify(s.Person, s.Meta.Provider)
}

// door is what stands between a session and a page: who it makes of somebody, and what they must be allowed.
type door struct {
	who  func(session.Session) (tenants.Principal, error)
	may  func(tenants.Principal) error
	page pageFunc
}

func allows(need tenants.Action) func(tenants.Principal) error {
	return func(p tenants.Principal) error { return p.May(need) }
}

func anybody(tenants.Principal) error { return nil }

func (w *Web) enter(out http.ResponseWriter, r *http.Request, d door) error {
	found, err := w.session(r.Context(), r)
	if errors.Is(err, handler.ErrCredentials) {
		return askWho(out, r, err)
	}
	if err != nil {
		return err
	}
	if w.overdue(found) && !wantsPage(r) {
		return askWho(out, r, handler.ErrCredentials)
	}
	if to := w.recheck(r, found); to != "" {
		return see(out, r, to)
	}
	principal, err := d.who(found)
	if place := w.otherSignIn(r); errors.Is(err, tenants.ErrOtherSignIn) && place != "" {
		return see(out, r, place+"?next="+queryEscape(r.URL.RequestURI()))
	}
	if err != nil {
		return err
	}
	if err := d.may(principal); err != nil {
		return err
	}
	if principal.Guest() {
		if err := w.note(r, principal, tenants.Look{What: tenants.UsedSupport}); err != nil {
			return err
		}
	}
	out.Header().Set("Cache-Control", "private, no-store") // of one person, and old at once
	return d.page(out, r, principal)
}

// otherSignIn is where a member signs in who has to do it in another way; empty when the tenant has no place for that, or
// nobody looks at a page.
func (w *Web) otherSignIn(r *http.Request) string {
	t, err := id.Parse[id.Tenant](chi.URLParam(r, "tenant"))
	if err != nil || !wantsPage(r) || len(w.o.Tenants.State().OpenProviders(t)) == 0 {
		return ""
	}
	return signInPlace(t)
}

// askWho leads a person who follows a link to the sign-in and back. A form or a script is told; what it wanted to do
// cannot be kept.
func askWho(out http.ResponseWriter, r *http.Request, cause error) error {
	signIn := "/sign-in?next=" + url.QueryEscape(r.URL.RequestURI())
	partial := r.Header.Get("HX-Request") != ""
	if wantsPage(r) {
		return see(out, r, signIn)
	}
	if partial {
		out.Header().Set("HX-Redirect", signIn)
	}
	return handler.Problem{
		Status: http.StatusUnauthorized, Code: "signed_out", Title: "You are signed out",
		Detail: "Your session has ended, so nothing was done. Sign in, then do it again.",
	}.Because(cause)
}

// session is the one that the cookie belongs to. It returns handler.ErrCredentials when nobody is signed in.
func (w *Web) session(ctx context.Context, r *http.Request) (session.Session, error) {
	token := w.sessionToken(r)
	if token == "" {
		return session.Session{}, handler.ErrCredentials
	}
	found, err := w.o.Sessions.Get(ctx, token)
	if _, known := w.o.Tenants.State().OpenProvider(found.Meta.Provider); errors.Is(err, session.ErrNone) || found.Meta.Provider != "" && !known {
		return session.Session{}, handler.ErrCredentials // also when the provider that it was opened with is gone, or disabled
	}
	if err != nil {
		return session.Session{}, fmt.Errorf("session: %w", err)
	}
	return found, nil
}

// actor is the principal as the author of a change, with the address that it came from.
func (w *Web) actor(r *http.Request, p tenants.Principal) tenants.Actor {
	return p.Actor(w.handler.ClientAddress(r))
}

// device is the device in the address. It returns tenants.ErrNotFound for one that the tenant does not have.
func (w *Web) device(r *http.Request, p tenants.Principal) (tenants.Device, error) {
	d, err := id.Parse[id.Device](chi.URLParam(r, "device"))
	if err != nil {
		return tenants.Device{}, tenants.ErrNotFound
	}
	found, ok := w.o.Tenants.State().Device(p.Tenant(), d)
	if !ok {
		return tenants.Device{}, tenants.ErrNotFound
	}
	return found, nil
}

// stillThere asks again, for a socket that stays open, whether the session exists and may see the tenant.
func (w *Web) stillThere(r *http.Request, p tenants.Principal) func(context.Context) error {
	return func(ctx context.Context) error {
		found, err := w.session(ctx, r)
		if errors.Is(err, session.ErrUnavailable) {
			return nil // not known to have ended; the next look decides
		}
		if err != nil {
			return err
		}
		if w.overdue(found) {
			return handler.ErrCredentials
		}
		_, err = w.o.Tenants.Enter(found.Person, p.Tenant(), found.Meta.Provider)
		return err
	}
}
