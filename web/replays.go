package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"longwave/ingest/telemetry"
	"longwave/processors/replay"
	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/views"
)

func (w *Web) listReplays(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	return w.renderReplays(out, r, p, r.URL.Query(), nil)
}

func (w *Web) renderReplays(out http.ResponseWriter, r *http.Request, p tenants.Principal, form url.Values, problems []views.Problem) error {
	page := w.replayForm(form, p)
	page.Frame, page.Self, page.Action = w.frame(out, r, p, "Replays"), replaysPath(p.Tenant()), replaysPath(p.Tenant())
	page.CanEdit = p.May(tenants.ReplayPackets) == nil
	jobs, err := w.o.Jobs.Jobs(r.Context(), p.Tenant())
	if err != nil {
		w.o.Log.WarnContext(r.Context(), "a page comes without jobs", "tenant", p.Tenant(), "error", err)
		page.Warning = "The jobs could not be read, because the queue does not answer. Reload the page in a moment."
	}
	for _, job := range jobs {
		page.Live = page.Live || !job.State.Ended()
		page.Rows = append(page.Rows, w.replayRow(job, p))
	}
	status := http.StatusOK
	if len(problems) > 0 {
		status = http.StatusUnprocessableEntity
		page.Problems = blame(problems, &page.Device, &page.Label, &page.Site, &page.From, &page.To, &page.SentFrom, &page.SentTo, &page.Rate)
	}
	return w.render(out, r, status, views.ReplaysPage(page))
}

// replayForm is the form for a replay with what was typed.
func (w *Web) replayForm(form url.Values, p tenants.Principal) views.Replays {
	at := func(id, label, help string) views.Field {
		return views.Field{ID: id, Label: label, Type: "datetime-local", Value: form.Get(id), Optional: true, Help: help}
	}
	page := views.Replays{
		Device: views.Field{ID: "device", Label: "Device", Type: "text", Value: form.Get("device"), Optional: true, Autocomplete: "off", Help: "Name or id; all devices when left empty."},
		Label:  views.Field{ID: "label", Label: "Label", Type: "text", Value: form.Get("label"), Optional: true, Autocomplete: "off", Help: "Only devices with it, as name=text: site=plant-2."},
		Site:   views.Field{ID: "site", Label: "Site", Type: "text", Value: form.Get("site"), Optional: true, Autocomplete: "off", Help: "Only devices there or below: plant-2 has plant-2/line-4 in it."},
		From:   at("from", "Received from (UTC)", "When the packets came in."), To: at("to", "Received before (UTC)", ""),
		SentFrom: at("sent_from", "Device time from (UTC)", "Filters what is read; the lanes are in the order of arrival."), SentTo: at("sent_to", "Device time before (UTC)", ""),
		Rate: views.Field{ID: "rate", Label: "Packets per second", Type: "text", Mode: "numeric", Autocomplete: "off", Optional: true, Value: form.Get("rate"),
			Help: "At most " + grouped(replay.MaxRate) + "; " + grouped(replay.DefaultRate) + " when left empty. To destinations at most " +
				grouped(replay.MaxForwardRate) + "; " + grouped(replay.DefaultForwardRate) + " when left empty."},
	}
	for _, d := range w.o.Tenants.State().Destinations(p.Tenant()) {
		if !d.Disabled {
			page.Destinations = append(page.Destinations, views.Option{Value: string(d.ID), Label: d.Name, Selected: string(d.ID) == form.Get("destination")})
		}
	}
	chosen := cmp.Or(form.Get("kind"), string(replay.Preview))
	for _, kind := range replay.Kinds() {
		outside := kind == replay.Forward || kind == replay.Route
		if kind.OfLanes() && (!outside || len(page.Destinations) > 0) {
			page.Kinds = append(page.Kinds, views.Option{Value: string(kind), Label: kindChoice(kind), Selected: string(kind) == chosen})
		}
	}
	return page
}

func kindChoice(kind replay.Kind) string {
	switch kind {
	case replay.Preview:
		return "Preview: count, write nothing"
	case replay.Forward:
		return "Send to a destination"
	case replay.Route:
		return "Forward as the routing rules say now"
	default:
		return "Store again and roll up"
	}
}

