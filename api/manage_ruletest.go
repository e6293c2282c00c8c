package api

import (
	"context"
	"fmt"
	"time"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/tenants/rule"
)

type (
	testRuleIn struct {
		call
		Body struct {
			RuleText
			ID string `json:"id,omitempty" doc:"The rule in whose place it would stand; behind all others when missing" example:"r-7k3m9c2p5v8x1z4b"`
		}
	}
	testRuleOut struct {
		Body struct {
			Items []trialBody `json:"items" doc:"The last real packets that are in the lanes, newest first"`
		}
	}
	trialBody struct {
		Device   string         `json:"device"`
		PacketID string         `json:"packet_id"`
		T        time.Time      `json:"t" doc:"Device time"`
		Kind     string         `json:"kind" doc:"metrics, status or logs"`
		Values   map[string]any `json:"values"`
		Matched  bool           `json:"matched" doc:"Whether the tried rule matches"`
		Reason   string         `json:"reason" doc:"Why it matches or not, with the values that it looked at"`
		Error    bool           `json:"error" doc:"The rule cannot be computed on this packet; reason says why"`
		By       string         `json:"decided_by,omitempty" doc:"The rule that decides, of all rules"`
		Fate     string         `json:"fate" doc:"keep, drop or sampled out, by all rules" example:"keep"`
		Lane     string         `json:"lane" doc:"Where all rules together send it" example:"critical"`
	}
	ruleHistoryIn struct {
		call
		RulePath
		Limit  int    `query:"limit" doc:"How many at most" minimum:"1" maximum:"500" default:"100"`
		Cursor string `query:"cursor" doc:"The next of the page before"`
	}
	ruleHistoryOut struct {
		Body struct {
			Items []pastBody `json:"items" doc:"Newest first"`
			Next  string     `json:"next" doc:"Cursor of the next page; empty on the last one"`
		}
	}
	pastBody struct {
		At       time.Time    `json:"at"`
		By       string       `json:"by" doc:"Who, in words"`
		Did      string       `json:"did" example:"enabled version 2 of the rule"`
		Changes  []changeBody `json:"changes"`
		Position uint64       `json:"position,omitempty" doc:"Of a change that wrote a whole text: restoring it makes that text the draft" example:"412"`
	}
	changeBody struct {
		What   string `json:"what" example:"when"`
		Before string `json:"before" example:"temp > 80"`
		After  string `json:"after" example:"temp > 90"`
	}
)

// testRule changes nothing: it says what all rules together would do with the last packets, the given one among them.
func (m *management) testRule(ctx context.Context, who visitor, in *testRuleIn) (*testRuleOut, error) {
	state := m.api.tenants.State()
	tried := in.Body.rule("")
	if in.Body.ID != "" {
		r, err := m.ruleOf(who, in.Body.ID)
		if err != nil {
			return nil, err
		}
		tried.ID = r.ID
	}
	set, at, err := state.TrialSet(who.tenant, tried)
	if err != nil {
		return nil, err
	}
	packets, err := m.api.accept.Recent(ctx, who.tenant, trialPackets)
	if err != nil {
		return nil, fmt.Errorf("test rule: %w", err)
	}
	trials := set.Try(packets, func(d id.Device) rule.Sender { return state.Sender(who.tenant, d) })
	out := &testRuleOut{}
	out.Body.Items = make([]trialBody, len(trials))
	for i := range trials {
		out.Body.Items[i] = trialOf(set, at, &trials[i])
	}
	return out, nil
}

func trialOf(set *rule.Set, at int, t *rule.Trial) trialBody {
	own := t.Outcomes[at]
	body := trialBody{Device: string(t.Device), PacketID: t.Packet.ID, T: t.Packet.Time.Time(), Kind: t.Packet.Kind.String(),
		Values: map[string]any{}, Matched: own.Matched, Reason: own.Reason, Error: own.Failed, Fate: t.Verdict.Fate.String(), Lane: t.Would.String()}
	if t.Verdict.By >= 0 {
		body.By = set.Rule(t.Verdict.By).Name
	}
	for i := range t.Packet.Values {
		v := &t.Packet.Values[i]
		body.Values[v.Name] = v.Content()
	}
	return body
}

func (m *management) ruleHistory(ctx context.Context, who visitor, in *ruleHistoryIn) (*ruleHistoryOut, error) {
	r, err := m.ruleOf(who, in.Rule)
	if err != nil {
		return nil, err
	}
	return m.history(ctx, who, tenants.HistoryQuery{Rule: r.ID, Limit: in.Limit, Cursor: in.Cursor})
}

func (m *management) history(ctx context.Context, who visitor, q tenants.HistoryQuery) (*ruleHistoryOut, error) {
	page, err := m.api.tenants.History(ctx, who.tenant, q)
	if err != nil {
		return nil, err
	}
	out := &ruleHistoryOut{}
	out.Body.Next, out.Body.Items = page.Next, make([]pastBody, len(page.Past))
	for i, p := range page.Past {
		body := pastBody{At: p.At, By: p.By, Did: p.Did, Changes: []changeBody{}}
		for _, c := range p.Changes {
			body.Changes = append(body.Changes, changeBody(c))
		}
		if p.Text {
			body.Position = p.Position
		}
		out.Body.Items[i] = body
	}
	return out, nil
}
