package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"time"
)

// takenOverIn is how soon somebody else must evaluate alert rules after whoever did was killed.
const takenOverIn = 5 * time.Second

// takeOver kills, of two copies of the program, the one that evaluates alert rules, while alerts begin and end.
func takeOver(ctx context.Context, s *settings) (row row, err error) {
	stories := max(s.times(6)/2, 1)
	row.times = 2 * stories
	dir := filepath.Join(s.dir, "take-over")
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
	a, err := first.withAlarms(ctx, copies...)
	if a != nil {
		defer a.close()
	}
	if err != nil {
		return row, err
	}
	first.fleet.start()
	var slowest time.Duration
	for range stories {
		err := a.tell(ctx, time.Now, func() error {
			took, err := killActive(ctx, copies)
			slowest = max(slowest, took)
			return err
		})
		if err != nil {
			return row, err
		}
	}
	row.figures, row.broken, err = a.judge(ctx)
	row.figures = fmt.Sprintf("somebody else evaluated after at most %.1f s; %s", slowest.Seconds(), row.figures)
	if slowest > takenOverIn {
		row.broken = fmt.Sprintf("nobody evaluated for %.1f s, promised are %s", slowest.Seconds(), takenOverIn)
	}
	if err != nil {
		return row, err
	}
	row.verdict, err = first.judge(ctx)
	return row, err
}

// killActive kills the copy that evaluates, returns how long it took until another one did, and starts it again.
func killActive(ctx context.Context, copies []*rig) (took time.Duration, err error) {
	victim, err := active(ctx, copies)
	if err != nil {
		return 0, err
	}
	var others []*rig
	for _, c := range copies {
		if c != victim {
			others = append(others, c)
		}
	}
	victim.process.kill()
	killed := time.Now()
	if _, err := active(ctx, others); err != nil {
		return 0, err
	}
	took = time.Since(killed)
	return took, victim.start(ctx)
}

// active waits until one of the copies evaluates alert rules.
func active(ctx context.Context, copies []*rig) (found *rig, err error) {
	err = until(ctx, time.Minute, "a copy evaluates alert rules", func() error {
		for _, c := range copies {
			on, err := c.metric(ctx, "longwave_alert_active")
			if err != nil {
				return err
			}
			if on == 1 {
				found = c
				return nil
			}
		}
		return fmt.Errorf("none of %d does", len(copies))
	})
	return found, err
}
