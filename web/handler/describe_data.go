package handler

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"longwave/ingest"
	"longwave/ingest/telemetry"
	"longwave/processors/replay"
)

// retryFull is how long a device should wait when the lanes are full: they drain when the store is back, which takes
// longer than a restart.
const retryFull = 30 * time.Second

// dataTable is what ingest and telemetry return.
func dataTable() []entry {
	return []entry{
		{is: ingest.ErrNothingAccepted, problem: Problem{
			Status: http.StatusBadRequest, Code: "packets_rejected", Title: "No packet was accepted",
			Detail: "None of the packets could be accepted.",
		}, complete: addRejections},
		{is: telemetry.ErrSyntax, problem: Problem{
			Status: http.StatusBadRequest, Code: "body_unreadable", Title: "The body cannot be read",
			Detail: "The body cannot be read as packets.",
		}, complete: addSyntax},
		{is: telemetry.ErrMediaType, problem: Problem{
			Status: http.StatusUnsupportedMediaType, Code: "media_type_unsupported", Title: "Content-Type is not supported",
			Detail: "Send packets as application/json (one packet or an array) or application/x-ndjson (one packet a line), in UTF-8.",
		}},
		{is: ingest.ErrLimited, problem: Problem{
			Status: http.StatusTooManyRequests, Code: "rate_limited", Title: "Too many packets",
			Detail: "More packets came than are allowed. Nothing of this request was kept; send it again later.", RetryAfter: retrySoon,
		}, complete: addIngestLimit},
		{is: ingest.ErrFull, problem: Problem{
			Status: http.StatusServiceUnavailable, Code: "lanes_full", Title: "The server cannot take more for now",
			Detail: "The server's queue is full, because what it holds cannot be stored at the moment. Keep the packets and send them again later; a repetition is recognised.", RetryAfter: retryFull,
		}, complete: addUnavailable},
		{is: ingest.ErrUnavailable, problem: Problem{
			Status: http.StatusServiceUnavailable, Code: "ingest_unavailable", Title: "The server cannot take packets right now",
			Detail: "The packets could not be made durable, so they are not acknowledged. Keep them and send them again; a repetition is recognised.", RetryAfter: retrySoon,
		}, complete: addUnavailable},
		{is: replay.ErrBusy, problem: Problem{
			Status: http.StatusConflict, Code: "job_running", Title: "Another job is running",
			Detail: "A job of this tenant is running or waits to run, and there can be one at a time. Wait until it ends, or cancel it.",
		}},
		{is: replay.ErrUnavailable, problem: Problem{
			Status: http.StatusServiceUnavailable, Code: "jobs_unavailable", Title: "The queue does not answer",
			Detail: "Rejected packets and jobs cannot be read or changed, because the message queue does not answer. Try again in a moment.", RetryAfter: retrySoon,
		}},
	}
}

// addRejections names every packet's fault; the sentence is that of the first, because most requests hold one packet.
func addRejections(p *Problem, err error) {
	var refused *ingest.RefusedError
	if !errors.As(err, &refused) || len(refused.Rejected) == 0 {
		return
	}
	for _, r := range refused.Rejected {
		p.Errors = append(p.Errors, Fault{Index: &r.Index, Pointer: r.Pointer, Code: r.Code, Detail: r.Detail})
	}
	p.Detail = strings.TrimRight(refused.Rejected[0].Detail, ".") // says which packet it was
	if more := len(refused.Rejected) - 1; more > 0 {
		p.Detail += fmt.Sprintf(" (and %d more)", more)
	}
	p.Detail += "."
}

func addSyntax(p *Problem, err error) {
	var syntax *telemetry.SyntaxError
	if !errors.As(err, &syntax) {
		return
	}
	p.Detail = sentence(syntax.Error())
	p.Errors = []Fault{{Index: &syntax.Packet, Code: syntax.Code, Detail: syntax.Error()}}
}

func addIngestLimit(p *Problem, err error) {
	var limit *ingest.LimitError
	if !errors.As(err, &limit) {
		return
	}
	p.RetryAfter = max(limit.RetryAfter, time.Second)
	p.Limit = &Limit{Name: limit.Name, Scope: limit.Scope, Max: limit.Max, Current: limit.Current}
	p.Detail = sentence(limit.Error())
}

// addUnavailable takes over what ingest says to the device, never its cause.
func addUnavailable(p *Problem, err error) {
	var away *ingest.UnavailableError
	if !errors.As(err, &away) || away.Detail == "" {
		return
	}
	p.Detail, p.RetryAfter = sentence(away.Detail), max(away.RetryAfter, time.Second)
}

// sentence begins with a capital letter and ends with a full stop.
func sentence(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + strings.TrimRight(text[1:], ".") + "."
}
