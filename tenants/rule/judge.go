package rule

import (
	mathbits "math/bits"
	"slices"

	"github.com/cespare/xxhash/v2"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

const (
	// workPerPacket bounds what all rules together may cost one packet, in units of about five nanoseconds: a thousand
	// rules of a dozen parts, or one regular expression over a long line.
	workPerPacket = 20_000
	// workPerRule is what a rule costs beside the texts that it searches.
	workPerRule = 8
	// maxFailures bounds what is told of one packet; the others still do not match.
	maxFailures = 8
)

// Fate is whether a packet is kept.
type Fate uint8

// What rules may decide about a packet.
const (
	Keep       Fate = iota
	Drop            // a rule says so
	SampledOut      // a rule keeps one in n, and this is another one
)

// String is the fate as people read it.
func (f Fate) String() string { return [...]string{"keep", "drop", "sampled out"}[f] }

// Verdict is what the rules say about one packet. What its lists hold is valid until the Judge decides again.
type Verdict struct {
	By      int // the rule that decided; -1 when none did
	Fate    Fate
	HasLane bool
	Lane    telemetry.Lane // when HasLane
	Forward uint64         // bits of Set.Destinations; 0 for what is not kept
	Labels  uint64         // bits of Set.Labels; 0 for what is not kept
	Matched []int          // every rule that matched, in order
	Failed  []Failed
}

// Failed is a rule that could not be computed on the packet.
type Failed struct {
	Rule int
	Why  Failure
}

// Judge decides about the packets of one sender after the other. Its memory is used again and again. The zero Judge is
// ready for Begin.
type Judge struct {
	set     *Set
	frame   frame
	sender  Sender
	found   bits // rules that this sender may match
	now     bits // … and this packet
	used    []int32
	matched []int
	failed  []Failed
	paused  func(rule int) bool
}

// Begin prepares for the packets of one sender. A rule for which paused says true is passed over; nil passes over none.
func (j *Judge) Begin(s *Set, from Sender, paused func(rule int) bool) {
	j.sender, j.paused = from, paused
	j.frame.from = &j.sender
	if j.set != s {
		j.follow(s)
	}
	s.index.of(&j.sender, j.found)
	for w := range j.found {
		for word := j.found[w]; word != 0; word &= word - 1 {
			i := w*64 + mathbits.TrailingZeros64(word)
			for c := range s.rules[i].sender {
				if !s.rules[i].sender[c].eval.eval(&j.frame).isTrue() {
					j.found.clear(i)
					break
				}
			}
		}
	}
}

// follow makes the memory fit another set; a server of many tenants does so again and again.
func (j *Judge) follow(s *Set) {
	j.set = s
	words := (s.Len() + 63) / 64
	j.found, j.now = slices.Grow(j.found[:0], words)[:words], slices.Grow(j.now[:0], words)[:words]
	clear(j.frame.at)
	j.used, j.frame.at = j.used[:0], slices.Grow(j.frame.at[:0], len(s.names.list))[:len(s.names.list)]
}

// Decide judges one packet of the sender.
func (j *Judge) Decide(p *telemetry.Packet) Verdict {
	j.look(p)
	v := Verdict{By: -1}
	for w := range j.now {
		for word := j.now[w]; word != 0; word &= word - 1 {
			i := w*64 + mathbits.TrailingZeros64(word)
			if (j.paused == nil || !j.paused(i)) && j.matches(i) {
				j.take(&v, i)
			}
		}
	}
	if v.Fate != Keep {
		v.Forward, v.Labels = 0, 0
	}
	v.Matched, v.Failed = j.matched, j.failed
	return v
}

// look finds the values that rules ask for, and with them the rules to look at.
func (j *Judge) look(p *telemetry.Packet) {
	for _, slot := range j.used {
		j.frame.at[slot] = 0
	}
	j.used, j.matched, j.failed = j.used[:0], j.matched[:0], j.failed[:0]
	j.frame.packet, j.frame.left = p, workPerPacket
	copy(j.now, j.found)
	if len(j.frame.at) == 0 {
		return
	}
	for i := range p.Values {
		slot, ok := j.set.names.slots[p.Values[i].Name]
		if !ok {
			continue
		}
		j.frame.at[slot] = int32(i + 1)
		j.used = append(j.used, slot)
		j.now.add(j.set.index.byValue[slot])
	}
}

// matches says whether all conditions of a rule are true, and notes a failure.
func (j *Judge) matches(i int) bool {
	f := &j.frame
	if !f.work(workPerRule) {
		j.fail(Failed{i, Failure{code: tooMuchWork}})
		return false
	}
	conditions := j.set.rules[i].packet
	for c := range conditions {
		v := truthIn(f, conditions[c].eval)
		if v.kind == failed {
			j.fail(Failed{i, f.failure})
		}
		if !v.isTrue() {
			return false
		}
	}
	return true
}

func (j *Judge) fail(why Failed) {
	if len(j.failed) < maxFailures {
		j.failed = append(j.failed, why)
	}
}

// take adds what a rule that matched says.
func (j *Judge) take(v *Verdict, i int) {
	r := &j.set.rules[i]
	j.matched = append(j.matched, i)
	v.Forward |= r.forward
	for word := r.labels; word != 0; word &= word - 1 {
		if at := mathbits.TrailingZeros64(word); v.Labels&j.set.sameName[at] == 0 { // the rule above has said it
			v.Labels |= 1 << at
		}
	}
	if !r.decides || v.By >= 0 {
		return
	}
	v.By, v.Lane, v.HasLane = i, r.lane, r.hasLane
	switch {
	case r.Then.Drop:
		v.Fate = Drop
	case r.Then.OneIn > 1 && !sampled(r, j.sender.Device, j.frame.packet.ID):
		v.Fate = SampledOut
	}
}

// sampled follows from the names of rule, device and packet alone, so that a packet that is sent again shares the fate of
// the first one.
func sampled(r *compiled, d id.Device, packet string) bool {
	h := (r.seed*31+xxhash.Sum64String(string(d)))*31 + xxhash.Sum64String(packet)
	h ^= h >> 32
	h *= 0x9e3779b97f4a7c15
	return (h>>32)%uint64(r.Then.OneIn) == 0
}
