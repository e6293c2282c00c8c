package main

import "testing"

func TestTheHeapGrowsByAsMuchAsItMay(t *testing.T) {
	for live, want := range map[uint64]int{
		0:         mostGrowth,
		8 << 20:   mostGrowth,
		64 << 20:  100,
		256 << 20: 25,
		4 << 30:   leastGrowth,
	} {
		if got := growth(live); got != want {
			t.Errorf("%d bytes live: grows by %d %%, want %d", live, got, want)
		}
	}
}
