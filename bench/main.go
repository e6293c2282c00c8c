// Package main is the command bench, which measures what a packet costs on its way and how that grows, and prints tables
// in Markdown. Everything runs on this machine in one go: the program as a separate process in each durability, a bare server with the same decoder
// under the same load, the engines alone, and the load generator, so that ratios hold when the machine's speed drifts.
//
// Contract: it talks to loopback only, keeps everything in one temporary directory that it removes, and ends by itself: in
// under ten minutes as it is, in about two with -quick. -grow measures how cost grows and fills the disk with as
// many readings as it is told; -variants compares settings of the runtime; both take longer; -nab scores recorded series instead, in seconds. With -update the tables
// replace those in docs/performance.md. Latency of an open loop counts from when a request was due, not from when it could
// be sent, so that a stall is not hidden. The exit code is 0 only if everything that was asked for was measured.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"longwave/processors/engine"
)

// settings of one run of the whole bench.
type settings struct {
	binary     string
	library    string
	dir        string
	duration   time.Duration
	only       string
	loads      string
	quick      bool
	readings   int64
	recordings string
	nab        string
	scores     string
	update     bool
	grow       bool
	variants   bool
	bare       bool
	profiles   string
}

func flags() *settings {
	var s settings
	flag.StringVar(&s.binary, "binary", "bin/longwave", "the program to measure")
	flag.StringVar(&s.library, "engine-library", "", "libchdb; found in node_modules when empty")
	flag.DurationVar(&s.duration, "duration", 5*time.Second, "length of one measurement")
	flag.StringVar(&s.only, "only", "", "measure only parts whose name contains one of these, separated by commas")
	flag.StringVar(&s.loads, "loads", "", "of the parts path and profile, only loads whose name contains this")
	flag.BoolVar(&s.quick, "quick", false, "a second for each measurement and little data: shows that the bench works, not how fast the program is")
	flag.Int64Var(&s.readings, "readings", 30_000_000, "readings that are stored before questions are asked")
	flag.StringVar(&s.recordings, "recordings", "", "directory of CSV files of timestamp,value lines, to say what a recorded reading takes on disk")
	flag.StringVar(&s.nab, "nab", "", "directory of series as the Numenta Anomaly Benchmark has them: score their readings instead, into -scores")
	flag.StringVar(&s.scores, "scores", "", "with -nab: the directory to write the scores to")
	flag.BoolVar(&s.update, "update", false, "write the tables into docs/performance.md")
	flag.BoolVar(&s.grow, "grow", false, "measure how cost grows with devices, tenants, screens and readings instead")
	flag.BoolVar(&s.variants, "variants", false, "compare settings of the Go runtime instead")
	flag.StringVar(&s.profiles, "profiles", "", "directory in which the part profile leaves its profiles, for go tool pprof")
	flag.BoolVar(&s.bare, "bare", false, "serve as the bare reference server (used by the bench itself)")
	flag.Parse()
	if s.quick {
		s.duration, s.readings = time.Second, min(s.readings, 2_000_000)
	}
	return &s
}

func main() {
	s := flags()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := s.validate()
	switch {
	case err != nil:
	case s.bare:
		err = serveBare(ctx)
	case s.nab != "":
		err = scoreSeries(s)
	default:
		err = run(ctx, s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func (s *settings) validate() error {
	switch {
	case s.readings < leastReadings:
		return fmt.Errorf("-readings must be at least %d: an hourly reading of fifty series", leastReadings)
	case s.update && s.only+s.loads != "":
		return errors.New("-update writes all tables of a run: leave out -only and -loads")
	case (s.nab == "") != (s.scores == ""):
		return errors.New("-nab and -scores go together")
	case s.grow && s.variants:
		return errors.New("either -grow or -variants")
	}
	return nil
}

// part is something that is measured on its own.
type part struct {
	name    string
	measure func(context.Context, *bench) ([]table, error)
}

// parts are what one kind of run measures, in this order.
func (s *settings) parts() (block string, all []part) {
	switch {
	case s.grow:
		return "growth", []part{{"devices", growDevices}, {"tenants", growTenants}, {"rules", growRules}, {"screens", growScreens}, {"readings", growReadings}}
	case s.variants:
		return "variants", []part{{"variants", measureVariants}}
	}
	return "run", []part{
		{"path", measurePath}, {"engines", measureEngines}, {"delays", measureDelays}, {"profile", measureProfile}, {"tenants", compareTenants},
		{"queries", measureQueries}, {"exports", measureExports}, {"browser", measureBrowser}, {"start", measureStart}, {"sizing", measureSizes},
	}
}

// bench is one run: its settings, and what later parts want to know of earlier ones.
type bench struct {
	*settings
	reference  map[string]result             // of the bare server, by name of the load
	measured   []result                      // of the program
	stages     []map[string]float64          // microseconds of a packet: single posts, arrays, then what else was profiled
	perMessage map[string]float64            // microseconds of a message of one of many tenants in the log alone, by durability
	perReading struct{ lane, table float64 } // bytes on disk
}

func run(ctx context.Context, s *settings) (err error) {
	if s.dir, err = os.MkdirTemp("", "longwave-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(s.dir)
	if s.library, err = engine.FindLibrary(s.library); err != nil {
		return err
	}
	if s.binary, err = filepath.Abs(s.binary); err != nil {
		return err
	}
	b := &bench{settings: s, perMessage: map[string]float64{}}
	block, parts := s.parts()
	began, before := time.Now(), busy()
	var tables, sizes []table
	for _, part := range parts {
		if !s.wanted(part.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "bench: %s\n", part.name)
		measured, err := part.measure(ctx, b)
		if err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		if part.name == "sizing" {
			sizes = measured
		} else {
			tables = append(tables, measured...)
		}
	}
	source := about(s, began, before.since())
	if s.update && len(tables) > 0 {
		err = publish(document, block, source+render(tables))
	}
	if s.update && len(sizes) > 0 {
		err = errors.Join(err, publish(sizing, "sizing", source+render(sizes)))
	}
	return errors.Join(err, show(source+render(append(tables, sizes...))))
}

func show(text string) error {
	_, err := os.Stdout.WriteString(text)
	return err
}

func (s *settings) wanted(name string) bool {
	if s.only == "" {
		return true
	}
	for only := range strings.SplitSeq(s.only, ",") {
		if strings.Contains(name, only) {
			return true
		}
	}
	return false
}

func progress(format string, values ...any) {
	fmt.Fprintf(os.Stderr, "bench:   "+format+"\n", values...)
}
