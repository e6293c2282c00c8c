package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/tenants/rule"
)

// trialPackets is how many of the last real packets a rule is tried on.
const trialPackets = 50

// RuleText is what a rule says.
type RuleText struct {
	Name string   `json:"name" doc:"1 to 100 characters" example:"Hot pumps"`
	When string   `json:"when,omitempty" doc:"Which packets: an expression over values, device and kind; every packet when missing" example:"temp > 80 and device.profile == \"pump\""`
	Then ThenBody `json:"then"`
}

// ThenBody is rule.Then, described.
type ThenBody struct {
	Lane    string            `json:"lane,omitempty" doc:"critical, standard or bulk; the lane of the packet's kind when missing" example:"critical"`
	Drop    bool              `json:"drop,omitempty" doc:"Accept the packet and keep nothing of it"`
	OneIn   int               `json:"one_in,omitempty" doc:"Keep one packet in so many, always the same ones" example:"10"`
	Labels  map[string]string `json:"labels,omitempty" doc:"Added for destinations, at most 8" example:"{\"team\":\"ops\"}"`
	Forward []id.Destination  `json:"forward,omitempty" doc:"Ids of destinations, at most 16"`
}

// rule is the text as a rule with that id.
func (t RuleText) rule(r id.Rule) rule.Rule {
	return rule.Rule{ID: r, Name: t.Name, When: t.When, Then: rule.Then(t.Then)}
}

// RuleBody is a rule as scripts see it.
type RuleBody struct {
	ID       string      `json:"id" example:"r-7k3m9c2p5v8x1z4b"`
	Position int         `json:"position" doc:"Among all rules, the first being 1"`
	Enabled  bool        `json:"enabled" doc:"Whether the live version decides about packets"`
	Version  int         `json:"version" doc:"Of the live version; 0 before the first"`
	Live     *RuleText   `json:"live,omitempty" doc:"What was enabled last"`
	Draft    *RuleText   `json:"draft,omitempty" doc:"What is written and not yet enabled"`
	Changed  time.Time   `json:"changed"`
	Counts   *ruleCounts `json:"counts,omitempty" doc:"What it did in this process of the server since it started"`
}

type ruleCounts struct {
	Matched   uint64     `json:"matched" example:"120"`
	Dropped   uint64     `json:"dropped"`
	Forwarded uint64     `json:"forwarded"`
	Errors    uint64     `json:"errors"`
	Last      *time.Time `json:"last_match,omitempty"`
	Failure   string     `json:"last_error,omitempty"`
	Paused    int        `json:"paused_devices" doc:"Devices that it is passed over for because it failed on their packets"`
}

// RulePath is the part of an address that names a rule.
type RulePath struct {
	Rule string `path:"rule" doc:"Id of the rule" example:"r-7k3m9c2p5v8x1z4b"`
}

type (
	listRulesIn  struct{ call }
	listRulesOut struct {
		Body struct {
			Items []RuleBody `json:"items" doc:"In their order: the first that matches decides"`
		}
	}
	draftRuleIn struct {
		call
		Body struct{ RuleText }
	}
	redraftRuleIn struct {
		call
		RulePath
		Body struct{ RuleText }
	}
	oneRuleIn struct {
		call
		RulePath
	}
	oneRuleOut  struct{ Body RuleBody }
	madeRuleOut struct {
		Location string `header:"Location"`
		Body     RuleBody
	}
	reasonIn struct {
		call
		RulePath
		Body struct {
			Reason string `json:"reason" doc:"Why, for whoever reads the history" example:"pumps overheat"`
		}
	}
	restoreRuleIn struct {
		call
		RulePath
		Body struct {
			Position uint64 `json:"position" doc:"Of a change in its history that has a text" minimum:"1" example:"412"`
		}
	}
	moveRuleIn struct {
		call
		RulePath
		Body struct {
			Position int `json:"position" doc:"Where it is to stand, the first being 1" minimum:"1" example:"1"`
		}
	}
)

func (m *management) mountRules() {
	register(m, describe(http.MethodGet, "/rules", "list-rules", "List routing rules in their order", tenants.View), m.listRules)
	draft := describe(http.MethodPost, "/rules", "draft-rule", "Write a new rule as a draft", tenants.EditRules)
	draft.DefaultStatus = http.StatusCreated
	register(m, draft, m.draftRule)
	register(m, describe(http.MethodPost, "/rules/test", "test-rule", "Try a rule on the last real packets", tenants.View), m.testRule)
	register(m, describe(http.MethodGet, "/rules/{rule}", "get-rule", "Look at a rule", tenants.View), m.getRule)
	register(m, describe(http.MethodPut, "/rules/{rule}/draft", "redraft-rule", "Replace the draft of a rule", tenants.EditRules), m.redraftRule)
	register(m, describe(http.MethodPost, "/rules/{rule}/enable", "enable-rule", "Let the draft decide, as the next version", tenants.EditRules), m.enableRule)
	register(m, describe(http.MethodPost, "/rules/{rule}/disable", "disable-rule", "Keep a rule from deciding", tenants.EditRules), m.disableRule)
	register(m, describe(http.MethodPost, "/rules/{rule}/restore", "restore-rule", "Make what a rule said once its draft", tenants.EditRules), m.restoreRule)
	register(m, describe(http.MethodPost, "/rules/{rule}/move", "move-rule", "Put a rule at another position", tenants.EditRules), m.moveRule)
	register(m, describe(http.MethodGet, "/rules/{rule}/history", "rule-history", "Who changed a rule, when and why", tenants.View), m.ruleHistory)
	register(m, describe(http.MethodDelete, "/rules/{rule}", "delete-rule", "Delete a rule", tenants.EditRules), m.deleteRule)
}

