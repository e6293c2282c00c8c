package api_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"longwave/processors/forward"
	"longwave/processors/forward/reach"
	"longwave/tenants"
	"longwave/tenants/id"
)

// deliverer answers what it is told, and keeps who was asked about.
type deliverer struct {
	mu    sync.Mutex
	asked []struct {
		tenant      id.Tenant
		destination id.Destination
	}
	states map[id.Destination]forward.State
	answer reach.Answer
	err    error
}

func (d *deliverer) ask(t id.Tenant, of id.Destination) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked = append(d.asked, struct {
		tenant      id.Tenant
		destination id.Destination
	}{t, of})
}

func (d *deliverer) States(_ context.Context, t id.Tenant) (map[id.Destination]forward.State, error) {
	d.ask(t, "")
	return d.states, nil
}

func (d *deliverer) Test(_ context.Context, t id.Tenant, of id.Destination, _ string) (reach.Answer, error) {
	d.ask(t, of)
	return d.answer, d.err
}

func (d *deliverer) Attempts(_ context.Context, t id.Tenant, of id.Destination, _ int) ([]forward.Attempt, error) {
	d.ask(t, of)
	next := time.Unix(1e9, 0)
	return []forward.Attempt{{Place: 7, At: next, Outcome: forward.Failed, Status: 500, Cause: "answer_500", Next: &next, Body: []byte(`{"a":1}`)}}, nil
}

func (d *deliverer) Resend(_ context.Context, t id.Tenant, of id.Destination, _ uint64) error {
	d.ask(t, of)
	return d.err
}

func (d *deliverer) Undelivered(_ context.Context, t id.Tenant, of id.Destination) ([]forward.Group, error) {
	d.ask(t, of)
	return []forward.Group{{Cause: "answer_404", Count: 3, Samples: []forward.Sample{{Message: forward.Message{ID: "msg_1", Data: []byte("{}")}}}}}, nil
}

func (d *deliverer) Redrive(_ context.Context, t id.Tenant, of id.Destination, _ string) (forward.Redriven, error) {
	d.ask(t, of)
	return forward.Redriven{Moved: 2, Left: 1}, d.err
}

func TestDestinationsOverTheAPI(t *testing.T) {
	r := newRig(t)
	key := r.ours.keys[tenants.Editor]
	var made struct{ ID, Kind, URL, Subject, Secret string }
	got := r.ask(t, "POST /manage/v1/destinations", key, `{"name":"Ops","kind":"slack","url":"https://slack.example/services/hunter2"}`)
	if got.json(t, &made); got.status != http.StatusCreated || made.Kind != "slack" || made.Secret != "" || strings.Contains(string(got.body), "hunter2") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if made.Subject != "out."+string(r.ours.id)+".ops" || got.header.Get("Location") != "/manage/v1/destinations/"+made.ID {
		t.Errorf("%+v", made)
	}
	for body, status := range map[string]int{
		`{"name":"Ops","kind":"nats"}`: 409, `{"name":"x","kind":"pigeon"}`: 422, `{"name":"x","kind":"webhook","url":"http://a.example"}`: 422,
		`{"name":"x","kind":"email","to":["a@b\r\nBcc: c@d"]}`: 422,
	} {
		if got := r.ask(t, "POST /manage/v1/destinations", key, body); got.status != status {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	hook := "/manage/v1/destinations/" + string(r.ours.destination.ID)
	if got := r.ask(t, "POST "+hook+"/secret", key, ""); got.status != 200 || !strings.Contains(string(got.body), "whsec_") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := r.ask(t, "PATCH "+hook, key, `{"disabled":true}`); got.status != 200 || !strings.Contains(string(got.body), `"disabled":true`) {
		t.Errorf("%d %s", got.status, got.body)
	}
	for _, change := range []string{"POST /manage/v1/destinations", "PATCH " + hook, "DELETE " + hook, "POST " + hook + "/test", "POST " + hook + "/redrive"} {
		if got := r.ask(t, change, r.ours.keys[tenants.Viewer], `{"name":"x","kind":"nats"}`); got.status != 403 && got.status != 422 {
			t.Errorf("a viewer: %s: %d", change, got.status)
		}
	}
	if got := r.ask(t, "DELETE "+hook, key, ""); got.status != 204 {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestDeliveriesOverTheAPI(t *testing.T) {
	r := newRig(t)
	key, hook := r.ours.keys[tenants.Editor], "/manage/v1/destinations/"+string(r.ours.destination.ID)
	r.deliverer.states = map[id.Destination]forward.State{r.ours.destination.ID: {Condition: forward.Broken, Queued: 5}}
	r.deliverer.answer = reach.Answer{Status: 500, Body: "sorry", Header: http.Header{"X-Why": {"because"}}}
	r.deliverer.err = &reach.Error{Cause: "answer_500", Err: errors.New("it answered 500")}
	for question, want := range map[string]string{
		"GET " + hook:                  `"condition":"open","queued":5`,
		"POST " + hook + "/test":       `"delivered":false`,
		"GET " + hook + "/attempts":    `"id":"7"`,
		"GET " + hook + "/undelivered": `"cause":"answer_404"`,
	} {
		if got := r.ask(t, question, key, ""); got.status != 200 || !strings.Contains(string(got.body), want) {
			t.Errorf("%s: %d %s", question, got.status, got.body)
		}
	}
	got := r.ask(t, "POST "+hook+"/test", key, "")
	for _, part := range []string{`"status":500`, `"answer":"sorry"`, `"X-Why":"because"`, `"cause":"answer_500"`} {
		if !strings.Contains(string(got.body), part) {
			t.Errorf("a test does not show %s: %s", part, got.body)
		}
	}
	for err, status := range map[error]int{
		nil: 200, forward.ErrDisabled: 409, forward.ErrFull: 503, forward.ErrUnavailable: 503, forward.ErrUnknown: 404,
	} {
		r.deliverer.err = err
		if got := r.ask(t, "POST "+hook+"/redrive", key, `{"cause":"answer_404"}`); got.status != status {
			t.Errorf("%v: %d %s", err, got.status, got.body)
		}
	}
	r.deliverer.err = forward.ErrBusy
	if got := r.ask(t, "POST "+hook+"/test", key, ""); got.status != 429 || got.header.Get("Retry-After") == "" {
		t.Errorf("%d %s", got.status, got.body)
	}
}
