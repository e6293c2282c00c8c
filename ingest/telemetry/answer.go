package telemetry

import "longwave/tenants/id"

// Latest is the newest known value of one series, by device time.
type Latest struct {
	Metric   string
	Value    Value
	Time     Micros  // device time
	Received Micros  // when the server read it
	Interval float64 // seconds between readings as learned from the stored ones; 0 when not known yet
}

// Activity is what the device list shows of one device.
type Activity struct {
	Device   id.Device
	LastTime Micros  // newest device time of any series
	LastSeen Micros  // newest arrival
	Interval float64 // seconds between readings as learned; 0 when not known yet
}

// Point is one reading, or one bucket of readings when a step was used.
type Point struct {
	Time  Micros
	Value float64 // the reading, or the mean of the bucket
	Min   float64 // equal to Value for raw
	Max   float64
	Count uint64 // 1 for raw
}

// Series is the answer to a question about one series.
type Series struct {
	Metric string
	Step   string // "raw", or the length of a bucket: "10s", "1m", "6h", "1d"
	Points []Point
}

// SeriesQuery asks for one metric of one device over [From, To). MaxPoints bounds the answer; raw readings are
// returned when they fit, buckets with their extremes otherwise.
type SeriesQuery struct {
	Device    id.Device
	Metric    string
	From, To  Micros
	MaxPoints int
}

// SeriesKey names one series of a tenant.
type SeriesKey struct {
	Device id.Device
	Metric string
}

// ManyQuery asks for many series over [From, To), each in at most MaxPoints buckets of the same length.
type ManyQuery struct {
	Series    []SeriesKey
	From, To  Micros
	MaxPoints int
}

// TopQuery asks which Count devices have the greatest values of a metric over [From, To), or the least ones.
type TopQuery struct {
	Metric   string
	From, To Micros
	By       Aggregate
	Count    int
	Least    bool
}

// Aggregate is how the readings of a range become one number.
type Aggregate uint8

// The ways in which they do.
const (
	ByMean Aggregate = iota
	ByMax
	ByMin
	BySum
)

// Ranked is a device with the number that it was ranked by.
type Ranked struct {
	Device id.Device
	Value  float64
}

// Event is a text value, a status change or a log line.
type Event struct {
	Device   id.Device
	Kind     Kind
	Name     string
	Text     string
	Time     Micros
	Received Micros
}

// EventQuery asks for events of one device, newest first, older than Before.
type EventQuery struct {
	Device   id.Device
	From, To Micros
	Limit    int
}

// EventsQuery asks for the newest events of several devices over [From, To), of these names or of all if none is named.
type EventsQuery struct {
	Devices  []id.Device
	Names    []string
	From, To Micros
	Kind     Kind // only of this kind; KindMetrics for all, since values that are texts are events as well
	Limit    int
}

// ArrivalsQuery asks for the values of several devices that became known in the seconds [From, To).
type ArrivalsQuery struct {
	Devices []id.Device
	// Metrics are the names that are asked for. None asks for the seconds alone in which anything became known, each once.
	Metrics  []string
	From, To Micros
}

// Arrival is one stored value with the second in which it became known.
type Arrival struct {
	Device   int    // its place in the question
	Metric   int    // its place in the question; -1 when no metric was asked for
	Received Micros // a whole second
	At       Micros // device time
	Value    Value  // without its name
}

// Erased counts what a deletion removed.
type Erased struct {
	Readings uint64 `json:"readings"`
	Events   uint64 `json:"events"`
}
