package ingest

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"longwave/ingest/natsd/natstest"
	"longwave/ingest/telemetry"
)

func TestOpenRefusesAStreamThatDiffers(t *testing.T) {
	cases := map[string]struct {
		change func(*jetstream.StreamConfig)
		names  string
	}{
		"discard":  {func(c *jetstream.StreamConfig) { c.Discard = jetstream.DiscardOld }, "discard"},
		"storage":  {func(c *jetstream.StreamConfig) { c.Storage, c.MaxBytes = jetstream.MemoryStorage, 1<<20 }, "storage"},
		"window":   {func(c *jetstream.StreamConfig) { c.Duplicates = time.Second }, "duplicate_window"},
		"subjects": {func(c *jetstream.StreamConfig) { c.Subjects = []string{"tel.bulk.a"} }, "subjects"},
		"async": {func(c *jetstream.StreamConfig) {
			c.PersistMode, c.AllowAtomicPublish = jetstream.AsyncPersistMode, false
		}, "persist_mode"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, nc, js := natstest.Start(t)
			o := Options{JS: js, Conn: nc, Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)}
			if err := o.complete(); err != nil {
				t.Fatal(err)
			}
			config := laneStream(telemetry.Bulk, o)
			c.change(&config)
			if _, err := js.CreateStream(t.Context(), config); err != nil {
				t.Fatal(err)
			}
			_, err := Open(t.Context(), o)
			if !errors.Is(err, ErrStreamDiffers) || !strings.Contains(err.Error(), "LANE_BULK has "+c.names) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestOpenChangesTheSize(t *testing.T) {
	b := open(t, t.TempDir(), nil)
	b.mustPost(`{"id":"p","values":{"a":1}}`)
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.reopen(func(o *Options) { o.LaneBytes = 128 << 20 })
	stream, err := b.js.Stream(t.Context(), telemetry.LaneStream(telemetry.Standard))
	if err != nil || stream.CachedInfo().Config.MaxBytes != 128<<20 || stream.CachedInfo().State.Msgs != 1 {
		t.Errorf("%+v, %v", stream.CachedInfo(), err)
	}
}

// A stream with an age limit drops what was acknowledged, whether it is processed or not.
func TestOpenTakesTheAgeLimitOff(t *testing.T) {
	b := open(t, t.TempDir(), nil)
	b.mustPost(`{"id":"p","values":{"a":1}}`)
	stream, err := b.js.Stream(t.Context(), telemetry.LaneStream(telemetry.Standard))
	if err != nil {
		t.Fatal(err)
	}
	old := stream.CachedInfo().Config
	old.MaxAge = 72 * time.Hour // as older versions made it
	if _, err := b.js.UpdateStream(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.reopen(nil)
	if info, err := stream.Info(t.Context()); err != nil || info.Config.MaxAge != 0 || info.State.Msgs != 1 {
		t.Errorf("%+v, %v", info, err)
	}
}

func TestOpenRefusesOptions(t *testing.T) {
	_, nc, js := natstest.Start(t)
	good := Options{JS: js, Conn: nc, Registerer: prometheus.NewRegistry(), Log: slog.New(slog.DiscardHandler)}
	for name, spoil := range map[string]func(*Options){
		"no JetStream":   func(o *Options) { o.JS = nil },
		"no connection":  func(o *Options) { o.Conn = nil },
		"no registerer":  func(o *Options) { o.Registerer = nil },
		"no log":         func(o *Options) { o.Log = nil },
		"replicas":       func(o *Options) { o.Replicas = 6 },
		"lane bytes":     func(o *Options) { o.LaneBytes = -1 },
		"negative limit": func(o *Options) { o.Limits.TenantPackets = -1 },
	} {
		o := good
		spoil(&o)
		if _, err := Open(t.Context(), o); !errors.Is(err, ErrOptions) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	b := open(t, t.TempDir(), func(o *Options) { o.Registerer = registry })
	b.mustPost(`[{"id":"p","values":{"a":1}},{"a":{}}]`)
	b.mustPost(`{"id":"p","values":{"a":1}}`)
	if _, err := b.post("["); !errors.Is(err, telemetry.ErrSyntax) {
		t.Fatal(err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			key := family.GetName()
			for _, label := range m.GetLabel() {
				key += " " + label.GetValue()
			}
			got[key] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	for key, want := range map[string]float64{ // label values in the order of the labels' names
		"longwave_ingest_packets_total standard accepted ":   1,
		"longwave_ingest_packets_total standard duplicate ":  1,
		"longwave_ingest_packets_total  rejected value_type": 1,
		"longwave_ingest_packets_total  refused syntax":      1,
		"longwave_ingest_requests_total accepted HTTP":       2,
		"longwave_ingest_requests_total refused HTTP":        1,
		"longwave_ingest_rejected_kept_total kept":           1,
		"longwave_ingest_publish_seconds standard":           1,
		"longwave_ingest_message_requests standard":          1,
		"longwave_ingest_window_entries":                     1,
		"longwave_ingest_window_bytes":                       2 * leastSlots * slotBytes,
	} {
		if got[key] != want {
			t.Errorf("%s is %v, want %v", key, got[key], want)
		}
	}
}
