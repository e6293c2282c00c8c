// Longwave is a multi-tenant telemetry platform in one binary. This package only reads the configuration, starts the
// parts in order and stops them in the opposite order; what the parts promise stands in their package docs, and how
// they fit together in DESIGN.md.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"longwave/ingest/simulate"
	"longwave/processors/engine"
)

// version is set by the build.
var version = "development"

// commands is everything that the command line offers. Each flag can also be set by an environment variable, which
// kong derives from its name: --nats-url is LONGWAVE_NATS_URL.
type commands struct {
	Serve    serveCommand    `cmd:"" help:"Start the platform."`
	Setup    setupCommand    `cmd:"" help:"Claim a fresh installation without a browser: first operator, first tenant, first API key."`
	Simulate simulateCommand `cmd:"" help:"Send real telemetry to a running platform: recorded series, this host, or synthetic devices."`
	Verify   verifyCommand   `cmd:"" help:"Compare what is kept with what it must be: the control log with its hashes, files with their checksums, rollups with readings."`
	Version  versionCommand  `cmd:"" help:"Print the version."`
	Engine   engineCommand   `cmd:"" hidden:"" help:"Serve the embedded ClickHouse engine; started by serve."`
}

type versionCommand struct{}

func (versionCommand) Run(stdout io.Writer) error {
	_, err := fmt.Fprintln(stdout, "longwave", version)
	return err
}

type simulateCommand struct{ simulate.Config }

func (c *simulateCommand) Run(ctx context.Context) error { return simulate.Run(ctx, c.Config) }

type engineCommand struct {
	Args []string `arg:"" optional:"" passthrough:""`
}

func (c *engineCommand) Run(ctx context.Context) error { return engine.Child(ctx, c.Args) }

func main() {
	ctx, stop := signals()
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "longwave:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	parser, err := kong.New(&commands{},
		kong.Name("longwave"),
		kong.Description("A multi-tenant telemetry platform: devices post packets, each one durable before it is acknowledged; browsers and wall screens see them live."),
		kong.DefaultEnvars("LONGWAVE"),
		kong.UsageOnError(),
		kong.ValueFormatter(helpOf),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 120}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.BindTo(stdout, (*io.Writer)(nil)),
	)
	if err != nil {
		return fmt.Errorf("describing the command line: %w", err)
	}
	chosen, err := parser.Parse(args)
	if err != nil {
		return err
	}
	return chosen.Run()
}

// helpOf adds to the help of a flag what it is when nobody sets it, and the variable that sets it too.
func helpOf(value *kong.Value) string {
	help := value.Help
	if value.HasDefault && value.Default != "" {
		help += " Default: " + value.Default + "."
	}
	if value.Tag != nil && len(value.Tag.Envs) > 0 {
		help += " [" + value.Tag.Envs[0] + "]"
	}
	return help
}

// signals ends the context at the first SIGINT or SIGTERM, so that everything stops in order, and the process at the
// second: whoever presses Ctrl-C twice means it, and what was acknowledged is on disk already.
func signals() (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.Background())
	arrived := make(chan os.Signal, 2)
	signal.Notify(arrived, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-arrived
		cancel()
		<-arrived
		fmt.Fprintln(os.Stderr, "longwave: forced to stop; everything that was acknowledged is safe on disk")
		os.Exit(130)
	}()
	return ctx, func() { signal.Stop(arrived); cancel() }
}
