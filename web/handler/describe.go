package handler

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// entry is one row of the table: errors that match become the problem, completed from the error's own details.
type entry struct {
	is       error
	problem  Problem
	complete func(p *Problem, err error) // optional
}

// Describe says what the caller is told about err: the one table from error to status. An error that a handler has
// already put into words with Because is answered with these; anything unknown is our fault and says nothing of its cause.
func Describe(err error) Problem {
	var worded *failure
	if errors.As(err, &worded) {
		return worded.problem
	}
	for _, e := range slices.Concat(transportTable(), dataTable(), destinationTable(), alertTable(), controlTable(), timeTable()) {
		if errors.Is(err, e.is) {
			p := e.problem
			if e.complete != nil {
				e.complete(&p, err)
			}
			return p
		}
	}
	if p, ok := tooLarge(err); ok {
		return p
	}
	return Problem{
		Status: http.StatusInternalServerError, Code: "internal", Title: "Something went wrong on our side",
		Detail: "The request failed because of a fault in the server, not because of what you sent. Try again; " +
			"if it stays, tell the operator the request id.",
	}
}

// transportTable is what can be wrong with a request before anybody looks at what it says.
func transportTable() []entry {
	return []entry{
		{is: ErrCredentials, problem: Problem{
			Status: http.StatusUnauthorized, Code: "credentials_missing", Title: "Not signed in",
			Detail: "The request carries no credentials. Send the header Authorization: Bearer <token>.",
		}},
	}
}

// timeTable comes last: a more telling error may wrap a deadline.
func timeTable() []entry {
	return []entry{
		{is: context.DeadlineExceeded, problem: Problem{
			Status: http.StatusServiceUnavailable, Code: "timed_out", Title: "It took too long",
			Detail:     "The server gave up on this request because it took too long. Try again in a moment.",
			RetryAfter: retrySoon,
		}},
		{is: context.Canceled, problem: Problem{
			Status: http.StatusServiceUnavailable, Code: "stopping", Title: "The server is stopping",
			Detail: "The server is shutting down or restarting. Try again in a moment.", RetryAfter: retrySoon,
		}},
	}
}

// retrySoon is how long a caller should wait for what usually passes quickly: a restart takes about two seconds.
const retrySoon = 2 * time.Second

// ErrCredentials is returned by a handler for a request without credentials.
var ErrCredentials = errors.New("no credentials")

// tooLarge recognises a body that http.MaxBytesReader has cut off.
func tooLarge(err error) (Problem, bool) {
	var large *http.MaxBytesError
	if !errors.As(err, &large) {
		return Problem{}, false
	}
	return Problem{
		Status: http.StatusRequestEntityTooLarge, Code: "body_too_large", Title: "Too large",
		Detail: "The body is larger than the " + strconv.FormatInt(large.Limit, 10) + " bytes that are allowed here. Send less at a time.",
		Limit:  &Limit{Name: "body_bytes", Scope: "request", Max: float64(large.Limit)},
	}, true
}
