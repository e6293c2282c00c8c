package web

import (
	"errors"
	"net/http"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/tenants/session"
	"longwave/views"
	"longwave/web/handler"
)

// recoverySlot is where a link for a new password waits for the redirect.
const recoverySlot = "recovery "

func recoverPath(secret string) string { return "/recover?token=" + queryEscape(secret) }

// changePassword wants the current password, and ends every other session: whoever had the old one may sit there.
func (w *Web) changePassword(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	change := tenants.NewPassword{Current: form.Get("current"), New: form.Get("password"), Address: w.handler.ClientAddress(r)}
	err = w.o.Tenants.ChangePassword(r.Context(), w.actor(r, p), change)
	if problem, ok := passwordProblem(out, err); ok {
		return w.renderAccount(out, r, p, []views.Problem{problem})
	}
	if err != nil {
		return err
	}
	token, err := w.o.Sessions.Rotate(r.Context(), w.sessionToken(r))
	if err != nil {
		return err
	}
	w.setCookie(out, r, sessionCookie, token, int(w.o.Sessions.Absolute().Seconds()))
	mine, err := w.o.Sessions.Get(r.Context(), token)
	if err != nil {
		return err
	}
	if _, err := w.o.Sessions.End(r.Context(), p.Person(), func(s session.Session) bool { return s.ID != mine.ID }); err != nil {
		return err
	}
	w.done(out, r, "Your password is changed, and you are signed out everywhere else.")
	return see(out, r, "/account")
}

// passwordProblem is what the form says; false for errors that no form can show.
func passwordProblem(out http.ResponseWriter, err error) (views.Problem, bool) {
	switch {
	case errors.Is(err, tenants.ErrUnauthenticated):
		return views.Problem{Field: "current", Text: "is not your password"}, true
	case errors.Is(err, tenants.ErrDelayed):
		problem := handler.Describe(err)
		problem.SetHeaders(out.Header())
		return views.Problem{Text: problem.Detail}, true
	}
	return fault(err)
}

// passwordForm is the form of somebody who has a password.
func passwordForm(problems []views.Problem) views.PasswordForm {
	form := views.PasswordForm{
		Action:  "/account/password",
		Current: views.Field{ID: "current", Label: "Current password", Type: "password", Autocomplete: "current-password"},
		New:     views.Field{ID: "password", Label: "New password", Type: "password", Autocomplete: "new-password", Help: passwordHelp},
	}
	form.Problems = blame(problems, &form.Current, &form.New)
	return form
}

// makeRecovery makes a link with which a member sets a new password.
func (w *Web) makeRecovery(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	_, person, err := w.member(r, p)
	if err != nil {
		return err
	}
	secret, err := w.o.Tenants.MakeRecovery(r.Context(), w.actor(r, p), p.Tenant(), person.ID)
	if err != nil {
		return err
	}
	w.handover.put(w.slot(r, recoverySlot+string(p.Tenant())), w.origin(r)+recoverPath(secret))
	return see(out, r, membersPath(p.Tenant()))
}

// makeRecoveryOf is makeRecovery of an operator, for everybody who has a password.
func (w *Web) makeRecoveryOf(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	again := func(text string) error {
		page := views.Operators{Email: operatorField(""), Tenants: scopeField(""), Recover: recoverField(form.Get("recover"))}
		page.RecoverProblems = blame([]views.Problem{{Field: page.Recover.ID, Text: text}}, &page.Recover)
		return w.renderOperators(out, r, p, page)
	}
	who, ok := w.personNamed(form.Get("recover"))
	if !ok {
		return again("nobody signs in with this")
	}
	secret, err := w.o.Tenants.MakeRecovery(r.Context(), w.actor(r, p), "", who)
	if errors.Is(err, tenants.ErrNotFound) {
		return again("this account has no password: it is opened by an identity provider")
	}
	if err != nil {
		return err
	}
	w.handover.put(w.slot(r, recoverySlot), w.origin(r)+recoverPath(secret))
	return see(out, r, operatorsPath)
}

func recoverField(value string) views.Field {
	return views.Field{ID: "recover", Label: "E-mail or id", Type: "text", Value: value, MaxLength: "254", Autocomplete: "off",
		Help: "Of somebody who has forgotten the password. Make sure that it is them who asks: whoever has the link becomes them."}
}

func (w *Web) showRecover(out http.ResponseWriter, r *http.Request) error {
	return w.renderRecover(out, r, r.URL.Query().Get("token"), nil)
}

func (w *Web) renderRecover(out http.ResponseWriter, r *http.Request, token string, problems []views.Problem) error {
	person, err := w.o.Tenants.RecoveryByToken(token)
	if err != nil {
		return w.refuseRecovery(out, r, err)
	}
	page := views.Recover{
		Frame: w.bare("New password"), Token: token, Who: person.Email,
		Password: views.Field{ID: "password", Label: "New password", Type: "password", Autocomplete: "new-password", Help: passwordHelp, Focus: true},
	}
	status := http.StatusOK
	if len(problems) > 0 {
		status = http.StatusUnprocessableEntity
		page.Problems = blame(problems, &page.Password)
	}
	out.Header().Set("Cache-Control", "no-store")
	return w.render(out, r, status, views.RecoverPage(page))
}

// useRecovery ends every session of the person: whoever has one may not be who asked for the link.
func (w *Web) useRecovery(out http.ResponseWriter, r *http.Request) error {
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	token := form.Get("token")
	person, err := w.o.Tenants.Recover(r.Context(), tenants.Actor{Address: w.handler.ClientAddress(r)}, token, form.Get("password"))
	if errors.Is(err, tenants.ErrUnauthenticated) {
		return w.refuseRecovery(out, r, err)
	}
	if problem, ok := passwordProblem(out, err); ok {
		return w.renderRecover(out, r, token, []views.Problem{problem})
	}
	if err != nil {
		return err
	}
	if _, err := w.o.Sessions.End(r.Context(), person.ID, func(session.Session) bool { return true }); err != nil {
		return err
	}
	w.done(out, r, "Your password is changed, and you are signed out everywhere. Sign in with the new one.")
	return see(out, r, "/sign-in")
}

func (w *Web) refuseRecovery(out http.ResponseWriter, r *http.Request, err error) error {
	if !errors.Is(err, tenants.ErrUnauthenticated) {
		return err
	}
	return w.render(out, r, http.StatusNotFound, views.MessagePage(views.Message{
		Frame: w.bare("This link does not work"), Heading: "This link does not work",
		Lines: []string{"It may have been used, a newer one was made, or its hour is over; or it was cut off on its way. Ask whoever sent it for a new one."},
		Links: []views.Link{{Label: "Sign in", Href: "/sign-in"}},
	}))
}

// recoverAction is where a link for a member's new password is made; empty when an owner may not.
func (w *Web) recoverAction(p tenants.Principal, who id.Person) string {
	if who == p.Person() || !w.o.Tenants.State().Recoverable(p.Tenant(), who) {
		return ""
	}
	return membersPath(p.Tenant()) + "/" + string(who) + "/recover"
}
