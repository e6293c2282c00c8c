package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"longwave/processors/alert"
	"longwave/tenants"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
	"longwave/views"
)

// Alerts is the log of alerts as pages see it, and what people do to it.
type Alerts interface {
	Find(t id.Tenant, filters ...alert.Filter) []alert.Alert
	Alert(t id.Tenant, a id.Alert) (alert.Alert, error)
	Count(t id.Tenant) alert.Count
	Runs(ctx context.Context, t id.Tenant) (alert.Runs, error)
	Watch(t id.Tenant) <-chan struct{}
	Acknowledge(ctx context.Context, d alert.Doing, comment string) error
	Assign(ctx context.Context, d alert.Doing, to string) error
	Comment(ctx context.Context, d alert.Doing, text string) error
	Snooze(ctx context.Context, d alert.Doing, until time.Time) error
}

const (
	// alertRows is how many alerts a page of the list shows.
	alertRows = 100
	// shortAlerts is how many another page shows before it leads to the list.
	shortAlerts = 6
	// maxBulkAlerts bounds what is acknowledged at once: each is an entry of the log.
	maxBulkAlerts = 100
)

func alertsPath(t id.Tenant) string            { return tenantPath(t) + "/alerts" }
func alertPath(t id.Tenant, a id.Alert) string { return alertsPath(t) + "/" + string(a) }

// alertQuery is what the address of the list asks for.
type alertQuery struct {
	state, severity, text, rule, device, after string
	shadow                                     bool
}

// alertStates are the choices of the list; the first is what it shows by itself.
func alertStates() [][2]string {
	return [][2]string{{"", "Open"}, {string(alert.Active), "Open, nobody takes care"}, {string(alert.Taken), "Acknowledged"}, {string(alert.Resolved), "Resolved"}, {"all", "Open and resolved"}}
}

func alertQueryOf(v url.Values) alertQuery {
	return alertQuery{state: v.Get("state"), severity: v.Get("severity"), text: strings.TrimSpace(v.Get("q")), rule: v.Get("rule"), device: v.Get("device"), after: v.Get("after"), shadow: v.Get("shadow") != ""}
}

// address is the query behind a path, without what is empty and without some of its names.
func (q alertQuery) address(path string, without ...string) string {
	values := url.Values{}
	for _, pair := range [][2]string{{"state", q.state}, {"severity", q.severity}, {"q", q.text}, {"rule", q.rule}, {"device", q.device}, {"after", q.after}} {
		if pair[1] != "" && !slices.Contains(without, pair[0]) {
			values.Set(pair[0], pair[1])
		}
	}
	if q.shadow && !slices.Contains(without, "shadow") {
		values.Set("shadow", "1")
	}
	if len(values) == 0 {
		return path
	}
	return path + "?" + values.Encode()
}

// filters are what the Book is asked for. What the address misspells selects nothing more than a good one would.
func (q alertQuery) filters() []alert.Filter {
	f := alert.Filter{Rule: known[id.AlertRule](q.rule), Device: known[id.Device](q.device), Shadow: q.shadow}
	_ = f.Severity.UnmarshalText([]byte(q.severity)) // none for what is no severity
	states := []alert.State{alert.Active, alert.Taken}
	switch s := alert.State(q.state); s {
	case alert.Active, alert.Taken, alert.Resolved:
		states = []alert.State{s}
	case "all":
		states = []alert.State{alert.Any}
	}
	var list []alert.Filter
	for _, s := range states {
		f.State = s
		list = append(list, f)
	}
	return list
}

// known is a text as an id; what is none is an id that nothing has.
func known[K id.Kind](text string) K {
	if text == "" {
		return ""
	}
	if one, err := id.Parse[K](text); err == nil {
		return one
	}
	return "nobody"
}

