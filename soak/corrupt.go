package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"
)

// staleIndex before a kind means that the stream's index is missing too, as after a kill.
const staleIndex = "no index, "

// victims are the kinds of files, relative to the data directory, in which something is broken. What is most of the
// disk is most of the cases.
var victims = []string{
	"queues/jetstream/*/streams/LANE_STANDARD/msgs/*.blk",
	staleIndex + "queues/jetstream/*/streams/LANE_STANDARD/msgs/*.blk",
	"queues/jetstream/*/streams/LANE_STANDARD/msgs/index.db",
	"queues/jetstream/*/streams/LANE_STANDARD/obs/store/o.dat",
	"queues/jetstream/*/streams/LANE_STANDARD/meta.inf",
	"queues/jetstream/*/streams/CTL/msgs/*.blk",
	"clickhouse/data/store/*/*/*_*_*_*/data.bin",
	"clickhouse/data/store/*/*/*_*_*_*/data.bin",
	"clickhouse/data/store/*/*/*_*_*_*/*.cidx",
	"clickhouse/data/store/*/*/*_*_*_*/*.cmrk*",
	"clickhouse/data/store/*/*/*_*_*_*/checksums.txt",
	"clickhouse/data/store/*/*/*_*_*_*/count.txt",
}

// corruptions says what became of each case, by kind of file.
type corruptions struct {
	noticed, harmless, lost int
	silent, wrong           []string
}

// corruptFiles breaks one place of a stopped installation that has both stored and waiting packets, starts it, and looks
// whether it is noticed: the start is refused with a reason, a query is, or the log names it as it names nothing else.
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
	for i := range row.times {
		words, v, err := r.tryCase(ctx, fmt.Sprint(i), usual, func(data string) (string, error) {
			return harm(random, data, victims[i%len(victims)])
		})
		if err != nil {
			return row, err
		}
		c.file(v, words)
		row.verdict.add(verdict{strange: v.strange, altered: v.altered, doubled: v.doubled})
	}
	row.figures, row.broken = c.describe(row.times)
	return row, nil
}

// fillQueueAndTables leaves a stopped program with packets in both.
func (r *rig) fillQueueAndTables(ctx context.Context) error {
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

// tryCase copies the installation, breaks it, runs it and returns the words of its log that are not usual, the name of
// what was broken first. A start or an answer that is refused is such a word, too.
func (r *rig) tryCase(ctx context.Context, name string, usual []string, breakIt func(data string) (string, error)) (words []string, v verdict, err error) {
	c := &rig{settings: r.settings, dir: filepath.Join(r.dir, "case-"+name), tenant: r.tenant, key: r.key, fleet: r.fleet}
	c.data = filepath.Join(c.dir, "data")
	if err := os.MkdirAll(c.dir, 0o700); err != nil {
		return nil, v, err
	}
	if _, err := command(ctx, "cp", "-a", r.data, c.data); err != nil {
		return nil, v, err
	}
	where, err := breakIt(c.data)
	if err != nil {
		return nil, v, err
	}
	logFile := filepath.Join(c.dir, "log")
	if c.log, err = os.Create(logFile); err != nil {
		return nil, v, err
	}
	v, refusal := c.look(ctx)
	c.close(true)
	words = []string{where}
	if refusal != nil {
		words = append(words, "refused: "+refusal.Error())
	}
	complaints, err := complaintsOf(logFile)
	if err != nil {
		return nil, v, err
	}
	for _, text := range complaints {
		if !slices.Contains(usual, text) {
			words = append(words, text)
		}
	}
	return words, v, os.RemoveAll(c.data)
}

// look starts the program, lets it do what waits, and compares. The error says that it refused something.
func (r *rig) look(ctx context.Context) (verdict, error) {
	if err := r.start(ctx); err != nil {
		return verdict{}, err
	}
	if err := r.drained(ctx, 20*time.Second); err != nil {
		return verdict{}, err
	}
	return judge(r.fleet.ledger, &shown{rig: r, ctx: ctx})
}

// complaintsOf lists warnings and errors of a log without their numbers.
func complaintsOf(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	found := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if _, rest, ok := strings.Cut(line, "level="); ok && !strings.HasPrefix(rest, "INFO") {
			found[strings.Map(withoutDigits, rest[:min(len(rest), 160)])] = true
		}
	}
	var all []string
	for complaint := range found {
		all = append(all, strings.TrimSpace(complaint))
	}
	sort.Strings(all)
	return all, nil
}

func withoutDigits(r rune) rune {
	if r >= '0' && r <= '9' {
		return -1
	}
	return r
}

// harm flips one bit, or cuts the file short, of a random file of that kind. It says where.
func harm(random *rand.Rand, data, kind string) (string, error) {
	pattern, stale := strings.CutPrefix(kind, staleIndex)
	files, err := filepath.Glob(filepath.Join(data, pattern))
	if err != nil || len(files) == 0 {
		return "", fmt.Errorf("no file is %s: %w", kind, err)
	}
	if stale {
		if err := os.Remove(filepath.Join(filepath.Dir(files[0]), "index.db")); err != nil {
			return "", err
		}
	}
	slices.Sort(files)
	path := files[random.IntN(len(files))]
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if len(text) == 0 {
		return kind + " is empty: nothing to break", nil
	}
	place, how := random.IntN(len(text)), "bit flipped"
	if random.IntN(4) == 0 {
		text, how = text[:place], "cut short"
	} else {
		text[place] ^= 1 << random.IntN(8)
	}
	return fmt.Sprintf("%s in %s at byte %d", how, kind, place), os.WriteFile(path, text, 0o600)
}

func (c *corruptions) file(v verdict, words []string) {
	c.lost += v.lost
	switch {
	case v.strange+v.altered+v.doubled > 0:
		c.wrong = append(c.wrong, words[0])
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
	figures = fmt.Sprintf("%d noticed, %d harmless, %d not noticed, %d wrong values served; %d acknowledged packets could not be shown, all told",
		c.noticed, c.harmless, len(c.silent), len(c.wrong), c.lost)
	if bad := append(c.silent, c.wrong...); len(bad) > 0 {
		broken = fmt.Sprintf("%d of %d not noticed: %s", len(bad), times, strings.Join(bad, "; "))
	}
	return figures, broken
}
