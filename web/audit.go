package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/views"
)

// auditRows are the changes on one page.
const auditRows = 50

// dayForm is how a date stands in the address.
const dayForm = "2006-01-02"

func auditPath(t id.Tenant) string {
	if t == "" {
		return "/system/audit"
	}
	return tenantPath(t) + "/audit"
}

// auditQuery reads the filters from the address. What is none of them is ignored, so that a link never breaks.
func auditQuery(v url.Values) tenants.HistoryQuery {
	q := tenants.HistoryQuery{About: v.Get("about"), Cursor: v.Get("cursor")}
	if by, err := id.Parse[id.Person](v.Get("by")); err == nil {
		q.By = by
	}
	if from, err := time.Parse(dayForm, v.Get("from")); err == nil {
		q.From = from
	}
	if to, err := time.Parse(dayForm, v.Get("to")); err == nil {
		q.To = to.AddDate(0, 0, 1) // that day is meant to be in it
	}
	return q
}

// past reads one page of what was done in the principal's tenant, or on the platform outside of one.
func (w *Web) past(ctx context.Context, p tenants.Principal, q tenants.HistoryQuery) (tenants.HistoryPage, error) {
	if p.Tenant() == "" {
		return w.o.Tenants.PlatformHistory(ctx, q)
	}
	return w.o.Tenants.History(ctx, p.Tenant(), q)
}

func (w *Web) showAudit(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	asked := r.URL.Query()
	q := auditQuery(asked)
	q.Limit = auditRows
	found, err := w.past(r.Context(), p, q)
	for err == nil && len(found.Past) == 0 && found.Next != "" { // filters may leave a page empty that is not the last
		q.Cursor = found.Next
		found, err = w.past(r.Context(), p, q)
	}
	if err != nil {
		return err
	}
	at := auditPath(p.Tenant())
	page := views.Audit{
		Frame: w.frame(out, r, p, "Audit"), Tabs: w.adminTabs(r, p), Heading: "Audit", Action: at, People: w.auditPeople(p, q.By), About: q.About, Was: w.pastOf(p, q.About),
		From: views.Field{Value: asked.Get("from")}, To: views.Field{Value: asked.Get("to")},
		CSV: at + ".csv?" + without(asked, "cursor"), JSON: at + ".ndjson?" + without(asked, "cursor"),
	}
	if q.About != "" || q.By != "" || !q.From.IsZero() || !q.To.IsZero() || asked.Has("cursor") {
		page.Clear = at
	}
	for _, each := range found.Past {
		page.Rows = append(page.Rows, auditRow(each, at))
		if each.Subject == q.About && page.AboutName == "" {
			page.AboutName = each.Name
		}
	}
	if found.Next != "" {
		page.Older = at + "?" + without(asked, "cursor") + "&cursor=" + queryEscape(found.Next)
	}
	return w.render(out, r, http.StatusOK, views.AuditPage(page))
}

// without is the query of an address without one of its parts.
func without(v url.Values, name string) string {
	rest := url.Values{}
	for key, values := range v {
		if key != name && len(values) > 0 && values[0] != "" {
			rest[key] = values[:1]
		}
	}
	return rest.Encode()
}

// auditPeople offers the members of the tenant, and on the platform nobody but everybody: there may be very many.
func (w *Web) auditPeople(p tenants.Principal, chosen id.Person) []views.Option {
	list := []views.Option{{Label: "Everybody", Selected: chosen == ""}}
	known := chosen == ""
	st := w.o.Tenants.State()
	for _, m := range st.Members(p.Tenant()) {
		person, _ := st.Person(m.Person)
		list = append(list, views.Option{Value: string(m.Person), Label: person.Name, Selected: m.Person == chosen})
		known = known || m.Person == chosen
	}
	if !known {
		list = append(list, views.Option{Value: string(chosen), Label: string(chosen), Selected: true})
	}
	return list
}

func auditRow(past tenants.Past, at string) views.AuditRow {
	row := views.AuditRow{At: past.At.UTC().Format("2006-01-02 15:04:05"), By: past.By, Address: past.Actor.Address, Did: capital(past.Did), Thing: past.Name}
	if row.Thing == "" {
		row.Thing = past.Subject
	}
	if past.Subject != "" {
		row.ThingHref = at + "?about=" + queryEscape(past.Subject)
		row.WasHref = at + "/as-it-was?about=" + queryEscape(past.Subject) + "&at=" + queryEscape(past.At.UTC().Format(time.RFC3339Nano))
	}
	for _, c := range past.Changes {
		row.Changes = append(row.Changes, views.AuditChange(c))
	}
	return row
}

// everyPast walks what the filters select, newest first, to its end.
func (w *Web) everyPast(r *http.Request, p tenants.Principal, each func(tenants.Past) error) error {
	q := auditQuery(r.URL.Query())
	for {
		page, err := w.past(r.Context(), p, q)
		if err != nil {
			return fmt.Errorf("export: %w", err)
		}
		for _, past := range page.Past {
			if err := each(past); err != nil {
				return fmt.Errorf("export: %w", err)
			}
		}
		if q.Cursor = page.Next; q.Cursor == "" {
			return nil
		}
	}
}
