package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"longwave/soak/sim"
)

const (
	allSeeds      = 50_000
	mutationSeeds = 500 // within which every deliberate mistake must be found
)

// simulateAll runs the simulation over many seeds, and over the deliberate mistakes, which it must find.
func simulateAll(ctx context.Context, s *settings) (row row, err error) {
	row.times = s.times(allSeeds)
	began := time.Now()
	if err := everySeed(ctx, uint64(row.times)); err != nil {
		return row, err
	}
	took := time.Since(began)
	found := 0
	for _, m := range sim.Mutations() {
		if findsMutation(m) {
			found++
		}
	}
	row.figures = fmt.Sprintf("%.0f seeds a minute; %d of %d deliberate mistakes found", float64(row.times)/took.Minutes(), found, len(sim.Mutations()))
	if found < len(sim.Mutations()) {
		row.broken = "a deliberate mistake was not found"
	}
	return row, ctx.Err()
}

// everySeed returns the failure of any seed, which its text names.
func everySeed(ctx context.Context, count uint64) error {
	var next atomic.Uint64
	var workers sync.WaitGroup
	failures := make(chan error, 2)
	for range cap(failures) {
		workers.Go(func() {
			for seed := next.Add(1) - 1; seed < count && ctx.Err() == nil; seed = next.Add(1) - 1 {
				if err := sim.Run(sim.Options{Seed: seed}); err != nil {
					failures <- err
					return
				}
			}
		})
	}
	workers.Wait()
	close(failures)
	return <-failures
}

func findsMutation(m sim.Mutation) bool {
	for seed := range uint64(mutationSeeds) {
		if errors.Is(sim.Run(sim.Options{Seed: seed, Mutation: m}), sim.ErrBroken) {
			return true
		}
	}
	return false
}
