package trial

import (
	"time"

	"longwave/ingest/telemetry"
	"longwave/processors/alert"
	"longwave/processors/alert/notify"
	"longwave/tenants/alertrule"
)

// heardBefore is how long before the period a device may have been heard last for a rule about missing data to know of it.
const heardBefore = 24 * telemetry.Micros(time.Hour/time.Microsecond)

// subject is one device on which the rule is tried. What comes of one instant in one second is one packet.
type subject struct {
	*running
	place   int
	outcome *Outcome
	heard   telemetry.Micros // when something of it became known before the period
	began   bool
	state   alertrule.State
	sample  alertrule.Sample
	twice   uint64         // values of an instant that had one already
	open    *notify.Course // of the alert that fires
	span    Span
}

func newSubject(r *running, place int) *subject {
	outcome := &r.outcomes[place]
	outcome.Device = r.order.Devices[place]
	return &subject{running: r, place: place, outcome: outcome, heard: r.order.From}
}

// begin lets the rule begin, at the beginning of the period.
func (s *subject) begin() {
	if !s.began {
		s.began = true
		s.state = s.program.Start(alertrule.Known{Seen: s.heard, Interval: s.outcome.Device.Interval})
	}
}

// see takes the next stored value.
func (s *subject) see(a *telemetry.Arrival, name string) {
	if a.Received < s.order.From {
		s.heard = a.Received
		return
	}
	if len(s.sample.Values) == 0 || a.Received != s.sample.Received || a.At != s.sample.At {
		s.step()
		s.sample.At, s.sample.Received = a.At, a.Received
	}
	v := a.Value
	v.Name = name
	if n := len(s.sample.Values); n > 0 && s.sample.Values[n-1].Name == name && (v.Type != telemetry.Text || s.sample.Values[n-1].Type == telemetry.Text) {
		s.twice++ // which of the two was first is not stored
	}
	s.sample.Values = append(s.sample.Values, v)
	s.outcome.Values++
}

// step lets the rule see the packet that is complete. What comes due by itself before is found when it comes due, as it is live.
func (s *subject) step() {
	s.begin()
	if len(s.sample.Values) == 0 {
		return
	}
	s.wait(s.sample.Received)
	s.note(s.program.Step(&s.state, s.sample), s.sample.Received)
	s.sample.Values = s.sample.Values[:0]
}

func (s *subject) wait(until telemetry.Micros) {
	for {
		at, ok := s.program.Due(&s.state)
		if !ok || at > until {
			return
		}
		s.note(s.program.Tick(&s.state, at), at)
	}
}

// note files changes and when they were found.
func (s *subject) note(changes []alertrule.Change, known telemetry.Micros) {
	for i := range changes {
		c := &changes[i]
		if c.To != alertrule.Firing && c.From != alertrule.Firing {
			continue
		}
		if s.watch != nil {
			s.watch(s.outcome.Device.ID, c)
		}
		switch {
		case c.From != alertrule.Firing:
			s.outcome.Fired++
			s.span = Span{From: c.At, Worst: c.Severity}
			s.open = &notify.Course{Device: s.outcome.Device, Until: s.order.To.Time(), Alert: alert.Alert{Device: s.outcome.Device.ID, Began: c.At, Known: known.Time(), Severity: c.Severity}}
		case c.To == alertrule.Firing:
			s.span.Worst = max(s.span.Worst, c.Severity)
			if len(s.open.Turns) < maxTurns {
				s.open.Turns = append(s.open.Turns, notify.Turn{At: known.Time(), Severity: c.Severity})
			}
		default:
			s.open.Ended = known.Time()
			s.close(c.At)
		}
		s.outcome.Worst = max(s.outcome.Worst, s.span.Worst)
	}
}

// close ends the alert that fires.
func (s *subject) close(at telemetry.Micros) {
	s.span.To = max(at, s.span.From) // what came late may end it before it began
	s.outcome.Lasted += time.Duration(s.span.To-s.span.From) * time.Microsecond
	if len(s.outcome.Spans) < maxSpans {
		s.outcome.Spans = append(s.outcome.Spans, s.span)
	}
	s.mu.Lock()
	s.rehearsal.Add(*s.open)
	s.mu.Unlock()
	s.open = nil
}

// end brings the device to the end of the period.
func (s *subject) end() {
	s.step()
	s.wait(s.order.To)
	if s.open != nil {
		s.span.Open, s.outcome.Open = true, true
		s.close(s.order.To)
	}
	s.outcome.Late = s.state.Late + s.twice
}

// finish is end, and goes on with the next device.
func (s *subject) finish() *subject {
	s.end()
	return newSubject(s.running, s.place+1)
}
