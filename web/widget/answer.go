package widget

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"longwave/ingest/telemetry"
	"longwave/tenants/dashboard"
	"longwave/tenants/id"
)

// Answer is what a widget shows, for every kind of widget in the same shape. Times are microseconds since 1970.
type Answer struct {
	From    telemetry.Micros `json:"from"`
	To      telemetry.Micros `json:"to"`
	About   string           `json:"about,omitempty"` // which devices it is about: something else when others match
	Step    string           `json:"step,omitempty"`  // length of the buckets
	Series  []Series         `json:"series,omitempty"`
	Devices []Device         `json:"devices,omitempty"`
	Events  []Event          `json:"events,omitempty"`
	Spots   []int            `json:"spots,omitempty"`  // of each place on a picture, which of the series; -1 for none
	Alerts  []Alert          `json:"alerts,omitempty"` // open ones, or behind lines those of the range
	Left    int              `json:"left,omitempty"`   // series or devices that there is no room for
}

// Series is one series of an answer.
type Series struct {
	Device   id.Device `json:"device"`
	Name     string    `json:"name"` // of the device
	Metric   string    `json:"metric"`
	Unit     string    `json:"unit,omitempty"`
	Right    bool      `json:"right,omitempty"`    // it belongs to the right axis
	Interval float64   `json:"interval,omitempty"` // expected seconds between readings; 0 when not known
	Type     string    `json:"type"`               // "number", "bool" or "text"
	Latest   Latest    `json:"latest"`
	Points   Points    `json:"points,omitempty"`
	Before   Points    `json:"before,omitempty"` // of the period before
	Value    *float64  `json:"value,omitempty"`  // of a bar
}

// Latest is the newest value: a number, true or false, or text.
type Latest struct {
	Value any              `json:"value"`
	At    telemetry.Micros `json:"at"`
}

// Device is one device of a fleet.
type Device struct {
	Device   id.Device        `json:"device"`
	Name     string           `json:"name"`
	Site     string           `json:"site,omitempty"`
	At       telemetry.Micros `json:"at,omitempty"` // when it last sent; 0 for never
	Interval float64          `json:"interval,omitempty"`
	Disabled bool             `json:"disabled,omitempty"`
	Place    *Place           `json:"place,omitempty"` // where it is, if its labels say so
}

// Event is one line of a log, or the beginning of a state.
type Event struct {
	Device id.Device        `json:"device"`
	Name   string           `json:"name"` // of the device
	At     telemetry.Micros `json:"at"`
	Kind   string           `json:"kind"`
	What   string           `json:"what"`
	Text   string           `json:"text"`
}

// Points are written as [time, mean, min, max, count].
type Points []telemetry.Point

// MarshalJSON never fails: no number in storage is one that JSON cannot say.
func (p Points) MarshalJSON() ([]byte, error) {
	out := make([]byte, 0, 2+48*len(p))
	out = append(out, '[')
	for i, one := range p {
		if i > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendInt(append(out, '['), int64(one.Time), 10)
		for _, v := range [...]float64{one.Value, one.Min, one.Max} {
			out = strconv.AppendFloat(append(out, ','), v, 'g', -1, 64)
		}
		out = strconv.AppendUint(append(out, ','), one.Count, 10)
		out = append(out, ']')
	}
	return append(out, ']'), nil
}

// Ask answers a question. It fails with the storage's error, or when the context ends first.
func (s Source) Ask(ctx context.Context, q Question) (Answer, error) {
	interest, left := s.Interest(q.Widget, q.Values)
	answer := Answer{About: s.About(q.Widget, q.Values), From: q.From, To: q.To, Left: left}
	var err error
	switch q.Widget.Kind {
	case dashboard.Text:
	case dashboard.Alerts:
		s.open(q, &answer)
	case dashboard.Fleet, dashboard.Map:
		err = s.fleet(ctx, q, interest, &answer)
	case dashboard.Image:
		err = s.image(ctx, q, interest, &answer)
	case dashboard.Log:
		answer.Events, err = s.events(ctx, q, interest, maxEvents)
	default:
		err = s.chart(ctx, q, interest, &answer)
	}
	if err != nil {
		return Answer{}, fmt.Errorf("widget: %w", err)
	}
	return answer, nil
}

// room is how many series a widget shows.
func room(w dashboard.Widget) int {
	switch {
	case w.Kind == dashboard.Table || w.Kind == dashboard.Bars:
		return MaxDevices
	case w.Count > 0:
		return min(w.Count, MaxSeries)
	case w.Kind == dashboard.Number || w.Kind == dashboard.Gauge:
		return usualNumbers
	}
	return MaxSeries
}

