package handler

import (
	"net/http"

	"longwave/processors/forward"
	"longwave/tenants"
)

// destinationTable is what forward returns, and tenants of secrets.
func destinationTable() []entry {
	return []entry{
		{is: forward.ErrUnknown, problem: Problem{
			Status: http.StatusNotFound, Code: "not_found", Title: "Not found",
			Detail: "There is nothing with this id here. It may have been deleted, or belong to another tenant.",
		}},
		{is: forward.ErrDisabled, problem: Problem{
			Status: http.StatusConflict, Code: "destination_disabled", Title: "The destination is disabled",
			Detail: "Nothing is queued for a disabled destination. Enable it first.",
		}},
		{is: forward.ErrFull, problem: Problem{
			Status: http.StatusServiceUnavailable, Code: "destination_full", Title: "The queue of the destination is full",
			Detail: "The queue of the destination takes nothing more until some of it was delivered. Try again later.", RetryAfter: retryFull,
		}},
		{is: forward.ErrBusy, problem: Problem{
			Status: http.StatusTooManyRequests, Code: "too_many_tests", Title: "Too many tests at once",
			Detail: "Other tests are being made at this moment. Try again in some seconds.", RetryAfter: retrySoon,
		}},
		{is: forward.ErrUnavailable, problem: Problem{
			Status: http.StatusServiceUnavailable, Code: "destinations_unavailable", Title: "Destinations cannot be reached right now",
			Detail: "The server's queue does not answer. Try again in a moment; if it stays, tell the operator.", RetryAfter: retrySoon,
		}},
		{is: tenants.ErrNoMasterKey, problem: Problem{
			Status: http.StatusServiceUnavailable, Code: "no_master_key", Title: "Secrets cannot be kept",
			Detail: "The server has no master key to keep secrets with. Tell the operator.",
		}},
	}
}
