package api

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"longwave/ingest/telemetry"
	"longwave/processors/replay"
	"longwave/tenants"
	"longwave/tenants/id"
)

// Jobs starts, lists and cancels work on packets that are here already.
type Jobs interface {
	Start(context.Context, tenants.Actor, id.Tenant, replay.Order) (replay.Job, error)
	Cancel(context.Context, id.Tenant, id.Job) (replay.Job, error)
	Jobs(context.Context, id.Tenant) ([]replay.Job, error)
	Job(ctx context.Context, t id.Tenant, job string) (replay.Job, error)
}

type (
	startReplayIn struct {
		call
		Body struct {
			Kind     string `json:"kind,omitempty" doc:"preview, which writes nothing, when missing; store to store the packets again and roll them up; forward to send them to a destination; route to forward them as the routing rules say now" enum:"preview,store,forward,route" example:"store"`
			Device   string `json:"device,omitempty" doc:"Only of this device" example:"d-7k3m9c2p5v8x1z4b"`
			Label    string `json:"label,omitempty" doc:"Only of devices whose label of this name has the text in value" example:"site"`
			Value    string `json:"value,omitempty" doc:"Text of the label" example:"plant-2"`
			Site     string `json:"site,omitempty" doc:"Only of devices at this site or below it" example:"plant-2"`
			Profile  string `json:"profile,omitempty" doc:"Only of devices with this profile" example:"pump"`
			From     string `json:"from,omitempty" doc:"What its lane took then or later, as for readings; everything that is kept when missing" example:"-6h"`
			To       string `json:"to,omitempty" doc:"What its lane took before; now when missing" example:"now"`
			SentFrom string `json:"sent_from,omitempty" doc:"Of these, only packets with this device time or a later one" example:"2026-11-20T10:00:00Z"`
			SentTo   string `json:"sent_to,omitempty" doc:"Of these, only packets with an earlier device time" example:"2026-11-20T11:00:00Z"`
			Rate     int    `json:"rate,omitempty" doc:"Packets per second: at most 50000, 5000 when missing; for forward at most 2000, 100 when missing" example:"5000"`

			Destination string `json:"destination,omitempty" doc:"Where the packets go; for forward, and for nothing else" example:"o-7k3m9c2p5v8x1z4b"`
		}
	}
	listReplaysOut struct {
		Body struct {
			Items []replayBody `json:"items" doc:"The latest jobs, newest first"`
		}
	}
	listReplaysIn struct{ call }
	oneReplayIn   struct {
		call
		Replay string `path:"replay" doc:"Id of the job" example:"j-7k3m9c2p5v8x1z4b"`
	}
	replayOut  struct{ Body replayBody }
	replayBody struct {
		ID          string         `json:"id" example:"j-7k3m9c2p5v8x1z4b"`
		Kind        string         `json:"kind" doc:"redrive, dismiss, preview, store, forward or route" example:"store"`
		State       string         `json:"state" doc:"waiting, running, done, cancelled or failed" example:"running"`
		Problem     string         `json:"problem,omitempty" doc:"Why it waits or failed"`
		By          string         `json:"by" doc:"Who asked for it" example:"Ada"`
		Rate        int            `json:"rate" doc:"Packets per second" example:"5000"`
		Created     time.Time      `json:"created"`
		Began       *time.Time     `json:"began,omitempty"`
		Ended       *time.Time     `json:"ended,omitempty"`
		SecondsLeft *int           `json:"seconds_left,omitempty" doc:"Estimated, while it runs" example:"42"`
		Progress    replayProgress `json:"progress"`
	}
	replayProgress struct {
		Total     uint64           `json:"total" doc:"Messages of the lanes, or rejected packets, that there are to read"`
		Read      uint64           `json:"read"`
		Packets   uint64           `json:"packets" doc:"Packets of the lanes that were selected"`
		Bytes     uint64           `json:"bytes" doc:"Of the messages that hold them"`
		Devices   uint64           `json:"devices" doc:"How many devices they are of; of a preview only"`
		Stored    uint64           `json:"stored" doc:"Packets that are where they should be"`
		Queued    uint64           `json:"queued" doc:"Packets that are on the queue of the destination"`
		Refused   uint64           `json:"refused" doc:"Packets that were refused again"`
		Dismissed uint64           `json:"dismissed"`
		Dropped   uint64           `json:"dropped" doc:"Packets of devices that do not exist any more"`
		Damaged   uint64           `json:"damaged" doc:"Messages that cannot be read"`
		First     *time.Time       `json:"first,omitempty" doc:"Oldest device time"`
		Last      *time.Time       `json:"last,omitempty" doc:"Newest device time"`
		Samples   []rejectedSample `json:"samples" doc:"A few packets; of a preview only"`
	}
)