func (w *Web) startReplay(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	order, problems := w.replayOrder(form, p)
	if len(problems) > 0 {
		return w.renderReplays(out, r, p, form, problems)
	}
	return w.startJob(out, r, p, order, func(problem views.Problem) error { return w.renderReplays(out, r, p, form, []views.Problem{problem}) })
}

// replayOrder reads the form; everything that is wrong with it is told at once.
func (w *Web) replayOrder(form url.Values, p tenants.Principal) (replay.Order, []views.Problem) {
	var problems []views.Problem
	order := replay.Order{Kind: replay.Kind(form.Get("kind"))}
	if !slices.Contains(replay.Kinds(), order.Kind) || !order.Kind.OfLanes() {
		order.Kind = replay.Preview
	}
	if order.Kind == replay.Forward {
		var err error
		if order.Destination, err = id.Parse[id.Destination](form.Get("destination")); err != nil {
			problems = append(problems, views.Problem{Field: "destination", Text: "Destination: choose one"})
		}
	}
	s := &order.Selection
	if text := strings.TrimSpace(form.Get("device")); text != "" {
		var ok bool
		if s.Device, ok = w.deviceCalled(p.Tenant(), text); !ok {
			problems = append(problems, views.Problem{Field: "device", Text: "is not the name or id of a device of this tenant"})
		}
	}
	s.Site = strings.Trim(strings.TrimSpace(form.Get("site")), "/")
	labels, err := parseLabels(form.Get("label"))
	if err != nil || len(labels) > 1 {
		problems = append(problems, views.Problem{Field: "label", Text: "is not one label of the form name=text"})
	}
	for name, value := range labels {
		s.Label, s.Value = name, value
	}
	for field, at := range map[string]*telemetry.Micros{"from": &s.From, "to": &s.To, "sent_from": &s.SentFrom, "sent_to": &s.SentTo} {
		var ok bool
		if *at, ok = formTime(form.Get(field)); !ok {
			problems = append(problems, views.Problem{Field: field, Text: "is not a date with a time"})
		}
	}
	rate, problem := rateOf(form)
	if order.Rate = rate; problem != nil {
		problems = append(problems, *problem)
	}
	slices.SortFunc(problems, func(a, b views.Problem) int { return strings.Compare(a.Field, b.Field) })
	return order, problems
}

// deviceCalled finds a device by its id or its name.
func (w *Web) deviceCalled(t id.Tenant, text string) (id.Device, bool) {
	st := w.o.Tenants.State()
	if d, err := id.Parse[id.Device](text); err == nil {
		if _, ok := st.Device(t, d); ok {
			return d, true
		}
	}
	page, err := st.DevicesPage(t, tenants.DeviceQuery{Search: text, Limit: tenants.MaxPage})
	if err != nil {
		return "", false
	}
	for _, d := range page.Devices {
		if strings.EqualFold(d.Name, text) {
			return d.ID, true
		}
	}
	return "", false
}

// formTime reads what the browser's own field for a date and a time sends.
func formTime(text string) (telemetry.Micros, bool) {
	if text = strings.TrimSpace(text); text == "" {
		return 0, true
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02T15:04:05.999"} {
		if at, err := time.Parse(layout, text); err == nil && at.Year() >= 1970 {
			return telemetry.At(at), true
		}
	}
	return 0, false
}

// job is the job in the address. It returns tenants.ErrNotFound for one that the tenant does not have.
func (w *Web) job(r *http.Request, p tenants.Principal) (replay.Job, error) {
	return w.o.Jobs.Job(r.Context(), p.Tenant(), chi.URLParam(r, "replay"))
}

func (w *Web) cancelReplay(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	job, err := w.job(r, p)
	if err == nil {
		job, err = w.o.Jobs.Cancel(r.Context(), p.Tenant(), job.ID)
	}
	if err != nil {
		return err
	}
	w.done(out, r, "The job is being cancelled. What it has done stays done.")
	return see(out, r, jobPath(p.Tenant(), job.ID))
}
