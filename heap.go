package main

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// heapRoom is how much garbage may gather before the next collection, whatever lives: by itself Go lets the heap
	// double, but most of what lives under load are buffers without pointers, which cost a collection next to nothing.
	// Measured with batches of 100 at 165,000 packets a second: 430 MB of the process instead of 550, for 3 % more of its
	// CPU. Single posts leave so little alive that no setting makes a difference.
	heapRoom = 64 << 20
	// leastGrowth and mostGrowth bound it, in percent of what lives: with less, a heap of many sockets and devices would be
	// walked over and over; more gains nothing that can be measured.
	leastGrowth = 20
	mostGrowth  = 100
	// heapEvery is how often the setting follows the heap, and heapChange by how many percent points it must differ.
	heapEvery  = 2 * time.Second
	heapChange = 10
)

// keepHeap sets how far the heap may grow until ctx ends. Who sets GOGC knows better.
func keepHeap(ctx context.Context) error {
	if os.Getenv("GOGC") != "" {
		<-ctx.Done()
		return nil
	}
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	tick := time.NewTicker(heapEvery)
	defer tick.Stop()
	for now := 100; ; {
		metrics.Read(live)
		if next := growth(live[0].Value.Uint64()); next > now+heapChange || next < now-heapChange {
			debug.SetGCPercent(next)
			now = next
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// growth is how many percent of what lives the heap may grow by.
func growth(live uint64) int {
	return int(min(max(100*heapRoom/max(live, 1), leastGrowth), mostGrowth))
}
