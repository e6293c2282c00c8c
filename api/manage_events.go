package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants"
)

// eventSpan is the range of a question for events that does not name one: they are rarer than readings.
const eventSpan = 24 * time.Hour

type (
	eventsIn struct {
		call
		Device string `query:"device" required:"true" doc:"Id of the device" example:"d-7k3m9c2p5v8x1z4b"`
		From   string `query:"from" doc:"Beginning, included, as for readings; a day before to when missing" example:"-24h"`
		To     string `query:"to" doc:"End, not included; now when missing" example:"now"`
		Limit  int    `query:"limit" doc:"How many at most" minimum:"1" maximum:"1000" default:"100"`
	}
	eventsOut struct {
		Body struct {
			Items     []eventBody `json:"items" doc:"Newest first"`
			Truncated bool        `json:"truncated" doc:"There may be older ones in the range: ask again with to at the last one's time"`
		}
	}
	eventBody struct {
		T        time.Time `json:"t" doc:"Device time"`
		Received time.Time `json:"received" doc:"When the server read it"`
		Kind     string    `json:"kind" doc:"metrics, status or logs" example:"status"`
		Name     string    `json:"name" example:"state"`
		Text     string    `json:"text" example:"idle"`
	}
	rejectedIn struct {
		call
		DevicePath
		Limit int `query:"limit" doc:"How many at most" minimum:"1" maximum:"100" default:"20"`
	}
	rejectedOut struct {
		Body struct {
			Items []rejectedBody `json:"items" doc:"Newest first"`
		}
	}
	rejectedBody struct {
		Received time.Time `json:"received"`
		Index    int       `json:"index" doc:"Position of the packet in its request, from 0"`
		Pointer  string    `json:"pointer,omitempty" example:"/0/values/temp"`
		Code     string    `json:"code"`
		Detail   string    `json:"detail"`
		Raw      string    `json:"raw,omitempty" doc:"The packet as it came, or its beginning"`
		Cut      bool      `json:"cut,omitempty" doc:"It is only the beginning"`
	}
)

func (m *management) mountEvents() {
	register(m, describe(http.MethodGet, "/events", "get-events", "Text values, status changes and log lines", tenants.ViewDevices), m.getEvents)
	register(m, describe(http.MethodGet, "/devices/{device}/rejected", "get-rejected", "Packets that were refused, and why", tenants.ViewDevices), m.getRejected)
}

func (m *management) getEvents(ctx context.Context, who visitor, in *eventsIn) (*eventsOut, error) {
	device, err := m.deviceOf(who, in.Device)
	if err != nil {
		return nil, err
	}
	s, err := spanOf(in.From, in.To, m.api.now(), eventSpan)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	events, err := m.api.readings(who.tenant).Events(ctx, telemetry.EventQuery{
		Device: device.ID, From: s.from, To: s.to, Limit: in.Limit,
	})
	if err != nil {
		return nil, unreadable(err)
	}
	out := &eventsOut{}
	out.Body.Truncated = len(events) == in.Limit
	out.Body.Items = make([]eventBody, len(events))
	for i, e := range events {
		out.Body.Items[i] = eventBody{
			T: e.Time.Time(), Received: e.Received.Time(), Kind: e.Kind.String(), Name: e.Name, Text: e.Text,
		}
	}
	return out, nil
}

func (m *management) getRejected(ctx context.Context, who visitor, in *rejectedIn) (*rejectedOut, error) {
	device, err := m.deviceOf(who, in.Device)
	if err != nil {
		return nil, err
	}
	packets, err := m.api.accept.Rejected(ctx, who.tenant, device.ID, in.Limit)
	if err != nil {
		return nil, fmt.Errorf("rejected packets: %w", err)
	}
	out := &rejectedOut{}
	out.Body.Items = make([]rejectedBody, len(packets))
	for i, p := range packets {
		out.Body.Items[i] = rejectedBody{
			Received: p.Received.Time(), Index: p.Index, Pointer: p.Pointer, Code: p.Code, Detail: p.Detail, Raw: p.Raw, Cut: p.Cut,
		}
	}
	return out, nil
}
