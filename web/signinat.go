package web

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/tenants/session"
	"longwave/views"
	"longwave/web/oidc"
)

// providerInPath is the saved provider that the address names; tenants.ErrNotFound when there is none.
func (w *Web) providerInPath(r *http.Request) (tenants.Provider, error) {
	wanted, err := id.Parse[id.Provider](chi.URLParam(r, "provider"))
	if err != nil {
		return tenants.Provider{}, tenants.ErrNotFound
	}
	found, ok := w.o.Tenants.State().Provider(wanted)
	if !ok {
		return tenants.Provider{}, tenants.ErrNotFound
	}
	return found, nil
}

// signInAt sends the browser to a provider. With "again" the person is asked although there is a session, with "check"
// nobody is asked.
func (w *Web) signInAt(out http.ResponseWriter, r *http.Request) error {
	provider, err := w.providerInPath(r)
	if err != nil {
		return err
	}
	if provider.Disabled {
		return tenants.ErrNotFound
	}
	query := r.URL.Query()
	way := departure{journey: journey{Provider: provider.ID, Purpose: forSignIn, Next: localPath(query.Get("next"))}}
	way.ask.Fresh, way.ask.Silent = query.Has("again"), query.Has("check")
	if way.ask.Silent {
		found, err := w.session(r.Context(), r)
		if err != nil {
			return see(out, r, "/sign-in")
		}
		way.Purpose, way.Person = forCheck, found.Person
	}
	cfg, err := w.registration(r, provider)
	if err != nil {
		return err
	}
	address, err := w.depart(out, r, cfg, way)
	if err != nil && way.Purpose == forCheck { // the session is good for a while yet; the provider may be back by then
		w.setCookie(out, r, laterCookie, "1", laterSeconds)
		return see(out, r, way.Next)
	}
	if err != nil {
		return w.signInFailed(out, r, provider, err)
	}
	http.Redirect(out, r, address, http.StatusFound)
	return nil
}

// comeBack is where a provider leads the browser back to.
func (w *Web) comeBack(out http.ResponseWriter, r *http.Request) error {
	at, err := id.Parse[id.Provider](chi.URLParam(r, "provider"))
	if err != nil {
		return tenants.ErrNotFound
	}
	provider, _ := w.o.Tenants.State().Provider(at)
	j, err := w.arrived(out, r, at)
	if err != nil {
		return w.signInFailed(out, r, provider, err)
	}
	if j.Purpose == forTest {
		return w.finishTest(out, r, j)
	}
	if provider.Disabled {
		return tenants.ErrNotFound
	}
	cfg, err := w.registration(r, provider)
	if err != nil {
		return err
	}
	who, err := w.finish(r.Context(), cfg, j, r.URL.Query())
	switch {
	case errors.Is(err, oidc.ErrSignedOut):
		return w.signedOutThere(out, r, j)
	case err != nil:
		return w.signInFailed(out, r, provider, err)
	}
	arrival := tenants.Arrival{
		Provider: provider.ID, Issuer: who.Issuer, Subject: who.Subject, Claims: who.Claims, Address: w.handler.ClientAddress(r),
	}
	if j.Purpose == forLink {
		return w.finishLink(out, r, j, arrival)
	}
	person, _, err := w.o.Tenants.Arrive(r.Context(), arrival)
	if err != nil {
		return w.refuseArrival(out, r, j, arrival, err)
	}
	return w.letIn(out, r, j, session.Meta{Provider: provider.ID, ProviderSession: who.Session, Proved: w.provedAt(j, who)}, person.ID)
}

// provedAt is when the person last typed a password or the like: now when that was asked for, and what the provider says
// otherwise, which is nothing with some.
func (w *Web) provedAt(j journey, who oidc.Identity) time.Time {
	if j.Fresh {
		return w.o.Now()
	}
	if at, ok := who.Claims["auth_time"].(float64); ok {
		return time.Unix(int64(at), 0)
	}
	return time.Time{}
}

