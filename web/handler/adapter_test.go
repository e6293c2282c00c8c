package handler_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"longwave/tenants"
	"longwave/web/handler"
)

// rig is a server with one route, its log and its metrics.
type rig struct {
	adapter *handler.Adapter
	router  chi.Router
	log     bytes.Buffer
	metrics *prometheus.Registry
}

func newRig(t *testing.T, f handler.Func) *rig {
	t.Helper()
	r := &rig{metrics: prometheus.NewRegistry(), router: chi.NewRouter()}
	adapter, err := handler.New(handler.Options{
		Log: slog.New(slog.NewJSONHandler(&r.log, &slog.HandlerOptions{Level: slog.LevelDebug})), Registerer: r.metrics,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.adapter = adapter
	r.router.Use(adapter.Observe)
	r.router.NotFound(adapter.NotFound)
	r.router.MethodNotAllowed(adapter.MethodNotAllowed)
	r.router.Get("/things/{thing}", adapter.Handle(f))
	return r
}

func (r *rig) get(t *testing.T, target string) (*httptest.ResponseRecorder, handler.ProblemBody) {
	t.Helper()
	w := httptest.NewRecorder()
	r.router.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
	var body handler.ProblemBody
	if w.Header().Get("Content-Type") == handler.ProblemType {
		if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil {
			t.Fatal(err)
		}
	}
	return w, body
}

// lines counts the log's lines with this text.
func (r *rig) lines(text string) int { return strings.Count(r.log.String(), text) }

func TestFaultsOfOursAreLoggedOnceAndNotShown(t *testing.T) {
	r := newRig(t, func(http.ResponseWriter, *http.Request) error { return errors.New("disk on fire") })
	w, body := r.get(t, "/things/1")
	if w.Code != 500 || body.Code != "internal" || strings.Contains(w.Body.String(), "fire") {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	if r.lines("disk on fire") != 1 || r.lines(`"level":"ERROR"`) != 1 {
		t.Errorf("want the cause once, as an error:\n%s", &r.log)
	}
	if body.RequestID == "" || r.lines(body.RequestID) != 1 {
		t.Errorf("the id of the answer, %q, is not in the log:\n%s", body.RequestID, &r.log)
	}
}

func TestFaultsOfTheCallerAreLoggedAtDebug(t *testing.T) {
	r := newRig(t, func(http.ResponseWriter, *http.Request) error { return tenants.ErrNotFound })
	w, body := r.get(t, "/things/1")
	if w.Code != 404 || body.Code != "not_found" || body.RequestID != "" || body.Type != "urn:longwave:problem:not_found" {
		t.Errorf("answered %d %+v", w.Code, body)
	}
	if r.lines(`"level":"ERROR"`)+r.lines(`"level":"INFO"`) != 0 || r.lines(`"request failed"`) != 1 {
		t.Errorf("want one line at debug:\n%s", &r.log)
	}
}

// TestNoPathIsLogged has a path and a query that hold a secret, as the links of notifications do, and every way for a request to
// end: what is logged and counted names the route.
func TestNoPathIsLogged(t *testing.T) {
	const secret = "acknowledge~t-1~sealed"
	for name, f := range map[string]handler.Func{
		"answered": func(w http.ResponseWriter, _ *http.Request) error { w.WriteHeader(http.StatusOK); return nil },
		"refused":  func(http.ResponseWriter, *http.Request) error { return tenants.ErrNotFound },
		"failed":   func(http.ResponseWriter, *http.Request) error { return errors.New("disk on fire") },
		"panic":    func(http.ResponseWriter, *http.Request) error { panic("no such index") },
	} {
		r := newRig(t, f)
		r.get(t, "/things/"+secret+"?token="+secret)
		r.get(t, "/nothing/"+secret)
		families, err := r.metrics.Gather()
		if err != nil {
			t.Fatal(err)
		}
		if r.log.Len() == 0 || r.lines(secret) != 0 || strings.Contains(fmt.Sprint(families), secret) {
			t.Errorf("%s: the secret is told, or nothing is:\n%s", name, &r.log)
		}
	}
}

func TestPanicIsAnsweredAndLoggedWithItsStack(t *testing.T) {
	r := newRig(t, func(http.ResponseWriter, *http.Request) error { panic("no such index") })
	w, body := r.get(t, "/things/1")
	if w.Code != 500 || body.Code != "internal" || strings.Contains(w.Body.String(), "index") {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	if r.lines("no such index") != 1 || r.lines("adapter_test.go") == 0 {
		t.Errorf("want the panic once, with its stack:\n%s", &r.log)
	}
}

func TestHalfAnAnswerIsCutOff(t *testing.T) {
	for name, fail := range map[string]func() error{
		"error": func() error { return errors.New("engine gone") },
		"panic": func() error { panic("engine gone") },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, func(w http.ResponseWriter, _ *http.Request) error {
				io.WriteString(w, strings.Repeat("half ", 4000))
				return fail()
			})
			server := httptest.NewServer(r.router)
			defer server.Close()
			answer, err := http.Get(server.URL + "/things/1")
			if err == nil {
				_, err = io.ReadAll(answer.Body)
				answer.Body.Close()
			}
			if err == nil {
				t.Error("half an answer looks complete")
			}
			server.Close()
			if r.lines("engine gone") != 1 {
				t.Errorf("want the cause once:\n%s", &r.log)
			}
		})
	}
}

func TestCallerGoneCountsAs499(t *testing.T) {
	r := newRig(t, func(_ http.ResponseWriter, r *http.Request) error { return r.Context().Err() })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	r.router.ServeHTTP(w, httptest.NewRequestWithContext(ctx, http.MethodGet, "/things/1", nil))
	if w.Code != 499 || w.Body.Len() != 0 || r.lines(`"level":"ERROR"`) != 0 {
		t.Errorf("answered %d %q, log:\n%s", w.Code, w.Body, &r.log)
	}
}

func TestMetricsNameRoutesAndNeverPaths(t *testing.T) {
	r := newRig(t, func(w http.ResponseWriter, _ *http.Request) error {
		w.WriteHeader(http.StatusNoContent)
		return nil
	})
	for _, path := range []string{"/things/1", "/things/2", "/secret-1", "/secret-2"} {
		r.get(t, path)
	}
	odd := httptest.NewRequestWithContext(t.Context(), "BREW", "/things/1", nil)
	r.router.ServeHTTP(httptest.NewRecorder(), odd)
	want := `
# HELP longwave_http_requests_total Requests answered, by route pattern.
# TYPE longwave_http_requests_total counter
longwave_http_requests_total{method="GET",route="/things/{thing}",status="204"} 2
longwave_http_requests_total{method="GET",route="unmatched",status="404"} 2
longwave_http_requests_total{method="OTHER",route="unmatched",status="405"} 1
`
	if err := testutil.GatherAndCompare(r.metrics, strings.NewReader(want), "longwave_http_requests_total"); err != nil {
		t.Error(err)
	}
}

func TestMethodNotAllowedNamesWhatIs(t *testing.T) {
	r := newRig(t, nil)
	w := httptest.NewRecorder()
	r.router.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/things/1", nil))
	if w.Code != 405 || w.Header().Get("Allow") != "GET" || !strings.Contains(w.Body.String(), "only to GET") {
		t.Errorf("answered %d, Allow %q, %s", w.Code, w.Header().Get("Allow"), w.Body)
	}
}

func TestWithShowsProblemsItsOwnWay(t *testing.T) {
	r := newRig(t, nil)
	page := r.adapter.With(func(w http.ResponseWriter, _ *http.Request, p handler.Problem) {
		p.SetHeaders(w.Header())
		w.WriteHeader(p.Status)
		io.WriteString(w, "<p>"+p.Title)
	})
	r.router.Get("/page", page.Handle(func(http.ResponseWriter, *http.Request) error { return handler.ErrCredentials }))
	w, _ := r.get(t, "/page")
	if w.Code != 401 || w.Body.String() != "<p>Not signed in" {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
}

func TestNewRefusesIncompleteOptions(t *testing.T) {
	if _, err := handler.New(handler.Options{}); err == nil {
		t.Error("an adapter without a log was made")
	}
	registry := prometheus.NewRegistry()
	o := handler.Options{Log: slog.New(slog.DiscardHandler), Registerer: registry}
	if _, err := handler.New(o); err != nil {
		t.Fatal(err)
	}
	if _, err := handler.New(o); err == nil {
		t.Error("the same metrics were registered twice")
	}
}

func TestAnOutageDoesNotFillTheLog(t *testing.T) {
	r := newRig(t, func(http.ResponseWriter, *http.Request) error { return tenants.ErrUnavailable })
	for range 500 {
		if w, _ := r.get(t, "/things/1"); w.Code != 503 {
			t.Fatalf("answered %d", w.Code)
		}
	}
	if n := r.lines(`"level":"ERROR"`); n == 0 || n > 10 {
		t.Errorf("500 failures of one kind made %d lines", n)
	}
}
