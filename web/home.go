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
	person, err := w.person(r)
	if err != nil {
		return see(out, r, "/sign-in")
	}
	return see(out, r, w.start(person))
}

// start is the first page of a person: their first tenant.
func (w *Web) start(p id.Person) string {
	memberships := w.o.Tenants.State().TenantsOf(p)
	if len(memberships) == 0 {
		return "/system"
	}
	return tenantPath(memberships[0].Tenant.ID)
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
