package replay

import "errors"

var (
	// ErrOptions is returned by Open when something that it needs is missing.
	ErrOptions = errors.New("replay: incomplete options")
	// ErrBusy is returned by Start while another job of the tenant runs or waits.
	ErrBusy = errors.New("another job of the tenant is running")
	// ErrUnavailable is returned when the broker does not answer.
	ErrUnavailable = errors.New("jobs cannot be read or changed at the moment")

	errLost      = errors.New("somebody else owns the job")
	errCancelled = errors.New("the job was cancelled")
	errSuspect   = errors.New("the storage refuses everything, so it is taken for a fault of the storage; nothing was lost")
)
