package main

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// told is a story of a few devices, as it must be shown.
func told() []raised {
	a := &alarms{}
	for n := range 5 {
		d := &alarm{device: device{ID: fmt.Sprintf("d-%d", n)}, random: rand.New(rand.NewPCG(uint64(n), 2))}
		for hour := range 3 {
			now := time.Date(2026, 11, 20, hour, 0, 0, 0, time.UTC)
			d.rise(now)
			d.fall(now)
		}
		a.devices = append(a.devices, d)
	}
	return a.expected()
}

func TestEveryStoryRaisesOneAlertForEachDevice(t *testing.T) {
	list := told()
	if len(list) != 15 || slices.ContainsFunc(list, func(r raised) bool { return r.ended <= r.began }) {
		t.Fatalf("%+v", list)
	}
	if notices := noticesOf(list); len(notices) != 30 {
		t.Errorf("%d notifications of 15 alerts", len(notices))
	}
}

// TestBrokenAlertsAreFound has the judge look at what a program might do wrong.
func TestBrokenAlertsAreFound(t *testing.T) {
	for name, c := range map[string]struct {
		breaks func([]raised) []raised
		want   tally
	}{
		"honest":           {func(l []raised) []raised { return l }, tally{wanted: 15}},
		"in another order": {func(l []raised) []raised { slices.Reverse(l); return l }, tally{wanted: 15}},
		"one lost":         {func(l []raised) []raised { return l[1:] }, tally{wanted: 15, lost: 1}},
		"one twice":        {func(l []raised) []raised { return append(l, l[0]) }, tally{wanted: 15, doubled: 1}},
		"one that is not":  {func(l []raised) []raised { return append(l, raised{device: "d-0", began: 1}) }, tally{wanted: 15, strange: 1}},
		"one still fires":  {func(l []raised) []raised { l[3].ended = 0; return l }, tally{wanted: 15, lost: 1, strange: 1}},
		"one too early":    {func(l []raised) []raised { l[3].began--; return l }, tally{wanted: 15, lost: 1, strange: 1}},
		"nothing":          {func([]raised) []raised { return nil }, tally{wanted: 15, lost: 15}},
	} {
		if got := check(told(), c.breaks(told())); got != c.want {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}
