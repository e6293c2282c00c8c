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
		return w.enter(out, r, need, f, func(p id.Person) (tenants.Principal, error) { return w.o.Tenants.Enter(p, t) })
	})
}

// platform lets a person through who may do what the route needs outside every tenant.
func (w *Web) platform(need tenants.Action, f pageFunc) http.HandlerFunc {
	return w.handler.Handle(func(out http.ResponseWriter, r *http.Request) error {
		return w.enter(out, r, need, f, w.o.Tenants.Identify)
	})
}

func (w *Web) enter(out http.ResponseWriter, r *http.Request, need tenants.Action, f pageFunc, who func(id.Person) (tenants.Principal, error)) error {
	person, err := w.person(r)
	if errors.Is(err, handler.ErrCredentials) {
		return askWho(out, r, err)
	}
	if err != nil {
		return err
	}
	principal, err := who(person)
	if err != nil {
		return err
	}
	if err := principal.May(need); err != nil {
		return err
	}
	out.Header().Set("Cache-Control", "private, no-store") // of one person, and old at once
	return f(out, r, principal)
}

// askWho leads a person who follows a link to the sign-in and back. A form or a script is told; what it wanted to do
// cannot be kept.
func askWho(out http.ResponseWriter, r *http.Request, cause error) error {
	signIn := "/sign-in?next=" + url.QueryEscape(r.URL.RequestURI())
	partial := r.Header.Get("HX-Request") != ""
	if r.Method == http.MethodGet && r.Header.Get("Upgrade") == "" && r.Header.Get("Sec-Fetch-Dest") != "empty" && !partial {
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

// person is who the session cookie belongs to. It returns handler.ErrCredentials when nobody is signed in.
func (w *Web) person(r *http.Request) (id.Person, error) {
	found, err := w.session(r.Context(), r)
	if err != nil {
		return "", err
	}
	return found.Person, nil
}

func (w *Web) session(ctx context.Context, r *http.Request) (session.Session, error) {
	token := w.sessionToken(r)
	if token == "" {
		return session.Session{}, handler.ErrCredentials
	}
	found, err := w.o.Sessions.Get(ctx, token)
	if errors.Is(err, session.ErrNone) {
		return session.Session{}, handler.ErrCredentials
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
		_, err = w.o.Tenants.Enter(found.Person, p.Tenant())
		return err
	}
}
