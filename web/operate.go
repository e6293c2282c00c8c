package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/views"
)

const (
	operatePath = "/system/tenants"

	// operateRows is one page of tenants.
	operateRows = 100

	// ownerSlot is where the link of a tenant's first owner waits for the redirect.
	ownerSlot = "owner "
)

// Operation is what pages for operators need to know of tenants beside the control plane. All of it is about tenants as a
// whole and shows nothing of what is in them.
type Operation interface {
	// Usage is what each tenant uses; those that use nothing are missing. With an error it holds what is known all the same.
	Usage(context.Context) (map[id.Tenant]tenants.Usage, error)
	// Rates are the packets per second that tenants send to this copy of the program.
	Rates() map[id.Tenant]float64
	// Contents counts everything that belongs to a tenant and would go with it.
	Contents(context.Context, id.Tenant) ([]tenants.Count, error)
}

func operatedPath(t id.Tenant) string { return operatePath + "/" + string(t) }

// overseen is who oversees a tenant, and which.
type overseen struct {
	tenants.Principal
	tenant tenants.Tenant
}

// oversees adapts a handler about the tenant in the address. One that the operator does not oversee is as good as none.
func (w *Web) oversees(f func(http.ResponseWriter, *http.Request, overseen) error) http.HandlerFunc {
	return w.handler.Handle(func(out http.ResponseWriter, r *http.Request) error {
		return w.enter(out, r, door{may: allows(tenants.OverseeTenants), who: w.identify, page: func(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
			found, err := w.overseen(r, p)
			if err != nil {
				return err
			}
			return f(out, r, overseen{p, found})
		}})
	})
}

func (w *Web) overseen(r *http.Request, p tenants.Principal) (tenants.Tenant, error) {
	t, err := id.Parse[id.Tenant](chi.URLParam(r, "tenant"))
	if err != nil {
		return tenants.Tenant{}, tenants.ErrNotFound
	}
	st := w.o.Tenants.State()
	person, _ := st.Person(p.Person())
	found, ok := st.Tenant(t)
	if !ok || !person.Oversees(t) {
		return tenants.Tenant{}, tenants.ErrNotFound
	}
	return found, nil
}

func (w *Web) listTenants(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	return w.renderTenants(out, r, p, views.NewTenant{Name: tenantName(""), For: w.ownerField("")})
}

func tenantName(value string) views.Field {
	return views.Field{ID: "name", Label: "Name", Type: "text", Value: value, MaxLength: "100", Autocomplete: "off"}
}

func (w *Web) ownerField(value string) views.Field {
	return views.Field{ID: "for", Label: "First owner", Type: "text", Value: value, MaxLength: "100", Autocomplete: "off", Optional: true,
		Help: "Makes its first owner. " + w.forHelp() + " Empty: you are the owner."}
}

func (w *Web) renderTenants(out http.ResponseWriter, r *http.Request, p tenants.Principal, form views.NewTenant) error {
	q := operateQueryOf(r.URL.Query())
	page := views.Operate{Frame: w.frame(out, r, p, "Tenants"), Tabs: w.adminTabs(r, p), Self: operatePath, Query: q.search, Sort: q.sort, Columns: q.columns(), Only: q.choices(), Filtered: q.search != "" || q.only != ""}
	rows, total := w.operated(r.Context(), p, q, &page)
	page.Summary = count(uint64(total), "tenant", "tenants")
	first := min(q.page*operateRows, len(rows))
	last := min(first+operateRows, len(rows))
	for _, each := range rows[first:last] {
		page.Rows = append(page.Rows, w.operateRow(each))
	}
	page.Shown = fmt.Sprintf("%d–%d of %d", min(first+1, last), last, len(rows))
	if last < len(rows) {
		page.Next = operatePath + q.address(q.sort, q.page+1)
	}
	if q.page > 0 {
		page.First = operatePath + q.address(q.sort, 0)
	}
	if p.May(tenants.OperatePlatform) == nil {
		form.Action = operatePath
		form.Problems = blame(form.Problems, &form.Name, &form.For)
		page.New, page.Endings = &form, w.endingRows()
	}
	status := http.StatusOK
	if len(form.Problems) > 0 {
		status = http.StatusUnprocessableEntity
	}
	return w.render(out, r, status, views.OperatePage(page))
}

