package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"longwave/ingest/telemetry"
	"longwave/processors/replay"
	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/views"
)

// WorkList is the rejected packets of a tenant. Neither call changes anything.
type WorkList interface {
	Groups(ctx context.Context, t id.Tenant, f replay.Filter, by string) (replay.List, error)
	Try(ctx context.Context, t id.Tenant, f replay.Filter) (replay.Trial, error)
}

// workBounds says what is kept; the numbers are those of the stream.
const workBounds = "Kept are the newest 500 of each device, for 7 days, and 64 MiB of the whole installation; whole up to 16 KiB each, as long as a tenant's are not too many. Of what is larger or more, only the beginning is kept, and that cannot be re-driven."

// workRange is a choice of how far back to look.
type workRange struct {
	key, label string
	back       time.Duration // 0 is everything
}

func workRanges() []workRange {
	return []workRange{{"", "At any time", 0}, {"1h", "In the last hour", time.Hour}, {"24h", "In the last 24 hours", 24 * time.Hour}}
}

// workQuery is what the address of the list asks for.
type workQuery struct {
	filter replay.Filter
	ago    string // key of a range
	by     string
}

// workQueryOf reads an address. What it does not know it takes for the default, so that an old link still works; of a
// device that is none of the tenant's there is nothing in the list.
func workQueryOf(values url.Values, now time.Time) (workQuery, error) {
	q := workQuery{ago: values.Get("range"), by: values.Get("by")}
	q.filter = replay.Filter{Label: values.Get("label"), Value: values.Get("value"), Code: values.Get("code"), Cause: values.Get("cause")}
	for name, place := range map[string]**string{"site": &q.filter.Site, "profile": &q.filter.Profile} {
		if text := values.Get(name); values.Has(name) { // empty means devices without one
			*place = &text
		}
	}
	if text := values.Get("device"); text != "" {
		d, err := id.Parse[id.Device](text)
		if err != nil {
			return q, tenants.ErrNotFound
		}
		q.filter.Device = d
	}
	for _, r := range workRanges() {
		if r.key == q.ago && r.back > 0 {
			q.filter.From = telemetry.At(now.Add(-r.back))
		}
	}
	for name, take := range map[string]func(uint64){
		"through": func(n uint64) { q.filter.Through = n },
		"from":    func(n uint64) { q.filter.From = telemetry.Micros(n) },
	} {
		if text := values.Get(name); text != "" {
			n, err := strconv.ParseUint(text, 10, 63)
			if err != nil {
				return q, badQuery("The address names a time or a place that is none. Go back to the list and try again.")
			}
			take(n)
		}
	}
	return q, nil
}

// pairs are the filter as names and values of an address, without what is empty.
func (q workQuery) pairs() []views.Hidden {
	var list []views.Hidden
	add := func(name, value string, wanted bool) {
		if wanted {
			list = append(list, views.Hidden{Name: name, Value: value})
		}
	}
	f := q.filter
	add("device", string(f.Device), f.Device != "")
	add("label", f.Label, f.Label != "")
	add("value", f.Value, f.Label != "")
	for name, text := range map[string]*string{"site": f.Site, "profile": f.Profile} {
		if text != nil {
			add(name, *text, true)
		}
	}
	add("code", f.Code, f.Code != "")
	add("cause", f.Cause, f.Cause != "")
	add("range", q.ago, q.ago != "")
	add("by", q.by, q.by != "")
	return list
}

// address is the query behind a path, with some of its names taken out.
func (q workQuery) address(path string, without ...string) string {
	values := url.Values{}
	for _, pair := range q.pairs() {
		if !slices.Contains(without, pair.Name) {
			values.Set(pair.Name, pair.Value)
		}
	}
	if len(values) == 0 {
		return path
	}
	return path + "?" + values.Encode()
}

func (w *Web) showWorkList(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	q, err := workQueryOf(r.URL.Query(), w.o.Now())
	if err != nil {
		return err
	}
	base := rejectedPath(p.Tenant())
	page := views.WorkList{Frame: w.frame(out, r, p, "Rejected packets"), Action: base, Bounds: workBounds, CanEdit: p.May(tenants.ReplayPackets) == nil,
		RedriveHref: q.address(base+"/redrive", "by"), DismissHref: q.address(base+"/dismiss", "by")}
	list, err := w.o.WorkList.Groups(r.Context(), p.Tenant(), q.filter, q.by)
	if err != nil {
		w.o.Log.WarnContext(r.Context(), "a page comes without rejected packets", "tenant", p.Tenant(), "error", err)
		page.Warning = "The rejected packets could not be read, because the queue does not answer. Reload the page in a moment."
		return w.render(out, r, http.StatusOK, views.WorkListPage(page))
	}
	page.Empty, page.More = len(list.Codes) == 0, list.More
	page.Summary = count(uint64(list.Packets), "packet", "packets") + " in " + count(uint64(len(list.Groups)), "group", "groups")
	w.workFilter(&page, q, list)
	st, now := w.o.Tenants.State(), w.o.Now()
	for _, g := range list.Groups {
		page.Groups = append(page.Groups, workGroup(g, q, workLook{state: st, tenant: p.Tenant(), now: now}))
	}
	return w.render(out, r, http.StatusOK, views.WorkListPage(page))
}

