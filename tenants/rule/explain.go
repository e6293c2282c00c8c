package rule

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"longwave/ingest/telemetry"
)

// Outcome is what one rule says about one packet, for the person who wrote it.
type Outcome struct {
	Matched bool
	Decides bool   // it is the first match that decides
	Failed  bool   // it could not be computed
	Reason  string // why it matched or not, with the values that it looked at
}

// Explain is Decide with a reason for every rule, in their order. It is as slow as words are; hot paths use Decide.
func (j *Judge) Explain(p *telemetry.Packet) (Verdict, []Outcome) {
	v := j.Decide(p)
	v.Matched, v.Failed = slices.Clone(v.Matched), slices.Clone(v.Failed)
	outcomes := make([]Outcome, len(j.set.rules))
	for i := range outcomes {
		outcomes[i] = j.explain(i)
		outcomes[i].Decides = v.By == i
	}
	for _, f := range v.Failed { // also what failed only because of the rules before it
		outcomes[f.Rule] = Outcome{Failed: true, Reason: f.Why.String()}
	}
	return v, outcomes
}

func (j *Judge) explain(i int) Outcome {
	j.frame.left = workPerPacket
	var seen []part
	for _, c := range slices.Concat(j.set.rules[i].sender, j.set.rules[i].packet) {
		switch v := truthIn(&j.frame, c.eval); {
		case v.kind == failed:
			return Outcome{Failed: true, Reason: j.frame.failure.String()}
		case !v.isTrue():
			return Outcome{Reason: c.eval.text + " is not true: " + j.words(c.uses)}
		}
		seen = append(seen, c.uses...)
	}
	if len(seen) == 0 {
		return Outcome{Matched: true, Reason: "it is about every packet"}
	}
	return Outcome{Matched: true, Reason: j.words(seen)}
}

// words is what the packet and its sender have of what a condition asks for.
func (j *Judge) words(uses []part) string {
	var said []string
	for _, use := range uses {
		sentence := use.text + " is "
		switch v := use.eval(&j.frame); v.kind {
		case number:
			sentence += strconv.FormatFloat(v.num, 'g', -1, 64)
		case text:
			sentence += fmt.Sprintf("%.40q", v.text)
		case truth:
			sentence += strconv.FormatBool(v.num != 0)
		default:
			sentence += "missing"
		}
		if !slices.Contains(said, sentence) {
			said = append(said, sentence)
		}
	}
	return strings.Join(said, ", ")
}
