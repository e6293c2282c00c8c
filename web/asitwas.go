package web

import (
	"net/http"
	"time"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/views"
)

// instantForm is how an instant stands in a form, in UTC.
const instantForm = "2006-01-02T15:04:05"

func asItWasPath(t id.Tenant) string { return auditPath(t) + "/as-it-was" }

// pastOf leads from the page of a thing to what it was, for those who may read the audit.
func (w *Web) pastOf(p tenants.Principal, thing string) string {
	need := tenants.ReadAudit
	if p.Tenant() == "" {
		need = tenants.OperatePlatform
	}
	if p.May(need) != nil {
		return ""
	}
	return asItWasPath(p.Tenant()) + "?about=" + queryEscape(thing)
}

// showAsItWas shows a thing as it was at an instant, beside what was done to it.
func (w *Web) showAsItWas(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	query := r.URL.Query()
	now := w.o.Now().UTC()
	at, ok := parseInstant(query.Get("at"))
	if !ok {
		at = now
	}
	thing := query.Get("about")
	was, err := w.o.Tenants.AsItWas(r.Context(), tenants.Trace{Tenant: p.Tenant(), Thing: thing, At: at})
	if err != nil {
		return err
	}
	name := or(was.Name, thing)
	audit, self := auditPath(p.Tenant()), asItWasPath(p.Tenant())
	page := views.AsItWas{
		Frame: w.frame(out, r, p, name+" as it was"), Tabs: w.adminTabs(r, p), Name: name, Thing: thing, Action: self,
		Audit: audit + "?about=" + queryEscape(thing), At: at.Format("2006-01-02 15:04:05"), Field: at.Format(instantForm), Text: was.Text, Exists: was.Exists,
	}
	for _, f := range was.Facts {
		page.Facts = append(page.Facts, views.Fact{Name: capital(f.What), Value: f.Value})
	}
	current := false
	for _, each := range was.Past {
		row := views.WasRow{AuditRow: auditRow(each, audit), Href: self + "?about=" + queryEscape(thing) + "&at=" + queryEscape(each.At.UTC().Format(time.RFC3339Nano))}
		if !current && !each.At.After(at) {
			row.Current, current = true, true
		}
		page.Rows = append(page.Rows, row)
	}
	return w.render(out, r, http.StatusOK, views.AsItWasPage(page))
}

// parseInstant reads an instant as a link has it, or as a form has it: then the whole second, or minute, is meant.
func parseInstant(text string) (time.Time, bool) {
	if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return at.UTC(), true
	}
	for form, rest := range map[string]time.Duration{instantForm: time.Second - 1, "2006-01-02T15:04": time.Minute - 1} {
		if at, err := time.Parse(form, text); err == nil {
			return at.Add(rest), true
		}
	}
	return time.Time{}, false
}
