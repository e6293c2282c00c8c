package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"longwave/api"
	"longwave/ingest"
	"longwave/ingest/telemetry"
	"longwave/tenants"
)

// reply is what a device socket says.
type reply struct {
	Type       string
	OK         bool
	Device     string
	Ack, Nack  string
	Accepted   int
	PacketIDs  []string `json:"packet_ids"`
	Status     int
	Code       string
	Detail     string
	RetryAfter int `json:"retry_after"`
	Errors     []struct{ Pointer, Code string }
}

// phone is a device's end of a socket.
type phone struct {
	*websocket.Conn
	t   *testing.T
	ctx context.Context
}

// dial opens a socket; headers come in pairs.
func (r *rig) dial(t *testing.T, headers ...string) *phone {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	o := &websocket.DialOptions{HTTPHeader: http.Header{}, Subprotocols: []string{"telemetry.v1.json"}}
	for i := 0; i < len(headers); i += 2 {
		o.HTTPHeader.Set(headers[i], headers[i+1])
	}
	conn, _, err := websocket.Dial(ctx, r.server.URL+"/ingest/v1/ws", o)
	must(t, err)
	t.Cleanup(func() { conn.CloseNow() })
	if conn.Subprotocol() != "telemetry.v1.json" {
		t.Errorf("subprotocol %q", conn.Subprotocol())
	}
	return &phone{Conn: conn, t: t, ctx: ctx}
}

// dialed is a socket with the token in the header.
func (r *rig) dialed(t *testing.T) *phone {
	t.Helper()
	return r.dial(t, "Authorization", "Bearer "+r.ours.token)
}

func (p *phone) say(text string) {
	p.t.Helper()
	must(p.t, p.Write(p.ctx, websocket.MessageText, []byte(text)))
}

func (p *phone) hear() reply {
	p.t.Helper()
	_, text, err := p.Read(p.ctx)
	must(p.t, err)
	var said reply
	must(p.t, json.Unmarshal(text, &said))
	return said
}

// closed waits for the end of the connection and returns its code.
func (p *phone) closed() websocket.StatusCode {
	p.t.Helper()
	for {
		if _, _, err := p.Read(p.ctx); err != nil {
			if p.ctx.Err() != nil {
				p.t.Fatal("the connection stayed open")
			}
			return websocket.CloseStatus(err)
		}
	}
}

// echo acknowledges with the body as the packet's id.
func echo(_ context.Context, r ingest.Request) (ingest.Receipt, error) {
	return ingest.Receipt{Accepted: 1, PacketIDs: []string{string(r.Body)}}, nil
}

func TestFramesAreAcknowledgedByNameAndByNumber(t *testing.T) {
	r := newRig(t)
	r.accept.answers(echo)
	p := r.dialed(t)
	for _, c := range []struct{ say, name, body string }{
		{packet, "1", packet},
		{`[{"temp":1},{"temp":2}]`, "2", `[{"temp":1},{"temp":2}]`},
		{`{"frame":"f-1","body":{"temp":21.5}}`, "f-1", `{"temp":21.5}`},
		{` { "body" : [ {"temp":21.5} ], "frame" : "f-2" } `, "f-2", `[ {"temp":21.5} ]`},
		{`{"frame":7,"body":8}`, "5", `{"frame":7,"body":8}`},                     // two metrics of these names
		{`{"frame":"f","body":{},"more":1}`, "f", `{},"more":1`},                  // ingest says that more follows its end
		{`{"body":"text","frame":"text"}`, "7", `{"body":"text","frame":"text"}`}, // two events of these names
		{`no json`, "8", `no json`},                                               // ingest says what is wrong with it
	} {
		p.say(c.say)
		said := p.hear()
		if said.Ack != c.name || said.Accepted != 1 || len(said.PacketIDs) != 1 || said.PacketIDs[0] != c.body {
			t.Errorf("%s: answered %+v", c.say, said)
		}
	}
	request, who := r.accept.last(t)
	if request.Format != telemetry.JSON || request.Transport != "WebSocket" || who.Device != r.ours.device.ID || who.Tenant != r.ours.id {
		t.Errorf("ingest got %+v on behalf of %+v", request, who)
	}
}

func TestFrameRefusals(t *testing.T) {
	r := newRig(t)
	p := r.dialed(t)
	for i, c := range []struct {
		say, name string
		fails     error
		status    int
		code      string
		retry     bool
	}{
		{packet, "1", &ingest.LimitError{Name: "packets", Scope: "device", Max: 1, RetryAfter: time.Second}, 429, "rate_limited", true},
		{`{"frame":"b","body":{}}`, "b", ingest.ErrUnavailable, 503, "ingest_unavailable", true},
		{`{"frame":"c","body":{}}`, "c", &ingest.RefusedError{Rejected: []telemetry.Rejection{{Pointer: "/x", Code: "y", Detail: "z"}}}, 400, "packets_rejected", false},
		{`{"frame":"has space","body":{}}`, "4", nil, 400, "frame_name_invalid", false},
		{`{"frame":"` + strings.Repeat("x", 65) + `","body":{}}`, "5", nil, 400, "frame_name_invalid", false},
		{packet, "6", errors.New("secret"), 500, "internal", false},
	} {
		r.accept.answers(func(context.Context, ingest.Request) (ingest.Receipt, error) { return ingest.Receipt{}, c.fails })
		p.say(c.say)
		said := p.hear()
		if said.Nack != c.name || said.Status != c.status || said.Code != c.code || said.Detail == "" || (said.RetryAfter > 0) != c.retry {
			t.Errorf("%d: answered %+v", i, said)
		}
		attempts := r.accept.take()
		if len(attempts) != 1 || attempts[0].Detail != said.Detail || attempts[0].Transport != "WebSocket" || attempts[0].device != r.ours.device.ID {
			t.Errorf("%d: watchers were told %+v", i, attempts)
		}
	}
}

