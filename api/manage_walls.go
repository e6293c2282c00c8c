package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"longwave/tenants"
	"longwave/tenants/id"
)

// WallBody is an unattended screen as scripts see it.
type WallBody struct {
	ID           id.Wall        `json:"id" example:"m-7k3m9c2p5v8x1z4b"`
	Name         string         `json:"name" example:"Hall 2, north"`
	Dashboards   []id.Dashboard `json:"dashboards" doc:"What it shows; more than one in turn" example:"[\"b-7k3m9c2p5v8x1z4b\"]"`
	Seconds      int            `json:"seconds" doc:"How long each dashboard of several is shown" example:"30"`
	PauseOnAlert bool           `json:"pause_on_alert" doc:"Whether it stays on a dashboard while an alert is open"`
	Zoom         int            `json:"zoom" doc:"Of everything on it, in per cent" example:"100"`
	Zone         string         `json:"zone,omitempty" doc:"Time zone of its clock; the screen's own when missing" example:"Europe/Berlin"`
	Light        bool           `json:"light,omitempty" doc:"Whether it has dark letters on a light ground"`
	Created      time.Time      `json:"created" doc:"When it was paired"`
	Seen         time.Time      `json:"seen,omitzero" doc:"When it last said that it is there, half a minute coarse; missing when it never did" example:"2026-11-20T10:00:00Z"`
	Page         id.Dashboard   `json:"page,omitempty" doc:"Which dashboard it showed by then" example:"b-7k3m9c2p5v8x1z4b"`
	Version      string         `json:"version,omitempty" doc:"Version of the program that its page came from" example:"1.4.0"`
	Width        int            `json:"width,omitempty" doc:"Pixels" example:"1920"`
	Height       int            `json:"height,omitempty" doc:"Pixels" example:"1080"`
}

type (
	listWallsIn  struct{ call }
	listWallsOut struct {
		Body struct {
			Items []WallBody `json:"items" doc:"By name"`
		}
	}
	wallIn struct {
		call
		Wall string `path:"wall" doc:"Id of the screen" example:"m-7k3m9c2p5v8x1z4b"`
	}
	pairWallIn struct {
		call
		Body struct {
			Code         string         `json:"code" doc:"What the screen shows; it works once, for ten minutes" example:"7F3K-92QD"`
			Name         string         `json:"name" example:"Hall 2, north"`
			Dashboards   []id.Dashboard `json:"dashboards" example:"[\"b-7k3m9c2p5v8x1z4b\"]"`
			Seconds      int            `json:"seconds,omitempty" doc:"30 when missing"`
			PauseOnAlert bool           `json:"pause_on_alert,omitempty"`
			Zoom         int            `json:"zoom,omitempty" doc:"100 when missing"`
			Zone         string         `json:"zone,omitempty" example:"Europe/Berlin"`
			Light        bool           `json:"light,omitempty"`
		}
	}
	changeWallIn struct {
		call
		Wall string `path:"wall" doc:"Id of the screen" example:"m-7k3m9c2p5v8x1z4b"`
		Body struct {
			Name         *string         `json:"name,omitempty" example:"Hall 2, south"`
			Dashboards   *[]id.Dashboard `json:"dashboards,omitempty"`
			Seconds      *int            `json:"seconds,omitempty"`
			PauseOnAlert *bool           `json:"pause_on_alert,omitempty"`
			Zoom         *int            `json:"zoom,omitempty" example:"125"`
			Zone         *string         `json:"zone,omitempty"`
			Light        *bool           `json:"light,omitempty"`
		}
	}
	askWallIn struct {
		call
		Wall string `path:"wall" doc:"Id of the screen" example:"m-7k3m9c2p5v8x1z4b"`
		Body struct {
			What tenants.WallRequest `json:"what" doc:"identify: show its name for some seconds; reload: load its page again" enum:"identify,reload" example:"identify"`
		}
	}
	oneWallOut struct{ Body WallBody }
)

func (m *management) mountWalls() {
	const one = "/walls/{wall}"
	register(m, describe(http.MethodGet, "/walls", "list-walls", "List unattended screens", tenants.View), m.listWalls)
	pair := describe(http.MethodPost, "/walls", "pair-wall", "Pair the screen that shows a code", tenants.EditWalls)
	pair.DefaultStatus = http.StatusCreated
	register(m, pair, m.pairWall)
	register(m, describe(http.MethodGet, one, "get-wall", "Look at an unattended screen", tenants.View), m.getWall)
	register(m, describe(http.MethodPatch, one, "change-wall", "Change what a screen is called and what it shows", tenants.EditWalls), m.changeWall)
	register(m, describe(http.MethodPost, one+"/ask", "ask-wall", "Have a screen show its name, or load its page again", tenants.EditWalls), m.askWall)
	register(m, describe(http.MethodDelete, one, "revoke-wall", "Revoke a screen at once", tenants.EditWalls), m.revokeWall)
}

