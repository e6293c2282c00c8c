package telemetry

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
)

// The lane format. A message is one or more batches, one behind the other, each of version 1 or 2:
//
//	batch   version (1 byte), length of body (4 bytes, little endian), body, CRC-32C over all of these (4 bytes, little endian)
//	body    device (text), received (svarint, µs), days to retain (uvarint), number of packets (uvarint), packets
//	packet  kind, with the top bit set when the server gave the time (1 byte), id (text), time (svarint, µs after the
//	        packet before it; the first one after received), number of values (uvarint), values
//	value   8·r + tag (uvarint); r = 0: a name not used before in this batch (text) follows; r > 0: the r-th such name;
//	        then by tag: 0 a number (8 bytes, little endian), 1 a whole number (svarint), 2 false, 3 true, 4 text
//	text    length (uvarint), bytes
//
// Version 2 is for batches of which rules forward or label a packet; any other is written as version 1. It differs in:
//
//	body    behind the days: number of destinations (uvarint, at most 64), destinations (text), number of labels (uvarint,
//	        at most 64), labels (name and content, each a text)
//	packet  behind the values: which destinations (uvarint, bit i is the i-th), which labels (uvarint, the same)
//
// The length stands in front of every version's body, so that a reader can tell a batch from what follows it.
const (
	lanePlain    = 1
	laneMarked   = 2
	laneHeader   = 5
	laneTrailer  = 4
	stampedFlag  = 0x80
	tagBits      = 3
	tagFloat     = 0
	tagWhole     = 1
	tagFalse     = 2
	tagTrue      = 3
	tagText      = 4
	maxWhole     = 1 << 48 // a whole number above this takes as many bytes as a float
	minPacketLen = 4       // kind, empty id, time, no values: bounds what a count may make a reader allocate
)

// ErrVersion is returned for a batch written by a newer version of the program.
var ErrVersion = errors.New("the lane format is of a version this program does not know")

// ErrCorrupt is returned for a message that AppendBatch did not write, or that was changed since.
var ErrCorrupt = errors.New("the lane message is corrupt")

func castagnoli(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// AppendBatch appends b in the lane format to dst and returns the longer slice. Appended batches make one message. A
// batch has at most MaxMarked destinations and as many labels.
func AppendBatch(dst []byte, b *Batch) []byte {
	start := len(dst)
	marked := b.Marked()
	dst = append(dst, lanePlain, 0, 0, 0, 0)
	dst = appendText(dst, string(b.Device))
	dst = binary.AppendVarint(dst, int64(b.Received))
	dst = binary.AppendUvarint(dst, uint64(b.RetainDays))
	if marked {
		dst[start] = laneMarked
		dst = appendMarks(dst, b)
	}
	dst = binary.AppendUvarint(dst, uint64(len(b.Packets)))
	var known *names // of what a single packet holds, no name comes twice
	if len(b.Packets) > 1 {
		known = &names{list: make([]string, 0, linearNames), order: make([]int, 0, linearNames)}
	}
	before := b.Received
	for i := range b.Packets {
		dst = appendPacket(dst, &b.Packets[i], before, known)
		before = b.Packets[i].Time
		if marked {
			dst = binary.AppendUvarint(dst, b.Packets[i].Forward)
			dst = binary.AppendUvarint(dst, b.Packets[i].Labels)
		}
	}
	binary.LittleEndian.PutUint32(dst[start+1:], uint32(len(dst)-start-laneHeader))
	return binary.LittleEndian.AppendUint32(dst, castagnoli(dst[start:]))
}

// appendMarks appends what the packets of the batch refer to.
func appendMarks(dst []byte, b *Batch) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(b.Destinations)))
	for _, d := range b.Destinations {
		dst = appendText(dst, string(d))
	}
	dst = binary.AppendUvarint(dst, uint64(len(b.Labels)))
	for _, l := range b.Labels {
		dst = appendText(appendText(dst, l.Name), l.Text)
	}
	return dst
}

func appendPacket(dst []byte, p *Packet, before Micros, known *names) []byte {
	kind := byte(p.Kind)
	if p.Stamped {
		kind |= stampedFlag
	}
	dst = append(dst, kind)
	dst = appendText(dst, p.ID)
	dst = binary.AppendVarint(dst, int64(p.Time-before))
	dst = binary.AppendUvarint(dst, uint64(len(p.Values)))
	for i := range p.Values {
		v := &p.Values[i]
		number := -1
		if known != nil {
			number = known.find(v.Name, i)
		}
		if isNew := number < 0; isNew {
			dst = binary.AppendUvarint(dst, uint64(tagOf(v)))
			dst = appendText(dst, v.Name)
		} else {
			dst = binary.AppendUvarint(dst, uint64(number+1)<<tagBits|uint64(tagOf(v)))
		}
		if known != nil {
			known.note(i, number, v.Name)
		}
		dst = appendContent(dst, v)
	}
	return dst
}

func tagOf(v *Value) byte {
	switch {
	case v.Type == Text:
		return tagText
	case v.Type == Bool && v.Num != 0:
		return tagTrue
	case v.Type == Bool:
		return tagFalse
	case isWhole(v.Num):
		return tagWhole
	default:
		return tagFloat
	}
}

// isWhole compares bits, because -0 equals 0 and is none the less another number.
func isWhole(f float64) bool {
	return math.Abs(f) <= maxWhole && math.Float64bits(float64(int64(f))) == math.Float64bits(f)
}

func appendContent(dst []byte, v *Value) []byte {
	switch tagOf(v) {
	case tagText:
		return appendText(dst, v.Text)
	case tagWhole:
		return binary.AppendVarint(dst, int64(v.Num))
	case tagFloat:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(v.Num))
	default:
		return dst
	}
}

func appendText(dst []byte, text string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(text))), text...)
}
