package simulate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Config is the command line of the simulator.
type Config struct {
	URL      string        `help:"Address of the Longwave to send to." default:"http://127.0.0.1:8080" env:"LONGWAVE_URL"`
	Key      string        `help:"API key (lwk_…) of the tenant; creates the devices that are missing." required:"" env:"LONGWAVE_KEY" placeholder:"KEY"`
	Tokens   string        `help:"File that keeps the tokens of the devices created here, readable by you alone." default:"longwave-simulate.json" type:"path" env:"-"`
	Prefix   string        `help:"What the names of the devices begin with." default:"sim-" env:"-"`
	Replay   []string      `help:"Replay recorded series: a CSV file of timestamp,value lines (UTC), or a directory of them. One device for each file." type:"path" placeholder:"PATH" group:"What to send:" env:"-"`
	Speed    float64       `help:"How many times faster than recorded to replay." default:"60" group:"What to send:" env:"-"`
	Backfill time.Duration `help:"Begin the replay this far in the past; what is past is sent at once." default:"0s" group:"What to send:" env:"-"`
	Host     bool          `help:"Send the cpu, memory, disk and network figures of this host." group:"What to send:" env:"-"`
	Devices  int           `help:"Number of invented devices." placeholder:"N" group:"What to send:" env:"-"`
	Rate     float64       `help:"Packets per second of all invented devices together." default:"10" group:"What to send:" env:"-"`
	Flush    time.Duration `help:"How long a device collects packets before it sends them." default:"1s" group:"How to send:" env:"-"`
	InFlight int           `help:"Requests in flight at most." default:"16" group:"How to send:" env:"-"`
	For      time.Duration `help:"Stop after this time; 0 runs until interrupted." default:"0s" group:"How to send:" env:"-"`

	Out  io.Writer    `kong:"-"` // where the live line goes; nil is standard output, with Live set if it is a terminal
	Live bool         `kong:"-"` // Out is a terminal: rewrite the line instead of adding one now and then
	Log  *slog.Logger `kong:"-"` // nil is standard error
}

var (
	// ErrConfig is returned by Run, with the name of the setting and what would be right.
	ErrConfig = errors.New("simulate")
	// ErrTurnedAway is returned by Run when the server wants nothing from any of the devices; the log says why.
	ErrTurnedAway = errors.New("simulate: the server turned every device away")
)

const (
	maxInFlight = 1024   // beyond it a client only queues in the server's listen backlog
	maxDevices  = 20_000 // each one is a goroutine and a token
	maxBackfill = 366 * 24 * time.Hour
)

func (c *Config) validate() error {
	address, err := url.Parse(c.URL)
	bad := func(flag, want string) error { return fmt.Errorf("%w: --%s: want %s", ErrConfig, flag, want) }
	switch {
	case err != nil || address.Host == "" || (address.Scheme != "http" && address.Scheme != "https"):
		return bad("url", "an address such as https://longwave.example.org")
	case !strings.HasPrefix(c.Key, "lwk_"):
		return bad("key", "an API key; it begins with lwk_")
	case c.Tokens == "":
		return bad("tokens", "the name of a file")
	case !(c.Speed > 0 && c.Speed <= 1e6):
		return bad("speed", "a number above 0 and at most 1000000")
	case c.Backfill < 0 || c.Backfill > maxBackfill:
		return bad("backfill", "0s to 8784h (366 days)")
	case c.Devices < 0 || c.Devices > maxDevices:
		return bad("devices", fmt.Sprintf("0 to %d", maxDevices))
	case !(c.Rate > 0):
		return bad("rate", "a number above 0")
	case c.Flush < 0:
		return bad("flush", "0s or more")
	case c.InFlight < 1 || c.InFlight > maxInFlight:
		return bad("in-flight", fmt.Sprintf("1 to %d", maxInFlight))
	case len(c.Replay) == 0 && !c.Host && c.Devices == 0:
		return fmt.Errorf("%w: nothing to send: want --replay PATH, --host or --devices N", ErrConfig)
	}
	c.URL = strings.TrimRight(c.URL, "/")
	if c.Out == nil {
		c.Out = os.Stdout
		about, err := os.Stdout.Stat()
		c.Live = err == nil && about.Mode()&os.ModeCharDevice != 0
	}
	if c.Log == nil {
		c.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	return nil
}

// Run sends until ctx ends or the time is up, and then returns nil. Before it sends anything it returns ErrConfig for
// settings that cannot be, a recorded file or a file of tokens that cannot be read, and ErrRegister when the server
// creates no device; later, ErrTurnedAway when the tokens of all devices are refused.
func Run(ctx context.Context, c Config) error {
	if err := c.validate(); err != nil {
		return err
	}
	if c.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.For)
		defer cancel()
	}
	sources, err := c.sources(time.Now())
	if err != nil {
		return err
	}
	client := newClient(c)
	fleet, err := enrol(ctx, c, client, sources)
	if err != nil {
		return err
	}
	return c.send(ctx, client, fleet)
}

// send runs the devices and the report beside them.
func (c *Config) send(ctx context.Context, client *client, fleet []*device) error {
	var devices, report sync.WaitGroup
	reporting, stop := context.WithCancel(context.WithoutCancel(ctx))
	report.Go(func() { client.tally.report(reporting, c.Out, c.Live) })
	var sending atomic.Int64
	for _, d := range fleet {
		devices.Go(func() {
			if d.run(ctx) {
				sending.Add(1)
			}
		})
	}
	devices.Wait()
	stop() // after the devices: the last line counts what they did last
	report.Wait()
	if sending.Load() == 0 {
		return ErrTurnedAway
	}
	return nil
}

// sources makes everything that is asked for.
func (c *Config) sources(now time.Time) ([]source, error) {
	sources, err := recordedSources(c, now)
	if err != nil {
		return nil, err
	}
	if c.Host {
		host, err := newHostSource(c.Prefix, now)
		if err != nil {
			return nil, err
		}
		sources = append(sources, host)
	}
	for n := range c.Devices {
		sources = append(sources, newInvented(c, n, now))
	}
	return sources, nil
}
