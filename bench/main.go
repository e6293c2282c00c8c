// Command bench measures the packet's path and prints a table in Markdown. Everything runs on this machine in one go:
// the program as a separate process, a bare net/http server with the same decoder under the same load, and the load
// generator, so that the ratios hold when the machine's speed drifts. It takes a few minutes and stops by itself.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

// settings of one run of the whole bench.
type settings struct {
	binary   string
	duration time.Duration
	only     string
}

func main() {
	var s settings
	flag.StringVar(&s.binary, "binary", "bin/longwave", "the program to measure")
	flag.DurationVar(&s.duration, "duration", 8*time.Second, "length of one measurement")
	flag.StringVar(&s.only, "only", "", "measure only rows whose name contains this")
	bare := flag.Bool("bare", false, "serve as the bare reference server (used by the bench itself)")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if *bare {
		err = serveBare(ctx)
	} else {
		err = measure(ctx, s)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// measure runs the reference and the program in turn and prints one table.
func measure(ctx context.Context, s settings) error {
	reference, err := measureReference(ctx, s)
	if err != nil {
		return fmt.Errorf("reference: %w", err)
	}
	results := []result{}
	for _, durability := range []string{"disk", "process"} {
		measured, err := measureProgram(ctx, s, durability)
		if err != nil {
			return fmt.Errorf("--durability %s: %w", durability, err)
		}
		results = append(results, measured...)
	}
	return print(os.Stdout, reference, results)
}
