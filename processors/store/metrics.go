package store

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	rows          *prometheus.CounterVec
	blockRows     prometheus.Histogram
	insertSeconds prometheus.Histogram
	failures      *prometheus.CounterVec
	querySeconds  *prometheus.HistogramVec
	queryFailures *prometheus.CounterVec
	windows       prometheus.Counter
	damage        prometheus.Counter
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		rows: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "longwave", Subsystem: "store", Name: "inserted_rows_total",
			Help: "Rows that ClickHouse has committed, repetitions included."}, []string{"table"}),
		blockRows: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "longwave", Subsystem: "store", Name: "insert_rows",
			Help: "Readings and events of one block.", Buckets: prometheus.ExponentialBuckets(1, 4, 10)}),
		insertSeconds: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "longwave", Subsystem: "store", Name: "insert_seconds",
			Help: "Time to write one block into all its tables.", Buckets: prometheus.ExponentialBuckets(0.005, 2, 14)}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "longwave", Subsystem: "store", Name: "insert_failures_total",
			Help: "Blocks that were not written, by cause: refused (the data is at fault) or retry."}, []string{"cause"}),
		querySeconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "longwave", Subsystem: "store", Name: "query_seconds",
			Help: "Time of one question.", Buckets: prometheus.ExponentialBuckets(0.001, 4, 9)}, []string{"query"}),
		queryFailures: prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "longwave", Subsystem: "store", Name: "query_failures_total",
			Help: "Questions that got no answer."}, []string{"query"}),
		windows: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "longwave", Subsystem: "store", Name: "rolled_hours_total",
			Help: "Hours of devices that rollups have recomputed."}),
		damage: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "longwave", Subsystem: "store", Name: "damage_total",
			Help: "Questions that met damaged files, and damaged parts that a check found."}),
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.rows, m.blockRows, m.insertSeconds, m.failures, m.querySeconds, m.queryFailures, m.windows, m.damage} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

func (m *metrics) inserted(rows int, took time.Duration, err error) {
	switch {
	case errors.Is(err, ErrRefused):
		m.failures.WithLabelValues("refused").Inc()
	case err != nil:
		m.failures.WithLabelValues("retry").Inc()
	default:
		m.blockRows.Observe(float64(rows))
		m.insertSeconds.Observe(took.Seconds())
	}
}

func (m *metrics) asked(name string, took time.Duration, err error) {
	m.querySeconds.WithLabelValues(name).Observe(took.Seconds())
	if err != nil {
		m.queryFailures.WithLabelValues(name).Inc()
	}
	if errors.Is(err, ErrDamaged) {
		m.damage.Inc()
	}
}
