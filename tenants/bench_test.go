package tenants

import (
	"fmt"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"longwave/ingest/natsd/natstest"
)

// BenchmarkReplay is the start of the program with 100,000 devices in the control log: made in bulk, a thousand to a
// message, and one by one.
func BenchmarkReplay(b *testing.B) {
	for _, perCommand := range []int{MaxBulk, 1} {
		b.Run(fmt.Sprint(perCommand, " a command"), func(b *testing.B) {
			_, _, js := natstest.Start(b)
			s := start(b, Options{JS: js})
			tenant := claim(b, s).Tenant.ID
			for i := 0; i < MaxDevices; i += perCommand {
				list := make([]NewDevice, perCommand)
				for j := range list {
					list[j] = NewDevice{Name: fmt.Sprintf("pump-%06d", i+j), Labels: map[string]string{"site": fmt.Sprint("hall-", i%50)}}
				}
				if _, err := s.CreateDevices(b.Context(), testActor, tenant, list); err != nil {
					b.Fatal(err)
				}
			}
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var again *Service
			for b.Loop() {
				var err error
				if again, err = Open(b.Context(), Options{JS: js, Log: slog.New(slog.DiscardHandler), Now: time.Now}); err != nil {
					b.Fatal(err)
				}
			}
			runtime.GC()
			runtime.ReadMemStats(&after)
			if n := again.State().DeviceCount(tenant); n != MaxDevices {
				b.Fatalf("%d devices", n)
			}
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/MaxDevices, "B/device")
		})
	}
}

// BenchmarkDeviceByToken asks for the same thousand devices (what a cache holds), and for all of 100,000 (what it does not).
func BenchmarkDeviceByToken(b *testing.B) {
	draft, tokens := draftOf(b, MaxDevices)
	s := &Service{now: time.Now}
	s.state.Store(draft.freeze())
	for _, n := range []int{1000, MaxDevices} {
		b.Run(fmt.Sprint("of ", n), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				if _, err := s.DeviceByToken(tokens[i%n]); err != nil {
					b.Fatal(err)
				}
				i += 101
			}
		})
	}
}

func BenchmarkDigest(b *testing.B) {
	token, _, _ := mintToken(devicePrefix)
	b.ReportAllocs()
	for b.Loop() {
		digestOf(token)
	}
}

// BenchmarkChange is one renamed device among 100,000, with the state given out each time.
func BenchmarkChange(b *testing.B) {
	draft, _ := draftOf(b, MaxDevices)
	_, first, _ := draft.devices.GetAt(0)
	at := stamp{at: time.Now(), tenant: first.Tenant}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		_, d, _ := draft.devices.GetAt((i * 7919) % MaxDevices)
		if err := (deviceRenamed{ID: d.ID, To: fmt.Sprint("renamed ", i)}).apply(draft, at); err != nil {
			b.Fatal(err)
		}
		draft.freeze()
	}
}

func BenchmarkDevicesPage(b *testing.B) {
	draft, _ := draftOf(b, MaxDevices)
	_, first, _ := draft.devices.GetAt(0)
	st := draft.freeze()
	for name, q := range map[string]DeviceQuery{
		"first": {Limit: 50}, "search": {Limit: 50, Search: "hall-7"}, "nothing": {Limit: 50, Search: "no such thing"},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := st.DevicesPage(first.Tenant, q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkHistory is one page of what was changed last.
func BenchmarkHistory(b *testing.B) {
	s, made, _ := claimed(b)
	for i := range 200 {
		mustCreate(b, s, made.Tenant.ID, fmt.Sprint("pump-", i))
	}
	for b.Loop() {
		if page, err := s.History(b.Context(), made.Tenant.ID, HistoryQuery{Limit: 50}); err != nil || len(page.Past) != 50 {
			b.Fatal(len(page.Past), err)
		}
	}
}
