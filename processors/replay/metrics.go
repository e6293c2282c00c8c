package replay

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct{ jobs, packets *prometheus.CounterVec }

func newMetrics() *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "longwave", Subsystem: "replay", Name: name, Help: help}, labels)
	}
	return &metrics{
		jobs:    counter("jobs_total", "Jobs that ended, by kind and how.", "kind", "state"),
		packets: counter("packets_total", "Packets that jobs worked on, by kind and what became of them.", "kind", "outcome"),
	}
}

func (m *metrics) register(r prometheus.Registerer) error {
	for _, c := range []prometheus.Collector{m.jobs, m.packets} {
		if err := r.Register(c); err != nil {
			return fmt.Errorf("register metric: %w", err)
		}
	}
	return nil
}

func (m *metrics) ended(j *Job) { m.jobs.WithLabelValues(string(j.Kind), string(j.State)).Inc() }
