package telemetry

import (
	"time"

	"longwave/tenants/id"
)

// Micros is an instant in UTC: microseconds since 1970-01-01T00:00:00Z. It is the precision of everything stored.
type Micros int64

// At converts an instant to Micros, cutting off what is finer than a microsecond.
func At(t time.Time) Micros { return Micros(t.UnixMicro()) }

// Time is the instant in UTC.
func (m Micros) Time() time.Time { return time.UnixMicro(int64(m)).UTC() }

// Kind says what a packet reports.
type Kind uint8

// The kinds of packets. Their numbers are part of the lane format: never renumber.
const (
	KindMetrics Kind = iota // values measured at one instant
	KindStatus              // a change of state of the device
	KindLogs                // lines of a log
)

// String is the kind's name as devices write it.
func (k Kind) String() string {
	switch k {
	case KindMetrics:
		return "metrics"
	case KindStatus:
		return "status"
	default:
		return "logs"
	}
}

// ParseKind is the inverse of Kind.String; ok is false for a word that names no kind.
func ParseKind(word string) (k Kind, ok bool) {
	for k := KindMetrics; k <= KindLogs; k++ {
		if k.String() == word {
			return k, true
		}
	}
	return 0, false
}

// ValueType says how a Value is to be read. The numbers are part of the lane format and of the tables.
type ValueType uint8

// The types of values.
const (
	Number ValueType = iota // Value.Num
	Bool                    // Value.Num is 0 or 1
	Text                    // Value.Text
)

// Value is one named value of a packet.
type Value struct {
	Name string
	Text string
	Num  float64
	Type ValueType
}

// Content is the value as JSON has it: a float64, a bool or a string.
func (v *Value) Content() any {
	switch v.Type {
	case Text:
		return v.Text
	case Bool:
		return v.Num != 0
	default:
		return v.Num
	}
}

// Packet is what a device sends at one instant.
type Packet struct {
	// ID is unique within the device: a second packet with the same id and content is a repetition.
	ID     string
	Values []Value
	Time   Micros
	Kind   Kind
	// Stamped says that the device sent no time and the server gave its own: a repetition then differs in Time alone.
	Stamped bool
	// Forward says where the packet is forwarded to: bit i stands for Destinations[i] of its batch. What a device sends
	// has none; the routing rules of its tenant set it.
	Forward uint64
	// Labels says which labels the rules added to the packet: bit i stands for Labels[i] of its batch. Destinations
	// receive them with the packet.
	Labels uint64
}

// MaxMarked bounds the destinations and the labels of a batch: a packet refers to them by the bits of one word.
const MaxMarked = 64

// Label is one label that a rule adds to packets.
type Label struct {
	Name, Text string
}

// Batch is what one device delivered in one request or frame, after decoding and enriching. It is the unit that the
// lanes carry; a lane message is one or more batches of the same tenant.
type Batch struct {
	Device     id.Device
	Packets    []Packet
	Received   Micros // when the server read it
	RetainDays uint16 // how long its readings are kept, from the tenant's policy
	// Destinations and Labels are what Forward and Labels of its packets refer to; at most MaxMarked of each. They may
	// hold more than the packets refer to.
	Destinations []id.Destination
	Labels       []Label
}

// Marked says whether a rule forwards or labels any packet of the batch.
func (b *Batch) Marked() bool {
	var marks uint64
	for i := range b.Packets {
		marks |= b.Packets[i].Forward | b.Packets[i].Labels
	}
	return marks != 0
}

// Recent is one packet of a lane with where it stands.
type Recent struct {
	Device   id.Device
	Lane     Lane
	Received Micros
	Packet   Packet
}

// Rejection says why one packet of a request was refused.
type Rejection struct {
	Index   int    `json:"index"`             // position in the request, from 0
	Pointer string `json:"pointer,omitempty"` // RFC 6901 pointer to the offending value, within the request
	Code    string `json:"code"`              // stable, snake_case
	Detail  string `json:"detail"`            // what is wrong and what would be right, for the person who programs the device
	Raw     string `json:"-"`                 // the packet as it came, or its beginning
	Cut     bool   `json:"-"`                 // Raw is the beginning only
}

// RejectedPacket is a Rejection as it is kept for the tenant.
type RejectedPacket struct {
	Rejection
	Device   id.Device
	Received Micros
}

// Attempt is one request of a device as the person who connects it wants to see it: what was answered and why.
type Attempt struct {
	At        Micros `json:"at"`
	Status    int    `json:"status"`    // the HTTP status that was answered, or would have been
	Detail    string `json:"detail"`    // the sentence of the answer
	Transport string `json:"transport"` // "HTTP" or "WebSocket"
}
