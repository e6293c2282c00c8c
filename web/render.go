package web

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"

	"github.com/a-h/templ"

	"longwave/ingest/telemetry/freshness"
	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/views"
	"longwave/web/handler"
)

// render writes a page that is whole, or returns the error before a byte is out.
func (w *Web) render(out http.ResponseWriter, r *http.Request, status int, page templ.Component) error {
	var body bytes.Buffer
	if err := page.Render(r.Context(), &body); err != nil {
		return fmt.Errorf("render: %w", err)
	}
	out.Header().Set("Content-Type", "text/html; charset=utf-8")
	out.Header().Set("Content-Length", strconv.Itoa(body.Len()))
	out.WriteHeader(status)
	_, _ = out.Write(body.Bytes()) // a browser that went away is nobody's error
	return nil
}

// bare is the frame of a page before the sign-in.
func (w *Web) bare(title string) views.Frame {
	return views.Frame{Title: title, Assets: w.links, Version: w.o.Version, Freshness: freshness.Definition()}
}

// frame is the frame of a page behind the sign-in.
func (w *Web) frame(out http.ResponseWriter, r *http.Request, p tenants.Principal, title string) views.Frame {
	f := w.bare(title)
	st := w.o.Tenants.State()
	if person, ok := st.Person(p.Person()); ok {
		f.Account = &views.Account{Name: person.Name, Email: person.Email}
	}
	f.Flash = w.takeFlash(out, r)
	memberships := st.TenantsOf(p.Person())
	if tenant, ok := st.Tenant(p.Tenant()); ok && p.Guest() {
		memberships = append(memberships, tenants.Membership{Tenant: tenant, Role: p.Role()})
		f.Guest = w.guestNote(p)
	}
	for _, m := range memberships {
		if m.Tenant.ID == p.Tenant() {
			f.Tenant = &views.Tenant{ID: string(m.Tenant.ID), Name: m.Tenant.Name}
			f.Account.Role = capital(m.Role.String()) + " of " + m.Tenant.Name
			f.Demo = w.demoBanner(p, m.Tenant)
		} else {
			f.Tenants = append(f.Tenants, views.Link{Label: m.Tenant.Name, Href: tenantPath(m.Tenant.ID)})
		}
	}
	f.Nav = navigation(r.URL.Path, p, memberships)
	if p.Tenant() != "" {
		w.countAlerts(&f, p.Tenant())
	}
	return f
}

// guestNote reminds an operator that this is somebody else's tenant.
func (w *Web) guestNote(p tenants.Principal) string {
	for _, each := range w.o.Tenants.State().Supports(p.Tenant(), w.o.Now()) {
		if each.Person == p.Person() {
			return "Support access until " + each.Until.UTC().Format("15:04 UTC") + ": you look at this tenant's data, and its owners see that."
		}
	}
	return "You look at this tenant as an operator, because its owners allow that."
}

// countAlerts puts the number of open alerts beside their link and before the title, which the live scripts keep true. Whoever
// shows alerts reads them after that: then what is later than the place is all that a script has to ask for again.
func (w *Web) countAlerts(f *views.Frame, t id.Tenant) {
	n := w.o.Alerts.Count(t)
	f.Place = strconv.FormatUint(n.Place, 10)
	for i := range f.Nav {
		if f.Nav[i].Key == "alerts" && n.Open > 0 {
			f.Nav[i].Count, f.Open = grouped(uint64(n.Open)), grouped(uint64(n.Open))
		}
	}
}

// navigation is the same on every page; outside a tenant it leads to the person's first one.
func navigation(path string, p tenants.Principal, memberships []tenants.Membership) []views.Link {
	var links []views.Link
	for i, m := range memberships {
		if m.Tenant.ID != p.Tenant() && (p.Tenant() != "" || i > 0) {
			continue
		}
		home, devices, rules, members := tenantPath(m.Tenant.ID), devicesPath(m.Tenant.ID), rulesPath(m.Tenant.ID), membersPath(m.Tenant.ID)
		links = append(links, views.Link{Label: "Home", Href: home, Current: path == home})
		links = append(links, views.Link{Label: "Devices", Href: devices, Current: below(path, devices)})
		dashboards := dashboardsPath(m.Tenant.ID)
		links = append(links, views.Link{Label: "Dashboards", Href: dashboards, Current: below(path, dashboards) || below(path, wallsPath(m.Tenant.ID))})
		alerts := alertsPath(m.Tenant.ID)
		links = append(links, views.Link{Label: "Alerts", Href: alerts, Key: "alerts", Current: below(path, alerts) || below(path, alertRulesPath(m.Tenant.ID)) || below(path, silencesPath(m.Tenant.ID))})
		rejected, replays := rejectedPath(m.Tenant.ID), replaysPath(m.Tenant.ID)
		links = append(links, views.Link{Label: "Rejected", Href: rejected, Current: below(path, rejected)},
			views.Link{Label: "Replays", Href: replays, Current: below(path, replays)})
		links = append(links, views.Link{Label: "Rules", Href: rules, Current: below(path, rules)})
		destinations := destinationsPath(m.Tenant.ID)
		links = append(links, views.Link{Label: "Destinations", Href: destinations, Current: below(path, destinations)})
		about := below(path, members) || below(path, keysPath(m.Tenant.ID)) || below(path, trustPath(m.Tenant.ID)) || below(path, providersPath(m.Tenant.ID)) || below(path, auditPath(m.Tenant.ID)) || below(path, usagePath(m.Tenant.ID))
		links = append(links, views.Link{Label: "Tenant", Href: members, Current: about})
	}
	if p.Operator() {
		links = append(links, views.Link{Label: "System", Href: systemPath(p), Current: below(path, "/system")})
	}
	return links
}

// systemPath is the first page about the installation that an operator may see.
func systemPath(p tenants.Principal) string {
	if p.Limited() {
		return operatePath
	}
	return "/system"
}

func below(path, base string) bool {
	return path == base || len(path) > len(base) && path[:len(base)+1] == base+"/"
}

// showProblem is how an error looks: a page that says what happened, why, and what to do next.
func (w *Web) showProblem(out http.ResponseWriter, r *http.Request, p handler.Problem) {
	page := views.Message{Frame: w.bare(p.Title), Heading: p.Title, Lines: []string{p.Detail}, RequestID: p.RequestID}
	if found, err := w.session(r.Context(), r); err == nil {
		if principal, err := w.identify(found); err == nil {
			page.Frame, page.Inside = w.frame(out, r, principal, p.Title), true
		}
	}
	if len(page.Nav) > 0 {
		page.Links = append(page.Links, views.Link{Label: "Go to " + page.Nav[0].Label, Href: page.Nav[0].Href})
	} else {
		page.Links = append(page.Links, views.Link{Label: "Go to the start", Href: "/"})
	}
	p.SetHeaders(out.Header())
	if err := w.render(out, r, p.Status, views.MessagePage(page)); err != nil {
		http.Error(out, p.Title, p.Status)
	}
}
