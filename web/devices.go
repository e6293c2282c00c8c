package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/views"
)

// storageTimeout is how long a page waits for the storage of readings before it comes without them.
const storageTimeout = 3 * time.Second

// storageSilent is what a page says then.
const storageSilent = "The storage of readings does not answer, so when devices were last seen is not known. Devices can still be changed; packets are still accepted and wait in their lanes."

func (w *Web) listDevices(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	st := w.o.Tenants.State()
	tenant, _ := st.Tenant(p.Tenant())
	q := listQueryOf(r.URL.Query())
	l, warning := w.lister(r.Context(), p.Tenant())
	found, err := l.page(q)
	if err != nil {
		return err
	}
	page := views.Devices{
		Frame:  w.frame(out, r, p, "Devices"),
		Action: devicesPath(tenant.ID), RegisterHref: devicesPath(tenant.ID) + "/register",
		ExportHref: devicesPath(tenant.ID) + ".csv" + q.address(""), ReadingsHref: exportPath(tenant.ID), BulkAction: devicesPath(tenant.ID) + "/switch",
		DeleteHref: devicesPath(tenant.ID) + "/delete",
		Count:      count(uint64(st.DeviceCount(tenant.ID)), "device", "devices"),
		Query:      q.Search, Sort: q.Sort, States: stateOptions(q.State), Columns: columns(q, devicesPath(tenant.ID)),
		Warning: warning, Empty: st.DeviceCount(tenant.ID) == 0, CanEdit: p.May(tenants.EditDevices) == nil,
		CanDelete: p.May(tenants.DeleteDevices) == nil,
	}
	if w.o.StartDemo != nil {
		page.DemoAction = tenantPath(tenant.ID) + "/demo"
	}
	for _, row := range found.Rows {
		page.Rows = append(page.Rows, viewRow(row, l.now))
	}
	out.Header().Set("HX-Replace-Url", devicesPath(tenant.ID)+q.address(q.Cursor)) // without the form's empty fields
	page.Shown, page.First, page.Next = pager(q, found, devicesPath(tenant.ID))
	return w.render(out, r, http.StatusOK, views.DevicesPage(page))
}

// lister asks the storage once; without an answer the list still comes, with a sentence that says so.
func (w *Web) lister(ctx context.Context, t id.Tenant) (lister, string) {
	l := lister{state: w.o.Tenants.State(), tenant: t, now: w.o.Now()}
	ctx, cancel := context.WithTimeout(ctx, storageTimeout)
	defer cancel()
	known, err := w.activities.of(ctx, t)
	if err != nil {
		w.o.Log.WarnContext(ctx, "a page comes without activity", "tenant", t, "error", err)
		return l, storageSilent
	}
	l.seen = known
	return l, ""
}

// sorts are the orders that an address may name.
func sorts() []string { return []string{"name", "-name", "seen", "-seen", "created", "-created"} }

func filters() []string {
	return []string{stateLive, stateLate, stateSilent, stateNever, stateDisabled}
}

// listQueryOf reads an address; what it does not know it takes for the default, so that an old link still works.
func listQueryOf(values url.Values) listQuery {
	q := listQuery{Search: strings.TrimSpace(values.Get("q")), Cursor: values.Get("after"), Sort: "name", Limit: pageRows}
	if slices.Contains(sorts(), values.Get("sort")) {
		q.Sort = values.Get("sort")
	}
	if slices.Contains(filters(), values.Get("state")) {
		q.State = values.Get("state")
	}
	return q
}

// address is the query as it stands behind the question mark, with another cursor.
func (q listQuery) address(cursor string) string {
	values := url.Values{}
	for _, pair := range [][2]string{{"q", q.Search}, {"state", q.State}, {"after", cursor}} {
		if pair[1] != "" {
			values.Set(pair[0], pair[1])
		}
	}
	if q.Sort != "name" {
		values.Set("sort", q.Sort)
	}
	if len(values) == 0 {
		return ""
	}
	return "?" + values.Encode()
}

func pager(q listQuery, found listPage, base string) (shown, first, next string) {
	shown = count(uint64(len(found.Rows)), "device", "devices") + " on this page"
	if q.Cursor != "" {
		first = base + q.address("")
	}
	if found.Next != "" {
		next = base + q.address(found.Next)
	}
	if first == "" && next == "" {
		shown = count(uint64(len(found.Rows)), "device", "devices")
	}
	return shown, first, next
}

