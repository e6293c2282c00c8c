package alertrule

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	"longwave/ingest/telemetry"
)

// ErrState is returned for bytes that are no state of the program.
var ErrState = errors.New("not a state of this alert rule")

// stateVersion is the first byte of an encoded state.
const stateVersion = 1

// MaxState bounds an encoded state: every test of a rule about a metric of its own, each with a text.
const MaxState = 64 + 6*MaxTests*(16+10+1+8+keptText) + 3*16

// AppendState adds the state as bytes. Times are written as what they are behind the newest one, which is short.
func (p *Program) AppendState(b []byte, s *State) []byte {
	b = append(b, stateVersion, byte(s.Status), byte(s.Severity), s.gaps)
	for _, n := range []uint64{s.Number, s.Late, s.holds} {
		b = binary.AppendUvarint(b, n)
	}
	for _, n := range []int64{int64(s.Since), int64(s.Interval), int64(s.received), int64(s.gap)} {
		b = binary.AppendVarint(b, n)
	}
	b = append(b, byte(len(s.levels)), byte(len(s.metrics)))
	b = appendTime(b, s.at)
	for _, l := range s.levels {
		b = append(b, byte(l.status))
		b = binary.AppendVarint(b, int64(max(s.at, 0)-l.since))
	}
	if s.at == never {
		return b
	}
	for i := range s.metrics {
		b = s.metrics[i].append(b)
	}
	return b
}

func (m *metric) append(b []byte) []byte {
	if b = appendTime(b, m.At); m.At == never {
		return b
	}
	b = append(b, byte(m.Type))
	if m.Type != telemetry.Text {
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(m.Num))
	}
	b = binary.LittleEndian.AppendUint64(b, m.sum)
	b = append(b, byte(len(m.Text)))
	return append(b, m.Text...)
}

// appendTime writes a device time, with one bit for whether there is any.
func appendTime(b []byte, at telemetry.Micros) []byte {
	if at == never {
		return append(b, 0)
	}
	return binary.AppendVarint(append(b, 1), int64(at))
}

// stateReader reads what AppendState wrote; bad is looked at in the end.
type stateReader struct {
	b   []byte
	bad bool
}

// ParseState reads a state of this version of the rule. It returns ErrState for anything else; more bytes than the state has
// are such a thing, too.
func (p *Program) ParseState(b []byte) (State, error) {
	r := stateReader{b: b}
	if r.byte() != stateVersion {
		return State{}, ErrState
	}
	s := p.Start(Known{})
	s.Status, s.Severity, s.gaps = Status(r.byte()), Severity(r.byte()), r.byte()
	s.Number, s.Late, s.holds = r.unsigned(), r.unsigned(), r.unsigned()
	s.Since, s.Interval = telemetry.Micros(r.signed()), time.Duration(r.signed())
	s.received, s.gap = telemetry.Micros(r.signed()), telemetry.Micros(r.signed())
	if int(r.byte()) != len(s.levels) || int(r.byte()) != len(s.metrics) {
		return State{}, ErrState
	}
	s.at = r.time()
	for i := range s.levels {
		s.levels[i].status = Status(r.byte())
		s.levels[i].since = max(s.at, 0) - telemetry.Micros(r.signed())
	}
	for i := 0; i < len(s.metrics) && s.at != never; i++ {
		r.metric(&s.metrics[i])
	}
	if r.bad || len(r.b) > 0 || s.Status > Firing || s.Severity > Critical {
		return State{}, ErrState
	}
	return s, nil
}

func (r *stateReader) metric(m *metric) {
	if m.At = r.time(); m.At == never {
		return
	}
	if m.Type = telemetry.ValueType(r.byte()); m.Type != telemetry.Text {
		m.Num = math.Float64frombits(r.word())
		return
	}
	m.sum = r.word()
	m.Text = string(r.take(int(r.byte())))
}

func (r *stateReader) time() telemetry.Micros {
	if r.byte() == 0 {
		return never
	}
	return telemetry.Micros(r.signed())
}

func (r *stateReader) take(n int) []byte {
	if n > len(r.b) {
		r.b, r.bad = nil, true
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *stateReader) byte() byte {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *stateReader) word() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (r *stateReader) unsigned() uint64 {
	n, size := binary.Uvarint(r.b)
	if size <= 0 {
		r.b, r.bad = nil, true
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *stateReader) signed() int64 {
	n, size := binary.Varint(r.b)
	if size <= 0 {
		r.b, r.bad = nil, true
		return 0
	}
	r.b = r.b[size:]
	return n
}
