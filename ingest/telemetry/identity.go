package telemetry

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"strings"

	"github.com/cespare/xxhash/v2"
)

// idLength characters of 5 bits are 100 bits: made ids do not meet by accident among the packets of one device.
const idLength = 20

// idAlphabet is Crockford's base 32 in lower case, as in package id.
const idAlphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// ContentHash is equal for two packets that say the same, in whatever order their values stand. The time counts only
// when the device gave it: one that the server gave differs in a repetition. It is for telling an honest repetition from
// an id used twice, on one machine or many; it is no defence against a device that looks for collisions with itself.
func (p *Packet) ContentHash() uint64 {
	a, _ := p.sums()
	return a
}

// sums adds up two hashes of each value, so that their order does not matter.
func (p *Packet) sums() (a, b uint64) {
	a, b = uint64(p.Kind)+1, uint64(len(p.Values))
	if !p.Stamped {
		a += stir(uint64(p.Time))
		b += stir(^uint64(p.Time))
	}
	for i := range p.Values {
		v := &p.Values[i]
		content := math.Float64bits(v.Num)
		if v.Type == Text {
			content = xxhash.Sum64String(v.Text)
		}
		h := stir(stir(xxhash.Sum64String(v.Name)+uint64(v.Type)) ^ content)
		a += h
		b += stir(^h)
	}
	return stir(a), stir(b)
}

// stir spreads every bit of x over the whole word (the finishing step of SplitMix64).
func stir(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// name gives every packet without an id one. With an idempotency key it follows from the key and the position; a packet
// with a time of its own gets one that follows from its content, so that a plain retry is recognised; anything else is
// new each time it is sent.
func (d *Decoded) name(texts *strings.Builder, o DecodeOptions) {
	seed, keyed := xxhash.Sum64String(string(o.Device)), uint64(0)
	if o.IdempotencyKey != "" {
		keyed = xxhash.Sum64String(o.IdempotencyKey)
	}
	var id [idLength]byte
	for i := range d.Packets {
		p := &d.Packets[i]
		if p.ID != "" {
			continue
		}
		switch {
		case o.IdempotencyKey != "":
			h := stir(keyed ^ stir(uint64(d.Index[i])))
			putID(&id, h, stir(^h))
		case !p.Stamped:
			a, b := p.sums()
			putID(&id, stir(a^seed), b)
		default:
			putID(&id, rand.Uint64(), rand.Uint64())
		}
		texts.Write(id[:]) // never fails
		p.ID = texts.String()[texts.Len()-idLength:]
	}
}

// putID writes 60 bits of a and 40 bits of b.
func putID(id *[idLength]byte, a, b uint64) {
	for i := range id {
		if i < 12 {
			id[i] = idAlphabet[a&31]
			a = bits.RotateLeft64(a, -5)
			continue
		}
		id[i] = idAlphabet[b&31]
		b = bits.RotateLeft64(b, -5)
	}
}
