package notify

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"longwave/ingest/natsd/natstest"
	"longwave/ingest/telemetry"
	"longwave/processors/alert"
	"longwave/processors/forward"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

// patience is far above what anything here takes on a busy machine.
const patience = 90 * time.Second

// desk is a directory and a sender: what a test says there is, and what was sent.
type desk struct {
	mu       sync.Mutex
	changed  chan struct{}
	tenant   id.Tenant
	rule     alertrule.Rule
	devices  []alertrule.Device
	silences []alertrule.Silence
	fails    map[id.Destination]error
	sent     []forward.Message
	arrived  chan forward.Message
}

func (d *desk) change(edit func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	edit()
	close(d.changed)
	d.changed = make(chan struct{})
}

func (d *desk) Changed() <-chan struct{}                            { d.mu.Lock(); defer d.mu.Unlock(); return d.changed }
func (d *desk) Tenants() []id.Tenant                                { return []id.Tenant{d.tenant} }
func (d *desk) Rules(id.Tenant) []alertrule.Rule                    { return []alertrule.Rule{d.rule} }
func (d *desk) Devices(id.Tenant) []alertrule.Device                { return d.devices }
func (d *desk) Rule(id.Tenant, id.AlertRule) (alertrule.Rule, bool) { return d.rule, true }

func (d *desk) Silences(id.Tenant) []alertrule.Silence {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.silences
}

func (d *desk) Device(_ id.Tenant, name id.Device) (alertrule.Device, bool) {
	for _, known := range d.devices {
		if known.ID == name {
			return known, true
		}
	}
	return alertrule.Device{}, false
}

func (d *desk) Send(_ context.Context, t id.Tenant, to id.Destination, m forward.Message) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.fails[to]; err != nil {
		return err
	}
	d.sent = append(d.sent, m)
	d.arrived <- m
	return nil
}

// rig is lanes, an Evaluator and a Notifier beside it.
type rig struct {
	*desk
	t    *testing.T
	js   jetstream.JetStream
	book *alert.Book
}

func newRig(t *testing.T, devices int, change ...func(*desk)) *rig {
	t.Helper()
	_, _, js := natstest.Start(t)
	for _, lane := range telemetry.Lanes() {
		if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: telemetry.LaneStream(lane), Subjects: []string{telemetry.LaneFilter(lane)}}); err != nil {
			t.Fatal(err)
		}
	}
	d := &desk{changed: make(chan struct{}), tenant: id.New[id.Tenant](), arrived: make(chan forward.Message, 100), fails: map[id.Destination]error{}}
	d.rule = alertrule.Rule{ID: id.New[id.AlertRule](), Name: "hot", Mode: alertrule.Enabled, Version: 1, Kind: alertrule.Threshold,
		Message: "{device} has {value}", Levels: []alertrule.Level{{Severity: alertrule.Critical, When: alertrule.Condition{Tests: []alertrule.Test{{Metric: "temp", Op: alertrule.Above, Value: 10}}}}},
		Notify: alertrule.Notify{Steps: []alertrule.Step{{Destinations: []id.Destination{first}}}}}
	for range devices {
		d.devices = append(d.devices, alertrule.Device{ID: id.New[id.Device](), Name: "pump\r\nBcc: evil@example.com\r\n{threshold}", Site: "plant-1"})
	}
	for _, c := range change {
		c(d)
	}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	book, err := alert.OpenBook(t.Context(), alert.BookOptions{JS: js, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{desk: d, t: t, js: js, book: book}
	r.run(book.Run)
	return r
}

func (r *rig) run(f func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			r.t.Errorf("Run: %v", err)
		}
	})
	r.t.Cleanup(stop)
	return stop
}

// start runs a copy of the program.
func (r *rig) start() (stop func()) {
	r.t.Helper()
	log := slog.New(slog.NewTextHandler(r.t.Output(), nil))
	registry := prometheus.NewRegistry()
	n, err := New(Options{Book: r.book, Sender: r.desk, Directory: r.desk, Links: newLinks(r.t, nil), Registerer: registry, Log: log})
	if err != nil {
		r.t.Fatal(err)
	}
	v, err := alert.Open(r.t.Context(), alert.Options{JS: r.js, Directory: r.desk, Beside: n.Run, Registerer: registry, Log: log})
	if err != nil {
		r.t.Fatal(err)
	}
	stop = r.run(v.Run)
	for deadline := time.Now().Add(patience); !v.Active(); {
		if time.Now().After(deadline) {
			r.t.Fatal("never evaluates")
		}
		<-time.After(10 * time.Millisecond)
	}
	return stop
}

