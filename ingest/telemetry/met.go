package telemetry

import (
	"time"

	"longwave/tenants/id"
)

// Met is how often devices were refused because of one limit, and what was last found.
type Met struct {
	Name         string // what is limited: "packets_per_second"
	Scope        string // whose limit it is: "device", "tenant" or "request"
	Count        uint64
	Last         time.Time
	Max, Current float64   // when it was met last
	Device       id.Device // that met it last
}
