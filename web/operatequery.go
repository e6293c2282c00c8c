package web

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"longwave/tenants"
	"longwave/views"
)

// lately is how long a tenant that met a limit counts as one that does.
const lately = 10 * time.Minute

// health is how a tenant is doing, in the word that stands in the address.
type health string

const (
	healthWell      health = "well"
	healthLimited   health = "limited"
	healthAlerts    health = "alerts"
	healthSuspended health = "suspended"
)

// healths lists them, the worst first.
func healths() []health { return []health{healthLimited, healthAlerts, healthSuspended, healthWell} }

// healthOf judges a tenant: that packets are refused comes before what its people see for themselves.
func healthOf(t operated, now time.Time) health {
	switch {
	case t.Suspended.Holds():
		return healthSuspended
	case t.Limited > 0 && now.Sub(t.LastLimited) < lately:
		return healthLimited
	case t.Alerts > 0:
		return healthAlerts
	}
	return healthWell
}

func (h health) state() views.State {
	switch h {
	case healthSuspended:
		return views.State{Key: stateDisabled, Word: "Suspended"}
	case healthLimited:
		return views.State{Key: stateSilent, Word: "Meets a limit"}
	case healthAlerts:
		return views.State{Key: stateLate, Word: "Open alerts"}
	}
	return views.State{Key: stateLive, Word: "Well"}
}

func tenantState(t tenants.Tenant) views.State {
	switch {
	case t.Suspended.Deleting:
		return views.State{Key: stateSilent, Word: "Being deleted"}
	case t.Suspended.Holds():
		return views.State{Key: stateDisabled, Word: "Suspended"}
	}
	return views.State{Key: stateLive, Word: "Open"}
}

// operateQuery is what the address of the list asks for.
type operateQuery struct {
	search, sort string
	only         health // empty for all
	page         int
}

func operateQueryOf(values url.Values) operateQuery {
	q := operateQuery{search: strings.TrimSpace(values.Get("q")), sort: "name"}
	if by := values.Get("sort"); slices.Contains([]string{"name", "state", "devices", "rate", "stored", "waiting", "alerts", "limited", "created"}, strings.TrimPrefix(by, "-")) {
		q.sort = by
	}
	if only := health(values.Get("state")); slices.Contains(healths(), only) {
		q.only = only
	}
	if page, err := strconv.Atoi(values.Get("page")); err == nil && page > 0 && page < 1_000_000 {
		q.page = page
	}
	return q
}

func (q operateQuery) matches(t operated) bool {
	if q.only != "" && t.health != q.only {
		return false
	}
	return q.search == "" || strings.Contains(strings.ToLower(t.Name), strings.ToLower(q.search)) || string(t.ID) == q.search
}

func (q operateQuery) compare(a, b operated) int {
	by, descending := strings.CutPrefix(q.sort, "-")
	order := 0
	switch by {
	case "devices":
		order = cmp.Compare(a.devices, b.devices)
	case "rate":
		order = cmp.Compare(a.Rate, b.Rate)
	case "stored":
		order = cmp.Compare(a.Bytes, b.Bytes)
	case "waiting":
		order = cmp.Compare(a.Waiting, b.Waiting)
	case "alerts":
		order = cmp.Compare(a.Alerts, b.Alerts)
	case "limited":
		order = a.LastLimited.Compare(b.LastLimited)
	case "state":
		order = cmp.Compare(slices.Index(healths(), b.health), slices.Index(healths(), a.health)) // the worst are first, downwards
	case "created":
		order = a.Created.Compare(b.Created)
	default:
		order = strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	}
	if descending {
		return -order
	}
	return order
}

func (q operateQuery) address(sort string, page int) string {
	values := url.Values{}
	if q.search != "" {
		values.Set("q", q.search)
	}
	if q.only != "" {
		values.Set("state", string(q.only))
	}
	values.Set("sort", sort)
	if page > 0 {
		values.Set("page", strconv.Itoa(page))
	}
	return "?" + values.Encode()
}

func (q operateQuery) columns() []views.Column {
	by, descending := strings.CutPrefix(q.sort, "-")
	var list []views.Column
	for _, c := range []struct{ label, key, class string }{
		{"Name", "name", "list-name"}, {"State", "state", ""}, {"Devices", "devices", "text-end"}, {"Packets/s", "rate", "text-end"}, {"Stored, about", "stored", "text-end"},
		{"Waiting", "waiting", "text-end"}, {"Alerts", "alerts", "text-end"}, {"Limits met", "limited", "text-end"}, {"Limits", "", ""}, {"Created (UTC)", "created", ""},
	} {
		column := views.Column{Label: c.label, Class: c.class}
		if c.key != "" {
			next := c.key
			switch {
			case c.key == by && descending:
				column.Sorted = "descending"
			case c.key == by:
				column.Sorted, next = "ascending", "-"+c.key
			case c.key != "name":
				next = "-" + c.key // of numbers one wants the largest first
			}
			column.Href = operatePath + q.address(next, 0)
		}
		list = append(list, column)
	}
	return list
}

// choices are the states that the list can be narrowed to.
func (q operateQuery) choices() []views.Option {
	list := []views.Option{{Value: "", Label: "Any state", Selected: q.only == ""}}
	for _, h := range healths() {
		list = append(list, views.Option{Value: string(h), Label: h.state().Word, Selected: q.only == h})
	}
	return list
}
