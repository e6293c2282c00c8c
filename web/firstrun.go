package web

import (
	"errors"
	"net/http"

	"longwave/tenants"
	"longwave/tenants/session"
	"longwave/views"
)

// passwordHelp is what the form says before anything can be wrong.
const passwordHelp = "At least 12 characters. A few words that do not belong together are easy to remember and hard to guess."

func (w *Web) showFirstRun(out http.ResponseWriter, r *http.Request) error {
	token := r.URL.Query().Get("token")
	if err := w.o.Tenants.CheckFirstRun(token); err != nil {
		return w.refuseFirstRun(out, r, err)
	}
	return w.renderFirstRun(out, r, http.StatusOK, firstRunForm(token, tenants.Claim{}))
}

func firstRunForm(token string, c tenants.Claim) views.FirstRun {
	return views.FirstRun{
		Action: "/first-run", Token: token,
		Email:    views.Field{ID: "email", Label: "E-mail", Type: "email", Value: c.Email, Autocomplete: "username", Focus: true, MaxLength: "254"},
		Name:     views.Field{ID: "name", Label: "Name", Type: "text", Value: c.Name, Autocomplete: "name", Optional: true, MaxLength: "100", Help: "As colleagues will see it."},
		Password: views.Field{ID: "password", Label: "Password", Type: "password", Autocomplete: "new-password", Help: passwordHelp},
		Company:  views.Field{ID: "tenant", Label: "Tenant name", Type: "text", Value: c.Tenant, Autocomplete: "organization", MaxLength: "100", Help: "The company, plant or team whose devices these are. More tenants can be added later."},
	}
}

func (w *Web) renderFirstRun(out http.ResponseWriter, r *http.Request, status int, page views.FirstRun) error {
	page.Frame = w.bare("Set up")
	out.Header().Set("Cache-Control", "no-store")
	return w.render(out, r, status, views.FirstRunPage(page))
}

// claim makes the operator and the first tenant, and signs the operator in.
func (w *Web) claim(out http.ResponseWriter, r *http.Request) error {
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	token := form.Get("token")
	if err := w.o.Tenants.CheckFirstRun(token); err != nil {
		return w.refuseFirstRun(out, r, err)
	}
	wanted := tenants.Claim{Email: form.Get("email"), Name: form.Get("name"), Password: form.Get("password"), Tenant: form.Get("tenant")}
	made, err := w.o.Tenants.Claim(r.Context(), tenants.Actor{Address: w.handler.ClientAddress(r)}, wanted)
	if errors.Is(err, tenants.ErrClaimed) {
		return w.refuseFirstRun(out, r, err)
	}
	if problem, ok := fault(err); ok {
		page := firstRunForm(token, wanted)
		page.Problems = blame([]views.Problem{problem}, &page.Email, &page.Name, &page.Password, &page.Company)
		return w.renderFirstRun(out, r, http.StatusUnprocessableEntity, page)
	}
	if err != nil {
		return err
	}
	if err := w.beginSession(out, r, made.Person.ID, session.Meta{Proved: w.o.Now()}); err != nil {
		return err
	}
	return see(out, r, devicesPath(made.Tenant.ID))
}

// refuseFirstRun says what to do with a link that does not, or no longer, work.
func (w *Web) refuseFirstRun(out http.ResponseWriter, r *http.Request, err error) error {
	switch {
	case errors.Is(err, tenants.ErrClaimed):
		return w.render(out, r, http.StatusGone, views.MessagePage(views.Message{
			Frame: w.bare("Already set up"), Heading: "Already set up",
			Lines: []string{"This installation has its operator, so the first-run link no longer works. Sign in with the account that was created with it."},
			Links: []views.Link{{Label: "Sign in", Href: "/sign-in"}},
		}))
	case errors.Is(err, tenants.ErrUnauthenticated):
		return w.render(out, r, http.StatusForbidden, views.MessagePage(views.Message{
			Frame: w.bare("This link does not work"), Heading: "This link does not work",
			Lines: []string{
				"The token in the address is not the one of this start. Every start of the server makes a new one.",
				"Look at the newest output of the server in its terminal or log, find “First run”, and open that link.",
			},
		}))
	}
	return err
}
