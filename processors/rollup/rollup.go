package rollup

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"longwave/processors/retry"
)

const (
	// interval is how long rollups lag behind readings at most while all is well. Charts of long ranges are made of
	// them; nobody sees two seconds in an hour.
	interval = 2 * time.Second
	// longestPause bounds the back-off while the store fails.
	longestPause = time.Minute
	// roundTimeout bounds one round: hours of late data recompute within it, a hung engine does not hold it for ever.
	roundTimeout = 2 * time.Minute
)

// ErrOptions is returned by Run when something that it needs is missing.
var ErrOptions = errors.New("rollup: incomplete options")

// Options are what Run needs.
type Options struct {
	// Rollup recomputes the windows touched since they were last computed and returns how many. Required.
	Rollup     func(context.Context) (windows int, err error)
	Registerer prometheus.Registerer // required
	Log        *slog.Logger          // required
	Interval   time.Duration         // between rounds; 0 means the default
}

// Run recomputes until ctx ends and then returns nil. It returns ErrOptions, or the registerer's error, at once.
func Run(ctx context.Context, o Options) error {
	if o.Rollup == nil || o.Registerer == nil || o.Log == nil {
		return ErrOptions
	}
	if o.Interval <= 0 {
		o.Interval = interval
	}
	m := newMetrics()
	if err := m.register(o.Registerer); err != nil {
		return fmt.Errorf("rollup: %w", err)
	}
	failures := 0
	for ctx.Err() == nil {
		err := round(ctx, o, m)
		if err != nil && ctx.Err() == nil {
			failures++
			m.failures.Inc()
			if failures == 1 {
				o.Log.Warn("rollups cannot be recomputed; trying again", "error", err)
			}
		} else if failures > 0 && err == nil {
			o.Log.Info("rollups are being recomputed again", "failures", failures)
			failures = 0
		}
		retry.Wait(ctx, retry.Backoff(o.Interval, longestPause, failures+1))
	}
	return nil
}

func round(ctx context.Context, o Options, m *metrics) error {
	ctx, cancel := context.WithTimeout(ctx, roundTimeout)
	defer cancel()
	begun := time.Now()
	windows, err := o.Rollup(ctx)
	if err != nil {
		return err
	}
	m.windows.Add(float64(windows))
	m.success.SetToCurrentTime()
	if windows > 0 { // empty rounds would hide what a real one costs
		m.seconds.Observe(time.Since(begun).Seconds())
	}
	return nil
}

type metrics struct {
	windows, failures prometheus.Counter
	seconds           prometheus.Histogram
	success           prometheus.Gauge
}

func newMetrics() *metrics {
	return &metrics{
		windows: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "longwave", Subsystem: "rollup",
			Name: "windows_total", Help: "Windows recomputed."}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "longwave", Subsystem: "rollup",
			Name: "failures_total", Help: "Rounds that failed and were repeated."}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "longwave", Subsystem: "rollup",
			Name: "seconds", Help: "Duration of a round that recomputed something.", Buckets: prometheus.ExponentialBuckets(0.005, 2, 14)}),
		success: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "longwave", Subsystem: "rollup",
			Name: "last_success_timestamp_seconds", Help: "When a round last succeeded."}),
	}
}

func (m *metrics) register(r prometheus.Registerer) error {
	for _, c := range []prometheus.Collector{m.windows, m.failures, m.seconds, m.success} {
		if err := r.Register(c); err != nil {
			return fmt.Errorf("register metric: %w", err)
		}
	}
	return nil
}
