package web

import (
	"errors"
	"net/http"

	"longwave/tenants"
	"longwave/tenants/session"
	"longwave/views"
)

func joinPath(secret string) string { return "/join?token=" + queryEscape(secret) }

func (w *Web) showJoin(out http.ResponseWriter, r *http.Request) error {
	return w.renderJoin(out, r, joining{token: r.URL.Query().Get("token")})
}

// joining is an invitation that somebody follows, and what they typed.
type joining struct {
	token    string
	typed    tenants.NewAccount
	problems []views.Problem
}

func (w *Web) renderJoin(out http.ResponseWriter, r *http.Request, j joining) error {
	invite, err := w.o.Tenants.InviteByToken(j.token)
	if err != nil {
		return w.refuseInvite(out, r, err)
	}
	tenant, _ := w.o.Tenants.State().Tenant(invite.Tenant)
	page := views.Join{
		Frame: w.bare("Join " + tenant.Name), Tenant: tenant.Name, Role: invite.Role.String(), Token: j.token, Problems: j.problems,
		SignIn:   "/sign-in?next=" + queryEscape(joinPath(j.token)),
		Email:    views.Field{ID: "email", Label: "E-mail", Type: "email", Value: j.typed.Email, Autocomplete: "username", MaxLength: "254"},
		Name:     views.Field{ID: "name", Label: "Name", Type: "text", Value: j.typed.Name, Autocomplete: "name", Optional: true, MaxLength: "100", Help: "As colleagues will see it."},
		Password: views.Field{ID: "password", Label: "Password", Type: "password", Autocomplete: "new-password", Help: passwordHelp},
	}
	if found, err := w.session(r.Context(), r); err == nil {
		person, _ := w.o.Tenants.State().Person(found.Person)
		page.As = person.Name
	}
	status := http.StatusOK
	if len(j.problems) > 0 {
		status = http.StatusUnprocessableEntity
		page.Problems = blame(j.problems, &page.Email, &page.Name, &page.Password)
	}
	return w.render(out, r, status, views.JoinPage(page))
}

// join uses an invitation for the person who is signed in, or for a new account.
func (w *Web) join(out http.ResponseWriter, r *http.Request) error {
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	j := joining{token: form.Get("token"), typed: tenants.NewAccount{Email: form.Get("email"), Name: form.Get("name"), Password: form.Get("password")}}
	actor := tenants.Actor{Address: w.handler.ClientAddress(r)}
	found, err := w.session(r.Context(), r)
	fresh := err != nil
	if actor.Person = found.Person; fresh {
		person, err := w.o.Tenants.SignUp(r.Context(), actor, j.token, j.typed)
		if problem, ok := fault(err); ok {
			j.problems = []views.Problem{problem}
			return w.renderJoin(out, r, j)
		}
		if err != nil {
			return w.refuseInvite(out, r, err)
		}
		actor.Person = person.ID
	}
	invite, err := w.o.Tenants.Join(r.Context(), actor, j.token)
	if err != nil {
		return w.refuseInvite(out, r, err)
	}
	if fresh {
		if err := w.beginSession(out, r, actor.Person, session.Meta{Proved: w.o.Now()}); err != nil {
			return err
		}
	}
	tenant, _ := w.o.Tenants.State().Tenant(invite.Tenant)
	w.done(out, r, "You are a member of "+tenant.Name+" now.")
	return see(out, r, devicesPath(invite.Tenant))
}

func (w *Web) refuseInvite(out http.ResponseWriter, r *http.Request, err error) error {
	if !errors.Is(err, tenants.ErrUnauthenticated) {
		return err
	}
	return w.render(out, r, http.StatusNotFound, views.MessagePage(views.Message{
		Frame: w.bare("This invitation does not work"), Heading: "This invitation does not work",
		Lines: []string{"It may have been used, taken back, or its seven days are over; or the link was cut off on its way. Ask whoever sent it for a new one."},
		Links: []views.Link{{Label: "Sign in", Href: "/sign-in"}},
	}))
}
