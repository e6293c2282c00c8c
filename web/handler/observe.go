package handler

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what every request is counted in.
type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	m := &metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "longwave_http_requests_total", Help: "Requests answered, by route pattern.",
		}, []string{"route", "method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "longwave_http_request_seconds", Help: "Time to the end of the answer, sockets excepted.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"route"}),
	}
	return m, errors.Join(r.Register(m.requests), r.Register(m.seconds))
}

// Observe counts, times and logs every request, and answers a panic with 500. It goes first on the root router:
// what stands before it is not seen.
func (a *Adapter) Observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := &recorder{ResponseWriter: w, within: a.within}
		start := time.Now()
		defer func() { a.count(rec, r, time.Since(start)) }()
		defer a.recover(rec, r)
		next.ServeHTTP(rec, r)
	})
}

// recover answers a panic. http.ErrAbortHandler is passed on: it is how a handler cuts its connection.
func (a *Adapter) recover(rec *recorder, r *http.Request) {
	cause := recover()
	if cause == nil {
		return
	}
	if cause == http.ErrAbortHandler { //nolint:errorlint // the documented way: it is compared, never wrapped
		rec.aborted = true
		panic(cause)
	}
	err := fmt.Errorf("%w: %v\n%s", errPanic, cause, debug.Stack())
	if rec.begun {
		a.Explain(r, err)
		rec.aborted = true
		panic(http.ErrAbortHandler)
	}
	a.Fail(rec, r, err)
}

// errPanic is the class of a request whose handler panicked.
var errPanic = errors.New("panic in a handler")

func (a *Adapter) count(rec *recorder, r *http.Request, took time.Duration) {
	route, status := Route(r), rec.outcome()
	a.metrics.requests.WithLabelValues(route, method(r), strconv.Itoa(status)).Inc()
	if status != http.StatusSwitchingProtocols { // how long a socket lived is no latency
		a.metrics.seconds.WithLabelValues(route).Observe(took.Seconds())
	}
	level := slog.LevelDebug
	if status >= http.StatusInternalServerError || took >= a.slow && status != http.StatusSwitchingProtocols {
		level = slog.LevelInfo
	}
	if !a.log.Enabled(r.Context(), level) {
		return // most requests: nothing is built for a line that nobody wants
	}
	a.log.LogAttrs(r.Context(), level, "request",
		slog.String("method", method(r)), slog.String("route", route), slog.Int("status", status),
		slog.Duration("took", took), slog.Int64("bytes", rec.bytes), slog.String("address", a.ClientAddress(r)))
}

// method is the request's method when it is one of HTTP's own, so that a caller cannot invent labels.
func method(r *http.Request) string {
	if slices.Contains(methods(), r.Method) {
		return r.Method
	}
	return "OTHER"
}

// methods are those that a route of ours may have.
func methods() []string {
	return []string{
		http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions,
	}
}
