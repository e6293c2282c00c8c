package web

import (
	"fmt"
	"net/http"
	"net/url"
	"time"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/tenants/session"
	"longwave/views"
	"longwave/web/handler"
)

const (
	// recheckAfter is how old the word of a provider may be before its person is sent there, unasked, with the next page: a
	// group that was taken away is noticed after that time.
	recheckAfter = 10 * time.Minute

	// overdueAfter ends what did not ask for a page in that time: sockets of a page that stays open, or scripts.
	overdueAfter = time.Hour

	// provedWithin is how long ago somebody must have shown who they are to touch identity providers, keys, and what cannot
	// be brought back.
	provedWithin = 10 * time.Minute

	// laterCookie puts off the check of a session while the provider does not answer, but never beyond overdueAfter.
	laterCookie  = "longwave-later"
	laterSeconds = 120
)

func queryEscape(text string) string { return url.QueryEscape(text) }

// wantsPage says whether a request is somebody who looks at a page, and not a script of one.
func wantsPage(r *http.Request) bool {
	return r.Method == http.MethodGet && r.Header.Get("Upgrade") == "" && r.Header.Get("Sec-Fetch-Dest") != "empty" && r.Header.Get("HX-Request") == ""
}

// recheck returns where to send somebody whose provider has to be asked again; empty when that is not due.
func (w *Web) recheck(r *http.Request, s session.Session) string {
	age := w.o.Now().Sub(s.Checked)
	if s.Meta.Provider == "" || age < recheckAfter || !wantsPage(r) {
		return ""
	}
	if _, err := r.Cookie(w.cookieName(r, laterCookie)); err == nil && age < overdueAfter {
		return ""
	}
	return signInAtPath(s.Meta.Provider) + "?check&next=" + queryEscape(r.URL.RequestURI())
}

// overdue says that the word of the provider is too old for anything.
func (w *Web) overdue(s session.Session) bool {
	return s.Meta.Provider != "" && w.o.Now().Sub(s.Checked) >= overdueAfter
}

// recent lets somebody through who has shown a moment ago who they are, and asks everybody else for it.
func (w *Web) recent(f pageFunc) pageFunc {
	return func(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
		found, err := w.session(r.Context(), r)
		if err != nil {
			return err
		}
		if w.o.Now().Sub(found.Meta.Proved) <= provedWithin {
			return f(out, r, p)
		}
		if r.Method == http.MethodGet {
			return see(out, r, "/sign-in/again?next="+queryEscape(r.URL.RequestURI()))
		}
		return handler.Problem{
			Status: http.StatusForbidden, Code: "prove_again", Title: "Confirm that it is you",
			Detail: "It is more than ten minutes ago that you signed in, so nothing was done. Go back, reload the page, confirm that it is you, and do it again.",
		}.Because(nil)
	}
}

// showAgain asks somebody who is signed in to show once more who they are.
func (w *Web) showAgain(out http.ResponseWriter, r *http.Request) error {
	found, err := w.session(r.Context(), r)
	if err != nil {
		return see(out, r, "/sign-in")
	}
	next := localPath(r.URL.Query().Get("next"))
	if found.Meta.Provider != "" {
		provider, _ := w.o.Tenants.State().Provider(found.Meta.Provider)
		return w.render(out, r, http.StatusOK, views.MessagePage(views.Message{
			Frame: w.bare("Confirm that it is you"), Heading: "Confirm that it is you",
			Lines: []string{"What you are about to do is sensitive, and it is more than ten minutes ago that you signed in. " + provider.Name + " will ask you once more."},
			Links: []views.Link{{Label: "Continue with " + provider.Name, Href: signInAtPath(provider.ID) + "?again&next=" + queryEscape(next)}},
		}))
	}
	person, _ := w.o.Tenants.State().Person(found.Person)
	page := views.SignIn{Next: next, Email: views.Field{Value: person.Email}, Again: true}
	return w.renderSignIn(out, r, http.StatusOK, page)
}

// The addresses of signing in at a provider.
func signInAtPath(p id.Provider) string { return "/sign-in/with/" + string(p) }
func callbackPath(p id.Provider) string { return "/sign-in/callback/" + string(p) }
func noticePath(p id.Provider) string   { return "/sign-in/ended/" + string(p) }

// signInPlace is where the people of a tenant sign in.
func signInPlace(t id.Tenant) string { return fmt.Sprintf("/sign-in/at/%s", t) }
