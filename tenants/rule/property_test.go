package rule

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// invented makes rules of every shape that the index tells apart, and some that can fail.
func invented(r *rand.Rand, n int) []Rule {
	pick := func(of ...string) string { return of[r.IntN(len(of))] }
	var rules []Rule
	for i := range n {
		var pieces []Clause
		for range r.IntN(4) {
			pieces = append(pieces, Clause{Text: pick(`device.id == "d-`+fmt.Sprint(r.IntN(3))+`"`, `device.profile == "`+pick("pump", "fan")+`"`,
				`within(device.site, "`+pick("a", "a/b", "c")+`")`, `device.labels.team == "ops"`, `device.site != "a"`, `device.id in ["d-0", "d-1"]`,
				`packet.kind == "`+pick("metrics", "status")+`"`, "m"+fmt.Sprint(r.IntN(4))+pick(" > 5", " < 5", " == 3", ` contains "x"`), "5 > m1",
				"m0 > 5 or m1 > 5", "not (m2 > 3)", "(m3 ?? 1) > 0", "m0 / m1 > 1", "has(m2)", "device.labels.team in [\"ops\", 3]")})
		}
		rule := Rule{ID: id.Rule(fmt.Sprint("r-", i)), Name: "r", When: Expression(pieces)}
		switch r.IntN(5) {
		case 0:
			rule.Then.Drop = true
		case 1:
			rule.Then.OneIn = 2 + r.IntN(3)
		case 2:
			rule.Then.Lane = pick("critical", "standard", "bulk")
		case 3:
			rule.Then.Labels = map[string]string{pick("a", "b"): pick("1", "2")}
		}
		if !rule.Then.Drop && r.IntN(2) == 0 {
			rule.Then.Forward = []id.Destination{id.Destination(pick("o-1", "o-2", "o-3"))}
		}
		rules = append(rules, rule)
	}
	return rules
}

func inventedSender(r *rand.Rand) Sender {
	s := Sender{Device: id.Device(fmt.Sprint("d-", r.IntN(3)))}
	s.Profile = []string{"", "pump", "fan"}[r.IntN(3)]
	s.Site = []string{"", "a", "a/b", "a/b/c", "c"}[r.IntN(5)]
	if r.IntN(2) == 0 {
		s.Labels = map[string]string{"team": []string{"ops", "dev"}[r.IntN(2)]}
	}
	return s
}

func inventedPacket(r *rand.Rand, i int) *telemetry.Packet {
	p := &telemetry.Packet{ID: fmt.Sprint("p-", i), Kind: telemetry.Kind(r.IntN(3))}
	for m := range 4 {
		switch r.IntN(4) {
		case 0:
			p.Values = append(p.Values, txt(fmt.Sprint("m", m), "x"))
		case 1, 2:
			p.Values = append(p.Values, num(fmt.Sprint("m", m), float64(r.IntN(8))))
		}
	}
	return p
}

// reference judges with one set for each rule, which leaves the index nothing to leave out.
func reference(alone []*Set, ordered [][]conjunct, from Sender, p *telemetry.Packet) (v Verdict) {
	v.By = -1
	for i, s := range alone {
		var j Judge
		j.Begin(s, from, nil)
		j.look(p)
		conjuncts, matched := ordered[i], true
		for c := 0; c < len(conjuncts) && matched; c++ {
			got := truthIn(&j.frame, conjuncts[c].eval)
			if got.kind == failed {
				v.Failed = append(v.Failed, Failed{Rule: i, Why: j.frame.failure})
			}
			matched = got.isTrue()
		}
		if !matched {
			continue
		}
		v.Matched = append(v.Matched, i)
		if v.By < 0 && s.Rule(0).Then.Decides() {
			v.By = i
		}
	}
	return v
}

