package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-chi/chi/v5"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/tenants/session"
	"longwave/views"
	"longwave/web/handler"
	"longwave/web/oidc"
)

func (w *Web) showSignIn(out http.ResponseWriter, r *http.Request) error {
	if !w.o.Tenants.State().Claimed() {
		return w.render(out, r, http.StatusOK, views.MessagePage(w.notClaimed()))
	}
	next := localPath(r.URL.Query().Get("next"))
	if found, err := w.session(r.Context(), r); err == nil {
		return see(out, r, w.after(next, found.Person, found.Meta.Provider))
	}
	return w.renderSignIn(out, r, http.StatusOK, views.SignIn{Next: next})
}

func (w *Web) renderSignIn(out http.ResponseWriter, r *http.Request, status int, page views.SignIn) error {
	page.Frame = w.bare("Sign in")
	page.Flash = w.takeFlash(out, r)
	page.Email = views.Field{ID: "email", Label: "E-mail", Type: "email", Value: page.Email.Value, Autocomplete: "username", Focus: true}
	page.Password = views.Field{ID: "password", Label: "Password", Type: "password", Autocomplete: "current-password"}
	for _, p := range w.o.Tenants.State().OpenProviders("") {
		page.Providers = append(page.Providers, views.Link{Label: "Continue with " + p.Name, Href: signInAtPath(p.ID) + "?next=" + queryEscape(page.Next)})
	}
	out.Header().Set("Cache-Control", "no-store")
	return w.render(out, r, status, views.SignInPage(page))
}

// signIn answers a wrong password and an unknown account with the same words after the same work.
func (w *Web) signIn(out http.ResponseWriter, r *http.Request) error {
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	page := views.SignIn{Next: localPath(form.Get("next")), Email: views.Field{Value: form.Get("email")}}
	if form.Get("with") == "provider" {
		return w.signInByDomain(out, r, page)
	}
	person, err := w.o.Tenants.SignIn(r.Context(), tenants.Credentials{
		Email: form.Get("email"), Password: form.Get("password"), Address: w.handler.ClientAddress(r),
	})
	switch {
	case errors.Is(err, tenants.ErrDelayed):
		problem := handler.Describe(err)
		problem.SetHeaders(out.Header())
		page.Problems = []views.Problem{{Text: problem.Detail}}
		return w.renderSignIn(out, r, http.StatusTooManyRequests, page)
	case errors.Is(err, tenants.ErrUnauthenticated):
		page.Problems = []views.Problem{{Text: "E-mail and password do not belong together. Check both and try again."}}
		return w.renderSignIn(out, r, http.StatusUnauthorized, page)
	case err != nil:
		return err
	}
	if err := w.beginSession(out, r, person.ID, session.Meta{Proved: w.o.Now()}); err != nil {
		return err
	}
	return see(out, r, w.after(page.Next, person.ID, ""))
}

// signInByDomain leads to the provider of the e-mail domain. Whether there is an account with the address plays no part.
func (w *Web) signInByDomain(out http.ResponseWriter, r *http.Request, page views.SignIn) error {
	_, domain, _ := strings.Cut(page.Email.Value, "@")
	provider, ok := w.o.Tenants.State().ProviderFor(domain)
	if !ok {
		page.Problems = []views.Problem{{Text: "No identity provider is set up for this e-mail domain. Type the password, or ask your administrator for the sign-in address of your tenant."}}
		return w.renderSignIn(out, r, http.StatusUnprocessableEntity, page)
	}
	to := signInAtPath(provider.ID) + "?next=" + queryEscape(page.Next)
	return w.leave(out, r, "Sign in with "+provider.Name, w.origin(r)+to)
}

