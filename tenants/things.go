package tenants

import (
	"slices"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// Actor is who caused a command and from where. It is written into every event.
type Actor struct {
	Person  id.Person `json:"person,omitempty"`
	Key     id.Key    `json:"key,omitempty"`
	System  string    `json:"system,omitempty"`  // the part of the program that acts by itself: "setup", "erase"
	Address string    `json:"address,omitempty"` // network address of the caller
}

// Tenant is an isolated customer.
type Tenant struct {
	ID         id.Tenant
	Name       string
	Created    time.Time
	RetainDays uint16 // how long readings are kept
	// NoPasswords lets members in through an identity provider only.
	NoPasswords bool
	Suspended   Suspension
	Consent     bool   // operators may look at its data whenever they want to
	Limits      Limits // of its own; where 0, those of the installation hold
}

// Person is a human account of the installation.
type Person struct {
	ID       id.Person
	Email    string
	Name     string
	Operator bool
	Scope    Scope // of an operator
	Created  time.Time
}

// Scope is what an operator oversees: everything, or the tenants that are listed. It is never changed in place.
type Scope struct {
	Limited bool
	Tenants []id.Tenant
}

// Oversees says whether the person operates a tenant. Somebody who does may still not look at its data.
func (p Person) Oversees(t id.Tenant) bool {
	return p.Operator && (!p.Scope.Limited || slices.Contains(p.Scope.Tenants, t))
}

// Membership is one tenant of a person.
type Membership struct {
	Tenant Tenant
	Role   Role
}

// Key is an API key of a tenant, without its secret.
type Key struct {
	ID      id.Key
	Tenant  id.Tenant
	Name    string
	Role    Role
	Created time.Time
	Expires time.Time // zero means never
	Scope   KeyScope
}

// Prefix is the part of the key that is not secret, for showing which one is meant.
func (k Key) Prefix() string { return keyPrefix + publicOf(k.ID) }

// Device is something that sends packets. Labels and Tokens are shared between all readers: never change them.
type Device struct {
	ID       id.Device
	Tenant   id.Tenant
	Name     string
	Labels   map[string]string
	Created  time.Time
	Interval time.Duration // expected time between packets; 0 means: learn it
	Site     string        // a path, from the widest to the narrowest: plant-2/line-4; empty when it is not known
	Profile  string        // its type, in the tenant's own word; empty when it has none
	Disabled bool
	Demo     bool    // made by "start with demo data", removed with one command
	Tokens   []Token // newest first, at most two
}

// Token is the public half of a device's credential.
type Token struct {
	ID      string // as it stands in the token after the prefix
	Created time.Time
	Expires time.Time // zero means never
	index   uint64    // indexOf(ID)
	sum     digest
}

// Prefix is the part of the token that is not secret, for showing which one is meant.
func (t Token) Prefix() string { return devicePrefix + t.ID }

// Metric describes the readings of one name within a tenant.
type Metric struct {
	Name string
	Unit string
}

// Erasing is a deleted device whose data is still to be removed.
type Erasing struct {
	Tenant id.Tenant
	Device id.Device
	Since  time.Time
}

// Claim is the first run of an installation: its first operator and first tenant.
type Claim struct {
	Email    string
	Name     string // of the person
	Password string
	Tenant   string // name of the tenant
}

// String leaves the password out.
func (c Claim) String() string { return c.Email + " " + c.Tenant }

// GoString leaves the password out.
func (c Claim) GoString() string { return c.String() }

// Claimed is what a claim made.
type Claimed struct {
	Person Person
	Tenant Tenant
}

// NewKey asks for an API key.
type NewKey struct {
	Name    string
	Role    Role
	Expires time.Time // zero means never
	Scope   KeyScope
}

// NewDevice asks for a device.
type NewDevice struct {
	Name     string
	Interval time.Duration
	Labels   map[string]string
	Site     string
	Profile  string
}

// Created is a new device with its token, which is shown once and never again.
type Created struct {
	Device Device
	Token  string
}

// MetricDescription sets the unit of a metric; an empty unit removes the description.
type MetricDescription struct {
	Name string
	Unit string
}

// Erased counts what a deletion removed.
type Erased = telemetry.Erased
