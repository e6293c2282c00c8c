package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"longwave/tenants"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

// AlertRuleText is what an alert rule says.
type AlertRuleText struct {
	Name     string             `json:"name" doc:"1 to 100 characters" example:"Hot pumps"`
	Note     string             `json:"note,omitempty" doc:"What to do about it" example:"Call the shift leader."`
	Kind     alertrule.Kind     `json:"kind" doc:"threshold or no_data" example:"threshold"`
	Selector alertrule.Selector `json:"selector,omitzero" doc:"Which devices: those that every list that is not empty matches; all when missing"`
	Levels   []alertrule.Level  `json:"levels" doc:"One to three, each of another severity: info, warning, critical"`
	After    alertrule.Duration `json:"after,omitempty" doc:"Of no_data: how long nothing may come; three times the expected interval when missing" example:"10m"`
	Metric   string             `json:"metric,omitempty" doc:"Of no_data: only packets that have it count"`
	Message  string             `json:"message,omitempty" doc:"A template; the usual sentence when missing" example:"{device}: {metric} is {value}"`
	Notify   alertrule.Notify   `json:"notify,omitzero" doc:"Who hears of it, and when"`
}

// rule is the text as a rule with that id.
func (t AlertRuleText) rule(r id.AlertRule) alertrule.Rule {
	return alertrule.Rule{ID: r, Name: t.Name, Note: t.Note, Kind: t.Kind, Selector: t.Selector, Levels: t.Levels, After: t.After, Metric: t.Metric, Message: t.Message, Notify: t.Notify}
}

func alertTextOf(r *alertrule.Rule) *AlertRuleText {
	if r == nil {
		return nil
	}
	return &AlertRuleText{Name: r.Name, Note: r.Note, Kind: r.Kind, Selector: r.Selector, Levels: r.Levels, After: r.After, Metric: r.Metric, Message: r.Message, Notify: r.Notify}
}

// AlertRuleBody is an alert rule as scripts see it.
type AlertRuleBody struct {
	ID       string         `json:"id" example:"w-7k3m9c2p5v8x1z4b"`
	Mode     alertrule.Mode `json:"mode" doc:"draft, shadow, enabled or paused" example:"enabled"`
	Version  int            `json:"version" doc:"Of the live version; 0 before the first"`
	Sentence string         `json:"sentence" doc:"The live version, or else the draft, in words" example:"temp is above 80 for 5m (warning)"`
	Devices  int            `json:"devices" doc:"How many it is about now"`
	Live     *AlertRuleText `json:"live,omitempty" doc:"What ran last"`
	Draft    *AlertRuleText `json:"draft,omitempty" doc:"What is written and does not run yet"`
	Changed  time.Time      `json:"changed"`
}

// AlertRulePath is the part of an address that names an alert rule.
type AlertRulePath struct {
	Rule string `path:"alert_rule" doc:"Id of the alert rule" example:"w-7k3m9c2p5v8x1z4b"`
}

type (
	listAlertRulesIn  struct{ call }
	listAlertRulesOut struct {
		Body struct {
			Items []AlertRuleBody `json:"items"`
		}
	}
	draftAlertRuleIn struct {
		call
		Body struct{ AlertRuleText }
	}
	redraftAlertRuleIn struct {
		call
		AlertRulePath
		Body struct{ AlertRuleText }
	}
	oneAlertRuleIn struct {
		call
		AlertRulePath
	}
	oneAlertRuleOut  struct{ Body AlertRuleBody }
	madeAlertRuleOut struct {
		Location string `header:"Location"`
		Body     AlertRuleBody
	}
	startAlertRuleIn struct {
		call
		AlertRulePath
		Body struct {
			Mode   alertrule.Mode `json:"mode" doc:"enabled, or shadow: recorded, and nobody is notified" example:"enabled"`
			Reason string         `json:"reason" doc:"Why, for whoever reads the history" example:"pumps overheat"`
		}
	}
	pauseAlertRuleIn struct {
		call
		AlertRulePath
		Body struct {
			Reason string `json:"reason,omitempty" doc:"Why, for whoever reads the history" example:"winter"`
		}
	}
	restoreAlertRuleIn struct {
		call
		AlertRulePath
		Body struct {
			Position uint64 `json:"position" doc:"Of a change in its history that has a text" minimum:"1" example:"412"`
		}
	}
	alertRuleHistoryIn struct {
		call
		AlertRulePath
		Limit  int    `query:"limit" doc:"How many at most" minimum:"1" maximum:"500" default:"100"`
		Cursor string `query:"cursor" doc:"The next of the page before"`
	}
)

