package api

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"longwave/api/proof"
	"longwave/ingest"
	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/web/handler"
)

// bearer takes the token out of the Authorization header. It returns handler.ErrCredentials when there is none, and
// refuses two: a proxy before us may have looked at the other one.
func bearer(r *http.Request) (string, error) {
	headers := r.Header["Authorization"]
	if len(headers) > 1 {
		return "", handler.Problem{
			Status: http.StatusUnauthorized, Code: "credentials_ambiguous", Title: "Credentials are not accepted",
			Detail: "The request has more than one Authorization header. Send one.",
		}.Because(nil)
	}
	if len(headers) == 0 {
		return "", handler.ErrCredentials
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || token == "" {
		return "", handler.ErrCredentials
	}
	return token, nil
}

// caller is the device behind a request, as far as it is known.
type caller struct {
	device  tenants.Device
	request *http.Request // has the address, which is worked out only when it is needed
	known   bool          // false: the token is nobody's
}

// credential is what a device has shown, in the form in which it can be looked at again: the zero value is nothing.
type credential struct {
	token string      // of ours
	proof proof.Proof // that a certificate or a token of somebody else was good
	shown bool
}

// device finds the device that a request's credentials belong to. A caller comes back with the error, too, as far as it is
// known: a device's owner is told about attempts with a wrong secret.
func (a *API) device(r *http.Request) (caller, error) {
	c, _, err := a.identify(r)
	return c, err
}

func (a *API) identify(r *http.Request) (caller, credential, error) {
	c := caller{request: r}
	token, err := bearer(r)
	if errors.Is(err, handler.ErrCredentials) && r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		return a.certified(c)
	}
	if err != nil {
		return c, credential{}, err
	}
	return a.deviceByBearer(c, token)
}

// deviceByBearer finds the device of a token of ours, or of one that somebody else has issued, which has two dots.
func (a *API) deviceByBearer(c caller, token string) (caller, credential, error) {
	own, err := a.deviceByToken(c, token)
	var unknown *tenants.UnknownToken
	if !errors.As(err, &unknown) || unknown.Reason != tenants.RefusedMalformed || strings.Count(token, ".") != 2 {
		return own, credential{token: token, shown: true}, err
	}
	t, err := tenantInAddress(c.request)
	if err != nil {
		return c, credential{}, err
	}
	found, err := a.proofs.Token(c.request.Context(), t, token)
	return a.proved(c, found, err)
}

// certified finds the device whose certificate was shown in TLS, which has proved that the caller has its key.
func (a *API) certified(c caller) (caller, credential, error) {
	t, err := tenantInAddress(c.request)
	if err != nil {
		return c, credential{}, err
	}
	found, err := a.proofs.Certificate(t, c.request.TLS.PeerCertificates)
	return a.proved(c, found, err)
}

func (a *API) proved(c caller, found proof.Proof, err error) (caller, credential, error) {
	if err != nil {
		return c, credential{}, refusedProof(err)
	}
	cred := credential{proof: found, shown: true}
	c, err = a.again(c, cred)
	return c, cred, err
}

// again looks at credentials that were good once.
func (a *API) again(c caller, cred credential) (caller, error) {
	if cred.token != "" {
		return a.deviceByToken(c, cred.token)
	}
	device, err := a.proofs.Device(cred.proof)
	if err == nil || errors.Is(err, tenants.ErrDisabled) || errors.Is(err, tenants.ErrSuspended) {
		c.device, c.known = device, true
		return c, err
	}
	return c, refusedProof(err)
}

// tenantInAddress is the tenant that a caller names: a certificate or a token of somebody else says which device it is of, but
// not whose. One that cannot be a tenant is like one that does not exist.
func tenantInAddress(r *http.Request) (id.Tenant, error) {
	named := r.URL.Query().Get("tenant")
	if named == "" {
		return "", handler.Problem{
			Status: http.StatusUnauthorized, Code: "tenant_missing", Title: "The tenant is not named",
			Detail: "A certificate or a token that was made elsewhere does not say which tenant it is for. Add ?tenant=t-… to the address.",
		}.Because(nil)
	}
	t, err := id.Parse[id.Tenant](named)
	if err != nil {
		return "", nil //nolint:nilerr // of a tenant without a name nothing is found
	}
	return t, nil
}

// retryIssuer is how long an issuer of tokens may take to be back.
const retryIssuer = 10 * time.Second

// refusedProof puts a refusal into the API's words.
func refusedProof(err error) error {
	var refused *proof.Refusal
	if !errors.As(err, &refused) {
		return err
	}
	p := handler.Problem{Status: http.StatusUnauthorized, Code: refused.Code, Title: "Credentials are not accepted", Detail: refused.Detail}
	if refused.Later {
		p.Status, p.Title, p.RetryAfter = http.StatusServiceUnavailable, "The issuer does not answer", retryIssuer
	}
	return p.Because(err)
}

func (a *API) deviceByToken(c caller, token string) (caller, error) {
	device, err := a.tenants.DeviceByToken(token)
	if err == nil || errors.Is(err, tenants.ErrDisabled) || errors.Is(err, tenants.ErrSuspended) {
		c.device, c.known = device, true
		return c, err
	}
	var unknown *tenants.UnknownToken
	if errors.As(err, &unknown) && unknown.Known {
		c.device.ID, c.device.Tenant, c.known = unknown.Device, unknown.Tenant, true
	}
	return c, err
}

// principal is the caller as ingest knows it.
func (a *API) principal(c caller) ingest.Principal {
	t, _ := a.tenants.State().Tenant(c.device.Tenant) // of a tenant that was just deleted nothing needs to be kept
	return ingest.Principal{Tenant: c.device.Tenant, Device: c.device.ID, RetainDays: t.KeepDays(), Limits: ingest.TenantLimits{
		Packets: float64(t.Limits.Packets), Readings: float64(t.Limits.Readings)},
		Profile: c.device.Profile, Site: c.device.Site, Labels: c.device.Labels}
}

// refused tells whoever watches the device, or the address when the token is nobody's, what the device is told.
func (a *API) refused(c caller, transport string, p handler.Problem) {
	attempt := telemetry.Attempt{
		At: telemetry.At(a.now()), Status: p.Status, Detail: p.Detail, Transport: transport,
	}
	a.refusals.WithLabelValues(transport, p.Code).Inc()
	if c.known {
		a.accept.Refused(c.device.Tenant, c.device.ID, attempt)
		if l := p.Limit; l != nil {
			a.accept.LimitMet(c.device.Tenant, c.device.ID, telemetry.Met{Name: l.Name, Scope: l.Scope, Max: l.Max, Current: l.Current})
		}
		return
	}
	a.accept.RefusedUnknown(ingest.AddressKey(a.adapter.ClientAddress(c.request)), attempt)
}
