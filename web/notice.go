package web

import (
	"context"
	"errors"
	"net/http"

	"longwave/tenants/id"
	"longwave/tenants/session"
	"longwave/web/oidc"
)

// maxNotice bounds what a provider sends about a session that ended there: a token and nothing else.
const maxNotice = 32 << 10

// endedThere hears from a provider that sessions ended there, and ends the ones that were opened with them. What the notice
// names has no session here with most people, which is no failure. It names the subject, or the session there, or both.
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
	count, err := w.endNamed(r.Context(), provider.ID, ended)
	if err != nil {
		return err
	}
	w.o.Log.InfoContext(r.Context(), "sessions ended at their provider", "provider", provider.ID, "sessions", count)
	out.WriteHeader(http.StatusOK)
	return nil
}

// endNamed ends the sessions that a notice names. Without a subject, those of everybody are looked through: the library has
// refused a notice that names neither.
func (w *Web) endNamed(ctx context.Context, p id.Provider, ended oidc.Ended) (int, error) {
	meant := func(s session.Session) bool {
		return s.Meta.Provider == p && (ended.Session == "" || s.Meta.ProviderSession == ended.Session)
	}
	if ended.Subject == "" && ended.Session == "" {
		return 0, nil
	}
	if ended.Subject == "" {
		return w.o.Sessions.EndEverywhere(ctx, meant)
	}
	found, ok := w.o.Tenants.State().Identity(ended.Issuer, ended.Subject)
	if !ok {
		return 0, nil
	}
	return w.o.Sessions.End(ctx, found.Person, meant)
}
