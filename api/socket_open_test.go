package api_test

import (
	"context"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"longwave/api"
	"longwave/ingest"
	"longwave/tenants"
)

func TestTokenInTheFirstMessage(t *testing.T) {
	r := newRig(t)
	p := r.dial(t)
	p.say(`{"type":"auth","token":"` + r.ours.token + `"}`)
	if said := p.hear(); said.Type != "auth" || !said.OK || said.Device != string(r.ours.device.ID) {
		t.Fatalf("answered %+v", said)
	}
	p.say(packet)
	if said := p.hear(); said.Ack != "1" {
		t.Errorf("the first frame after it: %+v", said)
	}
}

func TestBadFirstMessages(t *testing.T) {
	r := newRig(t)
	disabled, token, err := r.tenants.CreateDevice(t.Context(), tenants.Actor{}, r.ours.id, tenants.NewDevice{Name: "off"})
	must(t, err)
	_, err = r.tenants.DisableDevice(t.Context(), tenants.Actor{}, r.ours.id, disabled.ID)
	must(t, err)
	for _, c := range []struct {
		say    string
		code   websocket.StatusCode
		status int
	}{
		{packet, 4401, 401},
		{`{"type":"auth"}`, 4401, 401},
		{`{"type":"auth","token":"lwd_nonsense"}`, 4401, 401},
		{`{"type":"auth","token":"` + token + `"}`, 4403, 403},
		{strings.Repeat("x", 5000), websocket.StatusMessageTooBig, 0},
	} {
		p := r.dial(t)
		p.say(c.say)
		if code := p.closed(); code != c.code {
			t.Errorf("%.30s: closed with %d", c.say, code)
		}
		attempts := r.accept.take()
		if told := len(attempts) == 1 && attempts[0].Status == c.status && attempts[0].Transport == "WebSocket"; told != (c.status != 0) {
			t.Errorf("%.30s: watchers were told %+v", c.say, attempts)
		}
	}
}

func TestNoTokenInTime(t *testing.T) {
	var mu sync.Mutex
	now := time.Now()
	r := newRig(t, func(o *api.Options) {
		o.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	})
	p := r.dial(t)
	mu.Lock()
	now = now.Add(11 * time.Second)
	mu.Unlock()
	if code := p.closed(); code != 4408 {
		t.Errorf("closed with %d", code)
	}
}

func TestIdleSocketIsClosed(t *testing.T) {
	var mu sync.Mutex
	now := time.Now()
	r := newRig(t, func(o *api.Options) {
		o.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	})
	p := r.dialed(t)
	p.say(packet)
	p.hear()
	mu.Lock()
	now = now.Add(61 * time.Minute)
	mu.Unlock()
	if code := p.closed(); code != websocket.StatusPolicyViolation {
		t.Errorf("closed with %d", code)
	}
}

func TestHandshakes(t *testing.T) {
	r := newRig(t, func(o *api.Options) { o.MaxSockets = 1 })
	upgrade := []string{"Upgrade", "websocket", "Connection", "Upgrade", "Sec-WebSocket-Version", "13", "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}
	for _, c := range []struct {
		name, token string
		headers     []string
		status      int
		code        string
	}{
		{"plain http", r.ours.token, nil, 426, "websocket_required"},
		{"bad token", "lwd_x", upgrade, 401, "credentials_unknown"},
		{"page elsewhere", r.ours.token, append([]string{"Origin", "https://evil.example"}, upgrade...), 403, "origin_refused"},
		{"null origin", r.ours.token, append([]string{"Origin", "null"}, upgrade...), 403, "origin_refused"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := r.ask(t, "GET /ingest/v1/ws", c.token, "", c.headers...); got.status != c.status || got.problem(t).Code != c.code {
				t.Errorf("answered %d %s", got.status, got.body)
			}
		})
	}
	r.dial(t, "Authorization", "Bearer "+r.ours.token, "Origin", r.server.URL) // several libraries name the host
	got := r.ask(t, "GET /ingest/v1/ws", r.ours.token, "", upgrade...)
	if p := got.problem(t); got.status != 503 || p.Code != "too_many_sockets" || got.header.Get("Retry-After") == "" {
		t.Errorf("one more than allowed: %d %s", got.status, got.body)
	}
}

