// Package main is the command soak, which makes every fault it can and shows whether the promise of a 200 was kept. It
// builds the program, runs it as real processes, sends with devices that repeat themselves, and compares what the program's
// own queries show with a ledger of everything that was sent: 0 lost, 0 doubled, nothing that nobody sent. It prints one
// table in Markdown.
//
// Contract: every scenario has an installation, processes and a directory of its own, and leaves none of them when it
// went well; when it did not, the directory stays and its name is printed. Scenarios run one after the other. One that
// cannot run on this machine says so loudly and is a row "NOT RUN", never a pass. The exit code is 0 only if everything
// that ran kept its promise. Devices and faults are random in time but not in content: what is sent can be computed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// settings of one run.
type settings struct {
	dir     string
	binary  string
	broker  string // nats-server, built when a scenario needs it
	library string
	only    string
	short   bool
	rest    time.Duration
	outage  time.Duration
	rounds  float64 // multiplies how often each fault is made
}

func main() {
	var s settings
	flag.StringVar(&s.dir, "dir", "", "where installations are made; a temporary directory when empty")
	flag.StringVar(&s.binary, "binary", "", "the program to test; built when empty")
	flag.StringVar(&s.library, "engine-library", "", "libchdb; found in node_modules when empty")
	flag.StringVar(&s.only, "only", "", "run only scenarios whose name contains one of these, separated by commas")
	flag.BoolVar(&s.short, "short", false, "a tenth of the faults and shorter outages")
	flag.DurationVar(&s.rest, "rest", 130*time.Second, "wait before comparing, so that charts come from windows that were rolled up and not from readings")
	flag.DurationVar(&s.outage, "outage", 5*time.Minute, "how long the engine is held down")
	flag.Float64Var(&s.rounds, "rounds", 1, "multiplies how often each fault is made")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, &s); err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s *settings) error {
	if s.short {
		s.rounds, s.outage, s.rest = 0.1*s.rounds, min(s.outage, 15*time.Second), 0
	}
	if err := s.prepare(ctx); err != nil {
		return err
	}
	var rows []row
	failed := 0
	for _, sc := range scenarios() {
		if !s.wants(sc.name) || ctx.Err() != nil {
			continue
		}
		r := s.execute(ctx, sc)
		fmt.Fprintf(os.Stderr, "%s  %s: %s (%s)\n", time.Now().Format(time.TimeOnly), r.name, r.result(), r.figures)
		rows = append(rows, r)
		if r.failed() {
			failed++
		}
	}
	print(os.Stdout, rows)
	if failed > 0 {
		return fmt.Errorf("%d of %d promises were not kept; what is left of them lies in %s", failed, len(rows), s.dir)
	}
	return errors.Join(ctx.Err(), os.RemoveAll(s.dir))
}

func (s *settings) wants(name string) bool {
	for part := range strings.SplitSeq(s.only, ",") {
		if strings.Contains(name, strings.TrimSpace(part)) {
			return true
		}
	}
	return false
}

func (s *settings) execute(ctx context.Context, sc scenario) row {
	fmt.Fprintf(os.Stderr, "%s  %s …\n", time.Now().Format(time.TimeOnly), sc.name)
	began := time.Now()
	r, err := sc.run(ctx, s)
	r.name, r.promise, r.err, r.took = sc.name, sc.promise, err, time.Since(began)
	return r
}

// times scales how often a fault is made.
func (s *settings) times(full int) int { return max(int(float64(full)*s.rounds), 1) }

func (s *settings) prepare(ctx context.Context) (err error) {
	if s.dir == "" {
		if s.dir, err = os.MkdirTemp("", "longwave-soak-"); err != nil {
			return err
		}
	}
	if s.library == "" {
		s.library = "node_modules/@chdb/lib-linux-x64-gnu/libchdb.so"
	}
	if s.library, err = filepath.Abs(s.library); err != nil {
		return err
	}
	if s.binary == "" {
		s.binary = filepath.Join(s.dir, "longwave")
		return build(ctx, s.binary, "longwave")
	}
	s.binary, err = filepath.Abs(s.binary)
	return err
}

func build(ctx context.Context, to, what string) error {
	command := exec.CommandContext(ctx, "go", "build", "-o", to, what)
	command.Env = append(os.Environ(), "CGO_ENABLED=0")
	command.Stderr = os.Stderr
	if err := command.Run(); err != nil {
		return fmt.Errorf("building %s: %w", what, err)
	}
	return nil
}
