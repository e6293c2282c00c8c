package api

import (
	"net/http"
	"net/http/pprof"
	"net/netip"

	"github.com/go-chi/chi/v5"

	"longwave/web/handler"
)

// locals refuses whoever is not a program on this machine, whatever it carries: a profile costs the processor's time and
// shows what the program is doing. A proxy on this machine does not make its clients local.
func (a *API) locals(next http.Handler) http.Handler {
	return a.adapter.Handle(func(w http.ResponseWriter, r *http.Request) error {
		ip, err := netip.ParseAddr(peerOf(r))
		if err != nil || !ip.IsLoopback() || forwarded(r) {
			return handler.Problem{
				Status: http.StatusForbidden, Code: "local_only", Title: "For this machine",
				Detail: "Profiles are given to programs on the server's own machine only, not through a proxy.",
			}.Because(nil)
		}
		next.ServeHTTP(w, r)
		return nil
	})
}

// profile answers as net/http/pprof does: profile and trace take ?seconds=N, the others are what the program holds now.
func profile(w http.ResponseWriter, r *http.Request) {
	switch name := chi.URLParam(r, "profile"); name {
	case "profile":
		pprof.Profile(w, r)
	case "trace":
		pprof.Trace(w, r)
	default:
		pprof.Handler(name).ServeHTTP(w, r)
	}
}
