package main

import (
	"cmp"
	"fmt"
	"sync"
	"time"
)

// answers is what the program shows of one device. Tests put broken ones in its place.
type answers interface {
	// each yields every reading, in the order in which it is shown.
	each(s *series, yield func(at int64, value float64)) error
	// summary asks for at most so many points and returns the step that the program chose; zero when it gave raw readings.
	summary(s *series, points int) (step time.Duration, found []bucket, err error)
	// latest is the newest value; ok is false when there is none.
	latest(s *series) (at int64, value float64, ok bool, err error)
}

// bucket is one point of a chart.
type bucket struct {
	at              int64
	mean, low, high float64
}

// verdict counts what is wrong. Its zero value, apart from the first three, is the promise kept.
type verdict struct {
	acked, shown int
	windows      int // rolled up windows that the program itself compared with readings, their counts included
	lost         int // acknowledged and not shown
	doubled      int // shown again
	altered      int // shown with a value that was not sent at that time
	strange      int // shown at a time at which nothing was sent
	disordered   int // shown before an older one
	rollups      int // points of charts that differ from the readings
	newest       int // devices whose latest value is not their newest reading
	unverified   int // windows, files and control events that the program itself finds wrong
	example      string
}

func (v *verdict) add(o verdict) {
	v.acked, v.shown = v.acked+o.acked, v.shown+o.shown
	v.lost, v.doubled = v.lost+o.lost, v.doubled+o.doubled
	v.altered, v.strange, v.disordered = v.altered+o.altered, v.strange+o.strange, v.disordered+o.disordered
	v.rollups, v.newest = v.rollups+o.rollups, v.newest+o.newest
	v.windows, v.unverified = v.windows+o.windows, v.unverified+o.unverified
	v.example = cmp.Or(v.example, o.example)
}

// wrong counts everything that must be zero.
func (v verdict) wrong() int {
	return v.lost + v.doubled + v.altered + v.strange + v.disordered + v.rollups + v.newest + v.unverified
}

// chartPoints make the program answer from readings, from windows of minutes, of hours and of days.
var chartPoints = []int{10_000, 1_000, 60, 5}

// judges is how many devices are looked at at once: as many as a tenant may export.
const judges = 3

// judge compares what is shown with what was sent.
func judge(all []*series, shown answers) (verdict, error) {
	verdicts, errs := make([]verdict, len(all)), make([]error, len(all))
	var workers sync.WaitGroup
	places := make(chan struct{}, judges)
	for i, s := range all {
		places <- struct{}{}
		workers.Go(func() {
			if verdicts[i], errs[i] = judgeSeries(s, shown); errs[i] != nil {
				errs[i] = fmt.Errorf("%s: %w", s.device.Name, errs[i])
			}
			<-places
		})
	}
	workers.Wait()
	var total verdict
	for i := range all {
		if errs[i] != nil {
			return total, errs[i]
		}
		total.add(verdicts[i])
	}
	return total, nil
}

func judgeSeries(s *series, shown answers) (verdict, error) {
	acked := s.state()
	v, seen, err := count(s, len(acked), shown)
	if err != nil {
		return v, err
	}
	for n, promised := range acked {
		if promised {
			v.acked++
			if seen[n] == 0 {
				v.lost++
				v.example = cmp.Or(v.example, fmt.Sprintf("packet %d of %s (%s) is lost", n, s.device.Name, s.device.ID))
			}
		}
		if seen[n] > 1 {
			v.doubled += seen[n] - 1
		}
	}
	for _, points := range chartPoints {
		wrong, err := checkChart(s, seen, points, shown)
		if err != nil {
			return v, err
		}
		v.rollups += wrong
	}
	v.newest, err = checkLatest(s, seen, shown)
	return v, err
}

// count goes through every reading and counts how often each packet is shown.
func count(s *series, sent int, shown answers) (v verdict, seen []int, err error) {
	seen = make([]int, sent)
	last := int64(-1 << 62)
	err = shown.each(s, func(at int64, value float64) {
		v.shown++
		n, ok := s.packet(at)
		switch {
		case !ok || n >= sent:
			v.strange++
		case value != s.value(n):
			v.altered++
		default:
			seen[n]++
		}
		if at < last {
			v.disordered++
		}
		last = at
	})
	return v, seen, err
}

// checkChart computes each point from the readings that are shown, once each, and returns how many differ.
func checkChart(s *series, seen []int, points int, shown answers) (wrong int, err error) {
	step, found, err := shown.summary(s, points)
	if err != nil || step == 0 {
		return 0, err
	}
	want := map[int64]bucket{}
	counts := map[int64]float64{}
	for n, times := range seen {
		if times == 0 {
			continue
		}
		start, value := s.at(n)-s.at(n)%step.Microseconds(), s.value(n)
		b, known := want[start]
		if !known {
			b = bucket{at: start, low: value, high: value}
		}
		b.mean, b.low, b.high = b.mean+value, min(b.low, value), max(b.high, value)
		want[start] = b
		counts[start]++
	}
	for _, b := range found {
		w, known := want[b.at]
		w.mean /= max(counts[b.at], 1)
		if !known || w != b {
			wrong++
		}
		delete(want, b.at)
	}
	return wrong + len(want), nil
}

func checkLatest(s *series, seen []int, shown answers) (wrong int, err error) {
	newest := len(seen) - 1
	for newest >= 0 && seen[newest] == 0 {
		newest--
	}
	at, value, ok, err := shown.latest(s)
	if err != nil {
		return 0, err
	}
	if ok != (newest >= 0) || ok && (at != s.at(newest) || value != s.value(newest)) {
		return 1, nil
	}
	return 0, nil
}
