package api

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"longwave/tenants"
)

// DeviceBody is a device as scripts see it. It is exported because huma passes over embedded types that are not.
type DeviceBody struct {
	ID       string            `json:"id" doc:"Unique within the installation" example:"d-7k3m9c2p5v8x1z4b"`
	Name     string            `json:"name" example:"pump-7"`
	Labels   map[string]string `json:"labels" example:"{\"site\":\"plant-2\"}"`
	Created  time.Time         `json:"created" doc:"When it was registered"`
	Disabled bool              `json:"disabled" doc:"Packets of a disabled device are refused with 403"`
	Interval string            `json:"interval,omitempty" doc:"Expected time between packets; missing when it is learned" example:"30s"`
	Site     string            `json:"site,omitempty" doc:"Where it is, from the widest to the narrowest" example:"plant-2/line-4"`
	Profile  string            `json:"profile,omitempty" doc:"Its type" example:"pump"`
	Tokens   []tokenBody       `json:"tokens" doc:"The public halves of its valid tokens, newest first"`
}

// tokenBody is the half of a token that is not secret.
type tokenBody struct {
	Prefix  string     `json:"prefix" doc:"Beginning of the token" example:"lwd_7k3m9c2p5v8x1z4b"`
	Created time.Time  `json:"created"`
	Expires *time.Time `json:"expires,omitempty" doc:"When a replaced token stops working"`
}

// newDeviceBody is a device with its token, which is told this once.
type newDeviceBody struct {
	DeviceBody
	Token string `json:"token" doc:"Shown this once and never again" example:"lwd_7k3m9c2p5v8x1z4b_…"`
}

// DevicePath is the part of an address that names a device. It is exported because huma looks at nothing else.
type DevicePath struct {
	Device string `path:"device" doc:"Id of the device" example:"d-7k3m9c2p5v8x1z4b"`
}

type (
	createDeviceIn struct {
		call
		Body struct {
			Name     string            `json:"name" doc:"Unique in the tenant, 1 to 100 characters" minLength:"1" example:"pump-7"`
			Labels   map[string]string `json:"labels,omitempty" doc:"At most 16" example:"{\"site\":\"plant-2\"}"`
			Interval string            `json:"interval,omitempty" doc:"Expected time between packets (30s, 5m, 1h); it is learned when missing" example:"30s"`
			Site     string            `json:"site,omitempty" doc:"A path with single slashes" example:"plant-2/line-4"`
			Profile  string            `json:"profile,omitempty" doc:"Its type, in your own word" example:"pump"`
		}
	}
	createDeviceOut struct {
		Location string `header:"Location"`
		Body     newDeviceBody
	}
	listDevicesIn struct {
		call
		Limit   int    `query:"limit" doc:"How many at most" minimum:"1" maximum:"500" default:"100"`
		Cursor  string `query:"cursor" doc:"The next of the page before"`
		Q       string `query:"q" doc:"Anywhere in name, id, site, profile or a label as name=text" example:"pump"`
		State   string `query:"state" doc:"Only these" enum:"enabled,disabled"`
		Site    string `query:"site" doc:"Only at this site or below it" example:"plant-2"`
		Profile string `query:"profile" doc:"Only of this profile" example:"pump"`
	}
	listDevicesOut struct {
		Link string `header:"Link"`
		Body struct {
			Items []DeviceBody `json:"items"`
			Next  string       `json:"next" doc:"Cursor of the next page; empty on the last one"`
		}
	}
	oneDeviceIn struct {
		call
		DevicePath
	}
	oneDeviceOut   struct{ Body DeviceBody }
	changeDeviceIn struct {
		call
		DevicePath
		Body struct {
			Name     *string             `json:"name,omitempty" doc:"The new name" minLength:"1" example:"pump-8"`
			Labels   *map[string]*string `json:"labels,omitempty" doc:"Labels to set; null removes one, others stay" example:"{\"site\":\"plant-3\"}"`
			Interval *string             `json:"interval,omitempty" doc:"Expected time between packets (30s, 5m, 1h); empty to have it learned" example:"1m"`
			Site     *string             `json:"site,omitempty" doc:"The new site; empty for none" example:"plant-2/line-5"`
			Profile  *string             `json:"profile,omitempty" doc:"The new profile; empty for none" example:"pump"`
			Disabled *bool               `json:"disabled,omitempty" doc:"Whether its packets are refused" example:"true"`
		} `contentType:"application/merge-patch+json"`
	}
	rotateTokenIn struct {
		call
		DevicePath
		Body *struct {
			Overlap string `json:"overlap,omitempty" doc:"How long the replaced token stays valid (1h, 7d; at most 45d); not at all when missing" example:"1h"`
		} `required:"false"`
	}
	rotateTokenOut struct {
		Body struct {
			Token string `json:"token" doc:"Shown this once and never again" example:"lwd_7k3m9c2p5v8x1z4b_…"`
		}
	}
)

