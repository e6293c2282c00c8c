package handler

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"time"
)

// ProblemType is the media type of a problem, as in RFC 9457.
const ProblemType = "application/problem+json"

// typePrefix makes the stable name of a kind of problem a URI, as RFC 9457 wants it.
const typePrefix = "urn:longwave:problem:"

// Problem is what the caller is told when a request fails: every text in it is safe to show.
type Problem struct {
	Status     int
	Code       string // stable, snake_case; scripts branch on it
	Title      string // the kind of problem, the same every time
	Detail     string // what is wrong with this request and what would be right
	RetryAfter time.Duration
	Errors     []Fault
	Limit      *Limit
	RequestID  string // set by the adapter for 5xx: the same id stands in the log
}

// Fault points at one part of a request.
type Fault struct {
	Index     *int   `json:"index,omitempty" doc:"Position of the packet in the request, from 0" example:"0"`
	Pointer   string `json:"pointer,omitempty" doc:"RFC 6901 pointer into the request body" example:"/0/values/temp"`
	Parameter string `json:"parameter,omitempty" doc:"Name of a parameter in the address or of a header" example:"limit"`
	Code      string `json:"code" doc:"Stable name of the fault" example:"not_a_value"`
	Detail    string `json:"detail" doc:"What is wrong and what would be right"`
}

// Limit is the limit that a request ran into.
type Limit struct {
	Name    string  `json:"name" doc:"Which limit" example:"packets_per_second"`
	Scope   string  `json:"scope" doc:"Whose limit: request, device or tenant" example:"device"`
	Max     float64 `json:"max" doc:"What is allowed" example:"100"`
	Current float64 `json:"current,omitempty" doc:"What was found" example:"140"`
}

// ProblemBody is a Problem as it is written: the members of RFC 9457 and ours.
type ProblemBody struct {
	Type       string  `json:"type" doc:"URI that names the kind of problem" example:"urn:longwave:problem:not_found"`
	Title      string  `json:"title" doc:"The kind of problem, in words" example:"Not found"`
	Status     int     `json:"status" doc:"HTTP status" example:"404"`
	Detail     string  `json:"detail" doc:"What is wrong with this request and what would be right"`
	Code       string  `json:"code" doc:"Stable name of the kind of problem" example:"not_found"`
	RequestID  string  `json:"request_id,omitempty" doc:"Stands in the server's log as well; only when the server is at fault"`
	RetryAfter int     `json:"retry_after,omitempty" doc:"Seconds to wait before trying again"`
	Errors     []Fault `json:"errors,omitempty" doc:"The parts of the request that are at fault"`
	Limit      *Limit  `json:"limit,omitempty" doc:"The limit that was reached"`
}

// Body is the problem in the form in which it is written.
func (p Problem) Body() ProblemBody {
	return ProblemBody{
		Type: typePrefix + p.Code, Title: p.Title, Status: p.Status, Detail: p.Detail, Code: p.Code,
		RequestID: p.RequestID, RetryAfter: p.RetrySeconds(), Errors: p.Errors, Limit: p.Limit,
	}
}

// RetrySeconds is RetryAfter in whole seconds, rounded up; 0 when waiting does not help.
func (p Problem) RetrySeconds() int {
	return int(math.Ceil(p.RetryAfter.Seconds()))
}

// Because makes the problem an error with the operator's cause, which Describe answers with the problem itself. The
// cause may be nil.
func (p Problem) Because(cause error) error { return &failure{problem: p, cause: cause} }

// failure carries a problem that a handler has already put into words.
type failure struct {
	problem Problem
	cause   error
}

// Error is the operator's text.
func (f *failure) Error() string {
	if f.cause == nil {
		return f.problem.Code + ": " + f.problem.Detail
	}
	return f.problem.Code + ": " + f.cause.Error()
}

// Unwrap is the operator's cause.
func (f *failure) Unwrap() error { return f.cause }

// SetHeaders writes the headers that belong to the problem, however its body is shown.
func (p Problem) SetHeaders(h http.Header) {
	h.Set("Cache-Control", "no-store")
	if s := p.RetrySeconds(); s > 0 {
		h.Set("Retry-After", strconv.Itoa(s))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="longwave"`)
	}
}

// WriteProblem shows a problem as application/problem+json; it is what an Adapter does unless told otherwise.
func WriteProblem(w http.ResponseWriter, _ *http.Request, p Problem) {
	body, err := json.Marshal(p.Body())
	if err != nil { // only a limit that is not a finite number can do this; the status is what matters then
		body = []byte(`{"title":"` + http.StatusText(p.Status) + `"}`)
	}
	p.SetHeaders(w.Header())
	w.Header().Set("Content-Type", ProblemType)
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(p.Status)
	_, _ = w.Write(body) // a caller that does not read its answer is no error of ours
}
