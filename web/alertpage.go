package web

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"longwave/ingest/telemetry"
	"longwave/processors/alert"
	"longwave/tenants"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
	"longwave/views"
)

// alert is the alert that the address names; alert.ErrUnknown when the tenant has none of that id.
func (w *Web) alert(r *http.Request, p tenants.Principal) (alert.Alert, error) {
	wanted, err := id.Parse[id.Alert](chi.URLParam(r, "alert"))
	if err != nil {
		return alert.Alert{}, alert.ErrUnknown
	}
	return w.o.Alerts.Alert(p.Tenant(), wanted)
}

func (w *Web) showAlert(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	frame := w.frame(out, r, p, "")
	a, err := w.alert(r, p)
	if err != nil {
		return err
	}
	t, self := p.Tenant(), alertPath(p.Tenant(), a.ID)
	row := w.alertRow(t, &a)
	frame.Title = a.Name + " on " + row.Device
	page := views.Alert{AlertRow: row, Frame: frame, ListHref: alertsPath(t), Self: self, Act: self + "/act",
		CanHandle: p.May(tenants.HandleAlerts) == nil, Firing: a.Firing, DeviceID: string(a.Device),
		SilenceURL: silencesPath(t) + "/new?" + url.Values{"rule": {string(a.Rule)}, "device": {string(a.Device)}, "long": {"2 h"}}.Encode()}
	if rule, ok := w.o.Tenants.State().AlertRule(t, a.Rule); ok {
		current := rule.Current()
		page.Note = current.Note
	}
	if device, ok := w.o.Tenants.State().Device(t, a.Device); ok {
		page.Interval = seconds(device.Interval)
		w.alertChart(r.Context(), &page, t, &a)
	}
	page.Facts = w.alertFacts(t, &a)
	page.Members = w.assignable(t, a.Assigned)
	for _, e := range slices.Backward(a.Timeline) {
		entry := w.alertEntry(t, &e)
		if e.Kind == alert.Notified {
			page.Notices = append(page.Notices, entry)
		} else {
			page.Timeline = append(page.Timeline, entry)
		}
	}
	return w.render(out, r, http.StatusOK, views.AlertPage(page))
}

func (w *Web) alertFacts(t id.Tenant, a *alert.Alert) []views.AlertFact {
	now := w.o.Now()
	device, _ := w.o.Tenants.State().Device(t, a.Device)
	facts := []views.AlertFact{
		{Name: "Rule", Text: a.Name + ", version " + strconv.Itoa(a.Version), Href: alertRulePath(t, a.Rule)},
		{Name: "Device", Text: w.deviceName(t, a.Device), Href: devicesPath(t) + "/" + string(a.Device)},
	}
	if device.Site != "" {
		facts = append(facts, views.AlertFact{Name: "Site", Text: device.Site})
	}
	if value := w.valueAgainst(t, &a.Latest); value != "" {
		facts = append(facts, views.AlertFact{Name: "Value", Text: value})
	}
	facts = append(facts, views.AlertFact{Name: "Fires since", At: viewTime(a.Began.Time(), now)})
	if !a.Firing {
		facts = append(facts, views.AlertFact{Name: "Resolved", At: viewTime(a.Ended.Time(), now), Text: alertCauseWords(a.Latest.Cause)})
	}
	if a.Worst != a.Severity {
		facts = append(facts, views.AlertFact{Name: "Worst", Text: capital(a.Worst.String())})
	}
	if a.Acknowledged != nil {
		facts = append(facts, views.AlertFact{Name: "Acknowledged by", Text: a.Acknowledged.By, At: viewTime(a.Acknowledged.At, now)})
	}
	if a.Assigned != "" {
		facts = append(facts, views.AlertFact{Name: "Assigned to", Text: a.Assigned})
	}
	if silence := w.silenced(t, a); silence != "" && a.Firing {
		facts = append(facts, views.AlertFact{Name: "Silence", Text: silence, Href: silencesPath(t)})
	}
	return facts
}

