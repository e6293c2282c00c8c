package alertrule

import (
	"slices"
	"time"

	"longwave/ingest/telemetry"
	"longwave/ingest/telemetry/freshness"
)

const (
	// silentAfter is how many expected intervals without a packet are no data, unless the rule says how long: no data is
	// what pages call late.
	silentAfter = freshness.LateAfter
	// enoughGaps is how many gaps an interval is learned from before it counts.
	enoughGaps = 3
	// leastLearned keeps a device that sends all the time from being silent after a hiccup.
	leastLearned = 10 * oneSecond
)

// Due is the first second in which Tick would change something if no packet comes before; ok is false while nothing waits.
func (p *Program) Due(s *State) (at telemetry.Micros, ok bool) {
	due, pending := p.due(s)
	if p.rule.Kind == NoData {
		due, pending = p.silent(s)
		if !pending {
			return 0, false
		}
		return secondsUp(due) + oneSecond, true
	}
	if !pending {
		return 0, false
	}
	return s.received + max(0, secondsUp(due-s.at)) + oneSecond, true
}

// Tick tells the state how late it is by the server's clock, and returns what changed, oldest first. Every packet that became
// known in a second before that of now must have been seen.
func (p *Program) Tick(s *State, now telemetry.Micros) (changes []Change) {
	for {
		at, ok := p.Due(s)
		if !ok || second(now) < at {
			return changes
		}
		if p.rule.Kind == NoData {
			changes = p.quiet(changes, s)
			continue
		}
		due, _ := p.due(s)
		changes = p.advance(changes, s, due+1)
	}
}

// seen lets a rule about missing data see a packet.
func (p *Program) seen(s *State, sample Sample) []Change {
	if p.rule.Metric != "" && !slices.ContainsFunc(sample.Values, func(v telemetry.Value) bool { return v.Name == p.rule.Metric }) {
		return nil
	}
	received := second(sample.Received)
	changes := p.Tick(s, received)
	if received <= s.received { // of the same second, or seen again
		return changes
	}
	s.learn(received)
	s.received = received
	for i := range s.levels {
		s.levels[i].status = OK
	}
	return p.note(changes, s, s.received)
}

// learn moves the learned interval towards the latest gap: fast towards a longer one, slowly towards a shorter one, and
// never far at once, so that one outage teaches little. Packets of one second are one.
func (s *State) learn(received telemetry.Micros) {
	gap := received - s.received
	switch {
	case s.gaps == 0: // what came before is not known
	case s.gaps == 1:
		s.gap = gap
	case gap > s.gap:
		s.gap += (min(gap, 2*s.gap) - s.gap) / 2
	default:
		s.gap -= (s.gap - gap) / 8
	}
	s.gaps = min(s.gaps+1, enoughGaps+1)
}

// after is how long nothing may come; ok is false while that is not known.
func (p *Program) after(s *State) (span telemetry.Micros, ok bool) {
	switch {
	case p.rule.After > 0:
		return micros(p.rule.After), true
	case s.Interval > 0:
		return silentAfter * telemetry.Micros(s.Interval/time.Microsecond), true
	case s.gaps > enoughGaps:
		return max(silentAfter*s.gap, leastLearned), true
	}
	return 0, false
}

// silent is when the next level of a rule about missing data fires.
func (p *Program) silent(s *State) (due telemetry.Micros, ok bool) {
	after, known := p.after(s)
	if !known {
		return 0, false
	}
	for i := range s.levels {
		if s.levels[i].status == Firing {
			continue
		}
		if at := s.received + after + p.levels[i].lasts; !ok || at < due {
			due, ok = at, true
		}
	}
	return due, ok
}

// quiet fires the levels that are due next.
func (p *Program) quiet(changes []Change, s *State) []Change {
	due, _ := p.silent(s)
	after, _ := p.after(s)
	for i := range s.levels {
		if s.received+after+p.levels[i].lasts <= due {
			s.levels[i].status = Firing
		}
	}
	return p.note(changes, s, due)
}
