package alert

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
	"longwave/ingest/telemetry"
)

// metrics are labelled by nothing that grows with tenants, rules or devices.
type metrics struct {
	active, pairs, leftOut                     prometheus.Gauge
	messages, passedOver                       *prometheus.CounterVec
	looks, entries, writeFailures, takeOvers   prometheus.Counter
	missed, damaged                            prometheus.Counter
	checkpointSeconds, checkpointBytes, latest prometheus.Histogram
}

func newMetrics() *metrics {
	const namespace, subsystem = "longwave", "alert"
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help})
	}
	counters := func(name, help, label string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}, []string{label})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help})
	}
	histogram := func(name, help string, first, factor float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help,
			Buckets: prometheus.ExponentialBuckets(first, factor, 12)})
	}
	return &metrics{
		active:            gauge("active", "1 while this copy of the program evaluates alert rules."),
		pairs:             gauge("pairs", "Alert rules times the devices that each is about."),
		leftOut:           gauge("pairs_left_out", "Rules times devices that are not evaluated, because a tenant has too many."),
		messages:          counters("lane_messages_total", "Lane messages that alert rules were shown, repetitions included.", "lane"),
		passedOver:        counters("passed_over_total", "Messages or changes that the rules of a tenant were not let see, by the allowance that was used up.", "allowance"),
		looks:             counter("looks_total", "Times that a rule looked at a packet."),
		entries:           counter("entries_total", "Entries written to the log of alerts by evaluation."),
		writeFailures:     counter("write_failures_total", "Attempts to write to the log of alerts that failed."),
		takeOvers:         counter("take_overs_total", "Times that this copy of the program began to evaluate."),
		missed:            counter("missed_messages_total", "Lane messages that were gone before alert rules saw them."),
		damaged:           counter("damaged_total", "Parts of a checkpoint, entries of the log and lane messages that could not be read."),
		checkpointSeconds: histogram("checkpoint_seconds", "Duration of writing down what is known.", 0.001, 2.5),
		checkpointBytes:   histogram("checkpoint_bytes", "Bytes written down at once.", 256, 4),
		latest:            histogram("delay_seconds", "Time from when a lane took a message until what rules found in it was in the log.", 0.001, 2.5),
	}
}

func (m *metrics) register(r prometheus.Registerer) error {
	for _, lane := range telemetry.Lanes() {
		m.messages.WithLabelValues(lane.String())
	}
	for _, c := range []prometheus.Collector{m.active, m.pairs, m.leftOut, m.messages, m.passedOver, m.looks, m.entries, m.writeFailures,
		m.takeOvers, m.missed, m.damaged, m.checkpointSeconds, m.checkpointBytes, m.latest} {
		if err := r.Register(c); err != nil {
			return fmt.Errorf("alert: register metric: %w", err)
		}
	}
	return nil
}
