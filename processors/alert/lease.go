package alert

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/processors/retry"
)

const (
	// leaseBucket holds who evaluates.
	leaseBucket = "ALERTING"
	leaseKey    = "lease"
	leaseV      = 1
	// leaseRenew is how often whoever evaluates says that it still does.
	leaseRenew = time.Second
	// leaseLost is after how long without that somebody else takes over: it leaves a slow disk three attempts, and what
	// remains of five seconds for the taking over.
	leaseLost = 3 * time.Second
	// leaseLook is how often others look.
	leaseLook = 250 * time.Millisecond
	// leaseCall bounds one request about the lease.
	leaseCall = 2 * time.Second
)

// errLost means that somebody else evaluates.
var errLost = errors.New("somebody else evaluates alert rules")

// lease says who evaluates. It is not what keeps two from doing so at once, since a program that was paused does not know
// that it was: that is the fence, which stands in the log itself.
type lease struct {
	V     int       `json:"v"`
	Owner string    `json:"owner"` // empty when it was given back
	Epoch uint64    `json:"epoch"` // counts the owners
	At    time.Time `json:"at"`    // of the latest renewal, by the owner's clock: only to be shown
}

// holder is one copy's view of the lease.
type holder struct {
	kv       jetstream.KeyValue
	owner    string
	now      func() time.Time
	revision uint64
	epoch    uint64
	before   lease // of the owner before
}

// acquire waits until the lease is this copy's or ctx ends. How long an owner is silent is measured by this copy's own
// clock, so that those of two machines need not agree.
func (h *holder) acquire(ctx context.Context) error {
	var seen uint64
	since := time.Now()
	for ctx.Err() == nil {
		current, revision, err := h.read(ctx)
		switch {
		case err != nil:
			return err
		case revision != seen:
			seen, since = revision, time.Now()
		}
		if revision == 0 || current.Owner == "" || current.Owner == h.owner || time.Since(since) > leaseLost {
			h.epoch, h.before = current.Epoch+1, current
			err := h.write(ctx, lease{Owner: h.owner, Epoch: h.epoch}, revision)
			if err == nil {
				return nil
			}
			if !errors.Is(err, errLost) {
				return err
			}
		}
		retry.Wait(ctx, leaseLook)
	}
	return ctx.Err()
}

// renew says that this copy still evaluates. It returns errLost when it does not any more.
func (h *holder) renew(ctx context.Context) error {
	err := h.write(ctx, lease{Owner: h.owner, Epoch: h.epoch}, h.revision)
	if err == nil || !errors.Is(err, errLost) {
		return err
	}
	// A renewal that was taken and never answered looks like somebody else's.
	current, revision, readErr := h.read(ctx)
	if readErr == nil && current.Owner == h.owner && current.Epoch == h.epoch {
		h.revision = revision
		return nil
	}
	return err
}

// giveBack lets somebody else begin at once.
func (h *holder) giveBack(ctx context.Context) error {
	return h.write(ctx, lease{Epoch: h.epoch}, h.revision)
}

func (h *holder) read(ctx context.Context) (l lease, revision uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, leaseCall)
	defer cancel()
	entry, err := h.kv.Get(ctx, leaseKey)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return lease{}, 0, nil
	}
	if err != nil {
		return lease{}, 0, fmt.Errorf("lease: %w", err)
	}
	if err := json.Unmarshal(entry.Value(), &l); err != nil || l.V != leaseV {
		return lease{}, 0, fmt.Errorf("lease: cannot be read, its version is %d: %w", l.V, errEntry)
	}
	return l, entry.Revision(), nil
}

func (h *holder) write(ctx context.Context, l lease, revision uint64) error {
	ctx, cancel := context.WithTimeout(ctx, leaseCall)
	defer cancel()
	l.V, l.At = leaseV, h.now().UTC()
	value, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("lease: %w", err)
	}
	if revision == 0 {
		revision, err = h.kv.Create(ctx, leaseKey, value)
	} else {
		revision, err = h.kv.Update(ctx, leaseKey, value, revision)
	}
	switch {
	case err == nil:
		h.revision = revision
		return nil
	case errors.Is(err, jetstream.ErrKeyExists), errors.Is(err, jetstream.ErrKeyRevisionMismatch):
		return errLost
	}
	return fmt.Errorf("lease: %w", err)
}
