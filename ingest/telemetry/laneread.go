package telemetry

import (
	"encoding/binary"
	"fmt"
	"math"

	"longwave/tenants/id"
)

// bytesPerValue is what a value of a usual message takes, its share of the packet included. It only sizes a first guess.
const bytesPerValue = 12

// EachBatch checks and decodes a lane message and hands each of its batches to yield, in order. It stops at the first
// error of yield and returns it. It returns ErrVersion or ErrCorrupt, naming the offset, for a batch it cannot read; the
// batches before that one have been handed over by then.
//
// The *Batch is valid until yield returns. What it points to is the caller's to keep, but shares memory with the whole
// message: clone a string that is to outlive it by much.
func EachBatch(message []byte, yield func(*Batch) error) error {
	var b Batch
	r := laneReader{text: string(message)} // one copy, of which every name, id and text is a part
	for start := 0; start < len(message); {
		end, err := checkFrame(message[start:])
		if err != nil {
			return fmt.Errorf("%w: batch at byte %d", err, start)
		}
		r.pos, r.end, r.bad = start+laneHeader, start+end-laneTrailer, false
		r.marked = message[start] == laneMarked
		if r.batch(&b); r.bad || r.pos != r.end {
			return fmt.Errorf("%w: batch at byte %d, after byte %d", ErrCorrupt, start, r.pos)
		}
		if err := yield(&b); err != nil {
			return err
		}
		start += end
	}
	return nil
}

// checkFrame returns the length of the batch at the beginning of m once its checksum is right.
func checkFrame(m []byte) (int, error) {
	if m[0] != lanePlain && m[0] != laneMarked {
		return 0, ErrVersion
	}
	if len(m) < laneHeader+laneTrailer {
		return 0, ErrCorrupt
	}
	body := int64(binary.LittleEndian.Uint32(m[1:]))
	if body > int64(len(m)-laneHeader-laneTrailer) {
		return 0, ErrCorrupt
	}
	end := laneHeader + int(body)
	if binary.LittleEndian.Uint32(m[end:]) != castagnoli(m[:end]) {
		return 0, ErrCorrupt
	}
	return end + laneTrailer, nil
}

// laneReader reads one body after the other. A read past the end sets bad and returns nothing; it is looked at once, at
// the end of each packet.
type laneReader struct {
	text     string
	pos, end int
	bad      bool
	marked   bool     // the batch is of version 2
	values   []Value  // what every packet's Values are a part of; grows, and leaves the parts handed out alone
	names    []string // the batch's dictionary
}

func (r *laneReader) batch(b *Batch) {
	device, err := id.Parse[id.Device](r.string())
	r.bad = r.bad || err != nil
	received := r.signed()
	retain := r.unsigned(math.MaxUint16)
	*b = Batch{Device: device, Received: Micros(received), RetainDays: uint16(retain)}
	if r.marked {
		r.marks(b)
	}
	count := r.unsigned(uint64(max(r.end-r.pos, 0)) / minPacketLen)
	if r.bad {
		return
	}
	b.Packets = make([]Packet, 0, count)
	r.names = r.names[:0]
	before := b.Received
	for range count {
		p := r.packet(before)
		if r.marked {
			p.Forward, p.Labels = r.mask(len(b.Destinations)), r.mask(len(b.Labels))
		}
		if r.bad {
			return
		}
		b.Packets = append(b.Packets, p)
		before = p.Time
	}
}

// marks reads what the packets of a batch of version 2 refer to.
func (r *laneReader) marks(b *Batch) {
	for range r.unsigned(MaxMarked) {
		d, err := id.Parse[id.Destination](r.string())
		r.bad = r.bad || err != nil
		b.Destinations = append(b.Destinations, d)
	}
	for range r.unsigned(MaxMarked) {
		b.Labels = append(b.Labels, Label{Name: r.string(), Text: r.string()})
	}
}

// mask reads a word of which only the lowest bits may be set.
func (r *laneReader) mask(bits int) uint64 { return r.unsigned(1<<bits - 1) }

func (r *laneReader) packet(before Micros) (p Packet) {
	kind := r.byte()
	p.Stamped, p.Kind = kind&stampedFlag != 0, Kind(kind&^stampedFlag)
	p.ID = r.string()
	p.Time = before + Micros(r.signed())
	count := int(r.unsigned(uint64(r.end - r.pos)))
	r.bad = r.bad || p.Kind > KindLogs
	if r.bad {
		return p
	}
	if r.values == nil {
		r.values = make([]Value, 0, len(r.text)/bytesPerValue)
	}
	first := len(r.values)
	for range count {
		v := r.value()
		if r.bad {
			return p
		}
		r.values = append(r.values, v)
	}
	p.Values = r.values[first:len(r.values):len(r.values)]
	return p
}

func (r *laneReader) value() (v Value) {
	head := r.unsigned(math.MaxUint32)
	if ref := int(head >> tagBits); ref > len(r.names) {
		r.bad = true
	} else if ref > 0 {
		v.Name = r.names[ref-1]
	} else {
		v.Name = r.string()
		r.names = append(r.names, v.Name)
	}
	switch head & (1<<tagBits - 1) {
	case tagFloat:
		v.Num = r.float()
	case tagWhole:
		v.Num = float64(r.signed())
	case tagFalse:
		v.Type = Bool
	case tagTrue:
		v.Type, v.Num = Bool, 1
	case tagText:
		v.Type, v.Text = Text, r.string()
	default:
		r.bad = true
	}
	return v
}

func (r *laneReader) byte() byte {
	if r.pos >= r.end {
		r.bad = true
		return 0
	}
	r.pos++
	return r.text[r.pos-1]
}

func (r *laneReader) float() float64 {
	if r.end-r.pos < 8 {
		r.bad = true
		return 0
	}
	var bits uint64
	for i := range 8 {
		bits |= uint64(r.text[r.pos+i]) << (8 * i)
	}
	r.pos += 8
	return math.Float64frombits(bits)
}

// unsigned reads a number that must not be larger than most.
func (r *laneReader) unsigned(most uint64) uint64 {
	var n uint64
	for shift := uint(0); shift < 64; shift += 7 {
		c := r.byte()
		n |= uint64(c&0x7f) << shift
		if c < 0x80 {
			r.bad = r.bad || n > most
			if r.bad {
				return 0
			}
			return n
		}
	}
	r.bad = true
	return 0
}

func (r *laneReader) signed() int64 {
	n := r.unsigned(math.MaxUint64)
	return int64(n>>1) ^ -int64(n&1)
}

func (r *laneReader) string() string {
	length := int(r.unsigned(uint64(max(r.end-r.pos, 0))))
	if r.end-r.pos < length { // the length itself took some of what was left
		r.bad = true
		return ""
	}
	r.pos += length
	return r.text[r.pos-length : r.pos]
}
