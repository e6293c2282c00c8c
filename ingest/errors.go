package ingest

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"longwave/ingest/provision"
	"longwave/ingest/telemetry"
)

var (
	// ErrNothingAccepted is what a *RefusedError is.
	ErrNothingAccepted = errors.New("no packet of the request was accepted")
	// ErrLimited is what a *LimitError is.
	ErrLimited = errors.New("too many packets")
	// ErrFull is an *UnavailableError because the lane holds as much as it may.
	ErrFull = errors.New("the queue for packets is full")
	// ErrUnavailable is every other *UnavailableError.
	ErrUnavailable = errors.New("packets cannot be accepted at the moment")
	// ErrStreamDiffers is returned by Open for a stream that somebody made otherwise than we need it.
	ErrStreamDiffers = provision.ErrDiffers
	// ErrOptions is returned by Open for options that cannot work.
	ErrOptions = errors.New("wrong options for ingest")
)

// RefusedError says why every packet of a request was refused.
type RefusedError struct {
	Rejected []telemetry.Rejection
}

// Error repeats the first reason.
func (e *RefusedError) Error() string {
	if len(e.Rejected) == 1 {
		return e.Rejected[0].Detail
	}
	return fmt.Sprintf("all %d packets were refused, the first one because: %s", len(e.Rejected), e.Rejected[0].Detail)
}

// Is makes it an ErrNothingAccepted.
func (e *RefusedError) Is(target error) bool { return target == ErrNothingAccepted }

// LimitError names the limit that a request went over, and when it will fit.
type LimitError struct {
	Name       string  // what is limited: "packets_per_second"
	Scope      string  // whose limit it is: "device" or "tenant"
	Max        float64 // the limit
	Current    float64 // what was sent lately, this request included
	RetryAfter time.Duration
}

// Error is the sentence for the person who programs the device.
func (e *LimitError) Error() string {
	return fmt.Sprintf("this %s may send %.6g %s and lately sent %.6g; send the request again in %.0f s",
		e.Scope, e.Max, strings.ReplaceAll(e.Name, "_", " "), e.Current, e.RetryAfter.Seconds())
}

// Is makes it an ErrLimited.
func (e *LimitError) Is(target error) bool { return target == ErrLimited }

// UnavailableError says that packets are not known to be stored and when to send them again.
type UnavailableError struct {
	Full       bool   // the lane is full, as opposed to not answering
	Detail     string // for the person who programs the device
	RetryAfter time.Duration
	Cause      error // for the operator
}

// Error is the cause's text: the sentence for the device stands in Detail.
func (e *UnavailableError) Error() string {
	if e.Cause == nil {
		return e.Detail
	}
	return e.Detail + ": " + e.Cause.Error()
}

// Is makes it an ErrFull or an ErrUnavailable.
func (e *UnavailableError) Is(target error) bool {
	return target == ErrFull && e.Full || target == ErrUnavailable && !e.Full
}

// Unwrap is the cause.
func (e *UnavailableError) Unwrap() error { return e.Cause }

const (
	retrySoon     = time.Second      // a queue of this program is full: it drains in less
	retryOutage   = 5 * time.Second  // the broker does not answer: a restart takes about this long
	retryFull     = 30 * time.Second // the lane is full: it drains as fast as the tables take it
	sendSameAgain = "not confirmed; send the same request again with the same ids, nothing is counted twice"
)

func unavailable(retry time.Duration, detail string, cause error) error {
	return &UnavailableError{Detail: detail, RetryAfter: retry, Cause: cause}
}
