package main

import (
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
		"out of order":      {func(_ *series, f *sink) { f.facts[9], f.facts[10] = f.facts[10], f.facts[9] }, func(v verdict) int { return v.disordered }},
		"rollup wrong":      {func(_ *series, f *sink) { f.breaks = counted(func(p *bucket) { p.mean += 0.25 }) }, func(v verdict) int { return v.rollups }},
		"rollup's extreme":  {func(_ *series, f *sink) { f.breaks = counted(func(p *bucket) { p.high-- }) }, func(v verdict) int { return v.rollups }},
		"rollup missing":    {func(_ *series, f *sink) { f.breaks = firstGone }, func(v verdict) int { return v.rollups }},
		"latest is not new": {func(_ *series, f *sink) { f.facts[489].mean++ }, func(v verdict) int { return v.newest }},
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

func firstGone(_ time.Duration, points []bucket) []bucket { return points[1:] }
