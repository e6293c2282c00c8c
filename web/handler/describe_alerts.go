package handler

import (
	"net/http"

	"longwave/processors/alert"
	"longwave/processors/alert/trial"
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
		{is: trial.ErrInvalid, problem: Problem{
			Status: http.StatusUnprocessableEntity, Code: "invalid", Title: "Invalid request",
			Detail: "A rule is tried on a period that ends after it begins and is at most 400 days long.",
		}},
		{is: trial.ErrBusy, problem: Problem{
			Status: http.StatusServiceUnavailable, Code: "trials_busy", Title: "As many rules are being tried as can be at once",
			Detail: "Try again in a moment.", RetryAfter: retrySoon,
		}},
		{is: trial.ErrTooMuch, problem: Problem{
			Status: http.StatusUnprocessableEntity, Code: "too_much", Title: "That is too much for one trial",
			Detail: "It cannot be looked at within two minutes. Choose a shorter period, or fewer devices.",
		}},
		{is: trial.ErrUnavailable, problem: Problem{
			Status: http.StatusServiceUnavailable, Code: "readings_unavailable", Title: "Stored readings cannot be read right now",
			Detail: "Try again in a moment, or choose a shorter period.", RetryAfter: retrySoon,
		}},
		{is: alert.ErrUnavailable, problem: Problem{
			Status: http.StatusServiceUnavailable, Code: "alerts_unavailable", Title: "Alerts cannot be reached right now",
			Detail: "The server's queue does not answer. Try again in a moment; if it stays, tell the operator.", RetryAfter: retrySoon,
		}},
	}
}
