package web

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"longwave/ingest/telemetry"
	"longwave/processors/alert"
	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/views"
)

// How much the first page of a tenant shows of a list before it leads to the list itself.
const (
	homeRows = 6
	// homeHours is the history of what arrived: a day shows a daily rhythm, and a night that was too quiet.
	homeHours = 24
	// homeNew is how long a device counts as new.
	homeNew = 7 * 24 * time.Hour
)

// tenantHome answers at a glance: is all well, what went silent, what is new. Everything on it leads to the list behind.
func (w *Web) tenantHome(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	st := w.o.Tenants.State()
	tenant, _ := st.Tenant(p.Tenant())
	page := views.Home{
		Frame: w.frame(out, r, p, "Home"), Heading: tenant.Name, Self: tenantPath(tenant.ID), RegisterHref: devicesPath(tenant.ID) + "/register",
		CanEdit: p.May(tenants.EditDevices) == nil, Empty: st.DeviceCount(tenant.ID) == 0,
	}
	if page.Empty {
		page.Steps = w.firstSteps(p, tenant)
		return w.render(out, r, http.StatusOK, views.HomePage(page))
	}
	l, warning := w.lister(r.Context(), tenant.ID)
	page.Warning, page.Asked = warning, viewTime(l.now, l.now)
	page.Usage, page.UsageHref = w.usage(st, tenant), usagePath(tenant.ID)
	page.Alerts, page.AlertsHref = w.openAlerts(tenant.ID, alert.Filter{}), alertsPath(tenant.ID)
	w.homeDevices(&page, l)
	w.homeArrivals(r.Context(), &page, tenant.ID)
	w.homeNews(r.Context(), &page, tenant.ID)
	return w.render(out, r, http.StatusOK, views.HomePage(page))
}

// firstSteps are what somebody does with a tenant that has nothing yet.
func (w *Web) firstSteps(p tenants.Principal, tenant tenants.Tenant) []views.Step {
	var steps []views.Step
	if p.May(tenants.EditDevices) == nil {
		steps = append(steps, views.Step{
			Title: "Register a device", Href: devicesPath(tenant.ID) + "/register", Action: "Register device", Primary: true,
			Text: "It gets a token of its own. The next page has a line to paste, and shows the first value as it arrives.",
		})
		if w.o.StartDemo != nil {
			steps = append(steps, views.Step{
				Title: "Or look around first", Href: tenantPath(tenant.ID) + "/demo", Action: "Start with demo data", Post: true,
				Text: "Replays a handful of recorded machine and server measurements as devices. One click deletes it again.",
			})
		}
	}
	if p.May(tenants.ManageKeys) == nil {
		steps = append(steps, views.Step{
			Title: "Let a script do it", Href: keysPath(tenant.ID), Action: "Create an API key",
			Text: "Register a thousand devices, read readings and events: with a key, whatever a member may do here.",
		})
	}
	return steps
}

// homeDevices counts the devices by state and picks those that one wants to know of.
func (w *Web) homeDevices(page *views.Home, l lister) {
	counts := map[string]uint64{}
	silent := bestRows{limit: homeRows, order: orderOf("seen", false)}
	recent := bestRows{limit: homeRows, order: orderOf("created", true)}
	for d := range l.state.Devices(l.tenant, "") {
		row := l.look(d)
		counts[row.State]++
		if row.State == stateSilent || row.State == stateLate {
			silent.add(row)
		}
		if l.now.Sub(d.Created) < homeNew {
			recent.add(row)
		}
	}
	list := devicesPath(l.tenant)
	for _, key := range filters() {
		if l.seen == nil && key != stateDisabled {
			continue // not known, which is not the same as none
		}
		page.States = append(page.States, views.StateCount{
			State: views.State{Key: key, Word: stateWord(key)}, Count: grouped(counts[key]), Href: list + "?state=" + key, None: counts[key] == 0,
		})
	}
	for i, row := range silent.rows {
		page.Silent = append(page.Silent, homeRow(row, "silent-"+strconv.Itoa(i), viewTime(row.Seen, l.now)))
	}
	for i, row := range recent.rows {
		page.Recent = append(page.Recent, homeRow(row, "recent-"+strconv.Itoa(i), viewTime(row.Created, l.now)))
	}
	page.SilentHref, page.RecentHref = list+"?state="+stateSilent+"&sort=seen", list+"?sort=-created"
}

