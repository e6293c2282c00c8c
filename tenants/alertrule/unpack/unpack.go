// Package unpack reads what encoding/binary's Append functions wrote, from the front to the back: states of alert rules and the
// checkpoints that they stand in.
//
// Contract: a Reader never panics, whatever the bytes are, and allocates nothing but the text it returns. After the first thing
// that is not there everything reads as zero and OK says no, so that a caller looks once, in the end. A Reader belongs to one
// goroutine; it keeps the bytes that it was given and what Take returns points into them.
package unpack

import "encoding/binary"

// Reader reads bytes. Make it with New.
type Reader struct {
	rest []byte
	bad  bool
}

// New is a Reader of these bytes.
func New(b []byte) Reader { return Reader{rest: b} }

// OK says whether everything that was asked for was there.
func (r *Reader) OK() bool { return !r.bad }

// Empty says whether nothing is left.
func (r *Reader) Empty() bool { return len(r.rest) == 0 }

// Refuse has nothing more read: what was read so far does not make sense to the caller.
func (r *Reader) Refuse() { r.rest, r.bad = nil, true }

// Take is the next n bytes; nil when there are fewer.
func (r *Reader) Take(n uint64) []byte {
	if n > uint64(len(r.rest)) {
		r.Refuse()
		return nil
	}
	out := r.rest[:n]
	r.rest = r.rest[n:]
	return out
}

// Byte is one byte.
func (r *Reader) Byte() byte {
	if b := r.Take(1); b != nil {
		return b[0]
	}
	return 0
}

// Word is eight bytes as one number.
func (r *Reader) Word() uint64 {
	if b := r.Take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// Unsigned is what AppendUvarint wrote.
func (r *Reader) Unsigned() uint64 {
	n, size := binary.Uvarint(r.rest)
	r.pass(size)
	return n
}

// Signed is what AppendVarint wrote.
func (r *Reader) Signed() int64 {
	n, size := binary.Varint(r.rest)
	r.pass(size)
	return n
}

// Text is its length, as Unsigned, and then its bytes.
func (r *Reader) Text() string { return string(r.Take(r.Unsigned())) }

// pass leaves behind a number of this size; none has a size below one.
func (r *Reader) pass(size int) {
	if size <= 0 {
		r.Refuse()
		return
	}
	r.rest = r.rest[size:]
}
