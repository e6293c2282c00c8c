package web

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
	"longwave/views"
)

const (
	// verdictDevices is on how many devices the editor shows a verdict: what a person looks through, and few enough
	// questions for the storage.
	verdictDevices = 8
	// verdictPackets is how many of the last real packets are looked through: changes and rates need more than one.
	verdictPackets = 200
)

// tryAlertRule answers, while somebody types, what the rule says about the last real values.
func (w *Web) tryAlertRule(out http.ResponseWriter, r *http.Request, p tenants.Principal) error {
	found, err := w.alertRule(r, p)
	if err != nil {
		return err
	}
	form, err := parse(out, r)
	if err != nil {
		return err
	}
	written, problems := readAlertRule(form, found.ID)
	part, _ := w.alertVerdict(r.Context(), p.Tenant(), written.rule, problems)
	return w.render(out, r, http.StatusOK, views.AlertVerdictPart(part))
}

// alertVerdict runs a rule over what came last of some of its devices, as if it had no durations. It returns the names of
// the tenant's real metrics as well. Without an answer of the lanes or the storage it says less.
func (w *Web) alertVerdict(ctx context.Context, t id.Tenant, r alertrule.Rule, problems []views.Problem) (views.AlertVerdict, []string) {
	ctx, cancel := context.WithTimeout(ctx, trialTimeout)
	defer cancel()
	devices, n := w.o.Tenants.State().Matching(t, r.Selector, verdictDevices)
	recent, err := w.o.Recent(ctx, t, verdictPackets)
	if err != nil {
		w.o.Log.WarnContext(ctx, "an alert rule is shown without the last packets", "tenant", t, "error", err)
	}
	known := map[id.Device][]telemetry.Latest{}
	for _, d := range devices {
		latest, err := w.o.Readings(t).Latest(ctx, d.ID)
		if err != nil {
			w.o.Log.WarnContext(ctx, "an alert rule is shown without the last values", "tenant", t, "error", err)
			break
		}
		known[d.ID] = latest
	}
	metrics := metricsIn(known, recent)
	v := views.AlertVerdict{Summary: "Applies to " + count(uint64(n), "device", "devices") + "."}
	if n == 0 {
		v.Summary = "No device is like this now. The rule applies to what is registered later, too."
	}
	if strings.TrimSpace(r.Name) == "" {
		r.Name = "this rule"
		problems = slices.DeleteFunc(slices.Clone(problems), func(p views.Problem) bool { return p.Field == "name" })
	}
	program, err := momentary(r)
	if len(problems) > 0 {
		v.Problem = capital(problems[0].Text) + "."
	} else if err != nil {
		v.Problem = capital(alertProblem(viewSentence, err).Text) + "."
	}
	if v.Problem != "" {
		return v, metrics
	}
	firing := 0
	for _, d := range devices {
		row := w.verdictRow(program, d, known[d.ID], recent)
		if row.Severity.Key != severityOK && row.Severity.Key != severityUnknown {
			firing++
		}
		v.Rows = append(v.Rows, row)
	}
	slices.SortStableFunc(v.Rows, func(a, b views.AlertVerdictRow) int {
		return cmp.Compare(verdictRank(b.Severity), verdictRank(a.Severity))
	})
	if len(devices) > 0 {
		v.Summary += fmt.Sprintf(" On %d of the %s below it would hold now.", firing, count(uint64(len(devices)), "device", "devices"))
	}
	return v, metrics
}

// verdictRank puts what would hold first, the worst above, and what is not known last.
func verdictRank(s views.Severity) int {
	return slices.Index([]string{severityUnknown, severityOK, alertrule.Info.String(), alertrule.Warning.String(), alertrule.Critical.String()}, s.Key)
}

// momentary is the rule without its durations.
func momentary(r alertrule.Rule) (*alertrule.Program, error) {
	r.Levels = slices.Clone(r.Levels)
	for i := range r.Levels {
		r.Levels[i].For = 0
	}
	return alertrule.Compile(r)
}