func homeRow(row listed, name string, at views.Time) views.HomeDevice {
	at.ID = name
	return views.HomeDevice{Name: row.Name, Href: devicePath(row.Device), State: views.State{Key: row.State, Word: stateWord(row.State)}, At: at}
}

// homeArrivals draws how many readings came in each of the last hours. Without an answer the page comes without them.
func (w *Web) homeArrivals(ctx context.Context, page *views.Home, t id.Tenant) {
	ctx, cancel := context.WithTimeout(ctx, storageTimeout)
	defer cancel()
	this := w.o.Now().UTC().Truncate(time.Hour)
	first := this.Add(-(homeHours - 1) * time.Hour)
	points, err := share(ctx, &w.asking, shared[[]telemetry.Point]{key: string(t) + first.String(), within: storageTimeout,
		ask: func(ctx context.Context) ([]telemetry.Point, error) {
			return w.o.Readings(t).Hourly(ctx, telemetry.At(first), telemetry.At(this.Add(time.Hour)))
		}})
	if err != nil {
		w.o.Log.WarnContext(ctx, "a page comes without its arrivals", "tenant", t, "error", err)
		return
	}
	var hours [homeHours]uint64
	var total, most uint64
	for _, p := range points {
		if i := int(p.Time.Time().Sub(first) / time.Hour); i >= 0 && i < homeHours {
			hours[i], total, most = p.Count, total+p.Count, max(most, p.Count)
		}
	}
	page.Arrivals = &views.Arrivals{Total: count(total, "reading", "readings"), Most: count(most, "reading", "readings") + " in the busiest hour"}
	for i, n := range hours {
		page.Arrivals.Bars = append(page.Arrivals.Bars, bar(i, n, most, first.Add(time.Duration(i)*time.Hour)))
	}
}

// The box that the bars are drawn in, in units of its own.
const (
	barWidth  = 10
	barGap    = 2
	barHeight = 96
)

func bar(place int, n, most uint64, hour time.Time) views.Bar {
	height := 0.0
	if n > 0 {
		height = max(1, barHeight*float64(n)/float64(most)) // what is there is seen
	}
	return views.Bar{
		X: strconv.Itoa(place * (barWidth + barGap)), Width: strconv.Itoa(barWidth),
		Y: strconv.FormatFloat(barHeight-height, 'f', 1, 64), Height: strconv.FormatFloat(height, 'f', 1, 64),
		Hour: hour.Format(time.RFC3339), Count: grouped(n),
	}
}

// usage is what the tenant uses of what it may.
func (w *Web) usage(st *tenants.State, tenant tenants.Tenant) []views.Usage {
	holds, rate := w.o.Tenants.LimitsOf(tenant.ID), w.o.Operation.Rates()[tenant.ID]
	packets := views.Usage{Name: "Packets per second", Value: rateText(rate), Of: "no limit", Href: usagePath(tenant.ID)}
	if holds.Packets > 0 {
		packets.Of, packets.Full = "of "+grouped(uint64(holds.Packets)), rate >= float64(holds.Packets)
	}
	devices := st.DeviceCount(tenant.ID)
	return []views.Usage{
		{Name: "Devices", Value: grouped(uint64(devices)), Of: "of " + grouped(uint64(holds.Devices)), Href: devicesPath(tenant.ID), Full: devices >= holds.Devices},
		packets,
		{Name: "Readings are kept", Value: strconv.Itoa(int(tenant.KeepDays())), Of: "days", Href: usagePath(tenant.ID)},
	}
}
