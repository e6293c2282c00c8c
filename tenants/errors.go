package tenants

import (
	"errors"
	"fmt"
	"time"

	"longwave/tenants/id"
)

// The classes of errors of this package. Their texts are for people; match them with errors.Is.
var (
	// ErrNotFound means that there is no such thing, or that it belongs to another tenant: the two are never told apart.
	ErrNotFound = errors.New("not found")
	// ErrForbidden means that the caller is known but its role does not allow the action.
	ErrForbidden = errors.New("not allowed")
	// ErrKeyLimited means that an API key is limited to some devices, and that this concerns others too.
	ErrKeyLimited = fmt.Errorf("%w: the key is limited to some devices", ErrForbidden)
	// ErrUnauthenticated means that the caller is not known: wrong token, key or password.
	ErrUnauthenticated = errors.New("not authenticated")
	// ErrOtherSignIn means that a member has to sign in in another way to enter this tenant.
	ErrOtherSignIn = errors.New("this tenant wants another way to sign in")
	// ErrLastOwner means that the tenant would be without an owner.
	ErrLastOwner = errors.New("a tenant needs an owner")
	// ErrLastOperator means that nobody would operate the whole installation any more.
	ErrLastOperator = errors.New("an installation needs an operator")
	// ErrSuspended is the class of every *SuspendedError.
	ErrSuspended = errors.New("the tenant is suspended")
	// ErrNoRole means that a person proved who they are, and nothing gives them a role.
	ErrNoRole = errors.New("no rule gives this person a role")
	// ErrDisabled means that the device is known and switched off.
	ErrDisabled = errors.New("the device is disabled")
	// ErrConflict means that others kept changing the same tenant while the command decided; trying again is right.
	ErrConflict = errors.New("changed by somebody else at the same time")
	// ErrExists means that the name is taken; it comes as an *InvalidError that names the field.
	ErrExists = errors.New("exists already")
	// ErrInvalid is the class of every *InvalidError.
	ErrInvalid = errors.New("invalid")
	// ErrLimit is the class of every *LimitError.
	ErrLimit = errors.New("limit reached")
	// ErrClaimed means that the installation has its first operator already.
	ErrClaimed = errors.New("this installation is already claimed")
	// ErrDelayed is the class of every *DelayError.
	ErrDelayed = errors.New("too many attempts")
	// ErrUnavailable means that the control log cannot be written, or its answer did not come in time.
	ErrUnavailable = errors.New("the control log is not available")
	// ErrNoMasterKey means that there is no key to seal or open secrets with.
	ErrNoMasterKey = errors.New("there is no master key")
	// ErrLog means that the control log has a hole or contradicts itself.
	ErrLog = errors.New("the control log is damaged")
	// ErrNewer means that the control log holds events of a newer version of the program.
	ErrNewer = errors.New("the control log was written by a newer version of Longwave")
	// ErrStreamDiffers means that the existing control stream is not set up as it must be.
	ErrStreamDiffers = errors.New("the control stream has other settings")
)

// InvalidError names one field of a command and what would be right.
type InvalidError struct {
	Field  string // as in the command: "name", "labels", "devices[3].name"
	Detail string // a sentence for the person who typed it
	taken  bool
}

// Error is the sentence with its field.
func (e *InvalidError) Error() string { return e.Field + ": " + e.Detail }

// Is makes every *InvalidError an ErrInvalid, and the one about a taken name an ErrExists as well.
func (e *InvalidError) Is(target error) bool {
	return target == ErrInvalid || target == ErrExists && e.taken
}

func invalid(field, format string, args ...any) error {
	return &InvalidError{Field: field, Detail: fmt.Sprintf(format, args...)}
}

func taken(field, value string) error {
	return &InvalidError{Field: field, Detail: fmt.Sprintf("%q exists already, choose another name", value), taken: true}
}

// LimitError says which bound a command would exceed.
type LimitError struct {
	Name string // "devices", "keys", "metrics"
	Max  int
}

// Error names the bound.
func (e *LimitError) Error() string {
	return fmt.Sprintf("limit reached: at most %d %s in one tenant", e.Max, e.Name)
}

// Is makes every *LimitError an ErrLimit.
func (e *LimitError) Is(target error) bool { return target == ErrLimit }

// SuspendedError says why a tenant lets nobody in. It is told only to those who proved that they belong to it.
type SuspendedError struct{ Suspension Suspension }

// Error names the reason.
func (e *SuspendedError) Error() string {
	if e.Suspension.Deleting {
		return "the tenant is being deleted"
	}
	return "the tenant is suspended: " + e.Suspension.Reason
}

// Is makes every *SuspendedError an ErrSuspended.
func (e *SuspendedError) Is(target error) bool { return target == ErrSuspended }

// DelayError says how long a caller must wait before the next attempt is looked at.
type DelayError struct{ RetryAfter time.Duration }

// Error names the wait.
func (e *DelayError) Error() string {
	return fmt.Sprintf("too many attempts, try again in %s", e.RetryAfter.Round(time.Second))
}

// Is makes every *DelayError an ErrDelayed.
func (e *DelayError) Is(target error) bool { return target == ErrDelayed }

// Refusal says why a device token was refused. It is for those who may see the device, never for the caller.
type Refusal string

// The reasons why a device token is refused.
const (
	RefusedMalformed Refusal = "malformed" // not of the form of a device token
	RefusedTypo      Refusal = "typo"      // the check characters do not match: mistyped or cut off
	RefusedUnknown   Refusal = "unknown"   // well formed, but no such token, or its secret half is wrong
	RefusedExpired   Refusal = "expired"   // was right once; a rotation replaced it
)

// UnknownToken is the error of a refused device token. When the public half of the token is that of an existing
// token, Known is true and Tenant and Device say whose, so that the device's page can show the failed attempt.
type UnknownToken struct {
	Tenant id.Tenant
	Device id.Device
	Known  bool
	Reason Refusal
}

// Error tells the caller no more than that the token is not accepted.
func (e *UnknownToken) Error() string { return "unknown token" }

// Is makes every *UnknownToken an ErrUnauthenticated.
func (e *UnknownToken) Is(target error) bool { return target == ErrUnauthenticated }