// workFilter fills in what can be chosen, and what is chosen.
func (w *Web) workFilter(page *views.WorkList, q workQuery, list replay.List) {
	page.Codes = []views.Option{{Value: "", Label: "Any cause", Selected: q.filter.Code == ""}}
	for _, code := range list.Codes {
		page.Codes = append(page.Codes, views.Option{Value: code, Label: code, Selected: code == q.filter.Code})
	}
	for _, r := range workRanges() {
		page.Ranges = append(page.Ranges, views.Option{Value: r.key, Label: r.label, Selected: r.key == q.ago})
	}
	page.Bys = []views.Option{{Value: replay.ByCause, Label: "Group by cause", Selected: q.by == replay.ByCause},
		{Value: replay.ByDevice, Label: "By cause and device", Selected: q.by == replay.ByDevice}}
	if list.Profiles {
		page.Bys = append(page.Bys, views.Option{Value: replay.ByProfile, Label: "By cause and profile", Selected: q.by == replay.ByProfile})
	}
	if list.Sites {
		page.Bys = append(page.Bys, views.Option{Value: replay.BySite, Label: "By cause and site", Selected: q.by == replay.BySite})
	}
	for _, name := range list.Labels {
		page.Bys = append(page.Bys, views.Option{Value: replay.ByLabel + name, Label: "By cause and label " + name, Selected: q.by == replay.ByLabel+name})
	}
	for _, pair := range q.pairs() {
		if pair.Name != "code" && pair.Name != "range" && pair.Name != "by" {
			page.Hidden = append(page.Hidden, pair)
		}
	}
	chip := func(text string, without ...string) {
		page.Chips = append(page.Chips, views.Chip{Text: text, RemoveHref: q.address(page.Action, without...)})
	}
	if f := q.filter; f.Device != "" {
		name := "a deleted device"
		if d, ok := w.o.Tenants.State().Device(id.Tenant(page.Tenant.ID), f.Device); ok {
			name = d.Name
		}
		chip("only of "+name, "device")
	}
	if f := q.filter; f.Label != "" {
		chip("only "+labelText(f.Label, f.Value), "label", "value")
	}
	if f := q.filter; f.Site != nil {
		chip("only "+namedText("site", *f.Site), "site")
	}
	if f := q.filter; f.Profile != nil {
		chip("only "+namedText("profile", *f.Profile), "profile")
	}
	if f := q.filter; f.Cause != "" {
		chip("only "+strings.TrimSpace(f.Cause), "cause")
	}
}

func labelText(name, value string) string {
	if value == "" {
		return "without " + name
	}
	return name + "=" + value
}

// namedText is the site or the profile of devices in words.
func namedText(what, text string) string {
	if text == "" {
		return "without a " + what
	}
	return what + " " + text
}

// workLook is what a group is shown with.
type workLook struct {
	state  *tenants.State
	tenant id.Tenant
	now    time.Time
}

func workGroup(g replay.Group, q workQuery, l workLook) views.WorkGroup {
	base := rejectedPath(l.tenant)
	one := q
	one.filter.Cause, one.filter.Code = g.Cause, ""
	v := views.WorkGroup{
		Count: grouped(uint64(g.Count)), Code: g.Code, Detail: capital(g.Detail), Pointer: g.Pointer, Devices: count(uint64(g.Devices), "device", "devices"),
		First: viewTime(g.First.Time(), l.now), Last: viewTime(g.Last.Time(), l.now), Samples: workSamples(g.Samples, l),
	}
	name, label := strings.CutPrefix(q.by, replay.ByLabel)
	switch {
	case label:
		one.filter.Label, one.filter.Value, v.Of = name, g.Name, labelText(name, g.Name)
	case q.by == replay.ByDevice:
		one.filter.Device, v.Of, v.Devices = g.Device, g.Name, ""
	case q.by == replay.BySite:
		one.filter.Site, v.Of = &g.Name, namedText("site", g.Name)
	case q.by == replay.ByProfile:
		one.filter.Profile, v.Of = &g.Name, namedText("profile", g.Name)
	}
	v.OfHref = one.address(base, "by", "cause")
	if g.Cut > 0 {
		v.Cut = count(uint64(g.Cut), "was", "were") + " not kept whole and cannot be re-driven"
	}
	v.RedriveHref, v.DismissHref = one.address(base+"/redrive", "by"), one.address(base+"/dismiss", "by")
	return v
}

// shownRaw bounds what a page shows of one packet.
const shownRaw = 2 << 10

func workSamples(list []replay.Sample, l workLook) []views.WorkSample {
	var samples []views.WorkSample
	for _, s := range list {
		v := views.WorkSample{Device: s.Name, At: viewTime(s.Received.Time(), l.now), Raw: shorten(s.Raw)}
		if d, ok := l.state.Device(l.tenant, s.Device); ok {
			v.Href = devicePath(d)
		}
		samples = append(samples, v)
	}
	return samples
}

// shorten cuts a packet for a page, on a boundary of characters, and says so.
func shorten(raw string) string {
	if len(raw) <= shownRaw {
		return strings.ToValidUTF8(raw, "�")
	}
	return strings.ToValidUTF8(raw[:shownRaw], "") + "… (" + bytesText(uint64(len(raw))) + " in all)"
}
