package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"
)

// corruptions says what became of each case, by kind of file.
type corruptions struct {
	noticed, verified, harmless, lost int
	silent, wrong                     []string
}

// corruptFiles breaks one place of a stopped installation that has both stored and waiting packets, starts it, and looks
// whether it is noticed: the start is refused with a reason, a query is, the log names it as it names nothing else, or,
// where nothing that was asked for met the place, the program's verification finds it.
func corruptFiles(ctx context.Context, s *settings) (row row, err error) {
	row.times, row.unshown = s.times(50), true
	r, err := newRig(ctx, s, plan{name: "corrupt", shape: shape{devices: 4, batch: 50, rate: 5_000, echo: 0.05}})
	if err != nil {
		return row, err
	}
	defer func() { r.close(row.failed() || err != nil) }()
	row.fleet = r.fleet
	if err := r.fillQueueAndTables(ctx); err != nil {
		return row, err
	}
	usual, _, err := r.tryCase(ctx, "none", nil, func(string) (string, error) { return "", nil })
	if err != nil {
		return row, fmt.Errorf("without any corruption: %w", err)
	}
	var c corruptions
	random := rand.New(rand.NewPCG(2, 1))
	for i, one := range injuries(row.times) {
		words, v, err := r.tryCase(ctx, fmt.Sprint(i), usual, func(data string) (string, error) { return one.do(random, data) })
		if err != nil {
			return row, err
		}
		c.file(v, words)
		row.verdict.add(verdict{strange: v.strange, altered: v.altered, doubled: v.doubled})
	}
	row.figures, row.broken = c.describe(row.times)
	return row, nil
}

// bystanders are devices that send nothing: with them the control log is long enough for a snapshot.
const bystanders = 120

// fillQueueAndTables leaves a stopped program with packets in both.
func (r *rig) fillQueueAndTables(ctx context.Context) error {
	for n := range bystanders {
		if _, err := r.register(ctx, fmt.Sprintf("bystander-%d", n)); err != nil {
			return err
		}
	}
	r.fleet.start()
	if err := r.fleet.acknowledgeMore(ctx, 10_000); err != nil {
		return err
	}
	r.fleet.halt()
	if err := r.drained(ctx, time.Minute); err != nil {
		return err
	}
	release := r.holdEngine(ctx)
	defer release()
	r.fleet.start()
	if err := r.fleet.acknowledgeMore(ctx, 10_000); err != nil {
		return err
	}
	if err := r.fleet.finish(ctx); err != nil {
		return err
	}
	return r.process.stop() // an orderly stop writes the indexes, so that there is something to break in them
}

func (c *corruptions) file(v verdict, words []string) {
	c.lost += v.lost
	switch {
	case v.strange+v.altered+v.doubled > 0:
		c.wrong = append(c.wrong, words[0])
	case len(words) > 1 && strings.HasPrefix(words[1], unverified):
		c.verified++
	case len(words) > 1:
		c.noticed++
	case v.wrong() == 0:
		c.harmless++
	default:
		c.silent = append(c.silent, fmt.Sprintf("%s (%d lost, %d chart points)", words[0], v.lost, v.rollups))
	}
	fmt.Fprintf(os.Stderr, "    %s\n", strings.Join(words[:min(len(words), 2)], " → "))
}

func (c *corruptions) describe(times int) (figures, broken string) {
	figures = fmt.Sprintf("%d noticed while it ran, %d by its verification, %d harmless, %d not noticed, %d wrong values served; %d acknowledged packets could not be shown, all told",
		c.noticed, c.verified, c.harmless, len(c.silent), len(c.wrong), c.lost)
	if bad := append(c.silent, c.wrong...); len(bad) > 0 {
		broken = fmt.Sprintf("%d of %d not noticed: %s", len(bad), times, strings.Join(bad, "; "))
	}
	return figures, broken
}
