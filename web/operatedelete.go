package web

import (
	"context"
	"net/http"
	"strconv"

	"github.com/go-chi/chi/v5"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/views"
)

// ending is the deletion that the address names; false if there is none, or not any more.
func (w *Web) ending(r *http.Request) (tenants.Ending, bool) {
	t, err := id.Parse[id.Tenant](chi.URLParam(r, "tenant"))
	if err != nil {
		return tenants.Ending{}, false
	}
	return w.o.Tenants.State().Ending(t)
}

// showDeleteTenant says what will be gone with a tenant or, once that was ordered, how far it is.
func (w *Web) showDeleteTenant(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	if e, ok := w.ending(r); ok {
		return w.renderEnding(out, r, p, e)
	}
	found, err := w.overseen(r, p)
	if err != nil {
		if !wantsPage(r) { // the page of a deletion that has just ended looks again
			out.Header().Set("HX-Redirect", operatePath)
		}
		return err
	}
	return w.renderDeleteTenant(out, r, overseen{p, found}, "")
}

func (w *Web) renderDeleteTenant(out http.ResponseWriter, r *http.Request, o overseen, wrong string) error {
	page := views.DeleteTenant{
		Frame: w.frame(out, r, o.Principal, "Delete "+o.tenant.Name), Back: operatedPath(o.tenant.ID), Heading: "Delete " + o.tenant.Name,
		Action: operatedPath(o.tenant.ID) + "/delete", Confirm: o.tenant.Name, ConfirmAs: views.Field{ID: "confirm", Label: "Confirmation", Value: wrong},
		Lines: []string{
			"This deletes the tenant with everything that belongs to it, for good: nobody and nothing gets in from the first moment on, and what is stored is removed and counted.",
			"People keep their accounts and their other tenants. The control log keeps what was changed when and by whom, without being shown to anybody any more; the audit of the platform says what was removed.",
		},
	}
	counts, err := w.contents(r.Context(), o.tenant.ID)
	if err != nil {
		w.o.Log.WarnContext(r.Context(), "a deletion could not be counted", "tenant", o.tenant.ID, "error", err)
		page.Lines = append(page.Lines, "What is stored could not be counted, because the storage does not answer.")
	}
	page.Items = countFacts(counts)
	status := http.StatusOK
	if wrong != "" {
		status = http.StatusUnprocessableEntity
		page.ConfirmAs.Error = "This is not the text that is asked for. Nothing was deleted."
		page.Problems = []views.Problem{{Field: "confirm", Text: page.ConfirmAs.Error}}
	}
	return w.render(out, r, status, views.DeleteTenantPage(page))
}

// contents counts what belongs to a tenant, as far as that can be done while somebody waits.
func (w *Web) contents(ctx context.Context, t id.Tenant) ([]tenants.Count, error) {
	ctx, cancel := context.WithTimeout(ctx, storageTimeout)
	defer cancel()
	return w.o.Operation.Contents(ctx, t)
}

func countFacts(counts []tenants.Count) []views.Fact {
	var list []views.Fact
	for _, c := range counts {
		list = append(list, views.Fact{Name: capital(c.Name), Value: grouped(c.Number)})
	}
	return list
}

// renderEnding shows how far a deletion is: what is left now of what there was, so that it is true whoever does the work.
func (w *Web) renderEnding(out http.ResponseWriter, r *http.Request, p tenants.Principal, e tenants.Ending) error {
	page := views.DeleteTenant{
		Frame: w.frame(out, r, p, "Deleting "+e.Name), Back: operatePath, Heading: e.Name + " is being deleted", Live: r.URL.Path,
		Lines: []string{"It goes on when you leave this page, and when the program stops and starts again. The audit of the platform will say what was removed."},
	}
	left, err := w.contents(r.Context(), e.Tenant)
	if err != nil {
		page.Lines = append(page.Lines, "What is left could not be counted just now; this page tries again.")
		return w.render(out, r, http.StatusOK, views.DeleteTenantPage(page))
	}
	var before, now uint64
	for _, c := range e.Counts {
		before += c.Number
	}
	for _, c := range left {
		now += c.Number
	}
	page.Items = countFacts(left)
	page.Share = "0"
	if before > 0 {
		page.Share = strconv.FormatUint(100*(before-min(now, before))/before, 10)
	}
	page.Progress = page.Share + " % removed, " + count(now, "thing", "things") + " left"
	return w.render(out, r, http.StatusOK, views.DeleteTenantPage(page))
}

func (w *Web) deleteTenant(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	found, err := w.overseen(r, p)
	if err != nil {
		return err
	}
	if form.Get("confirm") != found.Name {
		return w.renderDeleteTenant(out, r, overseen{p, found}, or(form.Get("confirm"), " "))
	}
	counting, cancel := context.WithTimeout(r.Context(), tenants.CountingTimeout)
	defer cancel()
	counts, err := w.o.Operation.Contents(counting, found.ID)
	if err != nil {
		w.o.Log.WarnContext(r.Context(), "a tenant is deleted without being counted first", "tenant", found.ID, "error", err)
	}
	if err := w.o.Tenants.OrderDeletion(r.Context(), w.actor(r, p), found.ID, counts); err != nil {
		return err
	}
	return see(out, r, operatedPath(found.ID)+"/delete")
}
