package handler

import (
	"net/http"
	"strings"
)

// header is one header with its value ready to be put into a map. The slices are full, so that an Add copies them.
type header struct {
	name  string
	value []string
}

// pagePolicy lets a page load what we serve and nothing else: no inline script, no eval, no frame around it. data: is
// for the small pictures inside style sheets. Same-origin sockets are part of connect-src 'self'.
const pagePolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// strictTransport is sent only over TLS; a year is what browsers' preload lists ask for.
const strictTransport = "max-age=31536000"

func pageHeaders() []header {
	return []header{
		{"Cache-Control", []string{"no-store"}}, // of a page that forgets it; what may be kept says so
		{"Content-Security-Policy", []string{pagePolicy}},
		{"X-Content-Type-Options", []string{"nosniff"}},
		{"Referrer-Policy", []string{"same-origin"}},
		{"Cross-Origin-Opener-Policy", []string{"same-origin"}},
		{"Cross-Origin-Resource-Policy", []string{"same-origin"}},
		{"Permissions-Policy", []string{"camera=(), geolocation=(), microphone=(), payment=(), usb=()"}},
	}
}

// machineHeaders are few: a device on a metered line pays for each of them with every packet.
func machineHeaders() []header {
	return []header{{"X-Content-Type-Options", []string{"nosniff"}}}
}

// SecurityHeaders goes around everything that a browser shows.
func (a *Adapter) SecurityHeaders(next http.Handler) http.Handler { return a.withHeaders(a.page, next) }

// MachineHeaders goes around what only programs read.
func (a *Adapter) MachineHeaders(next http.Handler) http.Handler {
	return a.withHeaders(a.machine, next)
}

func (a *Adapter) withHeaders(headers []header, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		for _, each := range headers {
			h[each.name] = each.value
		}
		if a.Secure(r) {
			h.Set("Strict-Transport-Security", strictTransport)
		}
		next.ServeHTTP(w, r)
	})
}

// Secure reports whether the caller's connection is encrypted: ours, or that of a trusted proxy in front of us.
func (a *Adapter) Secure(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	return len(a.proxies) > 0 && a.trusted(peer(r)) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}
