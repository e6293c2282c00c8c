package api_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/prometheus/client_golang/prometheus"

	"longwave/api"
	"longwave/ingest"
	"longwave/ingest/natsd/natstest"
	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/web/handler"
)

// fourValues is the packet that the benchmarks of the whole path use, too.
const fourValues = `{"ts":"2026-11-20T10:00:00.123Z","values":{"temp":21.5,"pressure":1013.25,"humidity":48,"battery":3.7}}`

// instant accepts at once, so that what is measured is the transport alone.
type instant struct{ *accepter }

func (instant) Accept(context.Context, ingest.Principal, ingest.Request) (ingest.Receipt, error) {
	return ingest.Receipt{Accepted: 1, PacketIDs: []string{"0123456789abcdef"}}, nil
}

// benchRouter is the API with a real control plane of one device.
func benchRouter(b *testing.B) (http.Handler, string) {
	b.Helper()
	_, _, js := natstest.Start(b)
	log := slog.New(slog.DiscardHandler)
	service, err := tenants.Open(b.Context(), tenants.Options{JS: js, Log: log})
	must(b, err)
	run(b, service.Run)
	claimed, err := service.Claim(b.Context(), tenants.Actor{}, tenants.Claim{Email: "a@example.com", Password: "correct horse battery", Tenant: "bench"})
	must(b, err)
	_, token, err := service.CreateDevice(b.Context(), tenants.Actor{}, claimed.Tenant.ID, tenants.NewDevice{Name: "bench"})
	must(b, err)
	registry := prometheus.NewRegistry()
	adapter, err := handler.New(handler.Options{Log: log, Registerer: registry})
	must(b, err)
	served, err := api.New(api.Options{
		Handler: adapter, Tenants: service, Accept: instant{&accepter{}}, Gatherer: registry, Registerer: registry, Log: log,
		Readings: func(id.Tenant) api.Reader { return nil }, Ready: func(context.Context) []api.Check { return nil },
	})
	must(b, err)
	router := chi.NewRouter()
	router.Use(adapter.Observe)
	served.Mount(router)
	return router, token
}

// nowhere is an answer that costs nothing.
type nowhere struct {
	header http.Header
	status int
}

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n *nowhere) WriteHeader(status int)      { n.status = status }

// BenchmarkPost measures one post through router, middleware, credentials and body, to ingest and back.
func BenchmarkPost(b *testing.B) {
	router, token := benchRouter(b)
	for _, c := range []struct{ name, body string }{
		{"one packet", fourValues},
		{"100 packets", "[" + strings.Repeat(fourValues+",", 99) + fourValues + "]"},
	} {
		b.Run(c.name, func(b *testing.B) {
			body := strings.NewReader(c.body)
			r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/ingest/v1/packets", nil)
			r.Header.Set("Authorization", "Bearer "+token)
			r.Header.Set("Content-Type", "application/json")
			w := &nowhere{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				body.Reset(c.body)
				r.Body, r.ContentLength = io.NopCloser(body), int64(len(c.body))
				router.ServeHTTP(w, r)
				if w.status != http.StatusOK {
					b.Fatal(w.status)
				}
			}
		})
	}
}

// BenchmarkDecode measures what ingest does with the same packet, to set the transport's cost beside it.
func BenchmarkDecode(b *testing.B) {
	body := []byte(fourValues)
	b.ReportAllocs()
	for b.Loop() {
		if d, err := telemetry.Decode(body, telemetry.DecodeOptions{Now: telemetry.At(noon()), Device: "d-bench"}); err != nil || len(d.Packets) != 1 {
			b.Fatal(err, d.Rejected)
		}
	}
}