func (m *management) mountDevices() {
	create := describe(http.MethodPost, "/devices", "create-device", "Register a device", tenants.EditDevices)
	create.DefaultStatus = http.StatusCreated
	register(m, create, m.createDevice)
	register(m, describe(http.MethodGet, "/devices", "list-devices", "List devices by name", tenants.ViewDevices), m.listDevices)
	register(m, describe(http.MethodGet, "/devices/{device}", "get-device", "Look at a device", tenants.ViewDevices), m.getDevice)
	register(m, describe(http.MethodPatch, "/devices/{device}", "change-device", "Change a device", tenants.EditDevices), m.changeDevice)
	register(m, describe(http.MethodDelete, "/devices/{device}", "delete-device", "Delete a device and all its data", tenants.DeleteDevices), m.deleteDevice)
	register(m, describe(http.MethodPost, "/devices/{device}/token", "rotate-token", "Replace a device's token", tenants.RotateTokens), m.rotateToken)
}

// describe is an operation under managePrefix.
func describe(method, path, name, summary string, action tenants.Action) operation {
	return operation{action: action, Operation: huma.Operation{
		OperationID: name, Method: method, Path: managePrefix + path, Summary: summary, Tags: []string{"Management"},
	}}
}

func (m *management) createDevice(ctx context.Context, who visitor, in *createDeviceIn) (*createDeviceOut, error) {
	interval, err := interval(in.Body.Interval)
	if err != nil {
		return nil, err
	}
	if err := who.keeps(tenants.Device{Labels: in.Body.Labels, Site: in.Body.Site, Profile: in.Body.Profile}); err != nil {
		return nil, err
	}
	device, token, err := m.api.tenants.CreateDevice(ctx, who.actor, who.tenant, tenants.NewDevice{
		Name: in.Body.Name, Labels: in.Body.Labels, Interval: interval, Site: in.Body.Site, Profile: in.Body.Profile,
	})
	if err != nil {
		return nil, err
	}
	return &createDeviceOut{
		Location: managePrefix + "/devices/" + string(device.ID),
		Body:     newDeviceBody{DeviceBody: bodyOf(device), Token: token},
	}, nil
}

func (m *management) listDevices(_ context.Context, who visitor, in *listDevicesIn) (*listDevicesOut, error) {
	filter := map[string]tenants.DeviceFilter{"enabled": tenants.EnabledDevices, "disabled": tenants.DisabledDevices}[in.State]
	page, err := m.api.tenants.State().DevicesPage(who.tenant, tenants.DeviceQuery{
		Search: in.Q, Filter: filter, Site: in.Site, Profile: in.Profile, Cursor: in.Cursor, Limit: in.Limit, Scope: who.principal.Scope(),
	})
	var wrong *tenants.InvalidError
	if errors.As(err, &wrong) {
		return nil, badParameter(wrong.Field, wrong.Detail)
	}
	if err != nil {
		return nil, err
	}
	out := &listDevicesOut{Link: nextLink(who.request.URL, page.Next)}
	out.Body.Next, out.Body.Items = page.Next, make([]DeviceBody, len(page.Devices))
	for i, device := range page.Devices {
		out.Body.Items[i] = bodyOf(device)
	}
	return out, nil
}

func (m *management) getDevice(_ context.Context, who visitor, in *oneDeviceIn) (*oneDeviceOut, error) {
	device, err := m.deviceOf(who, in.Device)
	if err != nil {
		return nil, err
	}
	return &oneDeviceOut{Body: bodyOf(device)}, nil
}