// letIn begins a session, or goes on with the one that was checked.
func (w *Web) letIn(out http.ResponseWriter, r *http.Request, j journey, meta session.Meta, person id.Person) error {
	if j.Purpose == forCheck {
		found, err := w.session(r.Context(), r)
		if err != nil || found.Person != person || j.Person != person {
			return w.signedOutThere(out, r, j)
		}
		token, err := w.o.Sessions.Rotate(r.Context(), w.sessionToken(r))
		if err != nil {
			return fmt.Errorf("check session: %w", err)
		}
		w.setCookie(out, r, sessionCookie, token, int(w.o.Sessions.Absolute().Seconds()))
		return see(out, r, j.Next)
	}
	if err := w.beginSession(out, r, person, meta); err != nil {
		return err
	}
	return see(out, r, w.after(j.Next, person, meta.Provider))
}

// signedOutThere ends the session of somebody who has none at the provider any more.
func (w *Web) signedOutThere(out http.ResponseWriter, r *http.Request, j journey) error {
	if j.Purpose == forCheck {
		if err := w.o.Sessions.Delete(r.Context(), w.sessionToken(r)); err != nil {
			return fmt.Errorf("end session: %w", err)
		}
		w.setCookie(out, r, sessionCookie, "", -1)
	}
	w.flash(out, r, views.Flash{Failed: true, Text: "Your identity provider has ended your session. Sign in again."})
	return see(out, r, "/sign-in?next="+queryEscape(j.Next))
}

// refuseArrival ends the session of somebody who may not be here any more, and says why.
func (w *Web) refuseArrival(out http.ResponseWriter, r *http.Request, j journey, a tenants.Arrival, cause error) error {
	if j.Purpose == forCheck && errors.Is(cause, tenants.ErrNoRole) {
		if err := w.o.Sessions.Delete(r.Context(), w.sessionToken(r)); err != nil {
			return fmt.Errorf("end session: %w", err)
		}
		w.setCookie(out, r, sessionCookie, "", -1)
	}
	page := views.Message{Frame: w.bare("No access"), Heading: "You are known, but have no access", Links: []views.Link{{Label: "Back to the sign-in", Href: "/sign-in"}}}
	switch {
	case errors.Is(cause, tenants.ErrNoRole):
		known, _ := w.o.Tenants.State().Identity(a.Issuer, a.Subject)
		w.o.Tenants.NoteFailure(tenants.Failure{Person: known.Person, Provider: a.Provider, Reason: "no rule gives a role", Address: a.Address})
		page.Lines = []string{
			"Your identity provider says who you are, but none of the rules here gives you a role, and nobody has invited you.",
			"Ask an owner of the tenant: either the provider must tell that you belong to one of the groups that have access, or you need an invitation.",
		}
		if text, _ := a.Claims["email"].(string); text != "" && !tenants.EmailVerified(a.Claims) {
			page.Lines = append(page.Lines, "Your provider did not confirm that the e-mail address "+text+" is yours, so rules about e-mail addresses do not count for you.")
		}
	case errors.Is(cause, tenants.ErrLastOwner):
		page.Lines = []string{
			"Your identity provider takes the role of owner away from you, but you are the only owner of a tenant, which would have none then.",
			"Make somebody else an owner with another way to sign in, or let the provider give you the group back.",
		}
	default:
		return cause
	}
	return w.render(out, r, http.StatusForbidden, views.MessagePage(page))
}

// signInFailed says which step failed and what helps, to the person and to the administrator who is asked for help.
func (w *Web) signInFailed(out http.ResponseWriter, r *http.Request, p tenants.Provider, cause error) error {
	var failed *oidc.Error
	if !errors.As(cause, &failed) {
		return cause
	}
	if p.ID != "" {
		w.o.Tenants.NoteFailure(tenants.Failure{Provider: p.ID, Reason: failed.Code, Address: w.handler.ClientAddress(r)})
	}
	title := "Signing in did not work"
	if p.Name != "" {
		title = "Signing in with " + p.Name + " did not work"
	}
	return w.render(out, r, http.StatusForbidden, views.MessagePage(views.Message{
		Frame: w.bare(title), Heading: title,
		Lines: []string{failed.Problem, failed.Remedy, "Step: " + string(failed.Step) + " (" + failed.Code + ")."},
		Links: []views.Link{{Label: "Back to the sign-in", Href: "/sign-in"}},
	}))
}
