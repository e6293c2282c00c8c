package sim

import (
	"errors"
	"flag"
	"testing"
)

// A failing seed repeats with: go test ./soak/sim -run Seeds -first N -seeds 1
var (
	first = flag.Uint64("first", 0, "first seed")
	seeds = flag.Uint64("seeds", 500, "how many seeds")
)

func TestSeeds(t *testing.T) {
	for seed := *first; seed < *first+*seeds; seed++ {
		if err := Run(Options{Seed: seed}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSameSeedSameRun(t *testing.T) {
	for seed := range uint64(20) {
		a, b := Run(Options{Seed: seed, Mutation: SettleBeforeInsert}), Run(Options{Seed: seed, Mutation: SettleBeforeInsert})
		if (a == nil) != (b == nil) || a != nil && a.Error() != b.Error() {
			t.Fatalf("seed %d: %v, then %v", seed, a, b)
		}
	}
}

// Every mistake must be found within a few hundred seeds, or the simulation proves nothing.
func TestMutationsAreFound(t *testing.T) {
	const within = 500
	for _, m := range Mutations() {
		seed := uint64(0)
		for seed < within && !errors.Is(Run(Options{Seed: seed, Mutation: m}), ErrBroken) {
			seed++
		}
		if seed == within {
			t.Errorf("not found in %d seeds: %s", within, m)
		}
		t.Logf("found with seed %d: %s", seed, m)
	}
}
