package alertrule

import (
	"hash/fnv"
	"math"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/alertrule/unusual"
)

// Status is where a rule stands for a device.
type Status uint8

// The statuses. Their numbers are part of the log and of checkpoints: never renumber.
const (
	OK Status = iota
	Pending
	Firing
)

// String is the word as people see it.
func (s Status) String() string {
	switch s {
	case OK:
		return "ok"
	case Pending:
		return "pending"
	default:
		return "firing"
	}
}

// Cause says why a status changed.
type Cause string

// The causes that the evaluator gives.
const (
	CauseCondition Cause = "condition" // a condition began to hold, or held for long enough
	CauseCleared   Cause = "cleared"   // a condition held no more, or a clear condition did
	CauseNoData    Cause = "no_data"   // nothing came for too long
	CauseData      Cause = "data"      // something came again
)

// Sample is one packet of one device.
type Sample struct {
	At       telemetry.Micros // device time
	Received telemetry.Micros // when it became known; only its second counts
	Values   []telemetry.Value
}

// Reading is the latest value of a metric, when a status changed.
type Reading struct {
	Metric string              `json:"metric"`
	At     telemetry.Micros    `json:"at"`
	Type   telemetry.ValueType `json:"type,omitempty"`
	Num    float64             `json:"num,omitempty"`
	Text   string              `json:"text,omitempty"` // its beginning
}

// Content is the value as JSON has it: a float64, a bool or a string.
func (r *Reading) Content() any {
	return (&telemetry.Value{Type: r.Type, Num: r.Num, Text: r.Text}).Content()
}

// Change is one step from a status to another, or of a rule that fires to another severity.
type Change struct {
	Number   uint64           `json:"number"` // counts the changes of the rule for the device, from 1
	From     Status           `json:"from"`
	To       Status           `json:"to"`
	Was      Severity         `json:"was"`      // the severity before; None when it was ok
	Severity Severity         `json:"severity"` // the severity now; None when it is ok
	At       telemetry.Micros `json:"at"`       // device time; of NoData the server's
	Values   []Reading        `json:"values,omitempty"`
	Cause    Cause            `json:"cause"`
	// Test is the one that decided, if it was one; its metric is among Values.
	Test *Test `json:"test,omitempty"`
}

// State is what is known of one device for one version of a rule. Make it with Program.Start.
type State struct {
	Status   Status
	Severity Severity         // that fires or is pending
	Since    telemetry.Micros // when Status and Severity began; 0 while nothing has changed yet
	Number   uint64           // of the latest change
	Late     uint64           // packets that were passed over, because they showed nothing newer
	Interval time.Duration    // that is expected between packets; its owner may change it at any time; 0: learned

	at       telemetry.Micros // the newest device time that was evaluated
	received telemetry.Micros // the second in which it became known; of NoData, the latest packet
	gap      telemetry.Micros // learned interval
	gaps     uint8            // how many packets it was learned from, up to one more than enoughGaps
	holds    uint64           // tests that hold
	metrics  []metric
	levels   []level
	learned  *unusual.Series // of Program.learned; nil when nothing is
}

// never is before every device time.
const never = telemetry.Micros(math.MinInt64)

// metric is the latest value of one metric.
type metric struct {
	Reading
	sum uint64 // of the whole text
}

// level is where one level stands.
type level struct {
	status Status
	since  telemetry.Micros // since when its condition holds
}

// keptText is how much of a text is kept to be shown.
const keptText = 64

// sum tells texts apart of which only the beginning is kept. It is the same in every run of the program.
func sum(text string) uint64 {
	if text == "" {
		return 0
	}
	h := fnv.New64a()
	_, _ = h.Write([]byte(text))
	return h.Sum64()
}

// Known is what is known of a device when a rule begins.
type Known struct {
	Seen     telemetry.Micros // when the latest packet became known, or else when the rule began
	Interval time.Duration    // that is expected between packets; 0 when it is not known
}

// Start is the state of a rule for a device of which no value was seen yet.
func (p *Program) Start(k Known) State {
	s := State{Interval: k.Interval, at: never, received: second(k.Seen),
		metrics: make([]metric, len(p.metrics)), levels: make([]level, len(p.levels))}
	if p.learned >= 0 {
		s.learned = new(unusual.Series)
	}
	for i := range s.metrics {
		s.metrics[i].Metric, s.metrics[i].At = p.metrics[i], never
	}
	return s
}

const oneSecond = telemetry.Micros(time.Second / time.Microsecond)

// second cuts off what is finer than a second.
func second(m telemetry.Micros) telemetry.Micros { return m - (m%oneSecond+oneSecond)%oneSecond }

// secondsUp is a span in whole seconds, rounded up.
func secondsUp(m telemetry.Micros) telemetry.Micros { return second(m + oneSecond - 1) }

// Seen is the second in which the latest packet that counted became known.
func (s *State) Seen() telemetry.Micros { return s.received }

// Excuse moves on what is known of when packets came, because for that long none could come: what the server could not hear
// is not held against a device.
func (s *State) Excuse(span time.Duration) {
	s.received += second(telemetry.Micros(span / time.Microsecond))
}
