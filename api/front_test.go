package api_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"longwave/api"
	"longwave/ingest"
	"longwave/ingest/telemetry"
)

// newWholeRig is a rig whose data plane is real up to the lanes.
func newWholeRig(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	front, err := ingest.Open(t.Context(), ingest.Options{
		JS: r.js, Conn: r.conn, Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler),
	})
	must(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		must(t, front.Close(ctx))
	})
	whole := newRig(t, func(o *api.Options) { o.Tenants, o.Accept = r.tenants, front })
	whole.ours, whole.theirs, whole.js, whole.conn = r.ours, r.theirs, r.js, r.conn
	return whole
}

// stored reads every batch of a lane.
func (r *rig) stored(t *testing.T, lane telemetry.Lane) []telemetry.Batch {
	t.Helper()
	consumer, err := r.js.OrderedConsumer(t.Context(), telemetry.LaneStream(lane), jetstream.OrderedConsumerConfig{})
	must(t, err)
	info, err := consumer.Info(t.Context())
	must(t, err)
	var found []telemetry.Batch
	for range info.NumPending {
		m, err := consumer.Next(jetstream.FetchMaxWait(patience))
		must(t, err)
		must(t, telemetry.EachBatch(m.Data(), func(b *telemetry.Batch) error {
			found = append(found, *b)
			return nil
		}))
	}
	return found
}

func TestTheWholeWayIntoTheLane(t *testing.T) {
	r := newWholeRig(t)
	body := strings.ReplaceAll(`[{"id":"a","ts":NOW,"values":{"temp":21.5}},{"id":"b","ts":NOW,"values":{"temp":{"x":1}}}]`, "NOW", `"`+time.Now().UTC().Format(time.RFC3339Nano)+`"`)
	var first, again ingest.Receipt
	got := r.ask(t, "POST /ingest/v1/packets", r.ours.token, gzipped(t, body), "Content-Encoding", "gzip")
	got.json(t, &first)
	if got.status != 200 || first.Accepted != 1 || first.Duplicates != 0 || len(first.Rejected) != 1 || first.Rejected[0].Index != 1 || first.PacketIDs[0] != "a" {
		t.Fatalf("answered %d %s", got.status, got.body)
	}
	r.ask(t, "POST /ingest/v1/packets", r.ours.token, body).json(t, &again)
	if again.Accepted != 1 || again.Duplicates != 1 {
		t.Errorf("sent again: %+v", again)
	}
	p := r.dialed(t)
	p.say(`{"frame":"ws","body":{"temp":22}}`)
	if said := p.hear(); said.Ack != "ws" || said.Accepted != 1 {
		t.Errorf("over the socket: %+v", said)
	}
	batches := r.stored(t, telemetry.Standard)
	if len(batches) != 2 || batches[0].Device != r.ours.device.ID || batches[0].Packets[0].ID != "a" {
		t.Errorf("in the lane: %+v", batches)
	}

	rejected := r.ask(t, "POST /ingest/v1/packets", r.ours.token, `{"values":{"temp":{"x":1}}}`)
	if problem := rejected.problem(t); rejected.status != 400 || problem.Code != "packets_rejected" || len(problem.Errors) != 1 || *problem.Errors[0].Index != 0 || problem.Errors[0].Pointer == "" {
		t.Errorf("a bad packet: %d %s", rejected.status, rejected.body)
	}
	unreadable := r.ask(t, "POST /ingest/v1/packets", r.ours.token, `{"values":`)
	if problem := unreadable.problem(t); unreadable.status != 400 || problem.Code != "body_unreadable" {
		t.Errorf("half a packet: %d %s", unreadable.status, unreadable.body)
	}
	var kept struct {
		Items []struct{ Code, Detail, Raw string }
	}
	r.ask(t, "GET /manage/v1/devices/"+string(r.ours.device.ID)+"/rejected", r.ours.keys[1], "").json(t, &kept)
	if len(kept.Items) == 0 || kept.Items[0].Detail == "" || kept.Items[0].Raw == "" {
		t.Errorf("kept: %+v", kept)
	}
}

func TestWatchersHearWhatTheDeviceHears(t *testing.T) {
	r := newWholeRig(t)
	heard, err := r.conn.SubscribeSync(telemetry.AttemptSubject(r.ours.id, r.ours.device.ID))
	must(t, err)
	strangers, err := r.conn.SubscribeSync(telemetry.UnattributedSubject(ingest.AddressKey("127.0.0.1")))
	must(t, err)
	must(t, r.conn.Flush())
	for _, c := range []struct {
		token, body string
		on          *nats.Subscription
	}{
		{r.ours.token, `{"values":`, heard},
		{r.ours.token[:len(r.ours.token)-1] + "!", packet, heard},
		{"lwd_nonsense", packet, strangers},
	} {
		p := r.ask(t, "POST /ingest/v1/packets", c.token, c.body).problem(t)
		m, err := c.on.NextMsg(patience)
		must(t, err)
		var told telemetry.Attempt
		must(t, json.Unmarshal(m.Data, &told))
		if told.Status != p.Status || told.Detail != p.Detail || told.Transport != "HTTP" || told.At == 0 {
			t.Errorf("the device was told %d %q, watchers %+v", p.Status, p.Detail, told)
		}
	}
}
