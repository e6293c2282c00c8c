package handler

import (
	"net/http"

	"longwave/processors/alert"
)

// alertTable is what package alert returns.
func alertTable() []entry {
	return []entry{
		{is: alert.ErrUnknown, problem: Problem{
			Status: http.StatusNotFound, Code: "not_found", Title: "Not found",
			Detail: "There is nothing with this id here. It may have been deleted, or belong to another tenant.",
		}},
		{is: alert.ErrInvalid, problem: Problem{
			Status: http.StatusUnprocessableEntity, Code: "invalid", Title: "Invalid request",
			Detail: "A comment has 1 to 2000 bytes, and a snooze lasts at most 30 days.",
		}},
		{is: alert.ErrUnavailable, problem: Problem{
			Status: http.StatusServiceUnavailable, Code: "alerts_unavailable", Title: "Alerts cannot be reached right now",
			Detail: "The server's queue does not answer. Try again in a moment; if it stays, tell the operator.", RetryAfter: retrySoon,
		}},
	}
}
