package web

import (
	"errors"
	"net/http"

	"github.com/go-chi/chi/v5"

	"longwave/tenants"
	"longwave/tenants/session"
	"longwave/views"
)

// showAccount is what a person sees of the own account: where it is signed in, and how it can be.
func (w *Web) showAccount(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	return w.renderAccount(out, r, p, nil)
}

// renderAccount shows what was wrong with a new password, if anything.
func (w *Web) renderAccount(out http.ResponseWriter, r *http.Request, p tenants.Principal, problems []views.Problem) error {
	mine, err := w.session(r.Context(), r)
	if err != nil {
		return err
	}
	list, err := w.o.Sessions.List(r.Context(), p.Person())
	if err != nil {
		return err
	}
	st := w.o.Tenants.State()
	person, _ := st.Person(p.Person())
	page := views.AccountPage{
		Frame: w.frame(out, r, p, "Your account"),
		Facts: []views.Fact{{Name: "Name", Value: person.Name}, {Name: "E-mail", Value: or(person.Email, "none that a provider has confirmed")}},
		Note:  "A session ends when it was not used for " + duration(session.DefaultIdle) + ", and after " + duration(w.o.Sessions.Absolute()) + " in any case.",
	}
	if len(list) > 1 {
		page.EndAll = "/account/sessions/end"
	}
	for _, each := range list {
		page.Sessions = append(page.Sessions, w.sessionRow(each, each.ID == mine.ID))
	}
	w.showWays(&page, person)
	for _, m := range st.TenantsOf(person.ID) {
		page.Leave = append(page.Leave, views.Leaving{Tenant: m.Tenant.Name, Role: capital(m.Role.String()), Href: membersPath(m.Tenant.ID) + "/" + string(person.ID) + "/remove"})
	}
	status := http.StatusOK
	if len(problems) > 0 {
		status = http.StatusUnprocessableEntity
	}
	if st.HasPassword(person.ID) {
		page.Password = passwordForm(problems)
	}
	return w.render(out, r, status, views.PersonPage(page))
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

func (w *Web) sessionRow(s session.Session, this bool) views.SessionRow {
	row := views.SessionRow{
		Device: browserWords(s.Meta.UserAgent), Address: or(s.Meta.Address, "not known"), Via: "Password",
		Since: viewTime(s.Created, w.o.Now()), Seen: viewTime(s.Seen, w.o.Now()),
	}
	if s.Meta.Provider != "" {
		provider, _ := w.o.Tenants.State().Provider(s.Meta.Provider)
		row.Via = or(provider.Name, "a provider that was removed")
	}
	if !this {
		row.End = "/account/sessions/" + s.ID + "/end"
	}
	return row
}

// showWays lists how the person can sign in, and what could be added: the platform's providers and those of their tenants.
func (w *Web) showWays(page *views.AccountPage, person tenants.Person) {
	st := w.o.Tenants.State()
	if st.HasPassword(person.ID) {
		page.Ways = append(page.Ways, views.WayIn{Name: "Password", Detail: person.Email})
	}
	linked := map[string]bool{}
	identities := st.Identities(person.ID)
	for _, i := range identities {
		linked[i.Issuer] = true
		provider, _ := st.Provider(i.Provider)
		way := views.WayIn{Name: or(provider.Name, i.Issuer), Detail: i.Subject + " at " + i.Issuer, Issuer: i.Issuer, Subject: i.Subject}
		if len(identities) > 1 || st.HasPassword(person.ID) {
			way.Remove = "/account/unlink"
		}
		page.Ways = append(page.Ways, way)
	}
	for _, p := range w.linkable(person) {
		if !linked[p.Issuer] {
			page.Link = append(page.Link, views.LinkWay{Name: p.Name, Action: "/account/link/" + string(p.ID)})
		}
	}
}

// linkable are the providers that a person may know of.
func (w *Web) linkable(person tenants.Person) []tenants.Provider {
	st := w.o.Tenants.State()
	list := st.OpenProviders("")
	for _, m := range st.TenantsOf(person.ID) {
		list = append(list, st.OpenProviders(m.Tenant.ID)...)
	}
	return list
}

func (w *Web) endSession(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	wanted := chi.URLParam(r, "session")
	ended, err := w.o.Sessions.End(r.Context(), p.Person(), func(s session.Session) bool { return s.ID == wanted })
	if err != nil {
		return err
	}
	if ended == 0 {
		return tenants.ErrNotFound
	}
	w.done(out, r, "The session has ended.")
	return see(out, r, "/account")
}

func (w *Web) endOtherSessions(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	mine, err := w.session(r.Context(), r)
	if err != nil {
		return err
	}
	ended, err := w.o.Sessions.End(r.Context(), p.Person(), func(s session.Session) bool { return s.ID != mine.ID })
	if err != nil {
		return err
	}
	w.done(out, r, count(uint64(ended), "other session has ended.", "other sessions have ended."))
	return see(out, r, "/account")
}

// beginLink sends the person to a provider that they may know of, to add it to the account.
func (w *Web) beginLink(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	person, _ := w.o.Tenants.State().Person(p.Person())
	provider, err := w.providerInPath(r)
	if err != nil {
		return err
	}
	known := false
	for _, each := range w.linkable(person) {
		known = known || each.ID == provider.ID
	}
	if !known {
		return tenants.ErrNotFound
	}
	cfg, err := w.registration(r, provider)
	if err != nil {
		return err
	}
	to, err := w.depart(out, r, cfg, departure{journey: journey{Provider: provider.ID, Purpose: forLink, Person: p.Person()}})
	if err != nil {
		return w.signInFailed(out, r, provider, err)
	}
	return w.leave(out, r, "Link "+provider.Name, to)
}

// finishLink binds what a provider proved to the account of the person who is still signed in, and to no other.
func (w *Web) finishLink(out http.ResponseWriter, r *http.Request, j journey, a tenants.Arrival) error {
	found, err := w.session(r.Context(), r)
	if err != nil || found.Person != j.Person {
		w.flash(out, r, views.Flash{Failed: true, Text: "You were signed out meanwhile, so nothing was linked. Sign in and try again."})
		return see(out, r, "/sign-in")
	}
	actor := tenants.Actor{Person: found.Person, Address: a.Address}
	err = w.o.Tenants.Link(r.Context(), actor, a)
	switch {
	case errors.Is(err, tenants.ErrExists):
		w.flash(out, r, views.Flash{Failed: true, Text: "This identity opens another account already, so nothing was linked."})
		return see(out, r, "/account")
	case err != nil:
		return err
	}
	token, err := w.o.Sessions.Rotate(r.Context(), w.sessionToken(r))
	if err != nil {
		return err
	}
	w.setCookie(out, r, sessionCookie, token, int(w.o.Sessions.Absolute().Seconds()))
	w.done(out, r, "Linked. You can sign in with it from now on.")
	return see(out, r, "/account")
}

func (w *Web) unlink(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	if err := w.o.Tenants.Unlink(r.Context(), w.actor(r, p), form.Get("issuer"), form.Get("subject")); err != nil {
		return err
	}
	w.done(out, r, "Removed. It does not open this account any more.")
	return see(out, r, "/account")
}
