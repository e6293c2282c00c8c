package handler_test

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"longwave/web/handler"
)

func behindProxies(t *testing.T, networks ...string) *handler.Adapter {
	t.Helper()
	o := handler.Options{Log: slog.New(slog.DiscardHandler), Registerer: prometheus.NewRegistry()}
	for _, n := range networks {
		o.TrustedProxies = append(o.TrustedProxies, netip.MustParsePrefix(n))
	}
	a, err := handler.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestClientAddress(t *testing.T) {
	direct, proxied := behindProxies(t), behindProxies(t, "10.0.0.0/8", "::1/128")
	for _, c := range []struct {
		name, remote, forwarded, want string
		adapter                       *handler.Adapter
	}{
		{"direct", "192.0.2.7:1234", "", "192.0.2.7", direct},
		{"header from anybody", "192.0.2.7:1234", "203.0.113.9", "192.0.2.7", direct},
		{"header from no proxy", "192.0.2.7:1234", "203.0.113.9", "192.0.2.7", proxied},
		{"one proxy", "10.1.1.1:99", "203.0.113.9", "203.0.113.9", proxied},
		{"two proxies", "10.1.1.1:99", "203.0.113.9, 10.2.2.2", "203.0.113.9", proxied},
		{"forged entry", "10.1.1.1:99", "198.51.100.1, 203.0.113.9", "203.0.113.9", proxied},
		{"garbage", "10.1.1.1:99", "<script>", "10.1.1.1", proxied},
		{"nothing forwarded", "10.1.1.1:99", "", "10.1.1.1", proxied},
		{"mapped", "[::ffff:192.0.2.7]:1", "", "192.0.2.7", direct},
		{"zone", "[fe80::1%eth0]:1", "", "fe80::1", direct},
		{"no address", "@", "", "unknown", direct},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			r.RemoteAddr = c.remote
			if c.forwarded != "" {
				r.Header.Set("X-Forwarded-For", c.forwarded)
			}
			if got := c.adapter.ClientAddress(r); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestSecurityHeaders(t *testing.T) {
	a := behindProxies(t, "10.0.0.0/8")
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	for _, c := range []struct {
		name   string
		change func(*http.Request)
		secure bool
	}{
		{"plain", func(*http.Request) {}, false},
		{"tls", func(r *http.Request) { r.TLS = &tls.ConnectionState{} }, true},
		{"claimed by a stranger", func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "https") }, false},
		{"said by a proxy", func(r *http.Request) {
			r.RemoteAddr = "10.0.0.1:1"
			r.Header.Set("X-Forwarded-Proto", "https")
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
			c.change(r)
			w := httptest.NewRecorder()
			a.SecurityHeaders(nothing).ServeHTTP(w, r)
			if got := w.Header().Get("Strict-Transport-Security") != ""; got != c.secure || a.Secure(r) != c.secure {
				t.Errorf("HSTS %t, Secure %t, want %t", got, a.Secure(r), c.secure)
			}
			policy := w.Header().Get("Content-Security-Policy")
			if strings.Contains(policy, "unsafe") || !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "frame-ancestors 'none'") {
				t.Errorf("policy %q", policy)
			}
			if w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Referrer-Policy") == "" {
				t.Errorf("headers %v", w.Header())
			}
		})
	}
}

func TestMachineHeadersAreFew(t *testing.T) {
	w := httptest.NewRecorder()
	nothing := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
	behindProxies(t).MachineHeaders(nothing).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil))
	if len(w.Header()) != 1 || w.Header().Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers %v", w.Header())
	}
}
