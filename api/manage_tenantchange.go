package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/web/handler"
)

type (
	createTenantIn struct {
		call
		Body struct {
			Name  string `json:"name" doc:"1 to 100 characters; refused when an overseen tenant has it already, so that a repetition makes no second one" minLength:"1" example:"Pumps Ltd"`
			Owner string `json:"owner" doc:"Whom the invitation is meant for that makes the first owner" minLength:"1" example:"Ada Moss"`
		}
	}
	createTenantOut struct {
		Location string `header:"Location"`
		Body     newTenantBody
	}
	newTenantBody struct {
		ID         string `json:"id" example:"t-7k3m9c2p5v8x1z4b"`
		Name       string `json:"name" example:"Pumps Ltd"`
		Invitation string `json:"invitation" doc:"Put behind /join?token= on this server it makes whoever opens it first the owner, once, for seven days. Shown this once and never again" example:"lwi_…"`
	}
	changeTenantIn struct {
		call
		TenantPath
		Body struct {
			Name string `json:"name" doc:"The new name" minLength:"1" example:"Pumps and Valves Ltd"`
		}
	}
	tenantLimitsIn struct {
		call
		TenantPath
		Body limitsBody
	}
	suspendTenantIn struct {
		call
		TenantPath
		Body struct {
			Reason string `json:"reason" doc:"Devices, people and keys are told" minLength:"1" example:"unpaid"`
		}
	}
	deleteTenantIn struct {
		call
		TenantPath
		Confirm string `query:"confirm" doc:"The tenant's name as it is: what is deleted cannot be brought back" required:"true" example:"Pumps Ltd"`
	}
	deletionOut struct {
		Location string `header:"Location"`
		Body     deletionBody
	}
	deletionBody struct {
		Tenant string     `json:"tenant" example:"t-7k3m9c2p5v8x1z4b"`
		Name   string     `json:"name" example:"Pumps Ltd"`
		State  string     `json:"state" doc:"deleting, or deleted when everything was removed and counted again" example:"deleting"`
		Since  time.Time  `json:"since" doc:"When it was ordered; when it was done, once it is"`
		Things []goneBody `json:"things" doc:"What there was, or was removed, and what is left of it"`
	}
	goneBody struct {
		Name   string `json:"name" example:"rows"`
		Before string `json:"before,omitempty" doc:"How many there were" example:"10000000"`
		Left   string `json:"left" example:"0"`
	}
)

func (m *management) createTenant(ctx context.Context, who visitor, in *createTenantIn) (*createTenantOut, error) {
	made, secret, err := m.api.tenants.CreateNamedTenant(ctx, who.actor, in.Body.Name, in.Body.Owner)
	if err != nil {
		return nil, err
	}
	return &createTenantOut{Location: managePrefix + "/tenants/" + string(made.ID), Body: newTenantBody{ID: string(made.ID), Name: made.Name, Invitation: secret}}, nil
}

// changed answers with a tenant after what was done to it.
func (m *management) changed(ctx context.Context, who visitor, text string, do func(id.Tenant) error) (*oneTenantOut, error) {
	found, err := m.overseen(who, text)
	if err != nil {
		return nil, err
	}
	if err := do(found.ID); err != nil {
		return nil, err
	}
	return m.oneTenant(ctx, found.ID), nil
}

func (m *management) changeTenant(ctx context.Context, who visitor, in *changeTenantIn) (*oneTenantOut, error) {
	return m.changed(ctx, who, in.Tenant, func(t id.Tenant) error { return m.api.tenants.RenameTenant(ctx, who.actor, t, in.Body.Name) })
}

func (m *management) setTenantLimits(ctx context.Context, who visitor, in *tenantLimitsIn) (*oneTenantOut, error) {
	return m.changed(ctx, who, in.Tenant, func(t id.Tenant) error {
		return m.api.tenants.SetLimits(ctx, who.actor, t, tenants.Limits(in.Body))
	})
}