func (r *rig) post(device int, temp float64) {
	r.t.Helper()
	now := telemetry.At(time.Now())
	b := telemetry.Batch{Device: r.devices[device].ID, Received: now, RetainDays: 30, Packets: []telemetry.Packet{
		{ID: string(id.New[id.Job]()), Time: now, Values: []telemetry.Value{{Name: "temp", Num: temp}}}}}
	if _, err := r.js.Publish(r.t.Context(), telemetry.LaneSubject(telemetry.Standard, r.tenant), telemetry.AppendBatch(nil, &b)); err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) next() forward.Message {
	r.t.Helper()
	select {
	case m := <-r.arrived:
		return m
	case <-time.After(patience):
		r.t.Fatal("nothing is sent")
		return forward.Message{}
	}
}

// reasons waits for a number of notices of the only alert, and returns their reasons.
func (r *rig) reasons(n int) string {
	r.t.Helper()
	for deadline := time.Now().Add(patience); ; {
		var out []string
		watch := r.book.Watch(r.tenant)
		for _, a := range r.book.Find(r.tenant, alert.Filter{}) {
			for _, e := range a.Timeline {
				if e.Kind == alert.Notified {
					out = append(out, e.Notice.Reason)
				}
			}
		}
		if len(out) >= n || time.Now().After(deadline) {
			return strings.Join(out, " ")
		}
		select {
		case <-watch:
		case <-time.After(time.Second):
		}
	}
}

func TestSomebodyIsTold(t *testing.T) {
	r := newRig(t, 1)
	stop := r.start()
	posted := time.Now()
	r.post(0, 11)
	m := r.next()
	t.Logf("from packet to queue of the destination: %s", time.Since(posted).Round(time.Millisecond))
	if m.Type != TypeFiring || strings.ContainsAny(m.Title, "\r\n") || m.Title != "[CRITICAL] hot: pump  Bcc: evil@example.com  {threshold}" {
		t.Errorf("%+v", m)
	}
	var data body
	if err := json.Unmarshal(m.Data, &data); err != nil || len(data.Alerts) != 1 || data.Alerts[0].Values["temp"] != 11.0 {
		t.Errorf("%s, %v", m.Data, err)
	}
	if links := data.Alerts[0].Links; !strings.Contains(m.Text, links["acknowledge"]) || links["acknowledge"] == "" || strings.Count(m.Text, "\n") != 2 ||
		!strings.HasPrefix(m.Text, "critical: pump  Bcc: evil@example.com  {threshold} has 11 (since ") {
		t.Errorf("%q", m.Text)
	}
	if got := r.reasons(1); got != "began" {
		t.Errorf("noted: %s", got)
	}
	stop() // a restart repeats nothing
	r.start()
	r.post(0, 5)
	if m := r.next(); m.Type != TypeResolved || !strings.HasPrefix(m.Text, "Resolved: pump  Bcc: evil@example.com  {threshold} (hot), after ") {
		t.Errorf("%+v", m)
	}
	if got := r.reasons(2); got != "began resolved" || len(r.sent) != 2 {
		t.Errorf("noted: %s; sent %d", got, len(r.sent))
	}
}

func TestASilenceThatEndsIsCaughtUp(t *testing.T) {
	r := newRig(t, 1, func(d *desk) {
		d.silences = []alertrule.Silence{{Everything: true, Reason: "works", From: time.Now().Add(-time.Hour), Until: time.Now().Add(time.Hour)}}
	})
	r.start()
	r.post(0, 11)
	if got := r.reasons(1); got != "silenced" {
		t.Errorf("noted: %s", got)
	}
	r.change(func() { r.silences = nil }) // ended early
	if m := r.next(); !strings.Contains(m.Text, "it still fires") {
		t.Errorf("%+v", m)
	}
	if got := r.reasons(2); got != "silenced catch_up" {
		t.Errorf("noted: %s", got)
	}
}

func TestManyAlertsAreFewMessages(t *testing.T) {
	r := newRig(t, 30, func(d *desk) { d.fails[second] = forward.ErrDisabled })
	r.rule.Notify.Steps[0].Destinations = []id.Destination{first, second}
	r.start()
	for i := range r.devices {
		r.post(i, 11)
	}
	m := r.next()
	if m.Type != TypeFiring {
		t.Errorf("%+v", m)
	}
	reasons := r.reasons(len(r.devices))
	if n := len(r.sent); n > 2 {
		t.Errorf("%d messages", n)
	}
	if !strings.Contains(reasons, string(NotReachable)) {
		t.Errorf("noted: %s", reasons)
	}
}
