package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"longwave/tenants"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
	"longwave/web/handler"
)

// SilenceBody is a silence as scripts see it.
type SilenceBody struct {
	alertrule.Silence
	Active  bool      `json:"active" doc:"Whether it is in force now"`
	By      string    `json:"by" doc:"Who made it, in words"`
	Planned time.Time `json:"planned" doc:"When it was to end; until is earlier when somebody ended it"`
}

type (
	listSilencesIn  struct{ call }
	listSilencesOut struct {
		Body struct {
			Items []SilenceBody `json:"items" doc:"Those that are not over for more than 31 days, oldest first"`
		}
	}
	startSilenceIn struct {
		call
		Body struct {
			Everything bool               `json:"everything,omitempty" doc:"All rules and all devices: said, because it is never meant by leaving something out"`
			Rules      []id.AlertRule     `json:"rules,omitempty" doc:"Only alerts of these rules; all when missing" example:"[\"w-7k3m9c2p5v8x1z4b\"]"`
			Selector   alertrule.Selector `json:"selector,omitzero" doc:"Only alerts of these devices; all when missing"`
			From       time.Time          `json:"from,omitzero" doc:"When it begins; now when missing" example:"2026-11-20T22:00:00Z"`
			Until      time.Time          `json:"until,omitzero" doc:"When it ends; either this or for is needed" example:"2026-11-21T02:00:00Z"`
			For        alertrule.Duration `json:"for,omitempty" doc:"How long it lasts" example:"2h"`
			Reason     string             `json:"reason" doc:"Why, shown beside everything that it keeps quiet" example:"release 4.2"`
		}
	}
	endSilenceIn struct {
		call
		Silence string `path:"silence" doc:"Id of the silence" example:"q-7k3m9c2p5v8x1z4b"`
	}
	oneSilenceOut struct{ Body SilenceBody }
)

func (m *management) mountSilences() {
	register(m, describe(http.MethodGet, "/silences", "list-silences", "List silences", tenants.View), m.listSilences)
	start := describe(http.MethodPost, "/silences", "start-silence", "Have nobody notified of some alerts for a while", tenants.HandleAlerts)
	start.DefaultStatus = http.StatusCreated
	register(m, start, m.startSilence)
	register(m, describe(http.MethodPost, "/silences/{silence}/end", "end-silence", "End a silence now", tenants.HandleAlerts), m.endSilence)
}

func (m *management) silenceBody(who visitor, q tenants.Silence) SilenceBody {
	return SilenceBody{Silence: q.Silence, Active: q.Active(time.Now()), By: m.api.tenants.State().NameOf(who.tenant, q.By), Planned: q.Planned}
}

func (m *management) listSilences(_ context.Context, who visitor, _ *listSilencesIn) (*listSilencesOut, error) {
	out := &listSilencesOut{}
	out.Body.Items = []SilenceBody{}
	for _, q := range m.api.tenants.State().Silences(who.tenant) {
		out.Body.Items = append(out.Body.Items, m.silenceBody(who, q))
	}
	return out, nil
}

func (m *management) startSilence(ctx context.Context, who visitor, in *startSilenceIn) (*oneSilenceOut, error) {
	b := in.Body
	n := alertrule.Silence{Everything: b.Everything, Rules: b.Rules, Selector: b.Selector, From: b.From, Until: b.Until, Reason: b.Reason}
	if b.For > 0 {
		if !b.Until.IsZero() {
			return nil, badMember("for", "say either until or for")
		}
		if n.From.IsZero() {
			n.From = time.Now()
		}
		n.Until = n.From.Add(time.Duration(b.For))
	}
	made, err := m.api.tenants.StartSilence(ctx, who.actor, who.tenant, n)
	if err != nil {
		return nil, err
	}
	return &oneSilenceOut{Body: m.silenceBody(who, made)}, nil
}

func badMember(name, detail string) error {
	return handler.Problem{Status: http.StatusUnprocessableEntity, Code: "invalid", Title: "Invalid request", Detail: "The request is not valid: " + name + ": " + detail + ".",
		Errors: []handler.Fault{{Pointer: "/" + name, Code: "invalid", Detail: detail}}}.Because(nil)
}

func (m *management) endSilence(ctx context.Context, who visitor, in *endSilenceIn) (*oneSilenceOut, error) {
	q, err := id.Parse[id.Silence](in.Silence)
	if err != nil {
		return nil, fmt.Errorf("silence: %w", tenants.ErrNotFound)
	}
	ended, err := m.api.tenants.EndSilence(ctx, who.actor, who.tenant, q)
	if err != nil {
		return nil, err
	}
	return &oneSilenceOut{Body: m.silenceBody(who, ended)}, nil
}
