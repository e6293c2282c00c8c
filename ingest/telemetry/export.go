package telemetry

import (
	"errors"
	"time"

	"longwave/tenants/id"
)

// ErrNoFile says that the storage cannot write files itself.
var ErrNoFile = errors.New("the storage does not write files")

// ExportQuery asks for everything that devices sent over [From, To), in the order of device, metric, time and value.
type ExportQuery struct {
	Devices  []id.Device // in the order of their ids
	Metrics  []string    // all if none is named
	From, To Micros
	Step     time.Duration // the length of buckets; 0 for every reading
	After    *Position     // only what comes behind it in the order; nil for everything
	Limit    int           // rows at most; 0 for all
}

// Position is a row of an export, by which the rest of it is found again. In an export of buckets the value does not
// matter.
type Position struct {
	SeriesKey
	Time  Micros
	Value float64
}

// ExportRow is one reading of an export, or one bucket.
type ExportRow struct {
	Device, Metric string
	Point
}

// Extent is about how much an export is.
type Extent struct{ Rows, Series uint64 }