func (w *Web) endingRows() []views.EndingRow {
	var rows []views.EndingRow
	for _, e := range w.o.Tenants.State().Endings() {
		rows = append(rows, views.EndingRow{Name: e.Name, Href: operatedPath(e.Tenant) + "/delete", Since: "since " + e.Since.UTC().Format("15:04 UTC")})
	}
	return rows
}

// operated is one tenant with what is known of it; known is false when the storage does not answer.
type operated struct {
	tenants.Tenant
	tenants.Usage
	devices int
	health  health
	known   bool
}

// operated lists the tenants that match, in order, and how many there are in all.
func (w *Web) operated(ctx context.Context, p tenants.Principal, q operateQuery, page *views.Operate) (rows []operated, total int) {
	usage, err := w.usageOfAll(ctx)
	if err != nil {
		page.Warning = storageSilent
	}
	st, now := w.o.Tenants.State(), w.o.Now()
	person, _ := st.Person(p.Person())
	for _, t := range st.Tenants() {
		if t.Suspended.Deleting || !person.Oversees(t.ID) {
			continue
		}
		total++
		row := operated{Tenant: t, Usage: usage[t.ID], devices: st.DeviceCount(t.ID), known: err == nil}
		if row.health = healthOf(row, now); q.matches(row) {
			rows = append(rows, row)
		}
	}
	slices.SortStableFunc(rows, q.compare)
	return rows, total
}

// usageOfAll is what tenants use, as far as it is known in the time that a page has.
func (w *Web) usageOfAll(ctx context.Context) (map[id.Tenant]tenants.Usage, error) {
	bounded, cancel := context.WithTimeout(ctx, storageTimeout)
	defer cancel()
	usage, err := w.o.Operation.Usage(bounded)
	if err != nil {
		w.o.Log.WarnContext(ctx, "tenants are shown without what they have stored", "error", err)
	}
	return usage, err
}

func (w *Web) operateRow(t operated) views.OperateRow {
	row := views.OperateRow{
		Name: t.Name, Href: operatedPath(t.ID), ID: string(t.ID), State: t.health.state(), Devices: grouped(uint64(t.devices)), Rate: rateText(t.Rate),
		Stored: "not known", Waiting: "not known", Alerts: grouped(uint64(t.Alerts)), Limited: grouped(t.Limited),
		Owned: "as everybody", Created: t.Created.UTC().Format("2006-01-02"),
	}
	if t.known {
		row.Stored, row.Waiting = bytesText(t.Bytes), grouped(t.Waiting)
	}
	if t.Limited > 0 {
		row.LimitedAt = viewTime(t.LastLimited, w.o.Now())
	}
	if t.Limits != (tenants.Limits{}) {
		row.Owned = "its own"
	}
	return row
}

func rateText(perSecond float64) string {
	if perSecond >= 10 {
		return grouped(uint64(perSecond + 0.5))
	}
	return oneDigit(perSecond)
}

func (w *Web) createTenant(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	name, owner := form.Get("name"), strings.TrimSpace(form.Get("for"))
	var made tenants.Tenant
	var secret string
	link := ""
	if owner == "" {
		made, err = w.o.Tenants.CreateTenant(r.Context(), w.actor(r, p), name)
	} else if made, secret, err = w.o.Tenants.CreateTenantFor(r.Context(), w.actor(r, p), name, owner); err == nil {
		link = w.origin(r) + joinPath(secret)
		w.handover.put(w.slot(r, ownerSlot+string(made.ID)), link)
	}
	if problem, ok := fault(err); ok {
		return w.renderTenants(out, r, p, views.NewTenant{Name: tenantName(name), For: w.ownerField(owner), Problems: []views.Problem{problem}})
	}
	if err != nil {
		return err
	}
	w.done(out, r, "Tenant "+made.Name+" created.")
	if link != "" {
		w.mailInvite(out, r, p, invitation{tenant: made, whom: owner, link: link})
	}
	return see(out, r, operatedPath(made.ID))
}
