package api

import (
	"errors"
	"net/http"
	"strings"

	"longwave/ingest"
	"longwave/ingest/telemetry"
	"longwave/tenants"
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

// device finds the device that a request's token belongs to. A caller comes back with the error, too, as far as it is
// known: a device's owner is told about attempts with a wrong secret.
func (a *API) device(r *http.Request) (caller, error) {
	c := caller{request: r}
	token, err := bearer(r)
	if err != nil {
		return c, err
	}
	return a.deviceByToken(c, token)
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
		return
	}
	a.accept.RefusedUnknown(ingest.AddressKey(a.adapter.ClientAddress(c.request)), attempt)
}
