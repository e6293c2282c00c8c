package handler_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"longwave/ingest"
	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/web/handler"
)

func TestDescribe(t *testing.T) {
	for _, c := range []struct {
		err    error
		status int
		code   string
		says   string // part of the sentence
	}{
		{tenants.ErrNotFound, 404, "not_found", "nothing with this id"},
		{tenants.ErrForbidden, 403, "forbidden", "role"},
		{tenants.ErrUnauthenticated, 401, "credentials_unknown", "Unknown token"},
		{&tenants.UnknownToken{Known: true, Reason: tenants.RefusedExpired}, 401, "credentials_unknown", "Unknown token"},
		{tenants.ErrDisabled, 403, "device_disabled", "enables it"},
		{&tenants.InvalidError{Field: "devices[3].name", Detail: "must not be empty"}, 422, "invalid", "must not be empty"},
		{&tenants.SuspendedError{Suspension: tenants.Suspension{Reason: "unpaid.", Since: time.Now()}}, 403, "tenant_suspended", "unpaid. Ask"},
		{tenants.ErrLastOperator, 409, "last_operator", "operates the whole"},
		{tenants.ErrConflict, 409, "conflict", "try again"},
		{&tenants.LimitError{Name: "devices", Max: 10}, 422, "limit_reached", "10 devices"},
		{tenants.ErrClaimed, 409, "claimed", "Sign in"},
		{&tenants.DelayError{RetryAfter: 1500 * time.Millisecond}, 429, "too_many_attempts", "2 s"},
		{tenants.ErrUnavailable, 503, "changes_unavailable", "control log"},
		{telemetry.ErrMediaType, 415, "media_type_unsupported", "application/x-ndjson"},
		{&telemetry.SyntaxError{Offset: 7, Packet: 2, Code: "x", Detail: "a comma is missing"}, 400, "body_unreadable", "A comma is missing, at byte 7, in packet 2."},
		{ingest.ErrFull, 503, "lanes_full", "later"},
		{ingest.ErrUnavailable, 503, "ingest_unavailable", "not acknowledged"},
		{handler.ErrCredentials, 401, "credentials_missing", "Bearer"},
		{&http.MaxBytesError{Limit: 12}, 413, "body_too_large", "12 bytes"},
		{context.DeadlineExceeded, 503, "timed_out", "too long"},
		{context.Canceled, 503, "stopping", "restarting"},
		{errors.New("secret cause"), 500, "internal", "our side"},
	} {
		t.Run(c.code, func(t *testing.T) {
			p := handler.Describe(fmt.Errorf("operation: %w", c.err))
			if p.Status != c.status || p.Code != c.code || !strings.Contains(p.Detail+p.Title, c.says) {
				t.Errorf("got %d %s %q %q", p.Status, p.Code, p.Title, p.Detail)
			}
			if strings.Contains(p.Detail, "operation") || strings.Contains(p.Detail, "secret") {
				t.Errorf("the cause is shown: %q", p.Detail)
			}
			if p.Status == 503 && p.RetryAfter <= 0 {
				t.Error("503 without Retry-After")
			}
		})
	}
}

func TestDescribeNamesFields(t *testing.T) {
	p := handler.Describe(&tenants.InvalidError{Field: "devices[3].name", Detail: "must not be empty"})
	if len(p.Errors) != 1 || p.Errors[0].Pointer != "/devices/3/name" || p.Errors[0].Detail != "must not be empty" {
		t.Errorf("got %+v", p.Errors)
	}
}

func TestBecauseKeepsWordsAndCause(t *testing.T) {
	cause := errors.New("cause")
	err := fmt.Errorf("outer: %w", handler.Problem{Status: 418, Code: "teapot", Detail: "short and stout"}.Because(cause))
	if p := handler.Describe(err); p.Status != 418 || p.Detail != "short and stout" {
		t.Errorf("got %+v", p)
	}
	if !errors.Is(err, cause) || !strings.Contains(err.Error(), "cause") {
		t.Errorf("the cause is lost: %v", err)
	}
}

func TestWriteProblem(t *testing.T) {
	w := httptest.NewRecorder()
	index := 2
	handler.WriteProblem(w, nil, handler.Problem{
		Status: 429, Code: "rate_limited", Title: "Too many", Detail: "slow down", RetryAfter: 1100 * time.Millisecond,
		Errors: []handler.Fault{{Index: &index, Pointer: "/2/values", Code: "c", Detail: "d"}},
		Limit:  &handler.Limit{Name: "packets", Scope: "device", Max: 10, Current: 12},
	})
	want := `{"type":"urn:longwave:problem:rate_limited","title":"Too many","status":429,"detail":"slow down","code":"rate_limited",` +
		`"retry_after":2,"errors":[{"index":2,"pointer":"/2/values","code":"c","detail":"d"}],"limit":{"name":"packets","scope":"device","max":10,"current":12}}`
	if got := w.Body.String(); got != want || !json.Valid(w.Body.Bytes()) {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	h := w.Header()
	if h.Get("Retry-After") != "2" || h.Get("Content-Type") != handler.ProblemType || h.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", h)
	}
}
