package api_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"longwave/ingest/telemetry"
	"longwave/processors/replay"
	"longwave/tenants"
	"longwave/tenants/id"
)

// desk is a work list and jobs that keep what they are asked and answer what they are told.
type desk struct {
	mu      sync.Mutex
	filters []replay.Filter
	orders  map[id.Tenant][]replay.Order
	jobs    map[id.Tenant][]replay.Job
	busy    error
}

func newDesk() *desk {
	return &desk{orders: map[id.Tenant][]replay.Order{}, jobs: map[id.Tenant][]replay.Job{}}
}

func (d *desk) Groups(_ context.Context, _ id.Tenant, f replay.Filter, by string) (replay.List, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.filters = append(d.filters, f)
	return replay.List{Packets: 412, Through: 7, Groups: []replay.Group{{Cause: "c /x", Code: "c", Pointer: "/x", Name: by, Count: 412, Devices: 1, First: 1, Last: 2,
		Samples: []replay.Sample{{Device: "d-1", Received: 2, Raw: "{"}}}}}, nil
}

func (d *desk) Try(_ context.Context, _ id.Tenant, f replay.Filter) (replay.Trial, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.filters = append(d.filters, f)
	return replay.Trial{Packets: 412, Accepted: 409, Refused: 3, Through: 7, Reasons: []replay.Reason{{Code: "c", Detail: "why", Count: 3}}}, nil
}

func (d *desk) Start(_ context.Context, _ tenants.Actor, t id.Tenant, o replay.Order) (replay.Job, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.busy != nil {
		return replay.Job{}, d.busy
	}
	job := replay.Job{ID: id.New[id.Job](), Kind: o.Kind, Rate: o.Rate, By: o.By, State: replay.Running, Created: time.Now(), Began: time.Now().Add(-10 * time.Second),
		Progress: replay.Progress{Total: 100, Read: 50, First: 1, Last: 2}}
	d.orders[t], d.jobs[t] = append(d.orders[t], o), append(d.jobs[t], job)
	return job, nil
}

func (d *desk) Cancel(ctx context.Context, t id.Tenant, j id.Job) (replay.Job, error) {
	return d.Job(ctx, t, string(j))
}

func (d *desk) Jobs(_ context.Context, t id.Tenant) ([]replay.Job, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.jobs[t], nil
}

func (d *desk) Job(_ context.Context, t id.Tenant, text string) (replay.Job, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, job := range d.jobs[t] {
		if string(job.ID) == text {
			return job, nil
		}
	}
	return replay.Job{}, fmt.Errorf("job: %w", tenants.ErrNotFound)
}

func TestRejectedPacketsAsAWorkList(t *testing.T) {
	r := newRig(t)
	key, device := r.ours.keys[tenants.Editor], string(r.ours.device.ID)
	got := r.ask(t, "GET /manage/v1/rejected?device="+device+"&label=site&value=a&code=c&cause=c+/x&from=-7d&by=device", key, "")
	if want := `"packets":412,"cut":0,"more":false,"through":7`; got.status != 200 || !strings.Contains(string(got.body), want) || !strings.Contains(string(got.body), `"of":"device"`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	f := r.desk.filters[0]
	if f.Device != r.ours.device.ID || f.Label != "site" || f.Value != "a" || f.Code != "c" || f.Cause != "c /x" || f.To != 0 || time.Since(f.From.Time()) < 167*time.Hour {
		t.Errorf("asked for %+v", f)
	}
	if got := r.ask(t, "POST /manage/v1/rejected/preview", key, `{"code":"c"}`); got.status != 200 || !strings.Contains(string(got.body), `"accepted":409,"refused":3`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	got = r.ask(t, "POST /manage/v1/rejected/redrive", key, `{"cause":"c /x","through":7,"rate":50}`)
	if got.status != 202 || !strings.Contains(string(got.body), `"kind":"redrive","state":"running"`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	if o := r.desk.orders[r.ours.id][0]; o.Filter.Cause != "c /x" || o.Filter.Through != 7 || o.Rate != 50 || o.By != "API key editor" {
		t.Errorf("ordered %+v", o)
	}
	if got := r.ask(t, "POST /manage/v1/rejected/dismiss", key, `{}`); got.status != 202 {
		t.Errorf("%d %s", got.status, got.body)
	}
	for what, body := range map[string]string{"GET /manage/v1/rejected?device=No.Id": "", "GET /manage/v1/rejected?from=yesterday": "", "POST /manage/v1/rejected/preview": `{"codes":1}`} {
		if got := r.ask(t, what, key, body); got.status != 422 {
			t.Errorf("%s: %d %s", what, got.status, got.body)
		}
	}
	r.desk.busy = replay.ErrBusy
	if got := r.ask(t, "POST /manage/v1/rejected/redrive", key, `{}`); got.status != 409 || got.problem(t).Code != "job_running" {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestReplays(t *testing.T) {
	r := newRig(t)
	key, device := r.ours.keys[tenants.Editor], string(r.ours.device.ID)
	got := r.ask(t, "POST /manage/v1/replays", key, `{"kind":"store","device":"`+device+`","from":"-6h","to":"now","sent_from":"2026-11-20T10:00:00Z","rate":1000}`)
	var job struct {
		ID          string
		SecondsLeft int `json:"seconds_left"`
	}
	got.json(t, &job)
	if got.status != 202 || job.ID == "" || job.SecondsLeft < 5 || job.SecondsLeft > 60 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	o := r.desk.orders[r.ours.id][0]
	if o.Kind != replay.Store || o.Selection.Device != r.ours.device.ID || o.Selection.SentFrom != telemetry.At(time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)) || o.Selection.To == 0 || o.Rate != 1000 {
		t.Errorf("ordered %+v", o)
	}
	r.ask(t, "POST /manage/v1/replays", key, `{"kind":"forward","destination":"o-1"}`)
	if o := r.desk.orders[r.ours.id][1]; o.Kind != replay.Forward || o.Destination != "o-1" {
		t.Errorf("to a destination it orders %+v", o)
	}
	r.ask(t, "POST /manage/v1/replays", key, `{}`)
	if o := r.desk.orders[r.ours.id][2]; o.Kind != replay.Preview || o.Selection != (replay.Selection{}) {
		t.Errorf("without anything it orders %+v", o)
	}
	for _, path := range []string{"GET /manage/v1/replays/" + job.ID, "POST /manage/v1/replays/" + job.ID + "/cancel", "GET /manage/v1/replays"} {
		if got := r.ask(t, path, key, ""); got.status != 200 || !strings.Contains(string(got.body), job.ID) {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	for _, path := range []string{"GET /manage/v1/replays/" + job.ID, "POST /manage/v1/replays/" + job.ID + "/cancel"} {
		if got := r.ask(t, path, r.theirs.keys[tenants.Owner], ""); got.status != 404 {
			t.Errorf("%s of another tenant: %d", path, got.status)
		}
	}
	for _, what := range []string{"POST /manage/v1/replays", "POST /manage/v1/rejected/redrive", "POST /manage/v1/rejected/dismiss", "POST /manage/v1/replays/" + job.ID + "/cancel"} {
		if got := r.ask(t, what, r.ours.keys[tenants.Viewer], `{}`); got.status != 403 {
			t.Errorf("a viewer: %s: %d %s", what, got.status, got.body)
		}
	}
	if got := r.ask(t, "POST /manage/v1/replays", key, `{"device":"`+string(r.theirs.device.ID)+`"}`); got.status != 404 {
		t.Errorf("a device of another tenant: %d %s", got.status, got.body)
	}
}
