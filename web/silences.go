package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"longwave/tenants"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
	"longwave/views"
)

func (w *Web) listSilences(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	t, st, now := p.Tenant(), w.o.Tenants.State(), w.o.Now()
	page := views.Silences{Frame: w.frame(out, r, p, "Silences"), Tabs: w.alertTabs(r, t), NewHref: silencesPath(t) + "/new", CanEdit: p.May(tenants.HandleAlerts) == nil}
	for _, q := range slices.Backward(st.Silences(t)) {
		row := views.SilenceRow{About: w.silenceAbout(t, &q), Reason: q.Reason, By: st.NameOf(t, q.By), From: viewTime(q.From, now), Until: viewTime(q.Until, now)}
		switch {
		case q.Active(now):
			row.State, row.EndWord = views.State{Key: stateLate, Word: "Silent now"}, "End now"
		case now.Before(q.From) && q.From.Before(q.Until):
			row.State, row.EndWord = views.State{Key: stateNever, Word: "Planned"}, "Cancel"
		case q.Until.Before(q.Planned):
			row.State = views.State{Key: stateDisabled, Word: "Ended early"}
		default:
			row.State = views.State{Key: stateDisabled, Word: "Over"}
		}
		if row.EndWord != "" {
			row.End = silencesPath(t) + "/" + string(q.ID) + "/end"
		}
		page.Rows = append(page.Rows, row)
	}
	return w.render(out, r, http.StatusOK, views.SilencesPage(page))
}

// silenceAbout is what a silence is about: "Hot pumps on devices in plant-2".
func (w *Web) silenceAbout(t id.Tenant, q *tenants.Silence) string {
	var names []string
	for _, r := range q.Rules {
		name := string(r) + " (deleted)"
		if found, ok := w.o.Tenants.State().AlertRule(t, r); ok {
			current := found.Current()
			name = current.Name
		}
		names = append(names, name)
	}
	switch about := w.aboutWords(t, q.Selector); {
	case q.Everything:
		return "Everything"
	case len(names) == 0:
		return capital("all alerts " + about)
	default:
		return strings.Join(names, ", ") + " " + about
	}
}

// silenceWriting is a silence as somebody is writing it.
type silenceWriting struct {
	asked    url.Values
	problems []views.Problem
}

func (w *Web) showNewSilence(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	return w.renderSilence(out, r, p, silenceWriting{asked: r.URL.Query()})
}

func (w *Web) startSilence(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	e := silenceWriting{asked: form}
	n := e.read(w.o.Now())
	if len(e.problems) > 0 {
		return w.renderSilence(out, r, p, e)
	}
	made, err := w.o.Tenants.StartSilence(r.Context(), w.actor(r, p), p.Tenant(), n)
	if problem, ok := fault(err); ok {
		if problem.Field == "until" {
			problem.Field = "long"
		} else if problem.Field != "from" && problem.Field != "reason" { // the form has no single field for it
			problem = views.Problem{Text: capital(problem.Text) + "."}
		}
		e.problems = []views.Problem{problem}
		return w.renderSilence(out, r, p, e)
	}
	if err != nil {
		return err
	}
	w.done(out, r, w.silenceAbout(p.Tenant(), &made)+": silent until "+made.Until.Format("2006-01-02 15:04 MST")+".")
	return see(out, r, silencesPath(p.Tenant()))
}

// fromLayout is how a browser writes a date with a time. It says no zone; the form says that it is UTC.
const fromLayout = "2006-01-02T15:04"

