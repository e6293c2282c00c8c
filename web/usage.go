package web

import (
	"net/http"

	"github.com/go-chi/chi/v5"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/views"
)

func usagePath(t id.Tenant) string                { return tenantPath(t) + "/usage" }
func supportPath(t id.Tenant, p id.Person) string { return tenantPath(t) + "/support/" + string(p) }

// showUsage says what a tenant uses of its limits, and which operators may look at its data.
func (w *Web) showUsage(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	st := w.o.Tenants.State()
	tenant, _ := st.Tenant(p.Tenant())
	page := views.TenantUsage{
		Frame: w.frame(out, r, p, "Usage"), Tabs: w.adminTabs(r, p), Rows: w.limitRows(tenant), Consent: tenant.Consent,
		Met: w.metRows(tenant.ID, w.o.LimitsMet(tenant.ID)), Since: w.counting(), CanEdit: p.May(tenants.ManageTenant) == nil, Action: usagePath(tenant.ID) + "/consent",
	}
	page.Past = w.pastOf(p, tenants.TheTenant)
	for _, each := range st.Supports(tenant.ID, w.o.Now()) {
		person, _ := st.Person(each.Person)
		page.Supports = append(page.Supports, views.SupportRow{
			Who: person.Name, Reason: each.Reason, Until: each.Until.UTC().Format("2006-01-02 15:04"), End: supportPath(tenant.ID, each.Person) + "/end",
		})
	}
	return w.render(out, r, http.StatusOK, views.UsagePage(page))
}

func (w *Web) switchConsent(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	on := form.Get("consent") == "on"
	if err := w.o.Tenants.SwitchConsent(r.Context(), w.actor(r, p), p.Tenant(), on); err != nil {
		return err
	}
	text := "Operators may not look at your data any more, unless they say why."
	if on {
		text = "Operators may look at your data at any time."
	}
	w.done(out, r, text)
	return see(out, r, usagePath(p.Tenant()))
}

func (w *Web) endSupport(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	who, err := id.Parse[id.Person](chi.URLParam(r, "person"))
	if err != nil {
		return tenants.ErrNotFound
	}
	if err := w.o.Tenants.EndSupport(r.Context(), w.actor(r, p), p.Tenant(), who); err != nil {
		return err
	}
	w.done(out, r, "Support access ended, also on pages that are open.")
	return see(out, r, usagePath(p.Tenant()))
}
