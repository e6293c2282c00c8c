package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"longwave/ingest/telemetry"
	"longwave/processors/alert/trial"
	"longwave/tenants"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

// Trials tries alert rules on the past. See package trial.
type Trials interface {
	Run(ctx context.Context, t id.Tenant, o trial.Order) (*trial.Result, error)
}

// usualTrial is how far back a rule is tried when nobody says.
const usualTrial = 7 * 24 * time.Hour

type (
	tryAlertRuleIn struct {
		call
		Body struct {
			AlertRuleText
			From time.Time `json:"from,omitzero" doc:"What became known from then on; a week before to when missing" example:"2026-11-13T00:00:00Z"`
			To   time.Time `json:"to,omitzero" doc:"And before then; now when missing" example:"2026-11-20T00:00:00Z"`
		}
	}
	tryAlertRuleOut struct{ Body AlertTrialBody }
)

// AlertTrialBody is what a rule would have found.
type AlertTrialBody struct {
	From     time.Time          `json:"from"`
	To       time.Time          `json:"to"`
	Fired    int                `json:"fired" doc:"Alerts, on all devices" example:"12"`
	Messages int                `json:"messages" doc:"To destinations, if nobody had acknowledged" example:"9"`
	Complete bool               `json:"messages_complete" doc:"False when there would have been more messages than are counted"`
	Values   uint64             `json:"values" doc:"Stored values that were looked at" example:"2016000"`
	Late     uint64             `json:"late" doc:"Packets that came late or again and were passed over; around those, what a rule saw live may differ" example:"0"`
	Tried    int                `json:"tried" doc:"Devices that the rule was tried on, at most 1000" example:"200"`
	About    int                `json:"about" doc:"Devices that the rule is about" example:"200"`
	Devices  []TriedDeviceBody  `json:"devices" doc:"Those on which it would have fired, the noisiest first"`
	Each     []TrialMessageBody `json:"messages_by_destination"`
}

// TriedDeviceBody is what a rule would have found on one device.
type TriedDeviceBody struct {
	Device  string           `json:"device" example:"d-7k3m9c2p5v8x1z4b"`
	Name    string           `json:"name" example:"pump-01"`
	Fired   int              `json:"fired" example:"3"`
	Seconds float64          `json:"seconds" doc:"For how long, all together" example:"840"`
	Worst   string           `json:"worst" doc:"info, warning or critical" example:"critical"`
	Open    bool             `json:"open" doc:"It would fire at the end of the period"`
	Alerts  []TriedAlertBody `json:"alerts" doc:"The first 500, by the time of the device"`
}

// TriedAlertBody is one alert that there would have been.
type TriedAlertBody struct {
	From  time.Time `json:"from"`
	To    time.Time `json:"to" doc:"The end of the period when it was not over"`
	Worst string    `json:"worst" example:"warning"`
}

// TrialMessageBody is how many messages a destination would have got.
type TrialMessageBody struct {
	Destination string `json:"destination" example:"o-7k3m9c2p5v8x1z4b"`
	Messages    int    `json:"messages" example:"9"`
}

func (m *management) mountAlertTrial() {
	op := describe(http.MethodPost, "/alert-rules/trial", "try-alert-rule", "Try an alert rule on the past", tenants.EditRules)
	op.Description = "Says when the rule would have fired on what is stored, and how many messages that would have been. It changes nothing. The answer takes some seconds for a few million readings, and at most two minutes. " + op.Description
	register(m, op, m.tryAlertRule)
}

func (m *management) tryAlertRule(ctx context.Context, who visitor, in *tryAlertRuleIn) (*tryAlertRuleOut, error) {
	rule := in.Body.rule("")
	order := trial.Order{Rule: rule, From: telemetry.At(in.Body.From.Truncate(time.Second)), To: telemetry.At(in.Body.To.Truncate(time.Second))}
	if in.Body.To.IsZero() {
		order.To = telemetry.At(m.api.now().Truncate(time.Second))
	}
	if in.Body.From.IsZero() {
		order.From = order.To - telemetry.Micros(usualTrial/time.Microsecond)
	}
	about := 0
	state := m.api.tenants.State()
	devices, _ := state.Matching(who.tenant, rule.Selector, tenants.MaxDevices)
	for _, d := range devices {
		if !who.principal.Sees(d) {
			continue
		}
		if about++; about <= trial.MaxDevices {
			order.Devices = append(order.Devices, state.AlertDevice(who.tenant, d.ID))
		}
	}
	result, err := m.api.trials.Run(ctx, who.tenant, order)
	var wrong *alertrule.InvalidError
	if errors.As(err, &wrong) {
		return nil, badMember(wrong.Field, wrong.Detail)
	}
	if err != nil {
		return nil, err
	}
	body := alertTrialBody(result)
	body.About = about
	return &tryAlertRuleOut{Body: body}, nil
}

func alertTrialBody(r *trial.Result) AlertTrialBody {
	body := AlertTrialBody{From: r.From.Time(), To: r.To.Time(), Fired: r.Fired, Messages: r.Messages, Complete: r.Complete, Values: r.Values, Late: r.Late,
		Tried: len(r.Devices), Devices: []TriedDeviceBody{}, Each: []TrialMessageBody{}}
	for i := range r.Devices {
		d := &r.Devices[i]
		if d.Fired == 0 {
			continue
		}
		one := TriedDeviceBody{Device: string(d.Device.ID), Name: d.Device.Name, Fired: d.Fired, Seconds: d.Lasted.Seconds(), Worst: d.Worst.String(), Open: d.Open, Alerts: []TriedAlertBody{}}
		for _, s := range d.Spans {
			one.Alerts = append(one.Alerts, TriedAlertBody{From: s.From.Time(), To: s.To.Time(), Worst: s.Worst.String()})
		}
		body.Devices = append(body.Devices, one)
	}
	for d, n := range r.Each {
		body.Each = append(body.Each, TrialMessageBody{Destination: string(d), Messages: n})
	}
	return body
}
