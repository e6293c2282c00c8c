package main

import (
	"cmp"
	"context"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// killCopy lets two copies of the program share the lanes and kills one of them at a time. Each copy has an engine of its
// own, as there is no ClickHouse server here that they could share, so a packet may be shown by either: charts are not
// compared.
func killCopy(ctx context.Context, s *settings) (row row, err error) {
	row.times = s.times(6)
	dir := filepath.Join(s.dir, "copies")
	nodes, err := newNodes(ctx, s, dir, false)
	defer killAll(nodes)
	if err != nil {
		return row, err
	}
	first, err := newClusterRig(ctx, s, dir, nodes)
	if err != nil {
		return row, err
	}
	defer func() { first.close(row.failed() || err != nil) }()
	beside := filepath.Join(dir, "second")
	if err := os.MkdirAll(beside, 0o700); err != nil {
		return row, err
	}
	second, err := newCopy(ctx, s, beside, nodes)
	if err != nil {
		return row, err
	}
	defer second.close(true)
	second.tenant, second.key = first.tenant, first.key
	row.fleet = first.fleet
	first.fleet.base = func() string { return []*rig{first, second}[rand.IntN(2)].base() }
	first.fleet.start()
	for i := range row.times {
		if err := first.fleet.acknowledgeMore(ctx, 10_000); err != nil {
			return row, err
		}
		victim := []*rig{second, first}[i%2]
		victim.process.kill()
		wait(ctx, rand.N(3*time.Second))
		if err := victim.start(ctx); err != nil {
			return row, err
		}
	}
	row.verdict, err = first.judgeTogether(ctx, second)
	return row, err
}

func (r *rig) judgeTogether(ctx context.Context, other *rig) (verdict, error) {
	if err := r.fleet.finish(ctx); err != nil {
		return verdict{}, err
	}
	if err := r.drained(ctx, 2*time.Minute); err != nil {
		return verdict{}, err
	}
	return judge(r.fleet.ledger, &together{of: []*shown{{rig: r, ctx: ctx}, {rig: other, ctx: ctx}}})
}

// together shows the set of what several copies show. Within one copy a reading must still be shown once only.
type together struct{ of []*shown }

func (t *together) each(s *series, yield func(int64, float64)) error {
	type reading struct {
		at    int64
		value float64
	}
	most := map[reading]int{}
	for _, one := range t.of {
		times := map[reading]int{}
		if err := one.each(s, func(at int64, value float64) { times[reading{at, value}]++ }); err != nil {
			return err
		}
		for r, n := range times {
			most[r] = max(most[r], n)
		}
	}
	for _, r := range slices.SortedFunc(maps.Keys(most), func(a, b reading) int { return cmp.Compare(a.at, b.at) }) {
		for range most[r] {
			yield(r.at, r.value)
		}
	}
	return nil
}

func (t *together) summary(*series, int) (time.Duration, []bucket, error) { return 0, nil, nil }

func (t *together) latest(s *series) (at int64, value float64, ok bool, err error) {
	for _, one := range t.of {
		a, v, found, err := one.latest(s)
		if err != nil {
			return 0, 0, false, err
		}
		if found && a > at {
			at, value, ok = a, v, true
		}
	}
	return at, value, ok, nil
}
