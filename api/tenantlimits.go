package api

import (
	"fmt"
	"net/http"

	"longwave/tenants/id"
	"longwave/web/handler"
)

// fitsTenant refuses a request that is larger than its tenant may send.
func (a *API) fitsTenant(t id.Tenant, bytes int) error {
	found, _ := a.tenants.State().Tenant(t)
	most := found.Limits.Request
	if most == 0 || int64(bytes) <= most {
		return nil
	}
	return handler.Problem{
		Status: http.StatusRequestEntityTooLarge, Code: "body_too_large", Title: "Too large for this tenant",
		Detail: fmt.Sprintf("This tenant may send %d bytes in one request, and this one has %d. Send fewer packets per request; the operator of this server sets the limit.", most, bytes),
		Limit:  &handler.Limit{Name: "request_bytes", Scope: "tenant", Max: float64(most), Current: float64(bytes)},
	}.Because(nil)
}

// tooManyForTenant is the answer to a socket beyond what its tenant may have.
func tooManyForTenant(most int) error {
	return handler.Problem{
		Status: http.StatusTooManyRequests, Code: "too_many_sockets", Title: "Too many sockets of this tenant",
		Detail:     fmt.Sprintf("The devices of this tenant have %d open sockets, which is as many as they may have. Close one, or POST to /ingest/v1/packets; the operator of this server sets the limit.", most),
		RetryAfter: retrySocket, Limit: &handler.Limit{Name: "device_sockets", Scope: "tenant", Max: float64(most), Current: float64(most)},
	}.Because(nil)
}
