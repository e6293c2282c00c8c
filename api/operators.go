package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/netip"

	"longwave/web/handler"
)

// insider reports whether a caller may see what concerns the operator only: figures, and why something is not ready. With
// Options.MetricsToken it must carry that; without, it must be a program on this very machine. Whoever forwards for
// somebody else is not, unless it is a trusted proxy, whose word for the address is believed.
func (a *API) insider(r *http.Request) bool {
	if a.metricsToken != "" {
		token, err := bearer(r)
		given, want := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(a.metricsToken))
		return err == nil && subtle.ConstantTimeCompare(given[:], want[:]) == 1 // of hashes, so that not even the length shows
	}
	address := a.adapter.ClientAddress(r)
	if forwarded(r) && address == peerOf(r) {
		return false
	}
	ip, err := netip.ParseAddr(address)
	return err == nil && ip.IsLoopback()
}

// forwarded reports whether a proxy says that it speaks for somebody else.
func forwarded(r *http.Request) bool {
	for _, name := range []string{"X-Forwarded-For", "Forwarded", "X-Real-Ip"} {
		if len(r.Header[name]) > 0 {
			return true
		}
	}
	return false
}

func peerOf(r *http.Request) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	return peer.Addr().Unmap().WithZone("").String()
}

// insidersOnly refuses everybody else.
func (a *API) insidersOnly(next http.Handler) http.Handler {
	return a.adapter.Handle(func(w http.ResponseWriter, r *http.Request) error {
		if !a.insider(r) {
			return handler.Problem{
				Status: http.StatusForbidden, Code: "operators_only", Title: "For operators",
				Detail: "Figures are given to programs on the server's own machine. For others, start the server with a metrics token and send it as Authorization: Bearer <token>.",
			}.Because(nil)
		}
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
		return nil
	})
}