func (m *management) mountAlertRules() {
	register(m, describe(http.MethodGet, "/alert-rules", "list-alert-rules", "List alert rules", tenants.View), m.listAlertRules)
	draft := describe(http.MethodPost, "/alert-rules", "draft-alert-rule", "Write a new alert rule as a draft", tenants.EditRules)
	draft.DefaultStatus = http.StatusCreated
	register(m, draft, m.draftAlertRule)
	const one = "/alert-rules/{alert_rule}"
	register(m, describe(http.MethodGet, one, "get-alert-rule", "Look at an alert rule", tenants.View), m.getAlertRule)
	register(m, describe(http.MethodPut, one+"/draft", "redraft-alert-rule", "Replace the draft of an alert rule", tenants.EditRules), m.redraftAlertRule)
	register(m, describe(http.MethodPost, one+"/start", "start-alert-rule", "Enable an alert rule, or run it in shadow, as the next version", tenants.EditRules), m.startAlertRule)
	register(m, describe(http.MethodPost, one+"/pause", "pause-alert-rule", "Keep an alert rule from being evaluated", tenants.EditRules), m.pauseAlertRule)
	register(m, describe(http.MethodGet, one+"/history", "alert-rule-history", "Who changed an alert rule, when and why", tenants.View), m.alertRuleHistory)
	register(m, describe(http.MethodPost, one+"/restore", "restore-alert-rule", "Make what an alert rule said once its draft", tenants.EditRules), m.restoreAlertRule)
	m.mountAlertTrial()
	register(m, describe(http.MethodDelete, one, "delete-alert-rule", "Delete an alert rule", tenants.EditRules), m.deleteAlertRule)
}

// exampleAlertRules puts examples to the parts of an alert rule, whose types belong to another package.
func exampleAlertRules(description *huma.OpenAPI) {
	for name, example := range map[string]any{
		"Test":     map[string]any{"metric": "temp", "op": "above", "value": 80},
		"Selector": map[string]any{"sites": []string{"plant-2"}, "profiles": []string{"pump"}},
		"Step":     map[string]any{"after": "15m", "destinations": []string{"o-7k3m9c2p5v8x1z4b"}},
	} {
		description.Components.Schemas.Map()[name].Examples = []any{example}
	}
}

// alertRuleOf finds an alert rule of the visitor's tenant, with the same error for a foreign one, a missing one, and text
// that is no id.
func (m *management) alertRuleOf(who visitor, text string) (tenants.AlertRule, error) {
	if r, err := id.Parse[id.AlertRule](text); err == nil {
		if found, ok := m.api.tenants.State().AlertRule(who.tenant, r); ok {
			return found, nil
		}
	}
	return tenants.AlertRule{}, fmt.Errorf("alert rule: %w", tenants.ErrNotFound)
}

func (m *management) alertRuleBody(who visitor, r *tenants.AlertRule) AlertRuleBody {
	shown := r.Current()
	if r.Live != nil {
		shown = *r.Live
	}
	_, devices := m.api.tenants.State().Matching(who.tenant, shown.Selector, 0)
	return AlertRuleBody{ID: string(r.ID), Mode: r.Mode, Version: r.Version, Sentence: shown.Sentence(), Devices: devices,
		Live: alertTextOf(r.Live), Draft: alertTextOf(r.Draft), Changed: r.Changed}
}