func (e *silenceWriting) read(now time.Time) (n alertrule.Silence) {
	get := func(name string) string { return strings.TrimSpace(e.asked.Get(name)) }
	n = alertrule.Silence{Everything: get("everything") != "", Reason: get("reason"), From: now,
		Selector: alertrule.Selector{Profiles: commaList(get("selector.profiles")), Sites: commaList(get("selector.sites")), Names: commaList(get("selector.names"))}}
	labels, err := parseLabels(get("selector.labels"))
	if err != nil {
		e.problems = append(e.problems, views.Problem{Field: "selector.labels", Text: err.Error()})
	}
	if len(labels) > 0 {
		n.Selector.Labels = labels
	}
	for _, text := range e.asked["device"] {
		if d, err := id.Parse[id.Device](text); err == nil {
			n.Selector.Devices = append(n.Selector.Devices, d)
		}
	}
	for _, text := range e.asked["rule"] {
		if r, err := id.Parse[id.AlertRule](text); err == nil {
			n.Rules = append(n.Rules, r)
		}
	}
	if text := get("from"); text != "" {
		if n.From, err = time.Parse(fromLayout, text); err != nil {
			e.problems = append(e.problems, views.Problem{Field: "from", Text: "is no date with a time, such as 2026-11-20T22:00"})
		}
	}
	long, err := parseInterval(get("long"))
	if err != nil || long <= 0 {
		e.problems = append(e.problems, views.Problem{Field: "long", Text: "must say when it ends, such as 30 min, 2 h or 3 days"})
	}
	n.Until = n.From.Add(long)
	return n
}

func (w *Web) renderSilence(out http.ResponseWriter, r *http.Request, p tenants.Principal, e silenceWriting) error {
	t, st := p.Tenant(), w.o.Tenants.State()
	get := func(name string) string { return e.asked.Get(name) }
	page := views.SilenceForm{Frame: w.frame(out, r, p, "New silence"), Tabs: w.alertTabs(r, t), ListHref: silencesPath(t), Action: silencesPath(t), Lists: suggestions(st, t, nil),
		Everything: views.Tick{ID: "everything", Value: "1", Label: "Everything: all rules, all devices", Checked: get("everything") != ""},
		From:       views.Field{ID: "from", Label: "From, in UTC", Type: "datetime-local", Value: get("from"), Optional: true, Help: "Empty for now."},
		Long:       views.Field{ID: "long", Label: "For how long", Type: "text", Value: get("long"), Autocomplete: "off", Help: "Such as 30 min, 2 h or 3 days; at most 31 days, so that none is forgotten."},
		Reason:     views.Field{ID: "reason", Label: "Why", Type: "text", Value: get("reason"), MaxLength: "300", Autocomplete: "off", Help: "Shown beside everything that it keeps quiet."},
	}
	for _, part := range [][3]string{{"sites", "Site, with everything in it", "sites"}, {"labels", "Labels", ""}, {"names", "Device name", "devices"}, {"profiles", "Profile", "profiles"}} {
		name := "selector." + part[0]
		page.About = append(page.About, views.Field{ID: name, Label: part[1], Value: get(name), Mode: part[2], Placeholder: "any",
			Help: map[string]string{"labels": "As name=text.", "names": "A star stands for any characters."}[part[0]]})
	}
	for _, text := range e.asked["device"] {
		if d, err := id.Parse[id.Device](text); err == nil {
			if _, ok := st.Device(t, d); ok {
				page.Devices = append(page.Devices, views.Tick{ID: "device-" + text, Value: text, Label: w.deviceName(t, d), Checked: true})
			}
		}
	}
	for _, rule := range st.AlertRules(t) {
		current := rule.Current()
		page.Rules = append(page.Rules, views.Tick{ID: "rule-" + string(rule.ID), Value: string(rule.ID), Label: current.Name, Checked: slices.Contains(e.asked["rule"], string(rule.ID))})
	}
	fields := []*views.Field{&page.From, &page.Long, &page.Reason}
	for i := range page.About {
		fields = append(fields, &page.About[i])
	}
	page.Problems = blame(e.problems, fields...)
	status := http.StatusOK
	if len(page.Problems) > 0 {
		status = http.StatusUnprocessableEntity
	}
	return w.render(out, r, status, views.SilenceFormPage(page))
}

func (w *Web) endSilence(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	wanted, err := id.Parse[id.Silence](chi.URLParam(r, "silence"))
	if err != nil {
		return tenants.ErrNotFound
	}
	if _, err := w.o.Tenants.EndSilence(r.Context(), w.actor(r, p), p.Tenant(), wanted); err != nil {
		return err
	}
	w.done(out, r, "The silence is over. What still fires is notified of now.")
	return see(out, r, silencesPath(p.Tenant()))
}
