package alertrule

import (
	"encoding/binary"
	"errors"
	"math"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/alertrule/unpack"
	"longwave/tenants/alertrule/unusual"
)

// ErrState is returned for bytes that are no state of the program.
var ErrState = errors.New("not a state of this alert rule")

// stateVersion is the first byte of an encoded state.
const stateVersion = 1

// MaxState bounds an encoded state: every test of a rule about a metric of its own, each with a text, and the usual course of one.
const MaxState = 64 + 6*MaxTests*(16+10+1+8+keptText) + 3*16 + MaxUnusual*(4+unusual.MaxEncoded)

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
	if s.learned == nil {
		return b
	}
	course := s.learned.Append(make([]byte, 0, unusual.MaxEncoded))
	return append(binary.AppendUvarint(b, uint64(len(course))), course...)
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

// ParseState reads a state of this version of the rule. It returns ErrState for anything else; more bytes than the state has
// are such a thing, too.
func (p *Program) ParseState(b []byte) (State, error) {
	r := unpack.New(b)
	if r.Byte() != stateVersion {
		return State{}, ErrState
	}
	s := p.Start(Known{})
	s.Status, s.Severity, s.gaps = Status(r.Byte()), Severity(r.Byte()), r.Byte()
	s.Number, s.Late, s.holds = r.Unsigned(), r.Unsigned(), r.Unsigned()
	s.Since, s.Interval = telemetry.Micros(r.Signed()), time.Duration(r.Signed())
	s.received, s.gap = telemetry.Micros(r.Signed()), telemetry.Micros(r.Signed())
	if int(r.Byte()) != len(s.levels) || int(r.Byte()) != len(s.metrics) {
		return State{}, ErrState
	}
	s.at = readTime(&r)
	for i := range s.levels {
		s.levels[i].status = Status(r.Byte())
		s.levels[i].since = max(s.at, 0) - telemetry.Micros(r.Signed())
	}
	for i := 0; i < len(s.metrics) && s.at != never; i++ {
		s.metrics[i].read(&r)
	}
	if s.at != never && s.learned != nil {
		course, rest, err := unusual.Parse(r.Take(r.Unsigned()))
		if err != nil || len(rest) > 0 {
			return State{}, ErrState
		}
		s.learned = &course
	}
	if !r.OK() || !r.Empty() || s.Status > Firing || s.Severity > Critical {
		return State{}, ErrState
	}
	return s, nil
}

// read reads what append wrote.
func (m *metric) read(r *unpack.Reader) {
	if m.At = readTime(r); m.At == never {
		return
	}
	if m.Type = telemetry.ValueType(r.Byte()); m.Type != telemetry.Text {
		m.Num = math.Float64frombits(r.Word())
		return
	}
	m.sum = r.Word()
	m.Text = string(r.Take(uint64(r.Byte())))
}

// readTime reads what appendTime wrote.
func readTime(r *unpack.Reader) telemetry.Micros {
	if r.Byte() == 0 {
		return never
	}
	return telemetry.Micros(r.Signed())
}
