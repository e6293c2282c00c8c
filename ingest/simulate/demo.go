package simulate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

const (
	// demoStep is the time between two readings of a demo device. The recordings have one every five minutes, so a
	// day's rhythm passes in half an hour: something happens while a person looks.
	demoStep = 5 * time.Second
	// demoHistory is what a demo device brings along, so that the charts of its first visit are full.
	demoHistory = 24 * time.Hour
	// demoBatch is how many packets are delivered at once while catching up: a whole request's worth.
	demoBatch = 1000
	// demoPoll is how often devices are looked for; a person who clicked is waiting.
	demoPoll = time.Second
	// demoTimeout bounds one delivery.
	demoTimeout = 30 * time.Second
)

// ErrDemoOptions is returned by RunDemo when something that it needs is missing.
var ErrDemoOptions = errors.New("simulate: incomplete demo options")

// DemoDevice is a device that exists to show a recorded series.
type DemoDevice struct {
	Tenant id.Tenant
	Device id.Device
	Name   string // of the series, whatever the device is called by now
}

// DemoOptions are what RunDemo needs. Devices, Deliver and Log are required.
type DemoOptions struct {
	// Devices returns the demo devices that exist now. It must be cheap.
	Devices func() []DemoDevice
	// Deliver makes packets durable as if the device had sent them. An error means that none may be taken for safe;
	// the same packets are delivered again later.
	Deliver func(context.Context, id.Tenant, id.Device, []telemetry.Packet) error
	// Newest says how far a device got before: the time of its newest reading, zero when there is none. With it a
	// restart does not deliver the whole day again. nil, and an error, mean that nobody knows.
	Newest func(context.Context, id.Tenant, id.Device) (time.Time, error)
	Log    *slog.Logger
	Now    func() time.Time // nil: time.Now
}

// RunDemo replays the recorded series on every demo device, each with its last day first, and goes on live. What a
// device reports at an instant follows from the instant alone: after a restart it goes on where it was, and what is
// delivered twice is the same fact. It picks up devices that appear, leaves those that vanish, and blocks until ctx
// ends; then it returns nil. It returns ErrDemoOptions, or that the binary's recordings are damaged, at once.
func RunDemo(ctx context.Context, o DemoOptions) error {
	if o.Devices == nil || o.Deliver == nil || o.Log == nil {
		return ErrDemoOptions
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	recordings, err := loadRecordings()
	if err != nil {
		return err
	}
	t := theatre{DemoOptions: o, recordings: recordings, playing: make(map[DemoDevice]context.CancelFunc)}
	defer t.players.Wait()
	ticker := time.NewTicker(demoPoll)
	defer ticker.Stop()
	for ctx.Err() == nil {
		t.follow(ctx)
		select {
		case <-ctx.Done():
		case <-ticker.C:
		}
	}
	return nil
}

// theatre is all players. Its fields belong to the goroutine of RunDemo.
type theatre struct {
	DemoOptions
	recordings map[string]recording
	players    sync.WaitGroup
	playing    map[DemoDevice]context.CancelFunc
}

// follow starts a player for each device that is new and stops those whose device is gone.
func (t *theatre) follow(ctx context.Context) {
	wanted := make(map[DemoDevice]bool)
	for _, device := range t.Devices() {
		recording, known := t.recordings[device.Name]
		if wanted[device] = known; !known || t.playing[device] != nil {
			continue
		}
		playback, cancel := context.WithCancel(ctx)
		t.playing[device] = cancel
		p := player{DemoOptions: t.DemoOptions, device: device, recording: recording}
		t.players.Go(func() { p.play(playback) })
	}
	for device, cancel := range t.playing {
		if !wanted[device] {
			cancel()
			delete(t.playing, device)
		}
	}
}

// recording is a series with its values at hand.
type recording struct {
	DemoSeries
	values []float64
}

func loadRecordings() (map[string]recording, error) {
	recordings := make(map[string]recording)
	for _, s := range DemoSeriesList() {
		values, err := s.values()
		if err != nil {
			return nil, err
		}
		recordings[s.Name] = recording{s, values}
	}
	return recordings, nil
}

// player replays one recording as one device.
type player struct {
	DemoOptions
	device    DemoDevice
	recording recording
}

// play delivers the past and then each step when it comes. Both are the same: everything due that is not delivered.
func (p player) play(ctx context.Context) {
	next, failures := p.begin(ctx), 0
	for ctx.Err() == nil {
		end := min(step(p.Now())+1, next+demoBatch)
		if next >= end {
			wait(ctx, instant(next).Sub(p.Now()))
			continue
		}
		if err := p.deliver(ctx, next, end); err != nil {
			if failures++; failures == 1 && ctx.Err() == nil {
				p.Log.Warn("demo data is not taken; trying again", "tenant", p.device.Tenant, "device", p.device.Device, "error", err)
			}
			wait(ctx, backoff(failures))
			continue
		}
		next, failures = end, 0
	}
}

// begin is the first step to deliver. The newest reading is delivered again, which changes nothing.
func (p player) begin(ctx context.Context) int64 {
	first := step(p.Now().Add(-demoHistory))
	if p.Newest == nil {
		return first
	}
	ctx, cancel := context.WithTimeout(ctx, demoTimeout)
	defer cancel()
	newest, err := p.Newest(ctx, p.device.Tenant, p.device.Device)
	if err != nil || newest.IsZero() || newest.After(p.Now()) {
		return first
	}
	return max(first, step(newest))
}

func (p player) deliver(ctx context.Context, from, to int64) error {
	packets := make([]telemetry.Packet, 0, to-from)
	for n := from; n < to; n++ {
		packets = append(packets, p.recording.packet(n))
	}
	ctx, cancel := context.WithTimeout(ctx, demoTimeout)
	defer cancel()
	if err := p.Deliver(ctx, p.device.Tenant, p.device.Device, packets); err != nil {
		return fmt.Errorf("deliver: %w", err)
	}
	return nil
}

// packet is what the device reports at step n, today and for ever.
func (r recording) packet(n int64) telemetry.Packet {
	return telemetry.Packet{
		ID:     "demo-" + strconv.FormatInt(n, 36),
		Time:   telemetry.At(instant(n)),
		Kind:   telemetry.KindMetrics,
		Values: []telemetry.Value{{Name: r.Metric, Num: r.values[n%int64(len(r.values))]}},
	}
}

// step is the number of the newest step at an instant; instant is its reverse.
func step(t time.Time) int64    { return t.UnixNano() / int64(demoStep) }
func instant(n int64) time.Time { return time.Unix(0, n*int64(demoStep)).UTC() }

const (
	firstBackoff   = 200 * time.Millisecond
	longestBackoff = 10 * time.Second
)

// backoff is how long to wait after a number of failures in a row.
func backoff(failures int) time.Duration {
	return min(longestBackoff, firstBackoff<<min(failures-1, 10))
}

// wait returns after d, or when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
