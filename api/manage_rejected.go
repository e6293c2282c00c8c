package api

import (
	"context"
	"net/http"
	"time"

	"longwave/ingest/telemetry"
	"longwave/processors/replay"
	"longwave/tenants"
	"longwave/tenants/id"
)

// WorkList is the rejected packets of a tenant. Neither call changes anything.
type WorkList interface {
	Groups(ctx context.Context, t id.Tenant, f replay.Filter, by string) (replay.List, error)
	Try(ctx context.Context, t id.Tenant, f replay.Filter) (replay.Trial, error)
}

// RejectedFilter selects rejected packets. It is exported because huma passes over embedded types that are not.
type RejectedFilter struct {
	Device  string `json:"device,omitempty" query:"device" doc:"Only of this device" example:"d-7k3m9c2p5v8x1z4b"`
	Label   string `json:"label,omitempty" query:"label" doc:"Only of devices whose label of this name has the text in value" example:"site"`
	Value   string `json:"value,omitempty" query:"value" doc:"Text of the label; empty for devices without it" example:"plant-2"`
	Site    string `json:"site,omitempty" query:"site" doc:"Only of devices with this very site" example:"plant-2/line-4"`
	Profile string `json:"profile,omitempty" query:"profile" doc:"Only of devices with this profile" example:"pump"`
	Code    string `json:"code,omitempty" query:"code" doc:"Only with this code" example:"value_type"`
	Cause   string `json:"cause,omitempty" query:"cause" doc:"Only with this cause, as a group names it" example:"value_type /values/temp"`
	From    string `json:"from,omitempty" query:"from" doc:"Only what came then or later, as for readings" example:"-7d"`
	To      string `json:"to,omitempty" query:"to" doc:"Only what came before" example:"now"`
}

func (f *RejectedFilter) filter(now time.Time) (out replay.Filter, err error) {
	out = replay.Filter{Label: f.Label, Value: f.Value, Code: f.Code, Cause: f.Cause}
	if f.Site != "" {
		out.Site = &f.Site
	}
	if f.Profile != "" {
		out.Profile = &f.Profile
	}
	if f.Device != "" {
		if out.Device, err = id.Parse[id.Device](f.Device); err != nil {
			return out, badParameter("device", "is no id of a device")
		}
	}
	out.From, out.To, err = openSpan([2]string{"from", f.From}, [2]string{"to", f.To}, now)
	return out, err
}

// openSpan reads a range of which either end may be missing. Each end comes as its name and its text.
func openSpan(from, to [2]string, now time.Time) (a, b telemetry.Micros, err error) {
	for i, end := range [][2]string{from, to} {
		if end[1] == "" {
			continue
		}
		at, err := when(end[1], now)
		if err != nil {
			return 0, 0, badTime(end[0], err)
		}
		*[]*telemetry.Micros{&a, &b}[i] = telemetry.At(at)
	}
	return a, b, nil
}

type (
	workListIn struct {
		call
		RejectedFilter
		By string `query:"by" doc:"What groups are made of beside the cause: nothing, device, site, profile, or label: and the name of a label" example:"label:site"`
	}
	workListOut struct {
		Body struct {
			Items   []rejectedGroup `json:"items" doc:"Groups with one cause, the one that was seen last first"`
			Packets int             `json:"packets" doc:"How many packets were selected" example:"412"`
			Cut     int             `json:"cut" doc:"How many of them were not kept whole and cannot be sent again" example:"0"`
			More    bool            `json:"more" doc:"There are more groups than are listed: use a filter"`
			Through uint64          `json:"through" doc:"Names the newest packet that was looked at: give it to re-drive these and none that came later"`
		}
	}
	rejectedGroup struct {
		Cause   string           `json:"cause" doc:"For the filter of the same name" example:"value_type /values/temp"`
		Code    string           `json:"code" example:"value_type"`
		Pointer string           `json:"pointer,omitempty" example:"/values/temp"`
		Detail  string           `json:"detail" doc:"Of the newest"`
		Of      string           `json:"of,omitempty" doc:"Name of the device, site or profile, or text of the label, when grouped by these" example:"plant-2"`
		Device  string           `json:"device,omitempty" example:"d-7k3m9c2p5v8x1z4b"`
		Count   int              `json:"count" example:"412"`
		Cut     int              `json:"cut" example:"0"`
		Devices int              `json:"devices" doc:"How many devices they are of" example:"3"`
		First   time.Time        `json:"first"`
		Last    time.Time        `json:"last"`
		Samples []rejectedSample `json:"samples" doc:"A few, newest first"`
	}
	rejectedSample struct {
		Device   string    `json:"device" example:"d-7k3m9c2p5v8x1z4b"`
		Received time.Time `json:"received"`
		Raw      string    `json:"raw" doc:"The packet as it came, as far as it is kept"`
	}
	trialIn struct {
		call
		Body struct{ RejectedFilter }
	}
	trialOut struct {
		Body struct {
			Packets  int           `json:"packets" doc:"How many packets were selected" example:"412"`
			Accepted int           `json:"accepted" doc:"How many of them would be accepted now" example:"409"`
			Refused  int           `json:"refused" example:"3"`
			Reasons  []trialReason `json:"reasons" doc:"Why the others would be refused, the most frequent first"`
			Through  uint64        `json:"through" doc:"Give it to re-drive exactly these"`
		}
	}
	trialReason struct {
		Code   string         `json:"code" example:"value_type"`
		Detail string         `json:"detail"`
		Count  int            `json:"count" example:"3"`
		Sample rejectedSample `json:"sample"`
	}
	rejectedJobIn struct {
		call
		Body struct {
			RejectedFilter
			Through uint64 `json:"through,omitempty" doc:"From a preview or a list: nothing that was rejected later; everything until now when missing"`
			Rate    int    `json:"rate,omitempty" doc:"Packets per second, at most 1000; 100 when missing" example:"100"`
		}
	}
)

