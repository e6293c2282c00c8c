package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"time"
)

// slow makes blocks small and many.
var slow = shape{devices: 16, batch: 10, rate: 3_000, echo: 0.1}

// loseReplies lets inserts commit and their answers be lost: those of readings until it has happened often enough, and
// meanwhile those of everything else that is inserted, rollups among them.
func loseReplies(ctx context.Context, s *settings) (row row, err error) {
	row.times = s.times(200)
	dir := filepath.Join(s.dir, "lost-reply")
	w, err := newWarehouse(ctx, s, dir)
	if err != nil {
		return row, err
	}
	defer w.close()
	r, err := newRig(ctx, s, plan{name: "lost-reply", shape: slow, outside: []string{"--clickhouse-url", w.url}})
	if err != nil {
		return row, err
	}
	defer func() { r.close(row.failed() || err != nil) }()
	row.fleet = r.fleet
	r.fleet.start()
	if err := r.fleet.acknowledgeMore(ctx, 5_000); err != nil {
		return row, err
	}
	asked := map[string]int{}
	w.loseAnswers(func(table string) bool { // one at a time
		asked[table]++
		return asked[table]%2 == 1 || rand.IntN(8) == 0 // now and then the repetition's, too
	})
	if err := until(ctx, 20*time.Minute, "enough lost answers", func() error {
		if _, readings := w.lostAnswers(); readings < row.times {
			return fmt.Errorf("%d", readings)
		}
		return nil
	}); err != nil {
		return row, err
	}
	w.loseAnswers(nil)
	all, readings := w.lostAnswers()
	row.figures = fmt.Sprintf("%d answers to inserts of readings were lost, %d to others", readings, all-readings)
	row.verdict, err = r.judge(ctx)
	return row, err
}
