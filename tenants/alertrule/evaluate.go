package alertrule

import (
	"slices"
	"strings"

	"longwave/ingest/telemetry"
)

// Step lets the state see one packet and returns what changed, oldest first.
func (p *Program) Step(s *State, sample Sample) []Change {
	if p.rule.Kind == NoData {
		return p.seen(s, sample)
	}
	changes := p.Tick(s, sample.Received)
	fresh, known := p.fresh(s, sample)
	if !fresh {
		if known {
			s.Late++
		}
		return changes
	}
	at := max(s.at, sample.At)
	if s.at != never {
		changes = p.advance(changes, s, at)
	}
	p.take(s, sample)
	s.at, s.received = at, max(s.received, second(sample.Received))
	return p.judge(changes, s, at)
}

// fresh says whether a sample shows any metric of the rule as it was not shown yet, and whether it has any of them at all.
func (p *Program) fresh(s *State, sample Sample) (fresh, known bool) {
	for i := range sample.Values {
		if m := slices.Index(p.metrics, sample.Values[i].Name); m >= 0 {
			known = true
			if sample.At > s.metrics[m].At {
				return true, true
			}
		}
	}
	return false, known
}

// take makes the values of a sample the latest ones and answers the tests about them.
func (p *Program) take(s *State, sample Sample) {
	for i := range sample.Values {
		v := &sample.Values[i]
		m := slices.Index(p.metrics, v.Name)
		if m < 0 || sample.At <= s.metrics[m].At {
			continue
		}
		before := s.metrics[m]
		rate, known := slope(&before, v, sample.At)
		held := p.learn(s, m, v, sample.At)
		for bit := range p.tests {
			t := &p.tests[bit]
			if t.metric != m {
				continue
			}
			s.holds &^= 1 << bit
			if t.holds(v, &before) || t.slope(rate, known) || t.Op == Unusual && held > t.Value {
				s.holds |= 1 << bit
			}
		}
		text := strings.Clone(strings.ToValidUTF8(v.Text[:min(len(v.Text), keptText)], "")) // a part would keep the whole message
		s.metrics[m] = metric{Reading: Reading{Metric: p.metrics[m], At: sample.At, Type: v.Type, Num: v.Num, Text: text}, sum: sum(v.Text)}
	}
}

// learn lets the usual course of a metric see a number, and returns the score of the disturbance that goes on; 0 when none does.
func (p *Program) learn(s *State, metric int, v *telemetry.Value, at telemetry.Micros) float64 {
	if metric != p.learned || v.Type == telemetry.Text {
		return 0
	}
	return s.learned.Add(at, v.Num).Held
}

// slope is how fast a metric changes, per second; known is false when it has no two numbers.
func slope(before *metric, v *telemetry.Value, at telemetry.Micros) (rate float64, known bool) {
	if before.At == never || before.Type == telemetry.Text || v.Type == telemetry.Text {
		return 0, false
	}
	return (v.Num - before.Num) / (float64(at-before.At) / float64(oneSecond)), true
}

// advance fires what has held for long enough before an instant.
func (p *Program) advance(changes []Change, s *State, to telemetry.Micros) []Change {
	for {
		due, pending := p.due(s)
		if !pending || due >= to {
			return changes
		}
		for i := range s.levels {
			if s.levels[i].status == Pending && s.levels[i].since+p.levels[i].lasts == due {
				s.levels[i].status = Firing
			}
		}
		changes = p.note(changes, s, due)
	}
}

// due is the earliest instant at which a level fires unless something else is seen before.
func (p *Program) due(s *State) (due telemetry.Micros, pending bool) {
	for i := range s.levels {
		if s.levels[i].status != Pending {
			continue
		}
		if at := s.levels[i].since + p.levels[i].lasts; !pending || at < due {
			due, pending = at, true
		}
	}
	return due, pending
}

// judge looks at every level after the tests were answered.
func (p *Program) judge(changes []Change, s *State, at telemetry.Micros) []Change {
	for i := range s.levels {
		l, c := &s.levels[i], &p.levels[i]
		when := c.when.holds(s.holds)
		switch {
		case when && l.status == OK:
			l.status, l.since = Pending, at
		case !when && l.status == Pending:
			l.status = OK
		case !when && l.status == Firing && (c.clear.mask == 0 || c.clear.holds(s.holds)):
			l.status = OK
		}
		if l.status == Pending && l.since+c.lasts <= at {
			l.status = Firing
		}
	}
	return p.note(changes, s, at)
}

// note makes a change of what is different about the levels, if anything is.
func (p *Program) note(changes []Change, s *State, at telemetry.Micros) []Change {
	status, severity := p.standing(s)
	if status == s.Status && severity == s.Severity {
		return changes
	}
	c := Change{From: s.Status, To: status, Was: s.Severity, Severity: severity, At: at, Cause: p.cause(status > s.Status || status == s.Status && severity > s.Severity)}
	for i := range s.metrics {
		if s.metrics[i].At != never {
			c.Values = append(c.Values, s.metrics[i].Reading)
		}
	}
	c.Test = p.decisive(s, max(severity, s.Severity))
	s.Number++
	c.Number, s.Status, s.Severity, s.Since = s.Number, status, severity, at
	return append(changes, c)
}

// standing is the status and severity that the levels come to.
func (p *Program) standing(s *State) (status Status, severity Severity) {
	for i := range s.levels {
		is := s.levels[i].status
		if is == Pending && p.rule.Kind == NoData { // it always counts; that is no news
			continue
		}
		if is > status {
			status, severity = is, p.levels[i].severity
		}
	}
	return status, severity
}

func (p *Program) cause(worse bool) Cause {
	switch {
	case p.rule.Kind == NoData && worse:
		return CauseNoData
	case p.rule.Kind == NoData:
		return CauseData
	case worse:
		return CauseCondition
	}
	return CauseCleared
}

// decisive is the first test of a level that holds, or else its first one.
func (p *Program) decisive(s *State, severity Severity) *Test {
	i := slices.IndexFunc(p.levels, func(l compiledLevel) bool { return l.severity == severity })
	if i < 0 {
		return nil
	}
	first := -1
	for bit := range p.tests {
		if p.levels[i].when.mask>>bit&1 == 0 {
			continue
		}
		if s.holds>>bit&1 == 1 {
			return &p.tests[bit].Test
		}
		if first < 0 {
			first = bit
		}
	}
	if first < 0 {
		return nil
	}
	return &p.tests[first].Test
}