// chart is what every widget of series shows.
func (s Source) chart(ctx context.Context, q Question, i Interest, answer *Answer) error {
	all, err := s.series(ctx, i)
	if err != nil {
		return err
	}
	texts := q.Widget.Kind == dashboard.Table || q.Widget.Kind == dashboard.Timeline
	all = slices.DeleteFunc(all, func(k known) bool { return !texts && !k.numeric() })
	if most := room(q.Widget); len(all) > most {
		answer.Left += len(all) - most
		all = all[:most]
	}
	for _, k := range all {
		answer.Series = append(answer.Series, s.describe(q.Widget, k))
	}
	if q.Widget.Kind == dashboard.Table {
		return nil
	}
	if err := s.past(ctx, q, answer); err != nil {
		return err
	}
	if shaded(q.Widget.Kind) {
		s.intervals(answer)
	}
	switch {
	case q.Widget.Kind == dashboard.Bars:
		answer.rank(q.Widget)
	case q.Widget.Kind == dashboard.Timeline:
		return s.states(ctx, q, answer)
	case shaded(q.Widget.Kind) && q.Widget.States:
		return s.statuses(ctx, q, answer)
	}
	return nil
}

func (s Source) describe(w dashboard.Widget, k known) Series {
	one := Series{Device: k.device.ID, Name: k.device.Name, Metric: k.metric, Unit: s.State.Unit(s.Tenant, k.metric), Interval: k.interval(),
		Type: "number", Latest: Latest{k.latest.Value.Content(), k.latest.Time}}
	switch k.latest.Value.Type {
	case telemetry.Text:
		one.Type = "text"
	case telemetry.Bool:
		one.Type = "bool"
	}
	for _, m := range w.Metrics {
		one.Right = one.Right || m.Right && m.Name == k.metric
	}
	return one
}

// past fills in the points of the series that are numbers.
func (s Source) past(ctx context.Context, q Question, answer *Answer) error {
	if q.Widget.Kind == dashboard.Bars {
		q.Points = barPoints
	}
	found, err := s.many(ctx, q, answer.Series)
	if err != nil {
		return err
	}
	var before map[telemetry.SeriesKey]telemetry.Series
	if q.Compare {
		if before, err = s.many(ctx, q.before(), answer.Series); err != nil {
			return err
		}
	}
	for i := range answer.Series {
		one := &answer.Series[i]
		key := telemetry.SeriesKey{Device: one.Device, Metric: one.Metric}
		one.Points, one.Before = found[key].Points, before[key].Points
		if step := found[key].Step; step != "" {
			answer.Step = step
		}
	}
	return nil
}

func (s Source) many(ctx context.Context, q Question, list []Series) (map[telemetry.SeriesKey]telemetry.Series, error) {
	ask := telemetry.ManyQuery{From: q.From, To: q.To, MaxPoints: q.Points}
	for _, one := range list {
		if one.Type != "text" {
			ask.Series = append(ask.Series, telemetry.SeriesKey{Device: one.Device, Metric: one.Metric})
		}
	}
	return s.Readings.SeriesMany(ctx, ask)
}

// rank turns the points of each series into one number and keeps the greatest.
func (a *Answer) rank(w dashboard.Widget) {
	for i := range a.Series {
		a.Series[i].Value = summary(w.By, a.Series[i].Points)
		a.Series[i].Points = nil
	}
	a.Series = slices.DeleteFunc(a.Series, func(s Series) bool { return s.Value == nil })
	slices.SortStableFunc(a.Series, func(x, y Series) int { return cmp.Compare(*y.Value, *x.Value) })
	most := usualBars
	if w.Count > 0 {
		most = w.Count
	}
	if len(a.Series) > most {
		a.Left += len(a.Series) - most
		a.Series = a.Series[:most]
	}
}

// summary is one number for a range, from buckets with their extremes and counts; nil without readings.
func summary(by string, points Points) *float64 {
	if len(points) == 0 {
		return nil
	}
	value, total, count := points[0].Max, 0.0, 0.0
	for _, p := range points {
		switch by {
		case "max":
			value = max(value, p.Max)
		case "min":
			value = min(value, p.Min)
		}
		total, count = total+p.Value*float64(p.Count), count+float64(p.Count)
	}
	switch by {
	case "sum":
		value = total
	case "", "mean":
		value = total / count
	}
	return &value
}
