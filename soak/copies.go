package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"
)

// killCopy lets two copies of the program share the lanes of three NATS nodes and one ClickHouse, and kills one of them
// at a time, with everything that it has in hand.
func killCopy(ctx context.Context, s *settings) (row row, err error) {
	row.times = s.times(6)
	dir := filepath.Join(s.dir, "copies")
	nodes, err := newNodes(ctx, s, dir, nodeKind{})
	defer killAll(nodes)
	if err != nil {
		return row, err
	}
	w, err := newWarehouse(ctx, s, dir)
	if err != nil {
		return row, err
	}
	defer w.close()
	copies, err := newCopies(ctx, s, dir, nodes, w)
	for _, c := range copies {
		defer func() { c.close(row.failed() || err != nil) }()
	}
	if err != nil {
		return row, err
	}
	first := copies[0]
	row.fleet = first.fleet
	first.fleet.base = func() string { return copies[rand.IntN(len(copies))].base() }
	first.fleet.start()
	if err := first.fleet.acknowledgeMore(ctx, 5_000); err != nil {
		return row, err
	}
	first.fleet.longestStall()
	for i := range row.times {
		victim := copies[(i+1)%len(copies)]
		victim.process.kill()
		if err := first.fleet.acknowledgeMore(ctx, 5_000); err != nil {
			return row, fmt.Errorf("with one copy gone: %w", err)
		}
		wait(ctx, rand.N(3*time.Second))
		if err := victim.start(ctx); err != nil {
			return row, err
		}
		if err := first.fleet.acknowledgeMore(ctx, 5_000); err != nil {
			return row, err
		}
	}
	row.figures = fmt.Sprintf("longest time without an acknowledgement %.1f s", first.fleet.longestStall().Seconds())
	row.verdict, err = first.judge(ctx)
	return row, err
}

// newCopies starts two copies. Those that run are returned, whatever the error.
func newCopies(ctx context.Context, s *settings, dir string, nodes []*node, w *warehouse) ([]*rig, error) {
	first, err := newClusterRig(ctx, s, dir, nodes, "--clickhouse-url", w.url)
	if err != nil {
		return nil, err
	}
	beside := filepath.Join(dir, "second")
	if err := os.MkdirAll(beside, 0o700); err != nil {
		return []*rig{first}, err
	}
	second, err := newCopy(ctx, s, beside, nodes, "--clickhouse-url", w.url)
	if err != nil {
		return []*rig{first}, err
	}
	second.tenant, second.key = first.tenant, first.key
	return []*rig{first, second}, nil
}