// alertCauseWords is why something changed; empty when that goes without saying.
func alertCauseWords(c alertrule.Cause) string {
	return map[alertrule.Cause]string{
		alert.CauseRuleChanged: "because the rule was changed", alert.CauseRuleEnded: "because the rule runs no more", alert.CauseDeviceChanged: "because the rule is about the device no longer",
		alertrule.CauseData: "because data came again",
	}[c]
}

// assignable are the members of a tenant by name, with the one that is assigned chosen.
func (w *Web) assignable(t id.Tenant, chosen string) []views.Option {
	st := w.o.Tenants.State()
	options := []views.Option{{Label: "Nobody", Selected: chosen == ""}}
	for _, m := range st.Members(t) {
		if person, ok := st.Person(m.Person); ok {
			options = append(options, views.Option{Value: person.Name, Label: person.Name, Selected: person.Name == chosen})
		}
	}
	return options
}

// alertChart is the metric that decided, around the time of the alert.
func (w *Web) alertChart(ctx context.Context, page *views.Alert, t id.Tenant, a *alert.Alert) {
	metric, thresholds, learned := "", []float64{}, false
	for _, e := range a.Timeline {
		if e.Change != nil && e.Change.Test != nil {
			metric = e.Change.Test.Metric
		}
	}
	if rule, ok := w.o.Tenants.State().AlertRule(t, a.Rule); ok && rule.Live != nil {
		for _, l := range rule.Live.Levels {
			thresholds = append(thresholds, limits(l.When, metric)...)
		}
		if metric == "" {
			metric = rule.Live.Metric
		}
		learned = asksUnusual(rule.Live, metric)
	}
	if metric == "" {
		return
	}
	page.Metric = views.Metric{Name: metric, Unit: w.o.Tenants.State().Unit(t, metric), Chart: true}
	began, now := a.Began.Time(), w.o.Now()
	end := now
	if !a.Firing {
		end = a.Ended.Time()
	}
	margin := max(15*time.Minute, end.Sub(began)/2)
	from, to := began.Add(-margin), end.Add(margin)
	if a.Firing {
		page.Range = spans()[len(spans())-1].key
		for _, s := range slices.Backward(spans()) {
			if s.length >= now.Sub(began)+margin {
				page.Range, from = s.key, now.Add(-s.length)
			}
		}
	} else {
		page.From, page.To = millis(from), millis(to)
	}
	m := marks{Thresholds: thresholds, Intervals: []interval{intervalOf(a)}}
	if learned {
		m.Band = w.usualBand(ctx, t, telemetry.SeriesQuery{Device: a.Device, Metric: metric, From: telemetry.At(from), To: telemetry.At(to)})
	}
	page.Marks, page.Usual = marksText(m), len(m.Band) > 0
}

// limits are the numbers that a condition holds a metric against.
func limits(c alertrule.Condition, metric string) (list []float64) {
	for _, t := range c.Tests {
		if t.Metric != metric {
			continue
		}
		switch t.Op {
		case alertrule.Above, alertrule.Below, alertrule.Equals:
			list = append(list, t.Value)
		case alertrule.Outside, alertrule.Inside:
			list = append(list, t.Value, t.To)
		}
	}
	return list
}

// marks are drawn behind the line of a chart: the numbers at which alerts begin and those at which they end, and when they fired.
type marks struct {
	Thresholds []float64  `json:"thresholds,omitempty"`
	Ends       []float64  `json:"ends,omitempty"`
	Intervals  []interval `json:"intervals"`
	Band       []usualAt  `json:"band,omitempty"` // what was usual
}

// interval is when an alert fired, in microseconds; To is 0 while it does. Without Metrics it is about every line.
type interval struct {
	From     telemetry.Micros `json:"from"`
	To       telemetry.Micros `json:"to"`
	Severity string           `json:"severity"`
	Name     string           `json:"name"`
	Metrics  []string         `json:"metrics,omitempty"`
}

func intervalOf(a *alert.Alert) interval {
	return interval{From: a.Began, To: a.Ended, Severity: a.Worst.String(), Name: a.Name, Metrics: a.Metrics()}
}

