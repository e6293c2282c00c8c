package web

import (
	"net/http"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/views"
)

// home leads everybody to where they begin.
func (w *Web) home(out http.ResponseWriter, r *http.Request) error {
	if !w.o.Tenants.State().Claimed() {
		return w.render(out, r, http.StatusOK, views.MessagePage(w.notClaimed()))
	}
	found, err := w.session(r.Context(), r)
	if err != nil {
		return see(out, r, "/sign-in")
	}
	return see(out, r, w.start(found.Person, found.Meta.Provider))
}

// start is the first page of a person: the first tenant that the way they signed in opens.
func (w *Web) start(p id.Person, via id.Provider) string {
	for _, m := range w.o.Tenants.State().TenantsOf(p) {
		if _, err := w.o.Tenants.Enter(p, m.Tenant.ID, via); err == nil {
			return tenantPath(m.Tenant.ID)
		}
	}
	if who, err := w.o.Tenants.Identify(p, via); err == nil && who.Operator() {
		return systemPath(who)
	}
	return "/account"
}

func (w *Web) notClaimed() views.Message {
	return views.Message{
		Frame:   w.bare("Not set up yet"),
		Heading: "Not set up yet",
		Lines: []string{
			"This installation has no operator. Whoever started it can set it up with the link that it printed: look for “First run” in the terminal or in the log of the service, and open that link.",
			"The link changes with every start and works once.",
		},
	}
}

func (w *Web) serveLive(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	if w.socket == nil {
		return tenants.ErrNotFound
	}
	return w.socket.serve(out, r, visit{Tenant: p.Tenant(), Check: w.stillThere(r, p)})
}

func (w *Web) serveSeries(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	device, err := w.device(r, p)
	if err != nil {
		return err
	}
	if w.socket == nil {
		return tenants.ErrNotFound
	}
	return w.socket.series(out, r, p.Tenant(), device.ID)
}