func (m *management) mountRejected() {
	register(m, describe(http.MethodGet, "/rejected", "list-rejected", "Rejected packets of all devices by cause", tenants.View), m.listRejected)
	register(m, describe(http.MethodPost, "/rejected/preview", "preview-redrive", "What a re-drive would come to", tenants.View), m.previewRedrive)
	for _, o := range []struct {
		path, name, summary string
		kind                replay.Kind
	}{
		{"/rejected/redrive", "redrive-rejected", "Send rejected packets through the front door again", replay.Redrive},
		{"/rejected/dismiss", "dismiss-rejected", "Remove rejected packets from the work list", replay.Dismiss},
	} {
		op := describe(http.MethodPost, o.path, o.name, o.summary, tenants.ReplayPackets)
		op.DefaultStatus = http.StatusAccepted
		register(m, op, func(ctx context.Context, who visitor, in *rejectedJobIn) (*replayOut, error) {
			filter, err := in.Body.filter(m.api.now())
			if err != nil {
				return nil, err
			}
			filter.Through = in.Body.Through
			return m.startJob(ctx, who, replay.Order{Kind: o.kind, Filter: filter, Rate: in.Body.Rate})
		})
	}
}

func (m *management) listRejected(ctx context.Context, who visitor, in *workListIn) (*workListOut, error) {
	filter, err := in.filter(m.api.now())
	if err != nil {
		return nil, err
	}
	if err := m.noted(ctx, who, tenants.ReadRejected); err != nil {
		return nil, err
	}
	list, err := m.api.workList.Groups(ctx, who.tenant, filter, in.By)
	if err != nil {
		return nil, err
	}
	out := &workListOut{}
	out.Body.Packets, out.Body.Cut, out.Body.More, out.Body.Through = list.Packets, list.Cut, list.More, list.Through
	out.Body.Items = make([]rejectedGroup, len(list.Groups))
	for i, g := range list.Groups {
		out.Body.Items[i] = rejectedGroup{
			Cause: g.Cause, Code: g.Code, Pointer: g.Pointer, Detail: g.Detail, Of: g.Name, Device: string(g.Device), Count: g.Count, Cut: g.Cut,
			Devices: g.Devices, First: g.First.Time(), Last: g.Last.Time(), Samples: samplesOf(g.Samples),
		}
	}
	return out, nil
}

func samplesOf(list []replay.Sample) []rejectedSample {
	out := make([]rejectedSample, len(list))
	for i, s := range list {
		out[i] = rejectedSample{Device: string(s.Device), Received: s.Received.Time(), Raw: s.Raw}
	}
	return out
}

func (m *management) previewRedrive(ctx context.Context, who visitor, in *trialIn) (*trialOut, error) {
	filter, err := in.Body.filter(m.api.now())
	if err != nil {
		return nil, err
	}
	if err := m.noted(ctx, who, tenants.ReadRejected); err != nil {
		return nil, err
	}
	trial, err := m.api.workList.Try(ctx, who.tenant, filter)
	if err != nil {
		return nil, err
	}
	out := &trialOut{}
	out.Body.Packets, out.Body.Accepted, out.Body.Refused, out.Body.Through = trial.Packets, trial.Accepted, trial.Refused, trial.Through
	out.Body.Reasons = make([]trialReason, len(trial.Reasons))
	for i, r := range trial.Reasons {
		out.Body.Reasons[i] = trialReason{Code: r.Code, Detail: r.Detail, Count: r.Count, Sample: samplesOf([]replay.Sample{r.Sample})[0]}
	}
	return out, nil
}