// ruleOf finds a rule of the visitor's tenant, with the same error for a foreign one, a missing one, and text that is no id.
func (m *management) ruleOf(who visitor, text string) (tenants.Rule, error) {
	r, err := id.Parse[id.Rule](text)
	if err != nil {
		return tenants.Rule{}, fmt.Errorf("rule: %w", tenants.ErrNotFound)
	}
	found, ok := m.api.tenants.State().Rule(who.tenant, r)
	if !ok {
		return tenants.Rule{}, fmt.Errorf("rule: %w", tenants.ErrNotFound)
	}
	return found, nil
}

func (m *management) listRules(_ context.Context, who visitor, _ *listRulesIn) (*listRulesOut, error) {
	out := &listRulesOut{}
	out.Body.Items = m.ruleBodies(who)
	return out, nil
}

func (m *management) ruleBodies(who visitor) []RuleBody {
	list, counts := m.api.tenants.State().Rules(who.tenant), m.api.accept.RuleCounts(who.tenant)
	bodies := make([]RuleBody, len(list))
	for i, r := range list {
		body := RuleBody{ID: string(r.ID), Position: i + 1, Enabled: r.Enabled, Version: r.Version, Live: textOf(r.Live), Draft: textOf(r.Draft), Changed: r.Changed}
		if c, ok := counts[r.ID]; ok {
			body.Counts = &ruleCounts{Matched: c.Matched, Dropped: c.Dropped, Forwarded: c.Forwarded, Errors: c.Errors, Failure: c.Failure, Paused: c.Paused}
			if !c.Last.IsZero() {
				body.Counts.Last = &c.Last
			}
		}
		bodies[i] = body
	}
	return bodies
}

func textOf(r *rule.Rule) *RuleText {
	if r == nil {
		return nil
	}
	return &RuleText{Name: r.Name, When: r.When, Then: ThenBody(r.Then)}
}

// oneRule is the answer about a rule after it was changed.
func (m *management) oneRule(who visitor, r tenants.Rule, err error) (*oneRuleOut, error) {
	if err != nil {
		return nil, err
	}
	for _, body := range m.ruleBodies(who) {
		if body.ID == string(r.ID) {
			return &oneRuleOut{Body: body}, nil
		}
	}
	return nil, fmt.Errorf("rule: %w", tenants.ErrNotFound) // deleted in the same instant
}

func (m *management) getRule(_ context.Context, who visitor, in *oneRuleIn) (*oneRuleOut, error) {
	r, err := m.ruleOf(who, in.Rule)
	return m.oneRule(who, r, err)
}

func (m *management) draftRule(ctx context.Context, who visitor, in *draftRuleIn) (*madeRuleOut, error) {
	r, err := m.api.tenants.DraftRule(ctx, who.actor, who.tenant, in.Body.rule(""))
	one, err := m.oneRule(who, r, err)
	if err != nil {
		return nil, err
	}
	return &madeRuleOut{Location: managePrefix + "/rules/" + one.Body.ID, Body: one.Body}, nil
}

func (m *management) redraftRule(ctx context.Context, who visitor, in *redraftRuleIn) (*oneRuleOut, error) {
	r, err := m.ruleOf(who, in.Rule)
	if err == nil {
		r, err = m.api.tenants.DraftRule(ctx, who.actor, who.tenant, in.Body.rule(r.ID))
	}
	return m.oneRule(who, r, err)
}

func (m *management) enableRule(ctx context.Context, who visitor, in *reasonIn) (*oneRuleOut, error) {
	r, err := m.ruleOf(who, in.Rule)
	if err == nil {
		r, err = m.api.tenants.EnableRule(ctx, who.actor, who.tenant, r.ID, in.Body.Reason)
	}
	return m.oneRule(who, r, err)
}

func (m *management) disableRule(ctx context.Context, who visitor, in *reasonIn) (*oneRuleOut, error) {
	r, err := m.ruleOf(who, in.Rule)
	if err == nil {
		r, err = m.api.tenants.DisableRule(ctx, who.actor, who.tenant, r.ID, in.Body.Reason)
	}
	return m.oneRule(who, r, err)
}

func (m *management) restoreRule(ctx context.Context, who visitor, in *restoreRuleIn) (*oneRuleOut, error) {
	r, err := m.ruleOf(who, in.Rule)
	if err == nil {
		r, err = m.api.tenants.RestoreRule(ctx, who.actor, who.tenant, r.ID, in.Body.Position)
	}
	return m.oneRule(who, r, err)
}

func (m *management) moveRule(ctx context.Context, who visitor, in *moveRuleIn) (*oneRuleOut, error) {
	r, err := m.ruleOf(who, in.Rule)
	if err == nil {
		r, err = m.api.tenants.MoveRule(ctx, who.actor, who.tenant, r.ID, in.Body.Position)
	}
	return m.oneRule(who, r, err)
}

func (m *management) deleteRule(ctx context.Context, who visitor, in *oneRuleIn) (*struct{}, error) {
	r, err := m.ruleOf(who, in.Rule)
	if err == nil {
		err = m.api.tenants.DeleteRule(ctx, who.actor, who.tenant, r.ID, "")
	}
	if err != nil {
		return nil, err
	}
	return nil, nil // how huma is told to say 204
}