// oneAlertRule is the answer about an alert rule after it was changed.
func (m *management) oneAlertRule(who visitor, r tenants.AlertRule, err error) (*oneAlertRuleOut, error) {
	if err == nil && r.ID == "" { // deleted in the same instant
		err = fmt.Errorf("alert rule: %w", tenants.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return &oneAlertRuleOut{Body: m.alertRuleBody(who, &r)}, nil
}

func (m *management) listAlertRules(_ context.Context, who visitor, _ *listAlertRulesIn) (*listAlertRulesOut, error) {
	out := &listAlertRulesOut{}
	out.Body.Items = []AlertRuleBody{}
	for _, r := range m.api.tenants.State().AlertRules(who.tenant) {
		out.Body.Items = append(out.Body.Items, m.alertRuleBody(who, &r))
	}
	return out, nil
}

func (m *management) getAlertRule(_ context.Context, who visitor, in *oneAlertRuleIn) (*oneAlertRuleOut, error) {
	r, err := m.alertRuleOf(who, in.Rule)
	return m.oneAlertRule(who, r, err)
}

func (m *management) draftAlertRule(ctx context.Context, who visitor, in *draftAlertRuleIn) (*madeAlertRuleOut, error) {
	r, err := m.api.tenants.DraftAlertRule(ctx, who.actor, who.tenant, in.Body.rule(""))
	one, err := m.oneAlertRule(who, r, err)
	if err != nil {
		return nil, err
	}
	return &madeAlertRuleOut{Location: managePrefix + "/alert-rules/" + one.Body.ID, Body: one.Body}, nil
}

func (m *management) redraftAlertRule(ctx context.Context, who visitor, in *redraftAlertRuleIn) (*oneAlertRuleOut, error) {
	r, err := m.alertRuleOf(who, in.Rule)
	if err == nil {
		r, err = m.api.tenants.DraftAlertRule(ctx, who.actor, who.tenant, in.Body.rule(r.ID))
	}
	return m.oneAlertRule(who, r, err)
}

func (m *management) startAlertRule(ctx context.Context, who visitor, in *startAlertRuleIn) (*oneAlertRuleOut, error) {
	r, err := m.alertRuleOf(who, in.Rule)
	if err == nil {
		r, err = m.api.tenants.StartAlertRule(ctx, who.actor, who.tenant, r.ID, tenants.AlertRuleStart{Mode: in.Body.Mode, Reason: in.Body.Reason})
	}
	return m.oneAlertRule(who, r, err)
}

func (m *management) pauseAlertRule(ctx context.Context, who visitor, in *pauseAlertRuleIn) (*oneAlertRuleOut, error) {
	r, err := m.alertRuleOf(who, in.Rule)
	if err == nil {
		r, err = m.api.tenants.PauseAlertRule(ctx, who.actor, who.tenant, r.ID, in.Body.Reason)
	}
	return m.oneAlertRule(who, r, err)
}

func (m *management) restoreAlertRule(ctx context.Context, who visitor, in *restoreAlertRuleIn) (*oneAlertRuleOut, error) {
	r, err := m.alertRuleOf(who, in.Rule)
	if err == nil {
		r, err = m.api.tenants.RestoreAlertRule(ctx, who.actor, who.tenant, r.ID, in.Body.Position)
	}
	return m.oneAlertRule(who, r, err)
}

func (m *management) deleteAlertRule(ctx context.Context, who visitor, in *oneAlertRuleIn) (*struct{}, error) {
	r, err := m.alertRuleOf(who, in.Rule)
	if err == nil {
		_, err = m.api.tenants.DeleteAlertRule(ctx, who.actor, who.tenant, r.ID)
	}
	if err != nil {
		return nil, err
	}
	return nil, nil // how huma is told to say 204
}

func (m *management) alertRuleHistory(ctx context.Context, who visitor, in *alertRuleHistoryIn) (*ruleHistoryOut, error) {
	r, err := m.alertRuleOf(who, in.Rule)
	if err != nil {
		return nil, err
	}
	return m.history(ctx, who, tenants.HistoryQuery{About: string(r.ID), Limit: in.Limit, Cursor: in.Cursor})
}