func (m *management) mountReplays() {
	register(m, describe(http.MethodGet, "/replays", "list-replays", "Jobs on rejected packets and on packets of the lanes", tenants.View), m.listReplays)
	start := describe(http.MethodPost, "/replays", "start-replay", "Replay packets that the lanes keep", tenants.ReplayPackets)
	start.DefaultStatus = http.StatusAccepted
	register(m, start, m.startReplay)
	register(m, describe(http.MethodGet, "/replays/{replay}", "get-replay", "Look at a job", tenants.View), m.getReplay)
	register(m, describe(http.MethodPost, "/replays/{replay}/cancel", "cancel-replay", "Cancel a job", tenants.ReplayPackets), m.cancelReplay)
}

func (m *management) startReplay(ctx context.Context, who visitor, in *startReplayIn) (*replayOut, error) {
	order := replay.Order{Kind: replay.Preview, Rate: in.Body.Rate, Selection: replay.Selection{
		Label: in.Body.Label, Value: in.Body.Value, Site: in.Body.Site, Profile: in.Body.Profile}}
	if in.Body.Kind != "" {
		order.Kind = replay.Kind(in.Body.Kind)
	}
	if in.Body.Device != "" {
		device, err := m.deviceOf(who, in.Body.Device)
		if err != nil {
			return nil, err
		}
		order.Selection.Device = device.ID
	}
	if in.Body.Destination != "" {
		destination, err := id.Parse[id.Destination](in.Body.Destination)
		if err != nil {
			return nil, fmt.Errorf("destination: %w", tenants.ErrNotFound)
		}
		order.Destination = destination
	}
	var err error
	s := &order.Selection
	if s.From, s.To, err = openSpan([2]string{"from", in.Body.From}, [2]string{"to", in.Body.To}, m.api.now()); err != nil {
		return nil, err
	}
	if s.SentFrom, s.SentTo, err = openSpan([2]string{"sent_from", in.Body.SentFrom}, [2]string{"sent_to", in.Body.SentTo}, m.api.now()); err != nil {
		return nil, err
	}
	return m.startJob(ctx, who, order)
}

func (m *management) startJob(ctx context.Context, who visitor, order replay.Order) (*replayOut, error) {
	order.By = "API key " + string(who.actor.Key)
	for _, k := range m.api.tenants.State().Keys(who.tenant) {
		if k.ID == who.actor.Key {
			order.By = "API key " + k.Name
		}
	}
	return m.answerJob(m.api.jobs.Start(ctx, who.actor, who.tenant, order))
}

func (m *management) answerJob(job replay.Job, err error) (*replayOut, error) {
	if err != nil {
		return nil, err
	}
	return &replayOut{Body: m.bodyOfJob(job)}, nil
}

func (m *management) listReplays(ctx context.Context, who visitor, _ *listReplaysIn) (*listReplaysOut, error) {
	jobs, err := m.api.jobs.Jobs(ctx, who.tenant)
	if err != nil {
		return nil, err
	}
	out := &listReplaysOut{}
	out.Body.Items = make([]replayBody, len(jobs))
	for i, job := range jobs {
		out.Body.Items[i] = m.bodyOfJob(job)
	}
	return out, nil
}

func (m *management) getReplay(ctx context.Context, who visitor, in *oneReplayIn) (*replayOut, error) {
	return m.answerJob(m.api.jobs.Job(ctx, who.tenant, in.Replay))
}

func (m *management) cancelReplay(ctx context.Context, who visitor, in *oneReplayIn) (*replayOut, error) {
	job, err := m.api.jobs.Job(ctx, who.tenant, in.Replay)
	if err == nil {
		job, err = m.api.jobs.Cancel(ctx, who.tenant, job.ID)
	}
	return m.answerJob(job, err)
}

func (m *management) bodyOfJob(j replay.Job) replayBody {
	p := j.Progress
	body := replayBody{
		ID: string(j.ID), Kind: string(j.Kind), State: string(j.State), Problem: j.Problem, By: j.By, Rate: j.Rate, Created: j.Created.UTC(),
		Began: moment(j.Began), Ended: moment(j.Ended),
		Progress: replayProgress{
			Total: p.Total, Read: p.Read, Packets: p.Packets, Bytes: p.Bytes, Devices: p.Devices, Stored: p.Stored, Queued: p.Queued, Refused: p.Refused,
			Dismissed: p.Dismissed, Dropped: p.Dropped, Damaged: p.Damaged, Samples: samplesOf(p.Samples), First: instant(p.First), Last: instant(p.Last),
		},
	}
	if left, ok := j.SecondsLeft(m.api.now()); ok {
		body.SecondsLeft = &left
	}
	return body
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func instant(at telemetry.Micros) *time.Time {
	if at == 0 {
		return nil
	}
	t := at.Time()
	return &t
}
