package simulate

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// shelf keeps what was delivered, as the set of facts would.
type shelf struct {
	mu      sync.Mutex
	facts   map[fact]bool
	largest int
	packets int // delivered, repetitions included
	refuse  int // deliveries to refuse first
}

type fact struct {
	device id.Device
	packet string
	at     telemetry.Micros
	name   string
	value  float64
}

func (s *shelf) deliver(_ context.Context, _ id.Tenant, d id.Device, packets []telemetry.Packet) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse > 0 {
		s.refuse--
		return errors.New("not now")
	}
	s.largest, s.packets = max(s.largest, len(packets)), s.packets+len(packets)
	for _, p := range packets {
		s.facts[fact{d, p.ID, p.Time, p.Values[0].Name, p.Values[0].Num}] = true
	}
	return nil
}

func (s *shelf) of(d id.Device) []telemetry.Micros {
	s.mu.Lock()
	defer s.mu.Unlock()
	var times []telemetry.Micros
	for f := range s.facts {
		if f.device == d {
			times = append(times, f.at)
		}
	}
	return slices.Sorted(slices.Values(times))
}

func (s *shelf) newest(_ context.Context, _ id.Tenant, d id.Device) (time.Time, error) {
	times := s.of(d)
	if len(times) == 0 {
		return time.Time{}, nil
	}
	return times[len(times)-1].Time(), nil
}

func playFor(t *testing.T, s *shelf, d time.Duration, devices func() []DemoDevice) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	err := RunDemo(ctx, DemoOptions{Devices: devices, Deliver: s.deliver, Newest: s.newest, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
}

func TestDemoGoesOnWhereItWasAfterARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant, device := id.New[id.Tenant](), id.New[id.Device]()
		devices := func() []DemoDevice { return []DemoDevice{{tenant, device, "api-gateway"}} }
		s := &shelf{facts: make(map[fact]bool), refuse: 3}
		begun := time.Now()
		playFor(t, s, 10*time.Minute, devices)
		wait(t.Context(), time.Hour) // the program is down; this clock is not the real one
		playFor(t, s, 10*time.Minute, devices)

		times := s.of(device)
		first, last := step(begun.Add(-demoHistory)), step(time.Now())
		if times[0] != telemetry.At(instant(first)) {
			t.Errorf("begins at %v, want %v", times[0].Time(), instant(first))
		}
		if got, want := times[len(times)-1], telemetry.At(instant(last-1)); got < want {
			t.Errorf("ends at %v, want %v", got.Time(), want.Time())
		}
		for i := 1; i < len(times); i++ {
			if d := times[i] - times[i-1]; d != telemetry.Micros(demoStep.Microseconds()) {
				t.Fatalf("%d µs between readings %d and %d: a gap, or two facts of one instant", d, i-1, i)
			}
		}
		if s.packets > len(times)+1 {
			t.Errorf("%d packets were delivered for %d facts", s.packets, len(times))
		}
		if s.largest > demoBatch {
			t.Errorf("%d packets in one delivery", s.largest)
		}
	})
}

func TestDemoFollowsTheDevices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenant := id.New[id.Tenant]()
		stays, comes, goes, foreign := id.New[id.Device](), id.New[id.Device](), id.New[id.Device](), id.New[id.Device]()
		begun := time.Now()
		devices := func() []DemoDevice {
			list := []DemoDevice{{tenant, stays, "taxi-dispatch"}, {tenant, foreign, "not a recording"}}
			if time.Since(begun) < time.Minute {
				return append(list, DemoDevice{tenant, goes, "edge-router"})
			}
			return append(list, DemoDevice{tenant, comes, "edge-router"})
		}
		s := &shelf{facts: make(map[fact]bool)}
		playFor(t, s, 10*time.Minute, devices)
		end := func(d id.Device) time.Duration { times := s.of(d); return times[len(times)-1].Time().Sub(begun) }
		if end(stays) < 9*time.Minute || end(comes) < 9*time.Minute {
			t.Errorf("ends after %v and %v, want about ten minutes", end(stays), end(comes))
		}
		if end(goes) > 2*time.Minute {
			t.Errorf("a device that is gone reported for %v", end(goes))
		}
		if len(s.of(foreign)) != 0 {
			t.Error("a device without a recording reported")
		}
	})
}

func TestEveryDemoSeriesIsCarried(t *testing.T) {
	recordings, err := loadRecordings()
	if err != nil {
		t.Fatal(err)
	}
	if len(recordings) < 5 || len(recordings) != len(DemoSeriesList()) {
		t.Fatalf("carried: %v", slices.Collect(maps.Keys(recordings)))
	}
	for name, r := range recordings {
		if len(r.values) < 2000 || slices.Min(r.values) == slices.Max(r.values) || r.Metric == "" || r.Description == "" {
			t.Errorf("%s: %d values from %v to %v, %+v", name, len(r.values), slices.Min(r.values), slices.Max(r.values), r.DemoSeries)
		}
	}
}

func TestDemoNeedsItsOptions(t *testing.T) {
	if err := RunDemo(t.Context(), DemoOptions{}); !errors.Is(err, ErrDemoOptions) {
		t.Fatalf("got %v", err)
	}
}
