package widget

import (
	"slices"

	"longwave/ingest/telemetry"
	"longwave/processors/alert"
	"longwave/tenants/dashboard"
	"longwave/tenants/id"
)

const (
	usualAlerts = 50 // rows of a list
	maxAlerts   = 200
	// maxIntervals is how many times of alerts stand behind the lines of one chart: more would be one grey area.
	maxIntervals = 100
)

// Alerts finds alerts of a tenant: those that fire, the worst first, and the latest that are over.
type Alerts func(t id.Tenant, filters ...alert.Filter) []alert.Alert

// Alert is one alert of the devices that a widget is about.
type Alert struct {
	ID       id.Alert         `json:"id"`
	Name     string           `json:"name"` // of the rule
	Device   id.Device        `json:"device"`
	Who      string           `json:"who"` // name of the device
	Severity string           `json:"severity"`
	Message  string           `json:"message,omitempty"`
	State    string           `json:"state"`
	From     telemetry.Micros `json:"from"`
	To       telemetry.Micros `json:"to,omitempty"`      // 0 while it fires
	Metrics  []string         `json:"metrics,omitempty"` // that decided; none when it is about missing data
}

// open are the open alerts of a selection. Unlike the devices of a fleet all of a tenant's are looked at: there are fewer.
func (s Source) open(q Question, answer *Answer) {
	chosen := q.Widget.Select.With(q.Values)
	most := usualAlerts
	if q.Widget.Count > 0 {
		most = min(q.Widget.Count, maxAlerts)
	}
	answer.Alerts = []Alert{}
	found := s.Alerts(s.Tenant, alert.Filter{State: alert.Active}, alert.Filter{State: alert.Taken})
	for i := range found {
		device, ok := s.State.Device(s.Tenant, found[i].Device)
		switch {
		case !ok || !chosen.Matches(subject(device)):
		case len(answer.Alerts) >= most:
			answer.Left++
		default:
			answer.Alerts = append(answer.Alerts, told(&found[i], device.Name))
		}
	}
}

// intervals are when alerts about the series of an answer fired in its range.
func (s Source) intervals(answer *Answer) {
	if len(answer.Series) == 0 {
		return
	}
	found := s.Alerts(s.Tenant, alert.Filter{})
	for i := range found {
		a := &found[i]
		if a.Began >= answer.To || !a.Firing && a.Ended <= answer.From || len(answer.Alerts) >= maxIntervals {
			continue
		}
		one := told(a, "")
		about := slices.IndexFunc(answer.Series, func(series Series) bool {
			return series.Device == a.Device && (len(one.Metrics) == 0 || slices.Contains(one.Metrics, series.Metric))
		})
		if about >= 0 {
			one.Who = answer.Series[about].Name
			answer.Alerts = append(answer.Alerts, one)
		}
	}
}

// told is an alert as a widget shows it: while it fires as bad as it is now, afterwards as bad as it was.
func told(a *alert.Alert, who string) Alert {
	one := Alert{ID: a.ID, Name: a.Name, Device: a.Device, Who: who, Severity: a.Severity.String(), Message: a.Message, From: a.Began, State: "Open", Metrics: a.Metrics()}
	switch {
	case !a.Firing:
		one.To, one.Severity, one.State = a.Ended, a.Worst.String(), "Resolved"
	case a.Acknowledged != nil:
		one.State = "Acknowledged by " + a.Acknowledged.By
	}
	return one
}

// shaded says whether a widget has lines to shade behind.
func shaded(kind string) bool {
	return kind == dashboard.Line || kind == dashboard.Area || kind == dashboard.Band
}

// changesOnly are the changes of state in the range of a chart, the newest first: what says the same again is left out.
func changesOnly(events []Event) []Event {
	before := map[string]string{}
	kept := make([]Event, 0, len(events))
	for _, e := range slices.Backward(events) {
		key := string(e.Device) + "\n" + e.What
		if last, known := before[key]; !known || last != e.Text {
			kept = append(kept, e)
		}
		before[key] = e.Text
	}
	slices.Reverse(kept)
	return kept
}
