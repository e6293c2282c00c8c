package ingest

import (
	"math/bits"
	"time"

	"longwave/tenants/rule"
)

// judged is what the rules of a tenant said about a request. It is empty when the tenant has none.
type judged struct {
	judge   rule.Judge
	set     *rule.Set
	tally   *tally
	matched []int // rules, of one packet behind the other
}

// decide asks the rules of the tenant about every packet: its lane, its labels, where it is forwarded to, and whether it
// goes on at all.
func (in *items) decide(f *Front, p Principal, now time.Time) {
	j := &in.judged
	if j.set = f.o.Rules(p.Tenant); j.set == nil {
		return
	}
	j.tally, j.matched = f.tallies.of(p.Tenant, j.set), j.matched[:0]
	j.judge.Begin(j.set, p.Sender(), j.tally.paused(j.set, p.Device, now))
	for n := range in.all {
		i := &in.all[n]
		v := j.judge.Decide(i.packet)
		if v.HasLane {
			i.lane = v.Lane
		}
		i.packet.Forward, i.packet.Labels = v.Forward, v.Labels
		i.by, i.first = v.By, len(j.matched)
		j.matched = append(j.matched, v.Matched...)
		i.matches = len(v.Matched)
		if v.Fate != rule.Keep {
			i.verdict = dropped
		}
		if len(v.Failed) > 0 {
			j.tally.failed(p.Device, v.Failed, now)
			f.metrics.failures.Add(float64(len(v.Failed)))
		}
	}
	in.mark()
}

// mark gives the batch what its packets refer to.
func (in *items) mark() {
	if !in.batch.Marked() {
		return
	}
	in.batch.Destinations, in.batch.Labels = in.judged.set.Destinations(), in.judged.set.Labels()
	for _, d := range in.batch.Destinations {
		in.marks += len(d) + 1
	}
	for _, l := range in.batch.Labels {
		in.marks += len(l.Name) + len(l.Text) + 4
	}
}

// tallyUp counts what the rules did, once the packets are safe: what is sent again counts once.
func (in *items) tallyUp() {
	j := &in.judged
	if j.set == nil {
		return
	}
	counts := j.tally.now.Load()
	if counts.set != j.set {
		return // the rules have changed; the new ones start with what comes next
	}
	for n := range in.all {
		i := &in.all[n]
		if i.verdict != claimed && i.verdict != dropped {
			continue
		}
		for _, r := range j.matched[i.first : i.first+i.matches] {
			c := counts.rules[r]
			c.matched.Add(1)
			c.last.Store(int64(in.batch.Received))
			if forward := bits.OnesCount64(i.packet.Forward & j.set.Forwards(r)); forward > 0 {
				c.forwarded.Add(uint64(forward))
			}
		}
		if i.verdict == dropped {
			counts.rules[i.by].dropped.Add(1)
		}
	}
}

// Sender is the principal as rules see it.
func (p Principal) Sender() rule.Sender {
	return rule.Sender{Device: p.Device, Profile: p.Profile, Site: p.Site, Labels: p.Labels}
}
