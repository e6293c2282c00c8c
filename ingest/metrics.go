package ingest

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"longwave/ingest/telemetry"
)

type metrics struct {
	lanes     [3]laneMetrics
	accepted  map[string]prometheus.Counter // requests by transport
	packets   *prometheus.CounterVec
	answers   *prometheus.CounterVec
	kept      *prometheus.CounterVec
	attempts  *prometheus.CounterVec
	latency   *prometheus.HistogramVec
	requests  *prometheus.HistogramVec
	groupSize *prometheus.HistogramVec
	turns     *prometheus.HistogramVec
	splits    prometheus.Counter
	demoted   prometheus.Counter
	dropped   prometheus.Counter
	failures  prometheus.Counter // of rules
	damage    *prometheus.CounterVec
	trimmed   *prometheus.CounterVec
}

// laneMetrics are the series that every packet moves, looked up once.
type laneMetrics struct {
	accepted, duplicate          prometheus.Counter
	latency, requests, groupSize prometheus.Observer
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
		damage:    counter("lane_damage_total", "Acknowledged messages that a start found to be gone or unreadable, by how.", "lane", "kind"),
		trimmed:   counter("trimmed_messages_total", "Processed messages that were dropped to make room.", "lane"),
		latency:   histogram("publish_seconds", "Time from publishing a message to its acknowledgement.", prometheus.ExponentialBuckets(50e-6, 2, 18)),
		requests:  histogram("message_requests", "Requests that shared one message.", prometheus.ExponentialBuckets(1, 2, 12)),
		groupSize: histogram("message_bytes", "Size of one message.", prometheus.ExponentialBuckets(64, 4, 8)),
		turns:     histogram("batch_messages", "Messages that became durable in one atomic batch.", prometheus.ExponentialBuckets(2, 2, 10)),
		splits: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "longwave", Subsystem: "ingest", Name: "batch_splits_total",
			Help: "Atomic batches that the stream refused, so that their messages were sent one by one."}),
	}
	m.demoted = prometheus.NewCounter(prometheus.CounterOpts{Namespace: "longwave", Subsystem: "ingest", Name: "demoted_packets_total",
		Help: "Packets that went to the bulk lane because their tenant sends more than its share."})
	m.dropped = prometheus.NewCounter(prometheus.CounterOpts{Namespace: "longwave", Subsystem: "ingest", Name: "dropped_packets_total",
		Help: "Packets that were accepted and not kept because a routing rule of their tenant says so."})
	m.failures = prometheus.NewCounter(prometheus.CounterOpts{Namespace: "longwave", Subsystem: "ingest", Name: "rule_failures_total",
		Help: "Routing rules that could not be computed on a packet."})
	var problems []error
	for _, c := range []prometheus.Collector{m.packets, m.answers, m.kept, m.attempts, m.latency, m.requests, m.groupSize, m.turns, m.splits, m.demoted, m.dropped, m.failures, m.damage, m.trimmed,
		gauge("window_entries", "Packets that would be recognised as repetitions.", func() int { return f.window.size().Entries }),
		gauge("window_bytes", "Memory for recognising repetitions.", func() int { return f.window.size().Bytes }),
		gauge("waiting_bytes", "Encoded packets that wait for their stream's acknowledgement.", f.publishers.waitingBytes),
	} {
		problems = append(problems, to.Register(c))
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("register metrics of ingest: %w", err)
	}
	m.lookUp()
	return m, nil
}

func (m *metrics) lookUp() {
	for _, lane := range telemetry.Lanes() {
		name := lane.String()
		m.lanes[lane] = laneMetrics{
			accepted: m.packets.WithLabelValues("accepted", name, ""), duplicate: m.packets.WithLabelValues("duplicate", name, ""),
			latency: m.latency.WithLabelValues(name), requests: m.requests.WithLabelValues(name), groupSize: m.groupSize.WithLabelValues(name),
		}
	}
	m.accepted = map[string]prometheus.Counter{}
	for _, transport := range []string{"HTTP", "WebSocket", "other"} {
		m.accepted[transport] = m.answers.WithLabelValues(transport, "accepted")
	}
}

// answered counts a request. The transport is one of ours or "other": a label must not grow with what callers write.
func (m *metrics) answered(transport string, err error) {
	if transport != "HTTP" && transport != "WebSocket" {
		transport = "other"
	}
	if err != nil {
		m.answers.WithLabelValues(transport, "refused").Inc()
		return
	}
	m.accepted[transport].Inc()
}

func (m *metrics) published(lane telemetry.Lane, g *group, took time.Duration) {
	m.lanes[lane].latency.Observe(took.Seconds())
	m.lanes[lane].requests.Observe(float64(len(g.flights)))
	m.lanes[lane].groupSize.Observe(float64(len(g.message.Data)))
}

func (m *metrics) batched(lane telemetry.Lane, messages int) {
	m.turns.WithLabelValues(lane.String()).Observe(float64(messages))
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
	for lane := range fresh {
		if fresh[lane] > 0 {
			m.lanes[lane].accepted.Add(float64(fresh[lane]))
		}
		if again[lane] > 0 {
			m.lanes[lane].duplicate.Add(float64(again[lane]))
		}
	}
	m.demoted.Add(float64(r.Demoted))
	m.dropped.Add(float64(r.Dropped))
	for i := range r.Rejected {
		m.packets.WithLabelValues("rejected", "", r.Rejected[i].Code).Inc()
	}
}
