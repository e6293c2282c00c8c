package ingest

import (
	"context"
	"errors"
	"testing"
	"time"

	"longwave/ingest/telemetry"
)

// ready waits until the pending request is decided, or fails the test.
func ready(t *testing.T, p Pending, told <-chan struct{}) {
	t.Helper()
	for !p.Ready(time.Now()) {
		select {
		case <-told:
		case <-time.After(30 * time.Second):
			t.Fatal("nobody told of the outcome")
		}
	}
}

// begin starts a request; the channel has one when its outcome may be known.
func (b *bench) begins(body string) (Pending, <-chan struct{}) {
	told := make(chan struct{}, 1)
	p := b.Begin(pump, Request{Body: []byte(body), Transport: "WebSocket"}, func() {
		select {
		case told <- struct{}{}:
		default:
		}
	})
	return p, told
}

func TestBegunRequestsEndAsAcceptedOnes(t *testing.T) {
	b := open(t, t.TempDir(), nil)
	for _, c := range []struct {
		body                 string
		accepted, duplicates int
		rejected             int
		fails                error
	}{
		{`{"id":"a","values":{"x":1}}`, 1, 0, 0, nil},
		{`{"id":"a","values":{"x":1}}`, 1, 1, 0, nil},
		{`{"id":"a","values":{"x":2}}`, 0, 0, 0, ErrNothingAccepted},                                // the id is taken
		{`[{"id":"b","values":{"x":1}},{"id":"c","kind":"status","values":{"x":1}}]`, 2, 0, 0, nil}, // two lanes
		{`[{"id":"d","values":{"x":1}},{"values":7}]`, 1, 0, 1, nil},
		{`no packet`, 0, 0, 0, telemetry.ErrSyntax},
	} {
		p, told := b.begins(c.body)
		ready(t, p, told)
		r, err := p.Finish(t.Context())
		if !errors.Is(err, c.fails) || r.Accepted != c.accepted || r.Duplicates != c.duplicates || len(r.Rejected) != c.rejected {
			t.Errorf("%s: %+v, %v", c.body, r, err)
		}
	}
	if got := b.inLane(telemetry.Standard); len(got) != 3 {
		t.Errorf("the lane holds %v", got)
	}
}

// Nothing waits for ever where the stream does not answer, neither a request nor its repetition, and the packet is there once.
func TestBegunRequestsGiveUp(t *testing.T) {
	b := open(t, t.TempDir(), nil)
	b.acks(telemetry.Standard, false)
	now := time.Now()
	const body = `{"id":"p","values":{"x":1}}`
	first, _ := b.begins(body)
	second, _ := b.begins(body)
	if first.Ready(now) || second.Ready(now) {
		t.Error("known without an acknowledgement")
	}
	if !first.Ready(time.Now().Add(ackDeadline)) {
		t.Error("the first one waits for longer than the deadline")
	}
	impatient, cancel := context.WithCancel(t.Context())
	cancel()
	for _, p := range []Pending{first, second} {
		if _, err := p.Finish(impatient); !errors.Is(err, ErrUnavailable) {
			t.Errorf("got %v", err)
		}
	}
	b.acks(telemetry.Standard, true)
	if r := b.mustPost(body); r.Accepted != 1 || r.Duplicates != 1 {
		t.Errorf("receipt %+v", r)
	}
	if got := b.inLane(telemetry.Standard); got["t-acme/d-pump/p"] != 1 || len(got) != 1 {
		t.Errorf("the lane holds %v", got)
	}
}
