package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/tenants/session"
	"longwave/views"
	"longwave/web/handler"
)

func (w *Web) showSignIn(out http.ResponseWriter, r *http.Request) error {
	if !w.o.Tenants.State().Claimed() {
		return w.render(out, r, http.StatusOK, views.MessagePage(w.notClaimed()))
	}
	next := localPath(r.URL.Query().Get("next"))
	if person, err := w.person(r); err == nil {
		return see(out, r, w.after(next, person))
	}
	return w.renderSignIn(out, r, http.StatusOK, views.SignIn{Next: next})
}

func (w *Web) renderSignIn(out http.ResponseWriter, r *http.Request, status int, page views.SignIn) error {
	page.Frame = w.bare("Sign in")
	page.Flash = w.takeFlash(out, r)
	page.Email = views.Field{ID: "email", Label: "E-mail", Type: "email", Value: page.Email.Value, Autocomplete: "username", Focus: true}
	page.Password = views.Field{ID: "password", Label: "Password", Type: "password", Autocomplete: "current-password"}
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
	if err := w.beginSession(out, r, person.ID); err != nil {
		return err
	}
	return see(out, r, w.after(page.Next, person.ID))
}

func (w *Web) signOut(out http.ResponseWriter, r *http.Request) error {
	if token := w.sessionToken(r); token != "" {
		if err := w.o.Sessions.Delete(r.Context(), token); err != nil {
			return fmt.Errorf("sign out: %w", err)
		}
	}
	w.setCookie(out, r, sessionCookie, "", -1)
	w.done(out, r, "You are signed out.")
	return see(out, r, "/sign-in")
}

// beginSession always makes a new token, so that one that was planted before the sign-in is worth nothing; the session
// that the browser had is ended.
func (w *Web) beginSession(out http.ResponseWriter, r *http.Request, p id.Person) error {
	if old := w.sessionToken(r); old != "" {
		if err := w.o.Sessions.Delete(r.Context(), old); err != nil {
			return fmt.Errorf("end the old session: %w", err)
		}
	}
	meta := session.Meta{UserAgent: r.UserAgent(), Address: w.handler.ClientAddress(r)}
	token, err := w.o.Sessions.Create(r.Context(), p, meta)
	if err != nil {
		return fmt.Errorf("begin session: %w", err)
	}
	w.setCookie(out, r, sessionCookie, token, int(w.o.Sessions.Absolute().Seconds()))
	return nil
}

// after is where a sign-in leads.
func (w *Web) after(next string, p id.Person) string {
	if next != "" {
		return next
	}
	return w.start(p)
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
