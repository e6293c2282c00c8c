package widget

import (
	"context"
	"slices"

	"longwave/ingest/telemetry"
	"longwave/ingest/telemetry/freshness"
	"longwave/tenants/dashboard"
	"longwave/tenants/id"
)

// fleet is one cell for each device, with its value if the widget names a metric.
func (s Source) fleet(ctx context.Context, q Question, i Interest, answer *Answer) error {
	seen, err := s.Activity(ctx, s.Tenant)
	if err != nil {
		return err
	}
	for _, d := range i.Devices {
		device, _ := s.State.Device(s.Tenant, d)
		cell := Device{Device: d, Name: device.Name, Site: device.Site, At: seen[d].LastTime, Disabled: device.Disabled,
			Interval: freshness.Expected(device.Interval, seen[d].Interval).Seconds()}
		if q.Widget.Kind == dashboard.Map {
			cell.Place = placeOf(device)
		}
		answer.Devices = append(answer.Devices, cell)
	}
	if len(i.Metrics) == 0 {
		return nil
	}
	i.Metrics = i.Metrics[:1]
	all, err := s.series(ctx, i)
	for _, k := range all {
		answer.Series = append(answer.Series, s.describe(q.Widget, k))
	}
	return err
}

// events are the newest first.
func (s Source) events(ctx context.Context, q Question, i Interest, most int) ([]Event, error) {
	return s.eventsLike(ctx, telemetry.EventsQuery{Devices: i.Devices, Names: i.Metrics, From: q.From, To: q.To, Limit: most})
}

func (s Source) eventsLike(ctx context.Context, like telemetry.EventsQuery) ([]Event, error) {
	found, err := s.Readings.EventsOf(ctx, like)
	if err != nil {
		return nil, err
	}
	all := make([]Event, 0, len(found))
	names := map[id.Device]string{}
	for _, e := range found {
		name, ok := names[e.Device]
		if !ok {
			device, _ := s.State.Device(s.Tenant, e.Device)
			name = device.Name
			names[e.Device] = name
		}
		all = append(all, Event{Device: e.Device, Name: name, At: e.Time, Kind: kindWord(e.Kind), What: e.Name, Text: e.Text})
	}
	return all, nil
}

// states adds when the texts of a timeline changed.
func (s Source) states(ctx context.Context, q Question, answer *Answer) error {
	var i Interest
	for _, one := range answer.Series {
		if one.Type == "text" {
			i.Devices, i.Metrics = append(i.Devices, one.Device), append(i.Metrics, one.Metric)
		}
	}
	if len(i.Devices) == 0 {
		return nil
	}
	var err error
	answer.Events, err = s.events(ctx, q, i, timelineTexts)
	return err
}

// statuses adds when the devices of a chart changed their state, for marks in it.
func (s Source) statuses(ctx context.Context, q Question, answer *Answer) error {
	like := telemetry.EventsQuery{From: q.From, To: q.To, Kind: telemetry.KindStatus, Limit: maxEvents}
	for _, one := range answer.Series {
		if !slices.Contains(like.Devices, one.Device) {
			like.Devices = append(like.Devices, one.Device)
		}
	}
	if len(like.Devices) == 0 {
		return nil
	}
	found, err := s.eventsLike(ctx, like)
	answer.Events = changesOnly(found)
	return err
}

func kindWord(k telemetry.Kind) string {
	switch k {
	case telemetry.KindStatus:
		return "status"
	case telemetry.KindLogs:
		return "log"
	}
	return "value"
}
