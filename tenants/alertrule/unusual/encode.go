package unusual

import (
	"encoding/binary"
	"errors"
	"math"
)

// ErrSeries is returned for bytes that are no series of this version.
var ErrSeries = errors.New("unusual: not a series")

// version is the first byte of an encoded series. It changes with every change of what is kept or of how it is judged.
const version = 1

// MaxEncoded bounds what Append adds.
const MaxEncoded = 4 << 10

// Append adds the series to b as bytes.
func (s *Series) Append(b []byte) []byte {
	w := writer{b: append(b, version)}
	s.walk(&w)
	return w.b
}

// Parse reads a series from the beginning of b, and returns what follows it. It fails with ErrSeries.
func Parse(b []byte) (s Series, rest []byte, err error) {
	if len(b) == 0 || b[0] != version {
		return Series{}, nil, ErrSeries
	}
	r := reader{b: b[1:]}
	s.walk(&r)
	if r.bad || !s.sound() {
		return Series{}, nil, ErrSeries
	}
	return s, r.b, nil
}

// codec writes what it is given, or replaces it by what it reads. There is one walk over the fields, so that reading and
// writing cannot differ.
type codec interface {
	number(*float64)
	short(*uint8)
	average(*average)
}

func (s *Series) walk(c codec) {
	c.short(&s.count)
	c.short(&s.rest)
	for _, f := range []*float64{&s.last, &s.residual, &s.low, &s.high, &s.told, &s.held} {
		c.number(f)
	}
	for _, a := range []*average{&s.long, &s.recent, &s.drift, &s.moves, &s.usual} {
		c.average(a)
	}
	for i := range s.errors {
		c.average(&s.errors[i])
	}
	for i := range s.peaks {
		p := &s.peaks[i]
		c.average(&p.size)
		c.short(&p.seen)
		c.short(&p.known)
		for _, f := range []*float64{&p.highest, &p.mean, &p.variance} {
			c.number(f)
		}
	}
	for i := range s.day {
		c.average(&s.day[i])
	}
	for i := range s.week {
		c.average(&s.week[i])
	}
}

// sound keeps damaged bytes from doing harm: a stretch that is past its end would never end.
func (s *Series) sound() bool {
	for i := range s.peaks {
		if s.peaks[i].seen >= stretch || s.peaks[i].known > remembered {
			return false
		}
	}
	return s.count <= 1 && s.rest <= restsFor
}

type writer struct{ b []byte }

func (w *writer) number(f *float64) {
	w.b = binary.LittleEndian.AppendUint64(w.b, math.Float64bits(*f))
}

func (w *writer) short(n *uint8) { w.b = append(w.b, *n) }

// average takes one byte while nothing was seen, as for most hours of a week in its first days.
func (w *writer) average(a *average) {
	w.b = binary.AppendUvarint(w.b, uint64(a.n))
	if a.n > 0 {
		w.number(&a.value)
	}
}

type reader struct {
	b   []byte
	bad bool
}

func (r *reader) number(f *float64) {
	if len(r.b) < 8 {
		r.bad = true
		return
	}
	*f = math.Float64frombits(binary.LittleEndian.Uint64(r.b))
	r.b = r.b[8:]
	r.bad = r.bad || math.IsNaN(*f) || math.IsInf(*f, 0)
}

func (r *reader) short(n *uint8) {
	if len(r.b) == 0 {
		r.bad = true
		return
	}
	*n, r.b = r.b[0], r.b[1:]
}

func (r *reader) average(a *average) {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || n > math.MaxUint16 {
		r.bad = true
		return
	}
	a.n, r.b = uint16(n), r.b[size:]
	if n > 0 {
		r.number(&a.value)
	}
}
