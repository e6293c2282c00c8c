package forward

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"longwave/ingest/telemetry"
	"longwave/processors/mark"
)

// metrics are labelled by nothing that grows with tenants or destinations.
type metrics struct {
	messages, discarded *prometheus.CounterVec
	queued, undelivered prometheus.Counter
	rewound             *prometheus.CounterVec
	lostTrack           atomic.Uint64 // rewinds that were no matter of course
	attempts            *prometheus.HistogramVec
}

func newMetrics() *metrics {
	options := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "longwave", Subsystem: "forward", Name: name, Help: help}
	}
	return &metrics{
		messages:    prometheus.NewCounterVec(options("lane_messages_total", "Lane messages looked through for packets to forward, repetitions included."), []string{"lane"}),
		discarded:   prometheus.NewCounterVec(options("discarded_total", "Messages that were not queued, by reason."), []string{"reason"}),
		queued:      prometheus.NewCounter(options("queued_total", "Messages that were queued for destinations.")),
		undelivered: prometheus.NewCounter(options("undelivered_total", "Messages that were given up and are on work lists.")),
		rewound: prometheus.NewCounterVec(options("rewinds_total", "Times that a lane was looked through again from the last place that is settled for certain, by why, as longwave_processor_rewinds_total."),
			[]string{"why", "lane"}),
		attempts: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "longwave", Subsystem: "forward", Name: "attempt_seconds", Help: "Duration of one attempt to deliver, by outcome.",
			Buckets: prometheus.ExponentialBuckets(0.005, 2, 12),
		}, []string{"outcome"}),
	}
}

func (m *metrics) register(r prometheus.Registerer) error {
	for _, c := range []prometheus.Collector{m.messages, m.discarded, m.queued, m.undelivered, m.rewound, m.attempts} {
		if err := r.Register(c); err != nil {
			return fmt.Errorf("register metric: %w", err)
		}
	}
	return nil
}

func (m *metrics) rewind(l telemetry.Lane, why mark.Doubt) {
	if why != mark.Unproven {
		m.lostTrack.Add(1)
	}
	m.rewound.WithLabelValues(string(why), l.String()).Inc()
}

// LostTrack is how often NATS had lost track of what the stages have settled, since the Forwarder was made. Nothing is lost
// by it.
func (f *Forwarder) LostTrack() uint64 { return f.metrics.lostTrack.Load() }

func (m *metrics) attempted(outcome string, took time.Duration) {
	m.attempts.WithLabelValues(outcome).Observe(took.Seconds())
}

// Lag is how far the stage is behind a lane.
type Lag struct {
	Lane     telemetry.Lane
	Messages uint64
}

// Lag asks NATS how far the stage is behind on every lane. While there never was a destination there is nothing to be
// behind with. It returns ErrUnavailable.
func (f *Forwarder) Lag(ctx context.Context) ([]Lag, error) {
	var lags []Lag
	for _, lane := range telemetry.Lanes() {
		consumer, err := f.JS.Consumer(ctx, telemetry.LaneStream(lane), stageConsumer)
		if errors.Is(err, jetstream.ErrConsumerNotFound) {
			continue
		}
		if err != nil {
			return nil, unavailable(err)
		}
		info := consumer.CachedInfo()
		lags = append(lags, Lag{lane, info.NumPending + uint64(info.NumAckPending)})
	}
	return lags, nil
}

// lagCollector asks NATS when it is scraped: a figure that was remembered would look fresh for as long as NATS is gone.
type lagCollector struct {
	f             *Forwarder
	behind, queue *prometheus.Desc
}

const scrapeTimeout = 3 * time.Second

func newLagCollector(f *Forwarder) *lagCollector {
	return &lagCollector{
		f:      f,
		behind: prometheus.NewDesc("longwave_forward_lag_messages", "Lane messages that were not looked through yet.", []string{"lane"}, nil),
		queue:  prometheus.NewDesc("longwave_forward_queue_messages", "Messages that wait for destinations, of all tenants.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *lagCollector) Describe(out chan<- *prometheus.Desc) { out <- c.behind; out <- c.queue }

// Collect implements prometheus.Collector. While NATS does not answer the figures are absent, not zero.
func (c *lagCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	lags, err := c.f.Lag(ctx)
	if err != nil {
		return
	}
	for _, lag := range lags {
		out <- prometheus.MustNewConstMetric(c.behind, prometheus.GaugeValue, float64(lag.Messages), lag.Lane.String())
	}
	if stream, err := c.f.JS.Stream(ctx, telemetry.OutStream); err == nil {
		out <- prometheus.MustNewConstMetric(c.queue, prometheus.GaugeValue, float64(stream.CachedInfo().State.Msgs))
	}
}
