package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"longwave/processors/alert"
	"longwave/tenants"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

// Alerts is the log of alerts as scripts see it, and what is done to it in somebody's name.
type Alerts interface {
	Find(t id.Tenant, filters ...alert.Filter) []alert.Alert
	Alert(t id.Tenant, a id.Alert) (alert.Alert, error)
	Acknowledge(ctx context.Context, d alert.Doing, comment string) error
	Assign(ctx context.Context, d alert.Doing, to string) error
	Comment(ctx context.Context, d alert.Doing, text string) error
	Snooze(ctx context.Context, d alert.Doing, until time.Time) error
}

// maxAlerts bounds one answer: everything that is at hand of what is over, and what is open beside it.
const maxAlerts = 1000

// AlertBody is an alert as scripts see it.
type AlertBody struct {
	ID             string             `json:"id" example:"a-7k3m9c2p5v8x1z4b"`
	State          alert.State        `json:"state" doc:"active, taken (acknowledged) or resolved" example:"active"`
	Severity       alertrule.Severity `json:"severity" doc:"Now, or the last one before it was resolved" example:"critical"`
	Worst          alertrule.Severity `json:"worst" example:"critical"`
	Rule           string             `json:"rule" example:"w-7k3m9c2p5v8x1z4b"`
	Version        int                `json:"version" doc:"Of the rule"`
	Name           string             `json:"name" doc:"Of the rule by then" example:"Hot pumps"`
	Device         string             `json:"device" example:"d-7k3m9c2p5v8x1z4b"`
	Shadow         bool               `json:"shadow" doc:"Of a rule in shadow: nobody is notified"`
	Message        string             `json:"message" example:"pump-7: temp is 91.5"`
	Began          time.Time          `json:"began" doc:"By the device's time"`
	Ended          *time.Time         `json:"ended,omitempty"`
	AcknowledgedBy string             `json:"acknowledged_by,omitempty"`
	Assigned       string             `json:"assigned,omitempty"`
	Snoozed        *time.Time         `json:"snoozed_until,omitempty"`
}

// AlertPath is the part of an address that names an alert.
type AlertPath struct {
	Alert string `path:"alert" doc:"Id of the alert" example:"a-7k3m9c2p5v8x1z4b"`
}

type (
	listAlertsIn struct {
		call
		State    string `query:"state" doc:"open when missing" enum:"open,active,taken,resolved,all" default:"open"`
		Severity string `query:"severity" doc:"At least this one" enum:"info,warning,critical"`
		Rule     string `query:"rule" doc:"Only of this rule"`
		Device   string `query:"device" doc:"Only of this device"`
		Shadow   bool   `query:"shadow" doc:"Of rules in shadow, instead of the others"`
	}
	listAlertsOut struct {
		Body struct {
			Items []AlertBody `json:"items" doc:"What is open, the worst first, then the latest that are resolved; at most 1000"`
		}
	}
	oneAlertIn struct {
		call
		AlertPath
	}
	oneAlertOut struct{ Body AlertBody }
	ackAlertIn  struct {
		call
		AlertPath
		Body struct {
			Comment string `json:"comment,omitempty" example:"on my way"`
		}
	}
	assignAlertIn struct {
		call
		AlertPath
		Body struct {
			To string `json:"to" doc:"Name of a person; empty for nobody" example:"Bo Lindqvist"`
		}
	}
	commentAlertIn struct {
		call
		AlertPath
		Body struct {
			Text string `json:"text" example:"the fan is blocked"`
		}
	}
	snoozeAlertIn struct {
		call
		AlertPath
		Body struct {
			For alertrule.Duration `json:"for" doc:"How long nobody is notified of it; 0s ends a snooze" example:"2h"`
		}
	}
)

func (m *management) mountAlerts() {
	register(m, describe(http.MethodGet, "/alerts", "list-alerts", "List alerts", tenants.View), m.listAlerts)
	const one = "/alerts/{alert}"
	register(m, describe(http.MethodGet, one, "get-alert", "Look at an alert", tenants.View), m.getAlert)
	register(m, describe(http.MethodPost, one+"/acknowledge", "acknowledge-alert", "Say that somebody takes care: nobody else is called", tenants.HandleAlerts), m.acknowledgeAlert)
	register(m, describe(http.MethodPost, one+"/assign", "assign-alert", "Say who shall take care", tenants.HandleAlerts), m.assignAlert)
	register(m, describe(http.MethodPost, one+"/comment", "comment-alert", "Comment on an alert", tenants.HandleAlerts), m.commentAlert)
	register(m, describe(http.MethodPost, one+"/snooze", "snooze-alert", "Have nobody notified of an alert for a while", tenants.HandleAlerts), m.snoozeAlert)
}

