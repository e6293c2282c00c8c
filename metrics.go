package main

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"longwave/processors/store"
)

// scrapeTimeout bounds what a scrape may ask of ClickHouse: a scraper that waits is worse than a figure that is missing.
const scrapeTimeout = 2 * time.Second

func newEngineRestarts(r prometheus.Registerer) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "longwave_engine_restarts_total", Help: "Times that the embedded ClickHouse engine was started again after it had ended by itself."})
	r.MustRegister(c)
	return c
}

// diskCollector asks, when it is scraped, how much each table takes on disk.
type diskCollector struct {
	store       *store.Store
	rows, bytes *prometheus.Desc
}

func newDiskCollector(s *store.Store) *diskCollector {
	return &diskCollector{
		store: s,
		rows:  prometheus.NewDesc("longwave_store_rows", "Rows of a table on disk, repetitions that are not merged away yet included.", []string{"table"}, nil),
		bytes: prometheus.NewDesc("longwave_store_bytes", "Bytes of a table on disk, compressed.", []string{"table"}, nil),
	}
}

// Describe implements prometheus.Collector.
func (c *diskCollector) Describe(d chan<- *prometheus.Desc) { d <- c.rows; d <- c.bytes }

// Collect implements prometheus.Collector. While ClickHouse is down the figures are absent, not zero.
func (c *diskCollector) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	sizes, err := c.store.Disk(ctx)
	if err != nil {
		return
	}
	for _, size := range sizes {
		out <- prometheus.MustNewConstMetric(c.rows, prometheus.GaugeValue, float64(size.Rows), size.Table)
		out <- prometheus.MustNewConstMetric(c.bytes, prometheus.GaugeValue, float64(size.Bytes), size.Table)
	}
}