func recompiled(t *testing.T, expression string, s *Set) []conjunct {
	t.Helper()
	conjuncts, err := compile(expression, s.names)
	if err != nil {
		t.Fatal(err)
	}
	slices.SortStableFunc(conjuncts, func(a, b conjunct) int { // what is asked of the device comes first
		switch x, y := a.aboutSender(), b.aboutSender(); {
		case x == y:
			return 0
		case x:
			return -1
		default:
			return 1
		}
	})
	return conjuncts
}

// With the index or without, after whatever packets, the verdict on a packet is the same, and so it is a second time.
func TestVerdictFollowsFromThePacketAlone(t *testing.T) {
	for seed := range uint64(25) {
		r := rand.New(rand.NewPCG(seed, 1))
		rules := invented(r, 1+r.IntN(70))
		set, err := Compile(rules)
		if err != nil {
			t.Fatal(err)
		}
		var alone []*Set
		var ordered [][]conjunct
		for _, rule := range rules {
			one, err := Compile([]Rule{rule})
			if err != nil {
				t.Fatal(err)
			}
			alone, ordered = append(alone, one), append(ordered, recompiled(t, rule.When, one))
		}
		type example struct {
			from Sender
			p    *telemetry.Packet
		}
		var cases []example
		for i := range 20 {
			cases = append(cases, example{inventedSender(r), inventedPacket(r, i)})
		}
		verdicts := map[*telemetry.Packet]Verdict{}
		var j Judge
		for range 3 {
			for _, c := range cases {
				j.Begin(set, c.from, nil)
				got := j.Decide(c.p)
				got.Matched, got.Failed = append([]int(nil), got.Matched...), append([]Failed(nil), got.Failed...)
				if before, ok := verdicts[c.p]; ok && !reflect.DeepEqual(before, got) {
					t.Fatalf("seed %d: %+v, before %+v", seed, got, before)
				}
				verdicts[c.p] = got
			}
			r.Shuffle(len(cases), func(a, b int) { cases[a], cases[b] = cases[b], cases[a] })
		}
		for _, c := range cases {
			want, got := reference(alone, ordered, c.from, c.p), verdicts[c.p]
			want.Failed = want.Failed[:min(len(want.Failed), maxFailures)]
			if want.By != got.By || !slices.Equal(want.Matched, got.Matched) || !slices.Equal(want.Failed, got.Failed) {
				t.Fatalf("seed %d: %+v, want %+v", seed, got, want)
			}
			checkMarks(t, set, got)
		}
	}
}

// checkMarks compares the bits of a verdict with what the rules that matched say.
func checkMarks(t *testing.T, s *Set, v Verdict) {
	t.Helper()
	var forward []id.Destination
	labels := map[string]string{}
	for _, i := range v.Matched {
		if v.Fate == Keep {
			forward = append(forward, s.Rule(i).Then.Forward...)
		}
		for name, content := range s.Rule(i).Then.Labels {
			if _, said := labels[name]; !said && v.Fate == Keep {
				labels[name] = content
			}
		}
	}
	for i, d := range s.Destinations() {
		if (v.Forward>>i&1 == 1) != slices.Contains(forward, d) {
			t.Errorf("%s: %b, want %v", d, v.Forward, forward)
		}
	}
	for i, l := range s.Labels() {
		if content, ok := labels[l.Name]; (v.Labels>>i&1 == 1) != (ok && content == l.Text) {
			t.Errorf("%v: %b, want %v", l, v.Labels, labels)
		}
	}
}

func TestSamplingKeepsOneInN(t *testing.T) {
	s, err := Compile([]Rule{{ID: "r-1", Then: Then{OneIn: 10}}})
	if err != nil {
		t.Fatal(err)
	}
	var j Judge
	j.Begin(s, pump, nil)
	kept := 0
	for i := range 100_000 {
		if p := (&telemetry.Packet{ID: fmt.Sprint("p-", i)}); j.Decide(p).Fate == Keep {
			kept++
		}
	}
	if kept < 9_500 || kept > 10_500 {
		t.Errorf("kept %d of 100000", kept)
	}
}
