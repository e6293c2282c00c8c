package alert

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

// Directory knows the rules and the devices. Its methods must be cheap and never block.
type Directory interface {
	// Changed returns a channel that is closed when rules or devices may be others. It is asked before the rest.
	Changed() <-chan struct{}
	// Tenants lists those that have rules which are evaluated.
	Tenants() []id.Tenant
	// Rules lists the rules of a tenant that are evaluated.
	Rules(id.Tenant) []alertrule.Rule
	// Devices lists the devices of a tenant.
	Devices(id.Tenant) []alertrule.Device
	// Device finds one; false if there is none.
	Device(id.Tenant, id.Device) (alertrule.Device, bool)
}

// Options are what an Evaluator needs. All but Replicas, Beside, Owner, Process and Now are required.
type Options struct {
	JS         jetstream.JetStream // on a connection of its own
	Directory  Directory
	Registerer prometheus.Registerer
	Log        *slog.Logger
	Replicas   int // copies of the streams; 0 means 1
	// Beside runs while this copy evaluates; its context ends when it does not any more.
	Beside  func(context.Context) error
	Owner   string           // names this copy of the program; made up when empty
	Process string           // names it for people, who may know it by that
	Now     func() time.Time // time.Now when nil
}

// The classes of errors of this package.
var (
	// ErrOptions is returned by Open when something that it needs is missing.
	ErrOptions = errors.New("alert: incomplete options")
	// ErrUnknown means that there is no such alert, or that it is another tenant's.
	ErrUnknown = errors.New("no such alert")
	// ErrUnavailable means that NATS does not answer.
	ErrUnavailable = errors.New("alerts are not available")
	// ErrInvalid means that what a person wrote cannot be taken.
	ErrInvalid = errors.New("cannot be taken")
)

func (o *Options) complete() error {
	if o.JS == nil || o.Directory == nil || o.Registerer == nil || o.Log == nil {
		return fmt.Errorf("%w: JS, Directory, Registerer and Log are required", ErrOptions)
	}
	o.Replicas = max(1, o.Replicas)
	if o.Owner == "" {
		o.Owner = string(id.New[id.Job]())
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return nil
}