// maxIntervals is how many times of alerts stand behind the charts of a device.
const maxIntervals = 100

// deviceMarks are when the alerts of a device fired, as far as they are at hand.
func (w *Web) deviceMarks(t id.Tenant, d id.Device) string {
	var m marks
	found := w.o.Alerts.Find(t, alert.Filter{Device: d})
	for i := range found[:min(len(found), maxIntervals)] {
		m.Intervals = append(m.Intervals, intervalOf(&found[i]))
	}
	return marksText(m)
}

func marksText(m marks) string {
	text, err := json.Marshal(m)
	if err != nil { // a rule has no number that JSON cannot say
		return "{}"
	}
	return string(text)
}

func millis(at time.Time) string { return strconv.FormatInt(at.UnixMilli(), 10) }

// alertEntry is one entry of the log in words.
func (w *Web) alertEntry(t id.Tenant, e *alert.Entry) views.AlertEntry {
	v := views.AlertEntry{At: viewTime(e.At, w.o.Now()), Detail: e.Text}
	switch e.Kind {
	case alert.Changed:
		v.Text, v.Detail = "Resolved "+alertCauseWords(e.Change.Cause), e.Message
		if e.Change.To == alertrule.Firing {
			v.Severity, v.Text = severityView(e.Change.Severity), w.valueAgainst(t, e.Change)
		}
	case alert.Acknowledged:
		v.Text = e.By + " acknowledged"
	case alert.Assigned:
		v.Text = e.By + " assigned it to " + e.To
		if e.To == "" {
			v.Text = e.By + " assigned it to nobody"
		}
	case alert.Commented:
		v.Text = e.By + " commented"
	case alert.Snoozed:
		v.Text = e.By + " ended the snooze"
		if e.Until != nil && e.Until.After(e.At) {
			v.Text = e.By + " snoozed it until " + e.Until.UTC().Format("2006-01-02 15:04 MST")
		}
	case alert.Notified:
		v.Text, v.Detail = w.noticeWords(t, e.Notice), e.Notice.Detail
	}
	return v
}

func (w *Web) noticeWords(t id.Tenant, n *alert.Notice) string {
	name := destinationName(w.o.Tenants.State(), t, n.Destination)
	if n.Destination == "" {
		name = "anybody"
	}
	if n.Sent {
		return "Notified " + name + " (" + n.Reason + ")"
	}
	return "Did not notify " + name + ": " + n.Reason
}

// actOnAlert acknowledges, assigns, snoozes or comments.
func (w *Web) actOnAlert(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	a, err := w.alert(r, p)
	if err != nil {
		return err
	}
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	by := w.doing(r, p)
	by.Alert = a.ID
	said := ""
	switch do := form.Get("do"); {
	case do == "acknowledge":
		said, err = "Acknowledged: nobody else is called.", w.o.Alerts.Acknowledge(r.Context(), by, form.Get("text"))
	case do == "assign" && slices.ContainsFunc(w.assignable(p.Tenant(), ""), func(o views.Option) bool { return o.Value == form.Get("to") }):
		said, err = "Assigned.", w.o.Alerts.Assign(r.Context(), by, form.Get("to"))
	case do == "comment":
		said, err = "Commented.", w.o.Alerts.Comment(r.Context(), by, form.Get("text"))
	case form.Has("snooze"):
		long, parseErr := time.ParseDuration(form.Get("snooze"))
		if parseErr != nil || long < 0 {
			return badQuery("Say for how long to snooze.")
		}
		said, err = "Snoozed: nobody is notified of it meanwhile.", w.o.Alerts.Snooze(r.Context(), by, w.o.Now().Add(long))
		if long == 0 {
			said = "The snooze is over."
		}
	default:
		return badQuery("Say what is to be done to the alert.")
	}
	if err != nil {
		return err
	}
	w.done(out, r, said)
	return see(out, r, alertPath(p.Tenant(), a.ID))
}
