package rule

import (
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// Count is what a rule has done in one process since that started or the rule was enabled.
type Count struct {
	Matched   uint64
	Dropped   uint64 // what it dropped or sampled out
	Forwarded uint64 // packets times destinations
	Errors    uint64
	Last      time.Time // of a match; zero before the first
	Failure   string    // the latest, in words; empty when there was none
	Failing   id.Device // whose packet that was
	Paused    int       // devices that it is passed over for, because it failed on their packets again and again
}

// Trial is what a set says about a packet that was really sent.
type Trial struct {
	telemetry.Recent                // its Lane is where the packet went when it came
	Verdict          Verdict        // that of the set
	Outcomes         []Outcome      // one for each rule
	Would            telemetry.Lane // where the set sends it, if it keeps it
}

// Try judges packets that were really sent, each by itself. The sender of a packet may be one that is no more: the zero
// Sender then, with its id.
func (s *Set) Try(packets []telemetry.Recent, sender func(id.Device) Sender) []Trial {
	trials := make([]Trial, len(packets))
	var j Judge
	for i := range packets {
		p := packets[i]
		j.Begin(s, sender(p.Device), nil)
		t := Trial{Recent: p, Would: p.Packet.Kind.Lane()}
		t.Verdict, t.Outcomes = j.Explain(&p.Packet)
		if t.Verdict.HasLane {
			t.Would = t.Verdict.Lane
		}
		trials[i] = t
	}
	return trials
}
