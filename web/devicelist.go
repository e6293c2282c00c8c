package web

import (
	"cmp"
	"encoding/base64"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"longwave/ingest/telemetry"
	"longwave/ingest/telemetry/freshness"
	"longwave/tenants"
	"longwave/tenants/id"
)

// pageRows is one page of the list: what a tall screen shows, and little enough that selecting all of it is safe.
const pageRows = 50

// listQuery is what the address of the list asks for.
type listQuery struct {
	Search string
	State  string // one of the states; empty for all
	Sort   string // name, seen or created, with a hyphen before it for descending
	Cursor string
	Limit  int
}

// listed is one device with what is known of its activity.
type listed struct {
	tenants.Device
	Seen     time.Time
	Interval time.Duration // expected or learned
	State    string
}

type listPage struct {
	Rows []listed
	Next string
}

// activity is what the storage knows; nil when it does not answer.
type activity map[id.Device]telemetry.Activity

// lister makes one page of the list from one state of the control plane and one answer of the storage.
type lister struct {
	state  *tenants.State
	tenant id.Tenant
	seen   activity
	now    time.Time
}

// page returns the page that the query asks for; a *tenants.InvalidError for a cursor of another list.
func (l lister) page(q listQuery) (listPage, error) {
	by, descending := strings.CutPrefix(q.Sort, "-")
	if q.State == "" && by != "seen" || q.State == stateDisabled && by != "seen" {
		return l.indexed(q, by, descending)
	}
	return l.computed(q, by, descending)
}

// indexed is a page whose order and filter the control plane keeps: its cost does not grow with the list.
func (l lister) indexed(q listQuery, by string, descending bool) (listPage, error) {
	query := tenants.DeviceQuery{Search: q.Search, Sort: sortOf(by), Descending: descending, Cursor: q.Cursor, Limit: q.Limit}
	if q.State == stateDisabled {
		query.Filter = tenants.DisabledDevices
	}
	found, err := l.state.DevicesPage(l.tenant, query)
	if err != nil {
		return listPage{}, err
	}
	page := listPage{Next: found.Next}
	for _, d := range found.Devices {
		page.Rows = append(page.Rows, l.look(d))
	}
	return page, nil
}

// computed is a page whose order or filter depends on what the devices sent: everything that matches is looked at, but
// only a page of it is kept and put in order.
func (l lister) computed(q listQuery, by string, descending bool) (listPage, error) {
	after, err := parseListCursor(q.Cursor)
	if err != nil {
		return listPage{}, err
	}
	best := bestRows{limit: q.Limit + 1, order: orderOf(by, descending)}
	if q.Cursor != "" {
		row := after.row(l.state, l.tenant)
		best.after = &row
	}
	for row, err := range l.matching(q) {
		if err != nil {
			return listPage{}, err
		}
		best.add(row)
	}
	page := listPage{Rows: best.rows}
	if len(best.rows) > q.Limit {
		page.Rows = best.rows[:q.Limit]
		page.Next = listCursorOf(page.Rows[q.Limit-1])
	}
	return page, nil
}

// orderOf compares two rows, without ties.
func orderOf(by string, descending bool) func(a, b *listed) int {
	return func(a, b *listed) int {
		c := cmp.Or(compareBy(by, a, b), cmp.Compare(a.ID, b.ID))
		if descending {
			return -c
		}
		return c
	}
}

// bestRows keeps the first rows of an order, behind another one if that is given.
type bestRows struct {
	limit int
	order func(a, b *listed) int
	after *listed
	rows  []listed // in order
}

func (b *bestRows) add(row listed) {
	if b.after != nil && b.order(&row, b.after) <= 0 {
		return
	}
	if len(b.rows) == b.limit && b.order(&row, &b.rows[b.limit-1]) >= 0 {
		return
	}
	place, _ := slices.BinarySearchFunc(b.rows, &row, func(have listed, want *listed) int { return b.order(&have, want) })
	if len(b.rows) == b.limit {
		b.rows = b.rows[:b.limit-1]
	}
	b.rows = slices.Insert(b.rows, place, row)
}