func (w *Web) listAlerts(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	t, q, base := p.Tenant(), alertQueryOf(r.URL.Query()), alertsPath(p.Tenant())
	page := views.Alerts{Frame: w.frame(out, r, p, "Alerts"), Tabs: w.alertTabs(r, t), Action: base, Self: q.address(base), BulkHref: base + "/acknowledge",
		CanHandle: p.May(tenants.HandleAlerts) == nil, Query: q.text}
	for _, o := range alertStates() {
		page.States = append(page.States, views.Option{Value: o[0], Label: o[1], Selected: o[0] == q.state})
	}
	page.Severity = []views.Option{{Label: "Any severity"}}
	for s := alertrule.Warning; s <= alertrule.Critical; s++ {
		page.Severity = append(page.Severity, views.Option{Value: s.String(), Label: capital(s.String()) + map[bool]string{true: " and worse"}[s < alertrule.Critical], Selected: s.String() == q.severity})
	}
	w.alertChips(&page, t, q)
	first, found := 0, w.searchAlerts(t, q)
	if q.after != "" {
		first = slices.IndexFunc(found, func(a alert.Alert) bool { return string(a.ID) == q.after }) + 1
	}
	last := min(len(found), first+alertRows)
	for _, a := range found[first:last] {
		page.Rows = append(page.Rows, w.alertRow(t, &a))
	}
	if last < len(found) {
		next := q
		next.after = string(found[last-1].ID)
		page.Next = next.address(base)
	}
	page.Count = count(uint64(len(found)), "alert", "alerts")
	if len(page.Rows) == 0 {
		w.nothing(&page, t, q)
	}
	return w.render(out, r, http.StatusOK, views.AlertsPage(page))
}

// nothing says why the list is empty.
func (w *Web) nothing(page *views.Alerts, t id.Tenant, q alertQuery) {
	rules := w.o.Tenants.State().AlertRules(t)
	switch {
	case q != (alertQuery{}):
		page.Count, page.Nothing = "No alert matches", "None of the alerts that are known is like this. The newest 500 that are resolved are kept at hand."
	case len(rules) == 0:
		page.Count, page.Nothing = "No alert rules yet", "What needs somebody's attention will be here, the worst first. A rule says what that is."
		if page.CanHandle {
			page.RulesHref = alertRulesPath(t) + "/" + newRule
		}
	default:
		page.Count, page.Nothing = "Nothing needs attention", "No alert is open. "+capital(count(uint64(len(w.o.Tenants.State().RunningAlertRules(t))), "rule is", "rules are"))+" watching; this page changes by itself when one fires."
	}
}

// searchAlerts are the alerts of a query, in the order of the Book.
func (w *Web) searchAlerts(t id.Tenant, q alertQuery) []alert.Alert {
	found := w.o.Alerts.Find(t, q.filters()...)
	if q.text == "" {
		return found
	}
	wanted := strings.ToLower(q.text)
	return slices.DeleteFunc(found, func(a alert.Alert) bool {
		device, _ := w.o.Tenants.State().Device(t, a.Device)
		return !strings.Contains(strings.ToLower(a.Name+"\n"+device.Name+"\n"+device.Site+"\n"+a.Message), wanted)
	})
}

func (w *Web) alertChips(page *views.Alerts, t id.Tenant, q alertQuery) {
	chip := func(name, value, text string) {
		if value != "" {
			page.Chips = append(page.Chips, views.Chip{Text: text, RemoveHref: q.address(page.Action, name, "after")})
			page.Hidden = append(page.Hidden, views.Hidden{Name: name, Value: value})
		}
	}
	if q.rule != "" {
		name := "a deleted rule"
		if rule, ok := w.o.Tenants.State().AlertRule(t, known[id.AlertRule](q.rule)); ok {
			current := rule.Current()
			name = current.Name
		}
		chip("rule", q.rule, "only of "+name)
	}
	if q.device != "" {
		chip("device", q.device, "only of "+w.deviceName(t, known[id.Device](q.device)))
	}
	if q.shadow {
		chip("shadow", "1", "only of rules in shadow")
	}
}