// verdictRow lets the rule see what is stored of a device and then what came last.
func (w *Web) verdictRow(program *alertrule.Program, d tenants.Device, latest []telemetry.Latest, recent []telemetry.Recent) views.AlertVerdictRow {
	row := views.AlertVerdictRow{Device: d.Name, Href: devicePath(d), Severity: views.Severity{Key: severityUnknown, Word: "No values"}}
	latest = slices.SortedFunc(slices.Values(latest), func(a, b telemetry.Latest) int { return cmp.Compare(a.Time, b.Time) })
	var samples []alertrule.Sample
	for i := range recent { // newest first
		if recent[i].Device == d.ID && len(recent[i].Packet.Values) > 0 {
			samples = append(samples, alertrule.Sample{At: recent[i].Packet.Time, Received: recent[i].Received, Values: recent[i].Packet.Values})
		}
	}
	for _, l := range latest {
		samples = append(samples, alertrule.Sample{At: l.Time, Received: l.Received, Values: []telemetry.Value{l.Value}})
	}
	if len(samples) == 0 {
		return row
	}
	slices.SortStableFunc(samples, func(a, b alertrule.Sample) int { return cmp.Compare(a.At, b.At) })
	state := program.Start(alertrule.Known{Seen: samples[0].Received, Interval: d.Interval})
	var last *alertrule.Change
	for _, s := range samples {
		for _, c := range program.Step(&state, s) {
			last = &c
		}
	}
	for _, c := range program.Tick(&state, telemetry.At(w.o.Now())) {
		last = &c
	}
	row.Severity = views.Severity{Key: severityOK, Word: "OK"}
	if state.Status == alertrule.Firing {
		row.Severity = severityView(state.Severity)
	}
	if last != nil && last.Test != nil && state.Status == alertrule.Firing {
		row.Reason = last.Test.Sentence()
	}
	row.Values = w.lastValues(d.Tenant, program.Metrics(), samples)
	return row
}

// lastValues are the newest values of the metrics that a rule looks at; of one that looks at none, when anything came.
func (w *Web) lastValues(t id.Tenant, metrics []string, samples []alertrule.Sample) (list []views.AlertValue) {
	now := w.o.Now()
	if len(metrics) == 0 {
		return []views.AlertValue{{Metric: "last packet", At: viewTime(samples[len(samples)-1].Received.Time(), now)}}
	}
	for _, name := range metrics {
		v := views.AlertValue{Metric: name, Value: "not seen", At: views.Time{}}
		for i := len(samples) - 1; i >= 0 && v.At.ISO == ""; i-- {
			if at := slices.IndexFunc(samples[i].Values, func(one telemetry.Value) bool { return one.Name == name }); at >= 0 {
				v.Value, v.Unit, v.At = clip(valueText(samples[i].Values[at])), w.o.Tenants.State().Unit(t, name), viewTime(samples[i].At.Time(), now)
			}
		}
		list = append(list, v)
	}
	return list
}

// metricsIn are the names of values that really came, in their order.
func metricsIn(known map[id.Device][]telemetry.Latest, recent []telemetry.Recent) []string {
	seen := map[string]bool{}
	for _, latest := range known {
		for _, l := range latest {
			seen[l.Metric] = true
		}
	}
	for i := range recent {
		for _, v := range recent[i].Packet.Values {
			seen[v.Name] = true
		}
	}
	names := make([]string, 0, len(seen))
	for name := range seen {
		names = append(names, name)
	}
	slices.Sort(names)
	return names[:min(len(names), maxSuggestions)]
}

// The keys of what is no severity.
const (
	severityOK      = "ok"
	severityUnknown = "unknown"
)

func severityView(s alertrule.Severity) views.Severity {
	return views.Severity{Key: s.String(), Word: capital(s.String())}
}
