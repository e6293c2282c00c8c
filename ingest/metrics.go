package ingest

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"longwave/ingest/telemetry"
)

type metrics struct {
	packets   *prometheus.CounterVec
	answers   *prometheus.CounterVec
	kept      *prometheus.CounterVec
	attempts  *prometheus.CounterVec
	latency   *prometheus.HistogramVec
	requests  *prometheus.HistogramVec
	groupSize *prometheus.HistogramVec
}

func newMetrics(to prometheus.Registerer, f *Front) (*metrics, error) {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "longwave", Subsystem: "ingest", Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "longwave", Subsystem: "ingest", Name: name, Help: help, Buckets: buckets}, []string{"lane"})
	}
	gauge := func(name, help string, value func() int) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "longwave", Subsystem: "ingest", Name: name, Help: help},
			func() float64 { return float64(value()) })
	}
	m := &metrics{
		packets:   counter("packets_total", "Packets by what became of them, the lane they went to and the reason.", "outcome", "lane", "reason"),
		answers:   counter("requests_total", "Requests by how they came and how they were answered.", "transport", "result"),
		kept:      counter("rejected_kept_total", "Rejected packets by whether they are kept.", "result"),
		attempts:  counter("attempts_total", "Failed attempts of devices by whether they were told of.", "result"),
		latency:   histogram("publish_seconds", "Time from publishing a message to its acknowledgement.", prometheus.ExponentialBuckets(50e-6, 2, 18)),
		requests:  histogram("message_requests", "Requests that shared one message.", prometheus.ExponentialBuckets(1, 2, 12)),
		groupSize: histogram("message_bytes", "Size of one message.", prometheus.ExponentialBuckets(64, 4, 8)),
	}
	var problems []error
	for _, c := range []prometheus.Collector{m.packets, m.answers, m.kept, m.attempts, m.latency, m.requests, m.groupSize,
		gauge("window_entries", "Packets that would be recognised as repetitions.", f.window.entries),
		gauge("window_bytes", "Memory for recognising repetitions.", f.window.bytes),
		gauge("waiting_bytes", "Encoded packets that wait for their stream's acknowledgement.", f.publishers.waitingBytes),
	} {
		problems = append(problems, to.Register(c))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("register metrics of ingest: %w", err)
	}
	return m, nil
}

// answered counts a request. The transport is one of ours or "other": a label must not grow with what callers write.
func (m *metrics) answered(transport string, err error) {
	if transport != "HTTP" && transport != "WebSocket" {
		transport = "other"
	}
	result := "accepted"
	if err != nil {
		result = "refused"
	}
	m.answers.WithLabelValues(transport, result).Inc()
}

func (p *publishers) waitingBytes() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all
}

func (m *metrics) published(lane telemetry.Lane, group []*flight, bytes int, took time.Duration) {
	m.latency.WithLabelValues(lane.String()).Observe(took.Seconds())
	m.requests.WithLabelValues(lane.String()).Observe(float64(len(group)))
	m.groupSize.WithLabelValues(lane.String()).Observe(float64(bytes))
}

// received counts the packets of a request that was answered.
func (m *metrics) received(in *items, r Receipt) {
	var fresh, again [3]int
	for i := range in.all {
		switch in.all[i].verdict {
		case claimed:
			fresh[in.all[i].lane]++
		case stored:
			again[in.all[i].lane]++
		}
	}
	for _, lane := range telemetry.Lanes() {
		if fresh[lane] > 0 {
			m.packets.WithLabelValues("accepted", lane.String(), "").Add(float64(fresh[lane]))
		}
		if again[lane] > 0 {
			m.packets.WithLabelValues("duplicate", lane.String(), "").Add(float64(again[lane]))
		}
	}
	for i := range r.Rejected {
		m.packets.WithLabelValues("rejected", "", r.Rejected[i].Code).Inc()
	}
}
