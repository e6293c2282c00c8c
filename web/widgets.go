package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/tenants/dashboard"
	"longwave/tenants/id"
	"longwave/web/widget"
)

// widgetTimeout is how long a widget waits for the storage: what a person does who looks at a month.
const widgetTimeout = 20 * time.Second

// serveWidget answers what a widget of a saved dashboard shows: GET …/data?widget=w1&from=&to=&points=&compare=1&var.site=,
// from and to in milliseconds since 1970, as JSON or, with format=csv, as a file.
func (w *Web) serveWidget(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.dashboard(r, p)
	if err != nil {
		return err
	}
	document := found.Current().Document
	one, ok := document.Widget(r.URL.Query().Get("widget"))
	if !ok {
		return tenants.ErrNotFound
	}
	q, err := widgetQuestion(r.URL.Query())
	if err != nil {
		return err
	}
	q.Widget, q.Values = one, document.Values(chosenValues(r.URL.Query()))
	return w.answerWidget(out, r, p.Tenant(), q)
}

// serveDraft answers what a widget would show that is not saved yet. It changes nothing; it is a POST because a widget may
// be longer than an address.
func (w *Web) serveDraft(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	var in WidgetRef
	if err := json.NewDecoder(http.MaxBytesReader(out, r.Body, maxDocument)).Decode(&in); err != nil || in.Draft == nil {
		return badQuery("The widget could not be read.")
	}
	q, err := widgetQuestion(r.URL.Query())
	if err != nil {
		return err
	}
	if q.Widget, q.Values, err = in.draft(); err != nil {
		return err
	}
	return w.answerWidget(out, r, p.Tenant(), q)
}

// draft checks a widget that is not saved.
func (ref WidgetRef) draft() (dashboard.Widget, dashboard.Values, error) {
	one := ref.Draft.Widget
	document := dashboard.Document{Variables: ref.Draft.Variables, Widgets: []dashboard.Widget{one}}
	document, err := dashboard.Check(document)
	var wrong *dashboard.InvalidError
	if errors.As(err, &wrong) {
		return one, nil, badQuery(capital(wrong.Error()) + ".")
	}
	if err != nil {
		return one, nil, err
	}
	return document.Widgets[0], document.Values(ref.Values), nil
}

// interest is what a widget wants to hear, for the socket.
func (w *Web) interest(t id.Tenant, ref WidgetRef) (widget.Interest, error) {
	var one dashboard.Widget
	var values dashboard.Values
	var err error
	if ref.Draft != nil {
		if one, values, err = ref.draft(); err != nil {
			return widget.Interest{}, err
		}
	} else {
		found, err := w.dashboardOf(t, ref.Dashboard)
		if err != nil {
			return widget.Interest{}, err
		}
		document, ok := found.Current().Document, false
		if one, ok = document.Widget(ref.Widget); !ok {
			return widget.Interest{}, tenants.ErrNotFound
		}
		values = document.Values(ref.Values)
	}
	i, _ := w.source(t).Interest(one, values)
	return i, nil
}

func (w *Web) source(t id.Tenant) widget.Source {
	return widget.Source{Tenant: t, State: w.o.Tenants.State(), Readings: w.o.Readings(t), Alerts: w.o.Alerts.Find, Activity: func(ctx context.Context, t id.Tenant) (map[id.Device]telemetry.Activity, error) {
		return w.activities.of(ctx, t)
	}}
}

func widgetQuestion(query url.Values) (widget.Question, error) {
	query.Set("metric", "-") // the widget names its own
	asked, err := seriesQuery(query, "")
	if err != nil {
		return widget.Question{}, err
	}
	return widget.Question{From: asked.From, To: asked.To, Points: min(asked.MaxPoints, widget.MaxPoints), Compare: query.Get("compare") == "1"}, nil
}