// changeDevice makes all changes that are asked for, or none.
func (m *management) changeDevice(ctx context.Context, who visitor, in *changeDeviceIn) (*oneDeviceOut, error) {
	device, err := m.deviceOf(who, in.Device)
	if err != nil {
		return nil, err
	}
	change := tenants.DeviceChange{Name: in.Body.Name, Disabled: in.Body.Disabled, Site: in.Body.Site, Profile: in.Body.Profile}
	if in.Body.Labels != nil {
		merged := merge(device.Labels, *in.Body.Labels)
		change.Labels = &merged
	}
	if in.Body.Interval != nil {
		expected, err := interval(*in.Body.Interval)
		if err != nil {
			return nil, err
		}
		change.Interval = &expected
	}
	if err := who.keeps(changed(device, change)); err != nil {
		return nil, err
	}
	device, err = m.api.tenants.ChangeDevice(ctx, who.actor, who.tenant, device.ID, change)
	if err != nil {
		return nil, err
	}
	return &oneDeviceOut{Body: bodyOf(device)}, nil
}

// keeps refuses what would put a device where the visitor's key does not reach.
func (v visitor) keeps(d tenants.Device) error {
	if !v.principal.Sees(d) {
		return fmt.Errorf("%w: the device would be outside of its scope", tenants.ErrKeyLimited)
	}
	return nil
}

// changed is a device as it will be, as far as a scope looks at it.
func changed(d tenants.Device, c tenants.DeviceChange) tenants.Device {
	if c.Labels != nil {
		d.Labels = *c.Labels
	}
	if c.Site != nil {
		d.Site = *c.Site
	}
	if c.Profile != nil {
		d.Profile = *c.Profile
	}
	return d
}

// merge is RFC 7396 for labels: null removes, everything else sets.
func merge(labels map[string]string, patch map[string]*string) map[string]string {
	merged := maps.Clone(labels)
	if merged == nil {
		merged = map[string]string{}
	}
	for name, value := range patch {
		if value == nil {
			delete(merged, name)
		} else {
			merged[name] = *value
		}
	}
	return merged
}

func (m *management) deleteDevice(ctx context.Context, who visitor, in *oneDeviceIn) (*struct{}, error) {
	device, err := m.deviceOf(who, in.Device)
	if err == nil {
		err = m.api.tenants.DeleteDevice(ctx, who.actor, who.tenant, device.ID)
	}
	if err != nil {
		return nil, err
	}
	return nil, nil // how huma is told to say 204
}

func (m *management) rotateToken(ctx context.Context, who visitor, in *rotateTokenIn) (*rotateTokenOut, error) {
	device, err := m.deviceOf(who, in.Device)
	if err != nil {
		return nil, err
	}
	var overlap time.Duration
	if in.Body != nil && in.Body.Overlap != "" {
		if overlap, err = duration(in.Body.Overlap); err != nil {
			return nil, &tenants.InvalidError{Field: "overlap", Detail: "is no length of time, want 1h, 7d or the like"}
		}
	}
	token, err := m.api.tenants.RotateToken(ctx, who.actor, who.tenant, device.ID, overlap)
	if err != nil {
		return nil, err
	}
	out := &rotateTokenOut{}
	out.Body.Token = token
	return out, nil
}

func interval(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := duration(text)
	if err != nil {
		return 0, fmt.Errorf("%w", &tenants.InvalidError{Field: "interval", Detail: "is no length of time, want 30s, 5m, 1h or the like"})
	}
	return d, nil
}

func bodyOf(d tenants.Device) DeviceBody {
	body := DeviceBody{
		ID: string(d.ID), Name: d.Name, Labels: d.Labels, Site: d.Site, Profile: d.Profile, Created: d.Created.UTC(), Disabled: d.Disabled, Tokens: []tokenBody{},
	}
	if body.Labels == nil {
		body.Labels = map[string]string{}
	}
	if d.Interval > 0 {
		body.Interval = d.Interval.String()
	}
	for _, t := range d.Tokens {
		token := tokenBody{Prefix: t.Prefix(), Created: t.Created.UTC()}
		if !t.Expires.IsZero() {
			expires := t.Expires.UTC()
			token.Expires = &expires
		}
		body.Tokens = append(body.Tokens, token)
	}
	return body
}

// nextLink is the Link header to the next page: the same question with another cursor. "" on the last page.
func nextLink(asked *url.URL, cursor string) string {
	if cursor == "" {
		return ""
	}
	query := asked.Query()
	query.Set("cursor", cursor)
	next := url.URL{Path: asked.Path, RawQuery: query.Encode()}
	return "<" + next.String() + `>; rel=` + strconv.Quote("next")
}