func stateOptions(chosen string) []views.Option {
	options := []views.Option{{Value: "", Label: "Any state", Selected: chosen == ""}}
	for _, key := range filters() {
		options = append(options, views.Option{Value: key, Label: stateWord(key), Selected: key == chosen})
	}
	return options
}

func columns(q listQuery, base string) []views.Column {
	column := func(label, by, class string) views.Column {
		c := views.Column{Label: label, Class: class}
		to := q
		to.Sort = by
		switch q.Sort {
		case by:
			c.Sorted, to.Sort = "ascending", "-"+by
		case "-" + by:
			c.Sorted = "descending"
		}
		c.Href = base + to.address("")
		return c
	}
	return []views.Column{
		column("Name", "name", "list-name"),
		{Label: "State", Class: "list-state"},
		column("Last seen", "seen", "list-seen"),
		{Label: "Interval", Class: "list-interval"},
		{Label: "Labels", Class: "list-labels"},
		column("Registered", "created", "list-created"),
	}
}

func viewRow(row listed, now time.Time) views.DeviceRow {
	seen := "seen-" + string(row.ID)
	v := views.DeviceRow{
		ID: string(row.ID), Name: row.Name, Href: devicePath(row.Device), State: viewState(row.State, seen),
		Seen: viewTime(row.Seen, now), Seconds: seconds(row.Interval), Labels: labelsOf(row.Device), Disabled: row.Disabled,
		Created: row.Created.UTC().Format("2006-01-02"),
	}
	if row.State == stateUnknown {
		v.Seen = views.Time{Text: "unknown"}
	}
	v.Seen.ID, v.Seen.Interval = seen, v.Seconds
	v.Interval = intervalText(row.Device.Interval, row.Interval)
	return v
}

// intervalText says how often a device reports, and whether somebody said so or it was learned.
func intervalText(expected, known time.Duration) string {
	switch {
	case expected > 0:
		return duration(expected)
	case known > 0:
		return "about " + duration(known.Round(roundingOf(known)))
	}
	return "–"
}

// roundingOf is how exactly a learned interval is worth saying.
func roundingOf(d time.Duration) time.Duration {
	switch {
	case d >= 2*time.Hour:
		return time.Hour
	case d >= 2*time.Minute:
		return time.Minute
	case d >= 2*time.Second:
		return time.Second
	}
	return 100 * time.Millisecond
}

// switchDevices enables or disables the devices that were selected. What to do may stand in the address: so does Undo.
func (w *Web) switchDevices(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	if _, err := parse(out, r); err != nil {
		return err
	}
	command, word, back := w.o.Tenants.DisableDevice, "disabled; packets are refused with 403 until enabled again", "enable"
	if r.Form.Get("action") == "enable" {
		command, word, back = w.o.Tenants.EnableDevice, "enabled; packets are accepted again", "disable"
	}
	devices, err := w.chosen(p, r.Form["device"])
	if err != nil {
		return err
	}
	undo := url.Values{"action": {back}}
	for _, d := range devices {
		if _, err := command(r.Context(), w.actor(r, p), p.Tenant(), d.ID); err != nil {
			return err
		}
		if wasDisabled := d.Disabled; wasDisabled == (back == "disable") {
			undo.Add("device", string(d.ID)) // the others were like that before
		}
	}
	text := capital(count(uint64(len(devices)), "device", "devices")) + " " + word + "."
	if undo.Has("device") {
		w.undoable(out, r, text, devicesPath(p.Tenant())+"/switch?"+undo.Encode())
	} else {
		w.done(out, r, text)
	}
	return see(out, r, devicesPath(p.Tenant()))
}

// chosen are the devices with these ids. It returns tenants.ErrNotFound if one of them is not the tenant's.
func (w *Web) chosen(p tenants.Principal, ids []string) ([]tenants.Device, error) {
	st := w.o.Tenants.State()
	var list []tenants.Device
	if len(ids) == 0 || len(ids) > tenants.MaxPage {
		return nil, badQuery("Select between 1 and 500 devices.")
	}
	for _, text := range ids {
		d, err := id.Parse[id.Device](text)
		device, ok := st.Device(p.Tenant(), d)
		if err != nil || !ok {
			return nil, tenants.ErrNotFound
		}
		list = append(list, device)
	}
	return list, nil
}

// labelsOf are the labels of a device, each with the search for the devices that carry it.
func labelsOf(d tenants.Device) []views.Label {
	texts := labelTexts(d.Labels)
	list := make([]views.Label, len(texts))
	for i, text := range texts {
		list[i] = views.Label{Text: text, Href: devicesPath(d.Tenant) + "?" + url.Values{"q": {text}}.Encode()}
	}
	return list
}