// alertRow is an alert on one line.
func (w *Web) alertRow(t id.Tenant, a *alert.Alert) views.AlertRow {
	st, now := w.o.Tenants.State(), w.o.Now()
	device, _ := st.Device(t, a.Device)
	row := views.AlertRow{
		ID: string(a.ID), Rule: a.Name, Href: alertPath(t, a.ID), Severity: severityView(a.Severity), Message: a.Message, Device: w.deviceName(t, a.Device),
		DeviceHref: devicesPath(t) + "/" + string(a.Device), Site: device.Site, Since: viewTime(a.Began.Time(), now), Value: w.valueAgainst(t, &a.Latest), Over: !a.Firing, Shadow: a.Shadow,
	}
	switch {
	case !a.Firing:
		row.State = "Resolved " + age(a.Ended.Time(), now)
	case a.Acknowledged != nil:
		row.State = "Acknowledged by " + a.Acknowledged.By
	case now.Before(a.Snoozed):
		row.State = "Snoozed until " + a.Snoozed.UTC().Format("2006-01-02 15:04 MST")
	default:
		row.State = "Open"
	}
	if a.Assigned != "" {
		row.State += ", assigned to " + a.Assigned
	}
	if a.Firing {
		row.Silence = w.silenced(t, a)
	}
	return row
}

// silenced is why nobody is notified of an alert just now; empty when people are.
func (w *Web) silenced(t id.Tenant, a *alert.Alert) string {
	st, now := w.o.Tenants.State(), w.o.Now()
	device := st.AlertDevice(t, a.Device)
	for _, q := range st.Silences(t) {
		if q.Active(now) && q.Covers(a.Rule, &device) {
			return "Silenced until " + q.Until.Format("2006-01-02 15:04 MST") + ": " + q.Reason
		}
	}
	return ""
}

// valueAgainst is the value at the latest change, and what it is held against.
func (w *Web) valueAgainst(t id.Tenant, c *alertrule.Change) string {
	if c.Test == nil {
		return ""
	}
	value := c.Value(c.Test.Metric)
	if unit := w.o.Tenants.State().Unit(t, c.Test.Metric); unit != "" {
		value += " " + unit
	}
	return value + "; " + c.Test.Sentence()
}

// openAlerts are the first of the open alerts that a filter selects.
func (w *Web) openAlerts(t id.Tenant, of alert.Filter) (rows []views.AlertRow) {
	active, taken := of, of
	active.State, taken.State = alert.Active, alert.Taken
	found := w.o.Alerts.Find(t, active, taken)
	for _, a := range found[:min(len(found), shortAlerts)] {
		rows = append(rows, w.alertRow(t, &a))
	}
	return rows
}

// acknowledgeAlerts takes those that were selected; one that is gone or over meanwhile is passed over.
func (w *Web) acknowledgeAlerts(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	chosen := form["alert"]
	if len(chosen) == 0 || len(chosen) > maxBulkAlerts {
		return badQuery(fmt.Sprintf("Select between 1 and %d alerts.", maxBulkAlerts))
	}
	by, done := w.doing(r, p), 0
	for _, text := range chosen {
		by.Alert = known[id.Alert](text)
		a, err := w.o.Alerts.Alert(p.Tenant(), by.Alert)
		if err != nil || a.State() != alert.Active {
			continue
		}
		if err := w.o.Alerts.Acknowledge(r.Context(), by, ""); err != nil {
			return err
		}
		done++
	}
	w.done(out, r, capital(count(uint64(done), "alert", "alerts"))+" acknowledged.")
	return see(out, r, alertsPath(p.Tenant()))
}

// doing is who does something to an alert.
func (w *Web) doing(r *http.Request, p tenants.Principal) alert.Doing {
	return alert.Doing{Tenant: p.Tenant(), By: w.o.Tenants.State().NameOf(p.Tenant(), w.actor(r, p))}
}
