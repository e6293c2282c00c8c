package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"time"
)

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
	defer func() {
		c.close(true)
		err = errors.Join(err, os.RemoveAll(c.data)) // a copy for each case would fill the disk
	}()
	v, refusal := c.look(ctx)
	words = []string{where}
	if refusal != nil {
		words = append(words, "refused: "+refusal.Error())
	}
	more, err := news(logFile, usual)
	if err != nil {
		return nil, v, err
	}
	if words = append(words, more...); len(words) == 1 && where != "" {
		words = append(words, c.lookCloser(ctx)...)
	}
	return words, v, nil
}

// unverified begins what only the verification has found.
const unverified = "verify: "

// lookCloser has the program verify what nobody has complained of.
func (r *rig) lookCloser(ctx context.Context) []string {
	var v verdict
	if err := r.verify(ctx, &v); err != nil {
		return []string{unverified + err.Error()}
	}
	if v.unverified > 0 {
		return []string{fmt.Sprintf("%s%d places are wrong", unverified, v.unverified)}
	}
	return nil
}

// news are the complaints of a log that are not usual.
func news(logFile string, usual []string) (words []string, err error) {
	complaints, err := complaintsOf(logFile)
	for _, text := range complaints {
		if !slices.Contains(usual, text) {
			words = append(words, text)
		}
	}
	return words, err
}

// look starts the program, lets it do what waits, and compares. The error says that it refused something.
func (r *rig) look(ctx context.Context) (verdict, error) {
	if err := r.launch(); err != nil {
		return verdict{}, err
	}
	unready := until(ctx, readySoon, "ready", func() error { return r.ready(ctx) })
	stuck := r.quiet(ctx)
	v, err := judge(r.fleet.ledger, &shown{rig: r, ctx: ctx})
	refusal := errors.Join(unready, stuck, err)
	if refusal == nil && v.lost > 0 {
		wait(ctx, lookedOver) // nobody has asked for what is missing; the program says by itself that it is
	}
	return v, refusal
}

const (
	// readySoon is several times what such a small installation takes to be ready, if it ever is.
	readySoon = 10 * time.Second
	// lookedOver is how long the program takes to look at its lanes once more.
	lookedOver = 16 * time.Second
	// stuckAfter is how long a lane may stay as it is before whatever is in it counts as stuck.
	stuckAfter = 8 * time.Second
)

// quiet waits until the lanes are empty. It returns an error when they do not become emptier any more.
func (r *rig) quiet(ctx context.Context) error {
	left, since := -1.0, time.Now()
	for {
		lag, err := r.metric(ctx, "longwave_consumer_lag_messages")
		if err == nil && lag == 0 {
			return nil
		}
		if lag != left && err == nil {
			left, since = lag, time.Now()
		}
		if time.Since(since) > stuckAfter {
			return errors.Join(fmt.Errorf("%g messages stay in the lanes", left), err)
		}
		wait(ctx, 50*time.Millisecond)
	}
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