func TestTooManySocketsOfOneDevice(t *testing.T) {
	r := newRig(t)
	for range 4 {
		p := r.dialed(t)
		p.say(packet)
		p.hear()
	}
	if code := r.dialed(t).closed(); code != 4429 {
		t.Errorf("closed with %d", code)
	}
	if p := r.dial(t, "Authorization", "Bearer "+r.theirs.token); p != nil {
		p.say(packet)
		if said := p.hear(); said.Ack != "1" {
			t.Errorf("another device: %+v", said)
		}
	}
}

func TestDrainAnswersFirst(t *testing.T) {
	r := newRig(t)
	entered, release := make(chan struct{}), make(chan struct{})
	r.accept.answers(func(ctx context.Context, q ingest.Request) (ingest.Receipt, error) {
		close(entered)
		<-release
		return echo(ctx, q)
	})
	silent, busy := r.dial(t), r.dialed(t)
	busy.say(`{"frame":"last","body":{}}`)
	<-entered
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		r.drain(t)
	}()
	if code := silent.closed(); code != websocket.StatusGoingAway {
		t.Errorf("a socket without frames was closed with %d", code)
	}
	select {
	case <-drained:
		t.Error("drained while a frame was in flight")
	default:
	}
	busy.say(`{"frame":"late","body":{}}`)
	if said := busy.hear(); said.Nack != "late" || said.Status != 503 || said.Code != "stopping" {
		t.Errorf("a frame while draining: %+v", said)
	}
	close(release)
	if said := busy.hear(); said.Ack != "last" {
		t.Errorf("the frame in flight: %+v", said)
	}
	if code := busy.closed(); code != websocket.StatusGoingAway {
		t.Errorf("closed with %d", code)
	}
	<-drained
	if got := r.ask(t, "GET /ingest/v1/ws", r.ours.token, "", "Upgrade", "websocket"); got.status != 503 || got.problem(t).Code != "stopping" {
		t.Errorf("after draining: %d %s", got.status, got.body)
	}
	must(t, r.noSockets())
}

func TestDrainCutsWhatDoesNotEnd(t *testing.T) {
	r := newRig(t)
	entered, release := make(chan struct{}), make(chan struct{})
	r.accept.answers(func(ctx context.Context, q ingest.Request) (ingest.Receipt, error) {
		close(entered)
		<-release
		return echo(ctx, q)
	})
	p := r.dialed(t)
	p.say(packet)
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r.api.Drain(ctx)
	if code := p.closed(); code != -1 {
		t.Errorf("closed with %d, want the connection cut", code)
	}
	close(release)
}

func TestNewRefusesIncompleteOptions(t *testing.T) {
	if _, err := api.New(api.Options{}); err == nil || !strings.Contains(err.Error(), "Tenants") {
		t.Errorf("got %v", err)
	}
}

func TestPingsKeepTheLivingAndCutTheDead(t *testing.T) {
	r := newRig(t, func(o *api.Options) { o.PingEvery = 30 * time.Millisecond })
	pinged := make(chan struct{}, 100)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	alive, _, err := websocket.Dial(ctx, r.server.URL+"/ingest/v1/ws", &websocket.DialOptions{
		HTTPHeader:     http.Header{"Authorization": {"Bearer " + r.ours.token}},
		OnPingReceived: func(context.Context, []byte) bool { pinged <- struct{}{}; return true },
	})
	must(t, err)
	defer alive.CloseNow()
	read := make(chan string, 1)
	go func() {
		_, text, _ := alive.Read(ctx)
		read <- string(text)
	}()
	for range 5 {
		<-pinged
	}
	must(t, alive.Write(ctx, websocket.MessageText, []byte(packet)))
	if text := <-read; !strings.HasPrefix(text, `{"ack":"1"`) {
		t.Errorf("after five pings it hears %q", text)
	}
	alive.CloseNow()

	dead := r.dialed(t) // it does not read, so it answers no ping
	for r.noSockets() != nil {
		if dead.ctx.Err() != nil {
			t.Fatal("a dead connection is kept")
		}
		runtime.Gosched()
	}
}

// noSockets is nil when the server counts no open socket.
func (r *rig) noSockets() error {
	const none = "# HELP longwave_device_sockets Open device sockets.\n# TYPE longwave_device_sockets gauge\nlongwave_device_sockets 0\n"
	return testutil.GatherAndCompare(r.metrics, strings.NewReader(none), "longwave_device_sockets")
}