func wallBody(w tenants.Wall, said tenants.WallReport) WallBody {
	return WallBody{
		ID: w.ID, Name: w.Name, Dashboards: w.Dashboards, Seconds: w.Seconds, PauseOnAlert: w.PauseOnAlert, Zoom: w.Zoom, Zone: w.Zone, Light: w.Light,
		Created: w.Created, Seen: said.At, Page: said.Page, Version: said.Version, Width: said.Width, Height: said.Height,
	}
}

// wallOf finds a screen of the visitor's tenant; one of another tenant, and text that is no id, give the same tenants.ErrNotFound.
func (m *management) wallOf(who visitor, text string) (tenants.Wall, error) {
	w, err := id.Parse[id.Wall](text)
	if err != nil {
		return tenants.Wall{}, fmt.Errorf("wall: %w", tenants.ErrNotFound)
	}
	found, ok := m.api.tenants.State().Wall(who.tenant, w)
	if !ok {
		return tenants.Wall{}, fmt.Errorf("wall: %w", tenants.ErrNotFound)
	}
	return found, nil
}

// reported is a screen with what it last said.
func (m *management) reported(ctx context.Context, who visitor, w tenants.Wall) (*oneWallOut, error) {
	reports, err := m.api.tenants.WallReports(ctx, who.tenant)
	if err != nil {
		return nil, err
	}
	return &oneWallOut{Body: wallBody(w, reports[w.ID])}, nil
}

func (m *management) listWalls(ctx context.Context, who visitor, _ *listWallsIn) (*listWallsOut, error) {
	reports, err := m.api.tenants.WallReports(ctx, who.tenant)
	if err != nil {
		return nil, err
	}
	out := &listWallsOut{}
	out.Body.Items = []WallBody{}
	for _, w := range m.api.tenants.State().Walls(who.tenant) {
		out.Body.Items = append(out.Body.Items, wallBody(w, reports[w.ID]))
	}
	return out, nil
}

func (m *management) pairWall(ctx context.Context, who visitor, in *pairWallIn) (*oneWallOut, error) {
	b := in.Body
	made, err := m.api.tenants.PairWall(ctx, who.actor, who.tenant, b.Code, tenants.WallSettings{
		Name: b.Name, Dashboards: b.Dashboards, Seconds: b.Seconds, PauseOnAlert: b.PauseOnAlert, Zoom: b.Zoom, Zone: b.Zone, Light: b.Light,
	})
	if err != nil {
		return nil, err
	}
	return &oneWallOut{Body: wallBody(made, tenants.WallReport{})}, nil
}

func (m *management) getWall(ctx context.Context, who visitor, in *wallIn) (*oneWallOut, error) {
	found, err := m.wallOf(who, in.Wall)
	if err != nil {
		return nil, err
	}
	return m.reported(ctx, who, found)
}

func (m *management) changeWall(ctx context.Context, who visitor, in *changeWallIn) (*oneWallOut, error) {
	found, err := m.wallOf(who, in.Wall)
	if err != nil {
		return nil, err
	}
	b, next := in.Body, found.WallSettings
	replace(&next.Name, b.Name)
	replace(&next.Dashboards, b.Dashboards)
	replace(&next.Seconds, b.Seconds)
	replace(&next.PauseOnAlert, b.PauseOnAlert)
	replace(&next.Zoom, b.Zoom)
	replace(&next.Zone, b.Zone)
	replace(&next.Light, b.Light)
	changed, err := m.api.tenants.ChangeWall(ctx, who.actor, who.tenant, found.ID, next)
	if err != nil {
		return nil, err
	}
	return m.reported(ctx, who, changed)
}

// replace takes what was said; nil leaves it as it is.
func replace[T any](to, said *T) {
	if said != nil {
		*to = *said
	}
}

func (m *management) askWall(ctx context.Context, who visitor, in *askWallIn) (*oneWallOut, error) {
	found, err := m.wallOf(who, in.Wall)
	if err != nil {
		return nil, err
	}
	asked, err := m.api.tenants.AskWall(ctx, who.actor, who.tenant, found.ID, in.Body.What)
	if err != nil {
		return nil, err
	}
	return m.reported(ctx, who, asked)
}

func (m *management) revokeWall(ctx context.Context, who visitor, in *wallIn) (*struct{}, error) {
	found, err := m.wallOf(who, in.Wall)
	if err != nil {
		return nil, err
	}
	return nil, m.api.tenants.RevokeWall(ctx, who.actor, who.tenant, found.ID)
}
