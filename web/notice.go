package web

import (
	"errors"
	"net/http"

	"longwave/tenants/session"
	"longwave/web/oidc"
)

// maxNotice bounds what a provider sends about a session that ended there: a token and nothing else.
const maxNotice = 32 << 10

// endedThere hears from a provider that sessions ended there, and ends the ones that were opened with them. What the notice
// names has no session here with most people, which is no failure. A notice must name the subject.
func (w *Web) endedThere(out http.ResponseWriter, r *http.Request) error {
	provider, err := w.providerInPath(r)
	if err != nil {
		return err
	}
	r.Body = http.MaxBytesReader(out, r.Body, maxNotice)
	out.Header().Set("Cache-Control", "no-store")
	cfg := oidc.Config{Issuer: provider.Issuer, ClientID: provider.ClientID}
	ended, err := w.o.Providers.Ended(r.Context(), cfg, r.PostFormValue("logout_token"))
	var failed *oidc.Error
	if errors.As(err, &failed) {
		w.o.Log.InfoContext(r.Context(), "a notice of logout was refused", "provider", provider.ID, "error", err)
		http.Error(out, `{"error":"invalid_request"}`, http.StatusBadRequest)
		return nil
	}
	if err != nil {
		return err
	}
	if ended.Subject == "" { // sessions are kept by person
		http.Error(out, `{"error":"invalid_request","error_description":"sub is needed"}`, http.StatusBadRequest)
		return nil
	}
	found, ok := w.o.Tenants.State().Identity(ended.Issuer, ended.Subject)
	if !ok {
		out.WriteHeader(http.StatusOK)
		return nil
	}
	count, err := w.o.Sessions.End(r.Context(), found.Person, func(s session.Session) bool {
		return s.Meta.Provider == provider.ID && (ended.Session == "" || s.Meta.ProviderSession == ended.Session)
	})
	if err != nil {
		return err
	}
	w.o.Log.InfoContext(r.Context(), "sessions ended at their provider", "provider", provider.ID, "person", found.Person, "sessions", count)
	out.WriteHeader(http.StatusOK)
	return nil
}
