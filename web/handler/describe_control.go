package handler

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"longwave/tenants"
)

// controlTable is what tenants returns. More telling classes come before those that they belong to.
func controlTable() []entry {
	return []entry{
		{is: tenants.ErrNotFound, problem: Problem{
			Status: http.StatusNotFound, Code: "not_found", Title: "Not found",
			Detail: "There is nothing with this id here. It may have been deleted, or belong to another tenant.",
		}},
		{is: tenants.ErrOtherSignIn, problem: Problem{
			Status: http.StatusForbidden, Code: "other_sign_in", Title: "Another way to sign in is needed",
			Detail: "You are a member of this tenant, but it does not accept the way you signed in. Sign in at its own sign-in address.",
		}},
		{is: tenants.ErrSuspended, problem: Problem{
			Status: http.StatusForbidden, Code: "tenant_suspended", Title: "The tenant is suspended",
			Detail: "This tenant is suspended, so nothing gets in.",
		}, complete: addSuspension},
		{is: tenants.ErrLastOperator, problem: Problem{
			Status: http.StatusConflict, Code: "last_operator", Title: "An installation needs an operator",
			Detail: "This would leave nobody who operates the whole installation, so nothing was done. Make somebody else an operator first.",
		}},
		{is: tenants.ErrLastOwner, problem: Problem{
			Status: http.StatusConflict, Code: "last_owner", Title: "A tenant needs an owner",
			Detail: "This would leave the tenant without an owner, so nothing was done. Make somebody else an owner first.",
		}},
		{is: tenants.ErrNoRole, problem: Problem{
			Status: http.StatusForbidden, Code: "no_role", Title: "No access",
			Detail: "No rule gives this person a role. An owner of the tenant can change that.",
		}},
		{is: tenants.ErrKeyLimited, problem: Problem{
			Status: http.StatusForbidden, Code: "key_limited", Title: "The key is limited to some devices",
			Detail: "This API key is limited to some devices, and this concerns others too. Use a key without that limit.",
		}},
		{is: tenants.ErrForbidden, problem: Problem{
			Status: http.StatusForbidden, Code: "forbidden", Title: "Not allowed",
			Detail: "Your role does not allow this. An owner of the tenant can give you another one.",
		}},
		{is: tenants.ErrUnauthenticated, problem: Problem{
			Status: http.StatusUnauthorized, Code: "credentials_unknown", Title: "Credentials are not accepted",
			Detail: "Unknown token. Check that it was copied whole and belongs to this server; one that was replaced, revoked or whose device was deleted no longer works.",
		}},
		{is: tenants.ErrDisabled, problem: Problem{
			Status: http.StatusForbidden, Code: "device_disabled", Title: "The device is disabled",
			Detail: "This device is disabled: its packets are refused until somebody enables it on its page.",
		}},
		{is: tenants.ErrExists, problem: invalidProblem(http.StatusConflict, "exists", "It exists already"), complete: addField},
		{is: tenants.ErrInvalid, problem: invalidProblem(http.StatusUnprocessableEntity, "invalid", "Invalid request"), complete: addField},
		{is: tenants.ErrConflict, problem: Problem{
			Status: http.StatusConflict, Code: "conflict", Title: "Changed at the same time",
			Detail: "Somebody else changed the same thing at the same time. Nothing of your change was made; look at the new state and try again.",
		}},
		{is: tenants.ErrLimit, problem: Problem{
			Status: http.StatusUnprocessableEntity, Code: "limit_reached", Title: "A limit of the tenant is reached",
			Detail: "The tenant has as many of these as it may have. Remove some first.",
		}, complete: addTenantLimit},
		{is: tenants.ErrClaimed, problem: Problem{
			Status: http.StatusConflict, Code: "claimed", Title: "Already set up",
			Detail: "This installation already has its first operator. Sign in instead.",
		}},
		{is: tenants.ErrDelayed, problem: Problem{
			Status: http.StatusTooManyRequests, Code: "too_many_attempts", Title: "Too many attempts",
			Detail: "There were too many failed attempts. Wait a moment, then try again.", RetryAfter: retrySoon,
		}, complete: addDelay},
		{is: tenants.ErrUnavailable, problem: Problem{
			Status: http.StatusServiceUnavailable, Code: "changes_unavailable", Title: "Changes cannot be made right now",
			Detail: "The change could not be recorded, because the server's control log does not answer. Try again in a moment; if it stays, tell the operator.", RetryAfter: retrySoon,
		}},
	}
}

func invalidProblem(status int, code, title string) Problem {
	return Problem{Status: status, Code: code, Title: title, Detail: "A field of the request is not valid."}
}

// addSuspension says why, and what to do.
func addSuspension(p *Problem, err error) {
	var suspended *tenants.SuspendedError
	switch {
	case !errors.As(err, &suspended):
	case suspended.Suspension.Deleting:
		p.Title, p.Detail = "The tenant is being deleted", "This tenant is being deleted, so nothing gets in any more. Ask the operator of this server if that surprises you."
	default:
		p.Detail = fmt.Sprintf("This tenant is suspended since %s: %s. Ask the operator of this server; what was sent before is kept.",
			suspended.Suspension.Since.UTC().Format("2 January 2006 15:04 UTC"), strings.TrimRight(suspended.Suspension.Reason, ". "))
	}
}

// addField names the field that is at fault and what would be right.
func addField(p *Problem, err error) {
	var field *tenants.InvalidError
	if !errors.As(err, &field) {
		return
	}
	p.Detail = field.Error()
	p.Errors = []Fault{{Pointer: pointerTo(field.Field), Code: p.Code, Detail: field.Detail}}
}

// pointerTo turns devices[3].name into /devices/3/name, as RFC 6901 writes it.
func pointerTo(field string) string {
	escaped := strings.NewReplacer("~", "~0", "/", "~1", ".", "/", "[", "/", "]", "").Replace(field)
	return "/" + escaped
}

func addTenantLimit(p *Problem, err error) {
	var limit *tenants.LimitError
	if !errors.As(err, &limit) {
		return
	}
	p.Detail = fmt.Sprintf("The tenant already has the %d %s that it may have. Remove some first.", limit.Max, limit.Name)
	p.Limit = &Limit{Name: limit.Name, Scope: "tenant", Max: float64(limit.Max), Current: float64(limit.Max)}
}

func addDelay(p *Problem, err error) {
	var delay *tenants.DelayError
	if errors.As(err, &delay) {
		p.RetryAfter = delay.RetryAfter
		p.Detail = fmt.Sprintf("There were too many failed attempts. Try again in %d s.", p.RetrySeconds())
	}
}