func TestPanicInAFrameEndsNothing(t *testing.T) {
	r := newRig(t)
	p := r.dialed(t)
	r.accept.answers(func(context.Context, ingest.Request) (ingest.Receipt, error) { panic("no such index") })
	p.say(`{"frame":"a","body":{}}`)
	if said := p.hear(); said.Nack != "a" || said.Status != 500 || strings.Contains(said.Detail, "index") {
		t.Errorf("answered %+v", said)
	}
	r.accept.answers(echo)
	p.say(`{"frame":"b","body":{}}`)
	if said := p.hear(); said.Ack != "b" {
		t.Errorf("answered %+v", said)
	}
}

func TestPipeliningAndBackPressure(t *testing.T) {
	r := newRig(t)
	const inFlight = 64
	entered, release := make(chan string, 200), make(chan struct{})
	r.accept.answers(func(ctx context.Context, q ingest.Request) (ingest.Receipt, error) {
		entered <- string(q.Body)
		<-release
		return echo(ctx, q)
	})
	p := r.dialed(t)
	for i := range 100 {
		p.say(fmt.Sprintf(`{"frame":"f%d","body":[%d]}`, i, i))
	}
	for range inFlight {
		<-entered
	}
	select {
	case extra := <-entered:
		t.Errorf("%s was taken while %d frames were unanswered", extra, inFlight)
	case <-time.After(50 * time.Millisecond): // nothing may happen, so there is nothing to wait for
	}
	close(release)
	seen := map[string]bool{}
	for range 100 {
		seen[p.hear().Ack] = true
	}
	if len(seen) != 100 || !seen["f0"] || !seen["f99"] {
		t.Errorf("%d different acknowledgements", len(seen))
	}
}

func TestAcknowledgementsOutOfOrder(t *testing.T) {
	r := newRig(t)
	release := make(chan struct{})
	r.accept.answers(func(ctx context.Context, q ingest.Request) (ingest.Receipt, error) {
		if strings.Contains(string(q.Body), "slow") {
			<-release
		}
		return echo(ctx, q)
	})
	p := r.dialed(t)
	p.say(`{"frame":"a","body":{"slow":1}}`)
	p.say(`{"frame":"b","body":{"fast":1}}`)
	if said := p.hear(); said.Ack != "b" {
		t.Errorf("first %+v", said)
	}
	close(release)
	if said := p.hear(); said.Ack != "a" {
		t.Errorf("then %+v", said)
	}
}

func TestOversizedFrame(t *testing.T) {
	r := newRig(t, func(o *api.Options) { o.MaxBody = 1000 })
	p := r.dialed(t)
	p.say(strings.Repeat("x", 1000))
	if said := p.hear(); said.Ack != "1" {
		t.Errorf("the largest frame: %+v", said)
	}
	p.say(strings.Repeat("x", 1002))
	if code := p.closed(); code != websocket.StatusMessageTooBig {
		t.Errorf("closed with %d", code)
	}
}

func TestRevokingClosesSoon(t *testing.T) {
	for name, c := range map[string]struct {
		code   websocket.StatusCode
		change func(*testing.T, *rig) error
	}{
		"disabled": {4403, func(t *testing.T, r *rig) error {
			_, err := r.tenants.DisableDevice(t.Context(), tenants.Actor{}, r.ours.id, r.ours.device.ID)
			return err
		}},
		"suspended": {4403, func(t *testing.T, r *rig) error {
			return r.tenants.SuspendTenant(t.Context(), tenants.Actor{}, r.ours.id, "unpaid")
		}},
		"rotated": {4401, func(t *testing.T, r *rig) error {
			_, err := r.tenants.RotateToken(t.Context(), tenants.Actor{}, r.ours.id, r.ours.device.ID, 0)
			return err
		}},
		"deleted": {4401, func(t *testing.T, r *rig) error {
			return r.tenants.DeleteDevice(t.Context(), tenants.Actor{}, r.ours.id, r.ours.device.ID)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			p := r.dialed(t)
			p.say(packet)
			p.hear()
			must(t, c.change(t, r))
			start := time.Now()
			if code := p.closed(); code != c.code {
				t.Errorf("closed with %d", code)
			}
			if took := time.Since(start); took > 2*time.Second { // a second is the promise; the other is for a busy machine
				t.Errorf("after %s", took)
			}
		})
	}
}
