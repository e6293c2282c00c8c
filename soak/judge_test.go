package main

import (
	"strings"
	"testing"
	"time"
)

// sink answers from a list of facts, as the program does when all is well, and breaks what a test tells it to.
type sink struct {
	facts  []bucket // at and mean
	breaks func(step time.Duration, points []bucket) []bucket
}

func (f *sink) each(_ *series, yield func(int64, float64)) error {
	for _, fact := range f.facts {
		yield(fact.at, fact.mean)
	}
	return nil
}

func (f *sink) summary(_ *series, points int) (time.Duration, []bucket, error) {
	step := time.Minute
	if points < 1000 {
		step = time.Hour
	}
	var all []bucket
	counts := map[int64]float64{}
	for i, fact := range f.facts {
		if i > 0 && f.facts[i-1] == fact {
			continue // rollups are made of a set
		}
		start := fact.at - fact.at%step.Microseconds()
		if len(all) == 0 || all[len(all)-1].at != start {
			all = append(all, bucket{at: start, low: fact.mean, high: fact.mean})
		}
		b := &all[len(all)-1]
		b.mean, b.low, b.high = b.mean+fact.mean, min(b.low, fact.mean), max(b.high, fact.mean)
		counts[start]++
	}
	for i := range all {
		all[i].mean /= counts[all[i].at]
	}
	if f.breaks != nil {
		all = f.breaks(step, all)
	}
	return step, all, nil
}

func (f *sink) latest(*series) (int64, float64, bool, error) {
	if len(f.facts) == 0 {
		return 0, 0, false, nil
	}
	last := f.facts[len(f.facts)-1]
	return last.at, last.mean, true, nil
}

// honest sends 500 packets, has 480 of them acknowledged and stores 490: an unanswered packet may be there or not.
func honest() (*series, *sink) {
	s := newSeries(device{Name: "pump"}, 3, time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC))
	s.send(500)
	var f sink
	for n := range 490 {
		if n < 480 {
			s.acknowledge([]int{n})
		}
		f.facts = append(f.facts, bucket{at: s.at(n), mean: s.value(n)})
	}
	return s, &f
}

func TestJudgeAcceptsAnHonestSink(t *testing.T) {
	s, f := honest()
	v, err := judge([]*series{s}, f)
	if err != nil || v.wrong() != 0 || v.acked != 480 || v.shown != 490 {
		t.Fatalf("%+v, %v", v, err)
	}
}

func TestJudgeRefusesBrokenSinks(t *testing.T) {
	for name, c := range map[string]struct {
		harm func(*series, *sink)
		find func(verdict) int
	}{
		"lost one": {func(_ *series, f *sink) { f.facts = append(f.facts[:77:77], f.facts[78:]...) }, func(v verdict) int { return v.lost }},
		"lost the newest": {func(s *series, f *sink) {
			f.facts = f.facts[:479]
		}, func(v verdict) int { return v.lost }},
		"doubled one":   {func(_ *series, f *sink) { f.facts = append(f.facts[:78:78], f.facts[77:]...) }, func(v verdict) int { return v.doubled }},
		"altered value": {func(_ *series, f *sink) { f.facts[200].mean++ }, func(v verdict) int { return v.altered }},
		"a reading nobody sent": {func(s *series, f *sink) {
			f.facts = append(f.facts, bucket{at: s.at(501), mean: s.value(501)})
		}, func(v verdict) int { return v.strange }},
		"out of order":           {func(_ *series, f *sink) { f.facts[9], f.facts[10] = f.facts[10], f.facts[9] }, func(v verdict) int { return v.disordered }},
		"rollup wrong":           {func(_ *series, f *sink) { f.breaks = counted(func(p *bucket) { p.mean += 0.25 }) }, func(v verdict) int { return v.rollups }},
		"rollup counts a resend": {func(_ *series, f *sink) { f.breaks = resendCounted }, func(v verdict) int { return v.rollups }},
		"rollup's extreme":       {func(_ *series, f *sink) { f.breaks = counted(func(p *bucket) { p.high-- }) }, func(v verdict) int { return v.rollups }},
		"rollup missing":         {func(_ *series, f *sink) { f.breaks = firstGone }, func(v verdict) int { return v.rollups }},
		"latest is not new":      {func(_ *series, f *sink) { f.facts[489].mean++ }, func(v verdict) int { return v.newest }},
	} {
		s, f := honest()
		c.harm(s, f)
		v, err := judge([]*series{s}, f)
		if err != nil || c.find(v) == 0 {
			t.Errorf("%s: not found: %+v, %v", name, v, err)
		}
	}
}

// counted breaks the fourth point of the minutes, which are the first that are asked for.
func counted(harm func(*bucket)) func(time.Duration, []bucket) []bucket {
	return func(step time.Duration, points []bucket) []bucket {
		if step == time.Minute {
			harm(&points[3])
		}
		return points
	}
}

// resendCounted adds the first packet of every minute a second time, as rollups do that are added up on the way. A minute
// holds 30 packets.
func resendCounted(step time.Duration, points []bucket) []bucket {
	for i := range points {
		if step == time.Minute {
			points[i].mean = (points[i].mean*30 + points[i].low) / 31
		}
	}
	return points
}

// What the program's own verification finds is a broken promise, and so is one that found nothing to look at.
func TestVerificationIsRead(t *testing.T) {
	const good = "what                      looked at  wrong\ncontrol log               41         0\nfiles of ClickHouse       900        0\nrollups against readings  700        0\n"
	for text, c := range map[string]struct{ wrong, windows int }{
		good: {0, 700},
		strings.Replace(good, "700        0", "700        2", 1): {2, 700},
		strings.Replace(good, "41         0", "41         1", 1): {1, 700},
	} {
		var v verdict
		if err := v.read([]byte(text)); err != nil || v.wrong() != c.wrong || v.windows != c.windows {
			t.Errorf("%+v, %v of:\n%s", v, err, text)
		}
	}
	for _, text := range []string{"", good[:len(good)/2], "damaged: part 1 of readings\n"} {
		if err := new(verdict).read([]byte(text)); err == nil {
			t.Errorf("%q passes for a verification", text)
		}
	}
}

// A corruption that nobody noticed, and one that made the program show what was never sent, break the promise.
func TestCorruptionsAreToldApart(t *testing.T) {
	for name, c := range map[string]struct {
		v      verdict
		words  []string
		broken bool
	}{
		"noticed":     {verdict{lost: 50}, []string{"flip", "ERROR damaged"}, false},
		"verified":    {verdict{}, []string{"flip", unverified + "1 places are wrong"}, false},
		"harmless":    {verdict{}, []string{"flip"}, false},
		"silent":      {verdict{lost: 50}, []string{"flip"}, true},
		"wrong chart": {verdict{rollups: 1}, []string{"flip"}, true},
		"altered":     {verdict{altered: 1}, []string{"flip", "ERROR damaged"}, true},
		"doubled":     {verdict{doubled: 1}, []string{"flip", "ERROR damaged"}, true},
	} {
		var all corruptions
		all.file(c.v, c.words)
		if _, broken := all.describe(1); (broken != "") != c.broken {
			t.Errorf("%s: %q", name, broken)
		}
	}
}

func firstGone(_ time.Duration, points []bucket) []bucket { return points[1:] }
