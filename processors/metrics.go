package processors

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"longwave/ingest/telemetry"
	"longwave/processors/mark"
	"longwave/processors/store"
)

// metrics are labelled by lane, and by nothing that grows with tenants or devices.
type metrics struct {
	messages, packets, dropped, postponed, retries *prometheus.CounterVec
	rejected, losses, rewound                      *prometheus.CounterVec // by lane, and code, how or why
	rows, seconds                                  *prometheus.HistogramVec

	lostMessages, lostTrack atomic.Uint64 // the sums of losses, and of rewinds that were no matter of course
}

func newMetrics() *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "longwave", Subsystem: "processor", Name: name, Help: help}, append(labels, "lane"))
	}
	histogram := func(name, help string, buckets []float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "longwave", Subsystem: "processor", Name: name, Help: help, Buckets: buckets}, []string{"lane"})
	}
	return &metrics{
		messages:  counter("messages_total", "Lane messages fetched, repetitions included."),
		packets:   counter("packets_total", "Packets stored, repetitions included."),
		dropped:   counter("dropped_packets_total", "Packets not stored because their device was deleted."),
		postponed: counter("postponed_messages_total", "Messages put back because they name a device not known yet."),
		retries:   counter("retries_total", "Attempts to store a block, or to keep a rejected packet, that had to be repeated."),
		losses: counter("lost_messages_total", "Lane messages that are gone although they were never stored, by how: gone (from the middle), "+
			"unread (from the beginning), truncated (from the end) or unreadable (a wrong checksum).", "how"),
		rewound: counter("rewinds_total", "Times that a lane was read again from the last place that is settled for certain, by why: unproven (after a "+
			"restart of the broker, as a matter of course), impossible or missing (NATS had lost track).", "why"),
		rejected: counter("rejected_total", "Packets refused by the store, and messages that could not be read.", "code"),
		rows:     histogram("insert_rows", "Rows of one insert.", prometheus.ExponentialBuckets(1, 4, 10)),
		seconds:  histogram("insert_seconds", "Duration of one insert.", prometheus.ExponentialBuckets(0.002, 2, 14)),
	}
}

func (m *metrics) register(r prometheus.Registerer) error {
	for _, c := range []prometheus.Collector{m.messages, m.packets, m.dropped, m.postponed, m.retries, m.losses, m.rewound, m.rejected,
		m.rows, m.seconds} {
		if err := r.Register(c); err != nil {
			return fmt.Errorf("register metric: %w", err)
		}
	}
	return nil
}

func (m *metrics) fetched(l telemetry.Lane, h *hand) {
	m.messages.WithLabelValues(l.String()).Add(float64(len(h.messages)))
}

// stored counts what the hand came to, once nothing can change it any more.
func (m *metrics) stored(l telemetry.Lane, h *hand) {
	m.dropped.WithLabelValues(l.String()).Add(float64(h.dropped))
	m.postponed.WithLabelValues(l.String()).Add(float64(len(h.postponed)))
}

func (m *metrics) inserted(l telemetry.Lane, b *store.Block, took time.Duration) {
	m.packets.WithLabelValues(l.String()).Add(float64(b.Packets()))
	m.rows.WithLabelValues(l.String()).Observe(float64(b.Rows()))
	m.seconds.WithLabelValues(l.String()).Observe(took.Seconds())
}

func (m *metrics) lost(l telemetry.Lane, how string, messages uint64) {
	m.lostMessages.Add(messages)
	m.losses.WithLabelValues(how, l.String()).Add(float64(messages))
}

func (m *metrics) rewind(l telemetry.Lane, why mark.Doubt) {
	if why != mark.Unproven {
		m.lostTrack.Add(1)
	}
	m.rewound.WithLabelValues(string(why), l.String()).Inc()
}

func (m *metrics) retried(l telemetry.Lane) { m.retries.WithLabelValues(l.String()).Inc() }

func (m *metrics) refused(l telemetry.Lane, code string) {
	m.rejected.WithLabelValues(code, l.String()).Inc()
}

// lagCollector asks NATS, when it is scraped, how far each consumer is behind: a figure that was remembered would look
// fresh for as long as NATS is gone.
type lagCollector struct {
	runner                     *Runner
	messages, packets, seconds *prometheus.Desc
}

func newLagCollector(r *Runner) *lagCollector {
	labels := []string{"consumer", "lane"}
	return &lagCollector{
		runner:   r,
		messages: prometheus.NewDesc("longwave_consumer_lag_messages", "Lane messages that are not settled yet; each holds one or more packets.", labels, nil),
		packets:  prometheus.NewDesc("longwave_consumer_lag_packets_estimate", "About how many packets the lane messages hold that are not settled yet, judged by those read last.", labels, nil),
		seconds:  prometheus.NewDesc("longwave_consumer_lag_seconds", "Age of the oldest lane message that is not settled yet.", labels, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *lagCollector) Describe(out chan<- *prometheus.Desc) {
	out <- c.messages
	out <- c.packets
	out <- c.seconds
}

// Collect implements prometheus.Collector. While NATS does not answer the figures are absent, not zero.
func (c *lagCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), lagTimeout)
	defer cancel()
	lags, err := c.runner.Lag(ctx)
	if err != nil {
		return
	}
	for _, lag := range lags {
		out <- prometheus.MustNewConstMetric(c.messages, prometheus.GaugeValue, float64(lag.Messages), lag.Consumer, lag.Lane.String())
		if lag.PacketsKnown {
			out <- prometheus.MustNewConstMetric(c.packets, prometheus.GaugeValue, float64(lag.Packets), lag.Consumer, lag.Lane.String())
		}
		out <- prometheus.MustNewConstMetric(c.seconds, prometheus.GaugeValue, lag.Seconds, lag.Consumer, lag.Lane.String())
	}
}
