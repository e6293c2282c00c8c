package handler

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
)

// Func is a handler that returns its failure instead of writing it. It must not have begun its answer when it returns
// an error that the caller should read; when it has, the connection is cut.
type Func func(http.ResponseWriter, *http.Request) error

// Options configure an Adapter.
type Options struct {
	Log        *slog.Logger          // required
	Registerer prometheus.Registerer // required
	// Show writes a problem as the caller expects it: WriteProblem when nil. With gives another part of the same
	// server another way.
	Show func(http.ResponseWriter, *http.Request, Problem)
	// TrustedProxies are the networks whose X-Forwarded-For and X-Forwarded-Proto are believed; none by default.
	TrustedProxies []netip.Prefix
	// Slow is the duration from which a request is worth a line at level info: DefaultSlow when 0.
	Slow time.Duration
	// WriteWithin is how long a caller may take to read 64 KiB of an answer: DefaultWriteWithin when 0.
	WriteWithin time.Duration
}

// DefaultSlow is how long a request may take before it is logged at level info: a person notices a page that takes a
// second, and a device's post that takes one says that the disk is in trouble.
const DefaultSlow = time.Second

// statusCallerGone is what a request counts as when its caller went away before it was answered (nginx's number).
const statusCallerGone = 499

// Adapter turns a Func into a http.Handler and holds what all of a server's handlers share.
type Adapter struct {
	log     *slog.Logger
	show    func(http.ResponseWriter, *http.Request, Problem)
	proxies []netip.Prefix
	slow    time.Duration
	within  time.Duration
	metrics *metrics
	outages *outages
	page    []header
	machine []header
}

// New makes an Adapter. It returns an error for options that are incomplete and for metrics that are already registered.
func New(o Options) (*Adapter, error) {
	if o.Log == nil || o.Registerer == nil {
		return nil, errors.New("handler: options need Log and Registerer")
	}
	if o.Show == nil {
		o.Show = WriteProblem
	}
	if o.Slow <= 0 {
		o.Slow = DefaultSlow
	}
	if o.WriteWithin <= 0 {
		o.WriteWithin = DefaultWriteWithin
	}
	m, err := newMetrics(o.Registerer)
	if err != nil {
		return nil, fmt.Errorf("handler: %w", err)
	}
	return &Adapter{
		log: o.Log, show: o.Show, proxies: o.TrustedProxies, slow: o.Slow, within: o.WriteWithin, metrics: m,
		page: pageHeaders(), machine: machineHeaders(), outages: &outages{seen: map[string]outage{}},
	}, nil
}

// With is the same adapter, log and metrics with another way to show problems: pages show a page, the API shows JSON.
func (a *Adapter) With(show func(http.ResponseWriter, *http.Request, Problem)) *Adapter {
	other := *a
	other.show = show
	return &other
}

// Handle makes a Func a handler.
func (a *Adapter) Handle(f Func) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := f(w, r); err != nil {
			a.Fail(w, r, err)
		}
	}
}

// Fail answers a request with what Describe says about err, and logs err. It is for the places that cannot return an
// error; it panics with http.ErrAbortHandler when the answer was already under way.
func (a *Adapter) Fail(w http.ResponseWriter, r *http.Request, err error) {
	rec := recorderOf(w)
	if rec != nil && rec.lost {
		err = fmt.Errorf("%w: %w", errLost, err)
	}
	p := a.Explain(r, err)
	if rec != nil && rec.begun {
		panic(http.ErrAbortHandler) // a cut connection is the only honest end of half an answer
	}
	if p.Status == statusCallerGone {
		w.WriteHeader(statusCallerGone) // nobody reads it; it would count as 200 otherwise
		return
	}
	a.show(w, r, p)
}

// Explain puts an error into words and logs it, once; when the fault is ours, an id stands in both. Of an outage (503)
// one line a second is logged, with the number of those left out. It is for answers that this package does not write.
func (a *Adapter) Explain(r *http.Request, err error) Problem {
	p := Describe(err)
	if callerGone(r, err) {
		p = Problem{Status: statusCallerGone, Code: "caller_gone", Title: "The caller went away"}
	}
	level := slog.LevelDebug
	attrs := []any{"method", r.Method, "route", Route(r), "status", p.Status, "code", p.Code, "err", err}
	if p.Status >= http.StatusInternalServerError {
		level = slog.LevelError
		if p.Status == http.StatusServiceUnavailable {
			worth, skipped := a.outages.note(p.Code, time.Now())
			if !worth {
				return p
			}
			attrs = append(attrs, "skipped", skipped)
		}
		p.RequestID = rand.Text()
		attrs = append(attrs, "request_id", p.RequestID)
	}
	a.log.Log(r.Context(), level, "request failed", attrs...)
	return p
}

// errLost is the class of a failure behind a write that failed: the caller hung up, or does not read.
var errLost = errors.New("the caller does not take its answer")

// callerGone tells a request that its caller gave up from one that we gave up.
func callerGone(r *http.Request, err error) bool {
	return errors.Is(err, errLost) || errors.Is(err, context.Canceled) && errors.Is(r.Context().Err(), context.Canceled)
}

// NotFound answers an address that does not exist; MethodNotAllowed when it does for other methods, which the router
// does not tell when a wider pattern stands behind.
func (a *Adapter) NotFound(w http.ResponseWriter, r *http.Request) {
	if len(allowedMethods(r)) > 0 {
		a.MethodNotAllowed(w, r)
		return
	}
	a.Fail(w, r, Problem{
		Status: http.StatusNotFound, Code: "no_such_address", Title: "Not found",
		Detail: "There is nothing at this address.",
	}.Because(nil))
}

// MethodNotAllowed answers a method that the address does not know, and names those it does.
func (a *Adapter) MethodNotAllowed(w http.ResponseWriter, r *http.Request) {
	allowed := strings.Join(allowedMethods(r), ", ")
	w.Header().Set("Allow", allowed)
	a.Fail(w, r, Problem{
		Status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Title: "Method not allowed",
		Detail: "This address does not answer to " + method(r) + ", only to " + allowed + ".",
	}.Because(nil))
}

// allowedMethods asks the router for the methods of the request's address.
func allowedMethods(r *http.Request) []string {
	c := chi.RouteContext(r.Context())
	if c == nil || c.Routes == nil {
		return nil
	}
	var allowed []string
	for _, m := range methods() {
		if c.Routes.Match(chi.NewRouteContext(), m, r.URL.Path) {
			allowed = append(allowed, m)
		}
	}
	return allowed
}

// Route is the pattern of the route that serves the request, such as /t/{tenant}/devices; "unmatched" when there is none.
func Route(r *http.Request) string {
	if c := chi.RouteContext(r.Context()); c != nil {
		if pattern := c.RoutePattern(); pattern != "" && pattern != "/*" {
			return pattern
		}
	}
	return "unmatched"
}