func alertBody(a *alert.Alert) AlertBody {
	body := AlertBody{ID: string(a.ID), State: a.State(), Severity: a.Severity, Worst: a.Worst, Rule: string(a.Rule), Version: a.Version, Name: a.Name, Device: string(a.Device),
		Shadow: a.Shadow, Message: a.Message, Began: a.Began.Time(), Assigned: a.Assigned}
	if !a.Firing {
		ended := a.Ended.Time()
		body.Ended = &ended
	}
	if a.Acknowledged != nil {
		body.AcknowledgedBy = a.Acknowledged.By
	}
	if !a.Snoozed.IsZero() {
		body.Snoozed = &a.Snoozed
	}
	return body
}

func (m *management) listAlerts(_ context.Context, who visitor, in *listAlertsIn) (*listAlertsOut, error) {
	f := alert.Filter{Shadow: in.Shadow}
	_ = f.Severity.UnmarshalText([]byte(in.Severity)) // one of the enumeration, or none
	var err error
	if in.Rule != "" {
		f.Rule, err = id.Parse[id.AlertRule](in.Rule)
	}
	if in.Device != "" && err == nil {
		f.Device, err = id.Parse[id.Device](in.Device)
	}
	out := &listAlertsOut{}
	out.Body.Items = []AlertBody{}
	if err != nil { // nothing is of what cannot exist
		return out, nil //nolint:nilerr // a foreign id answers the same
	}
	states := map[string][]alert.State{"open": {alert.Active, alert.Taken}, "active": {alert.Active}, "taken": {alert.Taken}, "resolved": {alert.Resolved}, "all": {alert.Any}}[in.State]
	var filters []alert.Filter
	for _, s := range states {
		f.State = s
		filters = append(filters, f)
	}
	found := m.api.alerts.Find(who.tenant, filters...)
	for i := range found[:min(len(found), maxAlerts)] {
		out.Body.Items = append(out.Body.Items, alertBody(&found[i]))
	}
	return out, nil
}

// doing is who does something to the alert that an address names; alert.ErrUnknown when the tenant has none of that id.
func (m *management) doing(who visitor, text string) (alert.Doing, error) {
	a, err := id.Parse[id.Alert](text)
	if err != nil {
		return alert.Doing{}, alert.ErrUnknown
	}
	return alert.Doing{Tenant: who.tenant, Alert: a, By: m.api.tenants.State().NameOf(who.tenant, who.actor)}, nil
}

// oneAlert is the answer about an alert after something was done to it.
func (m *management) oneAlert(d alert.Doing, err error) (*oneAlertOut, error) {
	if err != nil {
		return nil, fmt.Errorf("alert: %w", err)
	}
	a, err := m.api.alerts.Alert(d.Tenant, d.Alert)
	if err != nil {
		return nil, fmt.Errorf("alert: %w", err)
	}
	return &oneAlertOut{Body: alertBody(&a)}, nil
}

func (m *management) getAlert(_ context.Context, who visitor, in *oneAlertIn) (*oneAlertOut, error) {
	d, err := m.doing(who, in.Alert)
	return m.oneAlert(d, err)
}

func (m *management) acknowledgeAlert(ctx context.Context, who visitor, in *ackAlertIn) (*oneAlertOut, error) {
	d, err := m.doing(who, in.Alert)
	if err == nil {
		err = m.api.alerts.Acknowledge(ctx, d, in.Body.Comment)
	}
	return m.oneAlert(d, err)
}

func (m *management) assignAlert(ctx context.Context, who visitor, in *assignAlertIn) (*oneAlertOut, error) {
	d, err := m.doing(who, in.Alert)
	if err == nil {
		err = m.api.alerts.Assign(ctx, d, in.Body.To)
	}
	return m.oneAlert(d, err)
}

func (m *management) commentAlert(ctx context.Context, who visitor, in *commentAlertIn) (*oneAlertOut, error) {
	d, err := m.doing(who, in.Alert)
	if err == nil {
		err = m.api.alerts.Comment(ctx, d, in.Body.Text)
	}
	return m.oneAlert(d, err)
}

func (m *management) snoozeAlert(ctx context.Context, who visitor, in *snoozeAlertIn) (*oneAlertOut, error) {
	d, err := m.doing(who, in.Alert)
	if err == nil {
		err = m.api.alerts.Snooze(ctx, d, time.Now().Add(time.Duration(in.Body.For)))
	}
	return m.oneAlert(d, err)
}
