package telemetry

import (
	"errors"
	"fmt"
	"mime"
	"strings"
	"time"

	"longwave/tenants/id"
)

// What one request may hold. Each bound is far above what a device needs and keeps the work for one request small.
const (
	MaxPackets        = 1000                 // packets in a request
	MaxValues         = 256                  // values in a packet
	MaxName           = 128                  // bytes in the name of a value
	MaxText           = 4 << 10              // bytes in a text value
	MaxPacketText     = 256 << 10            // bytes of all names and texts of a packet: it must fit one message of the broker
	MaxDepth          = 8                    // objects and arrays inside each other
	MaxPacketID       = 64                   // characters in a packet id
	MaxIdempotencyKey = 255                  // bytes in an idempotency key
	MaxRaw            = 16 << 10             // bytes of a rejected packet that are kept: a packet of all the values it may have, as a rule
	maxQuoted         = 40                   // characters of what a device sent that are repeated in a sentence
	MaxAge            = 366 * 24 * time.Hour // how far back a device's time may lie: a buffer emptied after a year
	MaxAhead          = 5 * time.Minute      // how far a device's clock may be fast
)

// Format says how packets stand in a body.
type Format uint8

// The formats.
const (
	JSON   Format = iota // one object, or an array of objects
	NDJSON               // one object on each line
)

// ErrMediaType is returned by FormatOf for a body that is neither JSON nor NDJSON.
var ErrMediaType = errors.New("send application/json or application/x-ndjson")

// FormatOf tells the format from a Content-Type. No Content-Type means JSON, and so does the one that curl adds to -d by
// itself: a form can never be a packet, and the shortest command that a person types should work. It returns
// ErrMediaType, naming what came.
func FormatOf(contentType string) (Format, error) {
	switch contentType { // as nearly everybody writes it, without taking it apart
	case "", "application/json":
		return JSON, nil
	case "application/x-ndjson":
		return NDJSON, nil
	}
	media, parameters, err := mime.ParseMediaType(contentType)
	if charset := parameters["charset"]; err == nil && charset != "" && !strings.EqualFold(charset, "utf-8") {
		return 0, fmt.Errorf("%w: charset %.40q is not utf-8", ErrMediaType, charset)
	}
	switch media {
	case "application/json", "text/json", "application/x-www-form-urlencoded":
		return JSON, nil
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines":
		return NDJSON, nil
	}
	return 0, fmt.Errorf("%w, not %.80q", ErrMediaType, contentType)
}

// DecodeOptions is what Decode must know beside the body.
type DecodeOptions struct {
	Now            Micros    // when the body was read: the time of packets without one, and the measure of absurd ones
	IdempotencyKey string    // names the packets that have no id; may be empty
	Device         id.Device // enters the ids made from content
	Format         Format
	// Stamp is the time of packets without one where Now is not: those that came long ago. A packet that gets it counts as
	// one that brought it, so that its id follows from its content.
	Stamp Micros
}

// Decoded is what a body held. Packets and Rejected together are everything that was in it, each in the order sent.
type Decoded struct {
	Packets  []Packet
	Index    []int // position in the request of each of Packets
	Rejected []Rejection
	TimeUnit string // "s", "ms", "us" or "ns" when epoch numbers were used, "mixed" when several; "" otherwise

	scratch *decoder // from the last Decode, for the next one
}

// ErrSyntax is what every *SyntaxError is.
var ErrSyntax = errors.New("the body cannot be read")

// SyntaxError says why a body as a whole was refused: its packets cannot be told apart.
type SyntaxError struct {
	Offset int    // byte of the body
	Packet int    // packet that was being read, from 0
	Code   string // stable, snake_case
	Detail string // for the person who programs the device
}

// Error is the sentence with its place.
func (e *SyntaxError) Error() string {
	return fmt.Sprintf("%s, at byte %d, in packet %d", e.Detail, e.Offset, e.Packet)
}

// Is makes every SyntaxError an ErrSyntax.
func (e *SyntaxError) Is(target error) bool { return target == ErrSyntax }

// Decode reads a body. A packet that is not as it should be becomes a Rejection and leaves the others alone; on a line of
// NDJSON that holds even for broken syntax. Only when the packets of a body cannot be told apart, or are more than
// MaxPackets, is it refused as a whole, with a *SyntaxError.
//
// A packet is an object with the member "values", itself an object, and optionally "id", "ts" and "kind"; nothing else.
// An object without any of these members is a packet of kind metrics whose members are the values. In both, a value is a
// number, true or false, or text; null is passed over. Pointers of Rejections start at the body, or for NDJSON at the line.
func Decode(body []byte, o DecodeOptions) (Decoded, error) {
	var d Decoded
	if err := d.Decode(body, o); err != nil {
		return Decoded{}, err
	}
	d.scratch = nil // the caller keeps what it points to
	return d, nil
}

// Decode is the function of the same name, and reuses the memory that d held: nothing of what it decoded before may be
// used any more, except strings and Rejections. After an error d holds nothing.
func (d *Decoded) Decode(body []byte, o DecodeOptions) error {
	if len(o.IdempotencyKey) > MaxIdempotencyKey {
		return &SyntaxError{Code: "idempotency_key",
			Detail: fmt.Sprintf("the idempotency key has %d bytes, at most %d are read", len(o.IdempotencyKey), MaxIdempotencyKey)}
	}
	if d.scratch == nil {
		d.scratch = &decoder{}
	}
	s := d.scratch
	s.reset(d, body, o)
	if o.Format == NDJSON {
		s.lines()
	} else {
		s.document()
	}
	if s.syntax != nil {
		s.syntax.Packet = max(s.count-1, 0)
		d.Packets, d.Index, d.Rejected, d.TimeUnit = d.Packets[:0], d.Index[:0], nil, ""
		return s.syntax
	}
	d.name(&s.texts, o)
	s.release()
	return nil
}