// every is all rows of a query in order, for an export: what has to be looked at whole is looked at once.
func (l lister) every(q listQuery) iter.Seq2[listed, error] {
	by, descending := strings.CutPrefix(q.Sort, "-")
	if q.State == "" && by != "seen" {
		return l.matchingIn(tenants.DeviceQuery{Search: q.Search, Sort: sortOf(by), Descending: descending, Limit: tenants.MaxPage}, "")
	}
	return func(yield func(listed, error) bool) {
		var rows []listed
		for row, err := range l.matching(q) {
			if err != nil {
				yield(listed{}, err)
				return
			}
			rows = append(rows, row)
		}
		order := orderOf(by, descending)
		slices.SortFunc(rows, func(a, b listed) int { return order(&a, &b) })
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

// matching is every row that a query selects, in no order that anybody may rely on.
func (l lister) matching(q listQuery) iter.Seq2[listed, error] {
	if q.Search != "" {
		return l.matchingIn(tenants.DeviceQuery{Search: q.Search, Limit: tenants.MaxPage}, q.State)
	}
	return func(yield func(listed, error) bool) {
		for d := range l.state.Devices(l.tenant, "") {
			if row := l.look(d); (q.State == "" || row.State == q.State) && !yield(row, nil) {
				return
			}
		}
	}
}

// matchingIn walks an order that the control plane keeps, and leaves out what is in another state than the one asked for.
func (l lister) matchingIn(query tenants.DeviceQuery, state string) iter.Seq2[listed, error] {
	return func(yield func(listed, error) bool) {
		for {
			found, err := l.state.DevicesPage(l.tenant, query)
			if err != nil {
				yield(listed{}, err)
				return
			}
			for _, d := range found.Devices {
				if row := l.look(d); (state == "" || row.State == state) && !yield(row, nil) {
					return
				}
			}
			if found.Next == "" {
				return
			}
			query.Cursor = found.Next
		}
	}
}

func (l lister) look(d tenants.Device) listed {
	row := listed{Device: d, Interval: d.Interval, State: stateUnknown}
	if l.seen != nil {
		known, ok := l.seen[d.ID]
		if ok && known.LastSeen > 0 {
			row.Seen = known.LastSeen.Time()
		}
		row.Interval = freshness.Expected(d.Interval, known.Interval)
		row.State = string(freshness.Of(row.Seen, row.Interval, l.now))
	}
	if d.Disabled {
		row.State = stateDisabled
	}
	return row
}

func sortOf(by string) tenants.DeviceSort {
	if by == "created" {
		return tenants.SortByCreated
	}
	return tenants.SortByName
}

// compareBy puts the device that was seen last first: the age is what the column shows, and ascending age is what a
// person expects of its arrow.
func compareBy(by string, a, b *listed) int {
	switch by {
	case "seen":
		return b.Seen.Compare(a.Seen)
	case "created":
		return a.Created.Compare(b.Created)
	}
	return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
}

// listCursor is the place of a row in a computed order, so that the next page begins behind it although rows came and
// went, and also when that device is gone.
type listCursor struct {
	device id.Device
	seen   time.Time
	name   string
}

func listCursorOf(row listed) string {
	return base64.RawURLEncoding.EncodeToString([]byte(string(row.ID) + "\x00" + strconv.FormatInt(row.Seen.UnixMicro(), 10) + "\x00" + row.Name))
}

func parseListCursor(text string) (listCursor, error) {
	if text == "" {
		return listCursor{}, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	parts := strings.SplitN(string(raw), "\x00", 3)
	if err != nil || len(parts) != 3 {
		return listCursor{}, badQuery("The address of this page of the list is damaged. Begin with its first page.")
	}
	micros, err := strconv.ParseInt(parts[1], 10, 64)
	device, idErr := id.Parse[id.Device](parts[0])
	if err != nil || idErr != nil {
		return listCursor{}, badQuery("The address of this page of the list is damaged. Begin with its first page.")
	}
	return listCursor{device: device, seen: time.UnixMicro(micros), name: parts[2]}, nil
}

func (c listCursor) row(st *tenants.State, t id.Tenant) listed {
	d, ok := st.Device(t, c.device)
	if !ok {
		d.ID = c.device
	}
	d.Name = c.name
	row := listed{Device: d, Seen: c.seen}
	if c.seen.UnixMicro() == (time.Time{}).UnixMicro() {
		row.Seen = time.Time{}
	}
	return row
}
