package tenants

import "time"

// Usage is what the running program knows of a tenant beside the control plane, for operators: how much, never what.
type Usage struct {
	Readings, Bytes uint64  // stored; bytes are estimated from its share of the readings
	Rate            float64 // packets per second that it sends to this copy of the program
	Waiting         uint64  // messages that wait for its destinations
	Alerts          int     // that fire
	// Limited is how many requests of its devices this copy of the program has refused for a limit since it started; LastLimited
	// is when it last did.
	Limited     uint64
	LastLimited time.Time
}