// showSignInPlace is the sign-in of one tenant: its providers, for people whose e-mail domain says nothing. A tenant without
// any is answered like one that does not exist.
func (w *Web) showSignInPlace(out http.ResponseWriter, r *http.Request) error {
	t, err := id.Parse[id.Tenant](chi.URLParam(r, "place"))
	if err != nil {
		return tenants.ErrNotFound
	}
	st := w.o.Tenants.State()
	tenant, _ := st.Tenant(t)
	providers := st.OpenProviders(t)
	if len(providers) == 0 {
		return tenants.ErrNotFound
	}
	next := localPath(r.URL.Query().Get("next"))
	if next == "" {
		next = devicesPath(t)
	}
	page := views.Message{Frame: w.bare("Sign in to " + tenant.Name), Heading: "Sign in to " + tenant.Name}
	for _, p := range providers {
		page.Links = append(page.Links, views.Link{Label: "Continue with " + p.Name, Href: signInAtPath(p.ID) + "?next=" + queryEscape(next)})
	}
	if tenant.NoPasswords {
		page.Lines = []string{"This tenant lets people in through its identity provider only."}
	} else {
		page.Links = append(page.Links, views.Link{Label: "Use a password", Href: "/sign-in?next=" + queryEscape(next)})
	}
	return w.render(out, r, http.StatusOK, views.MessagePage(page))
}

// signOut ends the session here, and leads to the provider so that it can end its own.
func (w *Web) signOut(out http.ResponseWriter, r *http.Request) error {
	found, _ := w.session(r.Context(), r)
	if token := w.sessionToken(r); token != "" {
		if err := w.o.Sessions.Delete(r.Context(), token); err != nil {
			return fmt.Errorf("sign out: %w", err)
		}
	}
	w.setCookie(out, r, sessionCookie, "", -1)
	w.done(out, r, "You are signed out.")
	if to := w.endThere(r, found); to != "" {
		return w.leave(out, r, "Signing out", to)
	}
	return see(out, r, "/sign-in")
}

// endThere is where a provider ends its session; empty when there is no such place, or the provider does not answer.
func (w *Web) endThere(r *http.Request, s session.Session) string {
	provider, ok := w.o.Tenants.State().Provider(s.Meta.Provider)
	if !ok {
		return ""
	}
	cfg := oidc.Config{Issuer: provider.Issuer, ClientID: provider.ClientID}
	to, _, err := w.o.Providers.EndSession(r.Context(), cfg, w.origin(r)+"/sign-in")
	if err != nil {
		w.o.Log.InfoContext(r.Context(), "the session at a provider was not ended", "provider", provider.ID, "error", err)
	}
	return to
}

// beginSession always makes a new token, so that one that was planted before the sign-in is worth nothing; the session
// that the browser had is ended.
func (w *Web) beginSession(out http.ResponseWriter, r *http.Request, p id.Person, meta session.Meta) error {
	if old := w.sessionToken(r); old != "" {
		if err := w.o.Sessions.Delete(r.Context(), old); err != nil {
			return fmt.Errorf("end the old session: %w", err)
		}
	}
	meta.UserAgent, meta.Address = r.UserAgent(), w.handler.ClientAddress(r)
	token, err := w.o.Sessions.Create(r.Context(), p, meta)
	if err != nil {
		return fmt.Errorf("begin session: %w", err)
	}
	w.setCookie(out, r, sessionCookie, token, int(w.o.Sessions.Absolute().Seconds()))
	return nil
}

// after is where a sign-in leads.
func (w *Web) after(next string, p id.Person, via id.Provider) string {
	if next != "" {
		return next
	}
	return w.start(p, via)
}

// localPath returns the text if it can only lead to a page of this server, and nothing otherwise. Browsers drop tabs and
// line ends from addresses and read a backslash as a slash, so any of these would make another host of a path.
func localPath(text string) string {
	if len(text) < 1 || text[0] != '/' || len(text) > 1 && (text[1] == '/' || text[1] == '\\') {
		return ""
	}
	if strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c == '\\' || c == 0x7f }) {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || u.Host != "" || u.Scheme != "" || u.User != nil || strings.HasPrefix(u.Path, "//") {
		return ""
	}
	if u.Path == "/sign-in" || u.Path == "/sign-out" {
		return ""
	}
	return text
}