func (m *management) suspendTenant(ctx context.Context, who visitor, in *suspendTenantIn) (*oneTenantOut, error) {
	return m.changed(ctx, who, in.Tenant, func(t id.Tenant) error { return m.api.tenants.SuspendTenant(ctx, who.actor, t, in.Body.Reason) })
}

func (m *management) resumeTenant(ctx context.Context, who visitor, in *oneTenantIn) (*oneTenantOut, error) {
	return m.changed(ctx, who, in.Tenant, func(t id.Tenant) error { return m.api.tenants.ResumeTenant(ctx, who.actor, t) })
}

// deleteTenant orders a deletion; ordering it again tells how far it is.
func (m *management) deleteTenant(ctx context.Context, who visitor, in *deleteTenantIn) (*deletionOut, error) {
	found, err := m.overseen(who, in.Tenant)
	if err != nil {
		return nil, err
	}
	if in.Confirm != found.Name {
		return nil, handler.Problem{
			Status: http.StatusUnprocessableEntity, Code: "not_confirmed", Title: "Not confirmed",
			Detail: "Nothing was deleted: confirm must be the name of the tenant, as it is.",
			Errors: []handler.Fault{{Parameter: "confirm", Code: "not_confirmed", Detail: "is not the name of the tenant"}},
		}.Because(nil)
	}
	counting, cancel := context.WithTimeout(ctx, tenants.CountingTimeout)
	defer cancel()
	counts, err := m.api.operation.Contents(counting, found.ID)
	if err != nil {
		m.api.log.WarnContext(ctx, "a tenant is deleted without being counted first", "tenant", found.ID, "error", err)
	}
	if err := m.api.tenants.OrderDeletion(ctx, who.actor, found.ID, counts); err != nil {
		return nil, err
	}
	return m.getDeletion(ctx, who, &oneTenantIn{TenantPath: in.TenantPath})
}

// getDeletion counts what is left, or finds in the audit what was removed.
func (m *management) getDeletion(ctx context.Context, who visitor, in *oneTenantIn) (*deletionOut, error) {
	t, err := id.Parse[id.Tenant](in.Tenant)
	if err != nil {
		return nil, fmt.Errorf("deletion: %w", tenants.ErrNotFound)
	}
	e, ok := m.api.tenants.State().Ending(t)
	if !ok {
		return m.deleted(ctx, t)
	}
	counting, cancel := context.WithTimeout(ctx, usageTimeout)
	defer cancel()
	left, err := m.api.operation.Contents(counting, t)
	if err != nil {
		return nil, err
	}
	out := &deletionOut{Location: managePrefix + "/tenants/" + string(t) + "/deletion", Body: deletionBody{Tenant: string(t), Name: e.Name, State: "deleting", Since: e.Since.UTC(), Things: []goneBody{}}}
	for _, now := range left {
		thing := goneBody{Name: now.Name, Left: fmt.Sprint(now.Number)}
		for _, was := range e.Counts {
			if was.Name == now.Name {
				thing.Before = fmt.Sprint(was.Number)
			}
		}
		out.Body.Things = append(out.Body.Things, thing)
	}
	return out, nil
}

// deleted is the proof of a deletion that is over.
func (m *management) deleted(ctx context.Context, t id.Tenant) (*deletionOut, error) {
	page, err := m.api.tenants.PlatformHistory(ctx, tenants.HistoryQuery{About: string(t), Limit: 1})
	if err != nil {
		return nil, err
	}
	if len(page.Past) == 0 || page.Past[0].Type != "tenant.erased" {
		return nil, fmt.Errorf("deletion: %w", tenants.ErrNotFound)
	}
	past := page.Past[0]
	out := &deletionOut{Body: deletionBody{Tenant: string(t), Name: past.Name, State: "deleted", Since: past.At.UTC(), Things: []goneBody{}}}
	for _, c := range past.Changes {
		out.Body.Things = append(out.Body.Things, goneBody{Name: c.What, Before: c.Before, Left: c.After})
	}
	return out, nil
}