// answerWidget asks once for all who ask the same at the same time.
func (w *Web) answerWidget(out http.ResponseWriter, r *http.Request, t id.Tenant, q widget.Question) error {
	key, err := json.Marshal(q)
	if err != nil {
		return fmt.Errorf("widget: %w", err)
	}
	answer, err := share(r.Context(), &w.asking, shared[widget.Answer]{key: "widget " + string(t) + " " + string(key), within: widgetTimeout,
		ask: func(ctx context.Context) (widget.Answer, error) { return w.source(t).Ask(ctx, q) }})
	if err != nil {
		return err
	}
	if r.URL.Query().Get("format") == "csv" {
		out.Header().Set("Content-Type", "text/csv; charset=utf-8")
		out.Header().Set("Content-Disposition", `attachment; filename="`+fileName(widgetName(q.Widget))+`.csv"`)
		return answer.WriteCSV(out)
	}
	return answerJSON(out, http.StatusOK, answer)
}

// serveMatches says of each widget which devices it is about, so that a page notices that others match now:
// GET …/matches?var.site= answers {"w1":"…"}, with the About of each answer. Pages ask at the same time, and share it.
func (w *Web) serveMatches(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.dashboard(r, p)
	if err != nil {
		return err
	}
	document := found.Current().Document
	values := document.Values(chosenValues(r.URL.Query()))
	key, err := json.Marshal(values)
	if err != nil {
		return fmt.Errorf("matches: %w", err)
	}
	answer, err := share(r.Context(), &w.asking, shared[map[string]string]{key: "matches " + string(found.Tenant) + " " + string(found.ID) + " " + string(key), within: widgetTimeout,
		ask: func(context.Context) (map[string]string, error) {
			about, source := map[string]string{}, w.source(p.Tenant())
			for _, one := range document.Widgets {
				about[one.ID] = source.About(one, values)
			}
			return about, nil
		}})
	if err != nil {
		return err
	}
	return answerJSON(out, http.StatusOK, answer)
}

func widgetName(w dashboard.Widget) string {
	if w.Title != "" {
		return w.Title
	}
	return w.Kind + "-" + w.ID
}

// choosable is what a person may choose from while they edit: GET …/dashboards/names.
type choosable struct {
	Metrics  []metricName        `json:"metrics"`
	Devices  []deviceName        `json:"devices"`
	Sites    []string            `json:"sites"`
	Profiles []string            `json:"profiles"`
	Labels   map[string][]string `json:"labels"`
}

type metricName struct {
	Name    string `json:"name"`
	Unit    string `json:"unit,omitempty"`
	Type    string `json:"type"`    // "number", "bool" or "text"
	Devices int    `json:"devices"` // how many of those that were looked at send it
}

type deviceName struct {
	ID   id.Device `json:"id"`
	Name string    `json:"name"`
}

func (w *Web) serveNames(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	ctx, cancel := context.WithTimeout(r.Context(), storageTimeout)
	defer cancel()
	known := w.known(p.Tenant())
	answer := choosable{Devices: known.devices, Sites: known.sites, Profiles: known.profiles, Labels: known.labels}
	metrics, err := w.metricsOf(ctx, p.Tenant(), dashboard.Selection{})
	if err != nil {
		w.o.Log.WarnContext(ctx, "an editor comes without metrics", "tenant", p.Tenant(), "error", err)
	}
	answer.Metrics = append([]metricName{}, metrics...)
	return answerJSON(out, http.StatusOK, answer)
}

// metricsOf lists the metrics that devices really send, the commonest first. Of many devices it looks at some.
func (w *Web) metricsOf(ctx context.Context, t id.Tenant, selection dashboard.Selection) ([]metricName, error) {
	source := w.source(t)
	i, _ := source.Interest(dashboard.Widget{Kind: dashboard.Table, Select: selection}, nil)
	latest, err := source.Readings.LatestOf(ctx, i.Devices)
	if err != nil {
		return nil, err
	}
	found := map[string]*metricName{}
	for _, d := range i.Devices {
		for _, l := range latest[d] {
			m := found[l.Metric]
			if m == nil {
				m = &metricName{Name: l.Metric, Unit: source.State.Unit(t, l.Metric), Type: typeWord(l.Value.Type)}
				found[l.Metric] = m
			}
			m.Devices++
		}
	}
	return commonest(found), nil
}

func typeWord(t telemetry.ValueType) string {
	switch t {
	case telemetry.Text:
		return "text"
	case telemetry.Bool:
		return "bool"
	}
	return "number"
}

// compareCommon puts what more devices send first.
func compareCommon(a, b metricName) int {
	if a.Devices != b.Devices {
		return b.Devices - a.Devices
	}
	return strings.Compare(a.Name, b.Name)
}
