package tenants

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/natsd/natstest"
	"longwave/tenants/id"
)

// BenchmarkStart is the start of the program with 100,000 devices and a million events, each its own message: from the
// log alone, and from a snapshot with as many messages behind it as there ever are.
func BenchmarkStart(b *testing.B) {
	const events = 1_000_000
	server, _, js := natstest.Start(b)
	if _, err := js.CreateStream(b.Context(), streamConfig(1)); err != nil {
		b.Fatal(err)
	}
	author := &author{b: b, js: js, state: new(State), chain: newChain(foldWindow, 0, digest{})}
	author.write(events - snapshotEvery)
	dir := b.TempDir()
	begin := time.Now()
	if err := writeSnapshot(dir, author.state.freeze()); err != nil {
		b.Fatal(err)
	}
	b.Logf("snapshot written in %v", time.Since(begin))
	author.write(snapshotEvery)
	for name, dir := range map[string]string{"from the log": "", "from a snapshot": dir} {
		b.Run(name, func(b *testing.B) {
			var before, after runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			var s *Service
			cpu := cpuTime(b)
			for b.Loop() {
				s = opened(b, Options{JS: js, SnapshotDir: dir})
			}
			b.ReportMetric((cpuTime(b)-cpu).Seconds()/float64(b.N), "cpu-s/op")
			runtime.GC()
			runtime.ReadMemStats(&after)
			if n := s.State().devices.Len(); n != MaxDevices || s.State().seq != events {
				b.Fatalf("%d devices at %d", n, s.State().seq)
			}
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "MB")
			if info, err := os.Stat(filepath.Join(dir, snapshotFile)); dir != "" && err == nil {
				b.ReportMetric(float64(info.Size())/1e6, "snapshot-MB")
			}
		})
	}
	b.Run("verify", func(b *testing.B) {
		for b.Loop() {
			if _, err := VerifyChain(b.Context(), js, []Anchor{author.state.anchor()}); err != nil {
				b.Fatal(err)
			}
		}
	})
	// Last: who is connected needs a while to notice.
	b.Run("broker stopped and started", func(b *testing.B) {
		for b.Loop() {
			if err := server.Restart(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// cpuTime is what this process has used: what a start costs, also on a machine that is busy with something else.
func cpuTime(b *testing.B) time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		b.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// author writes a log without asking anybody, which is faster than commands are.
type author struct {
	b       *testing.B
	js      jetstream.JetStream
	state   *State
	chain   *chain
	tenants []id.Tenant
	devices []id.Device
	written int
}

const authorTenants = 10

// write makes ten tenants, then the devices, and then changes them in turn.
func (a *author) write(n int) {
	for range n {
		subject, e := platformSubject, event(nil)
		device := a.written - authorTenants
		switch {
		case device < 0:
			tenant := id.New[id.Tenant]()
			a.tenants = append(a.tenants, tenant)
			e = tenantCreated{ID: tenant, Name: fmt.Sprint("Plant ", a.written), Owner: "p-1"}
		case device < MaxDevices:
			_, public, sum := mintToken(devicePrefix)
			d := id.New[id.Device]()
			a.devices = append(a.devices, d)
			subject = tenantSubject(a.tenants[device%authorTenants])
			e = deviceCreated{
				ID: d, Name: fmt.Sprintf("pump-%06d", device), Labels: map[string]string{"site": fmt.Sprint("hall-", device%50)},
				Token: tokenIssued{ID: public, Sum: sum[:]},
			}
		default:
			subject = tenantSubject(a.tenants[device%authorTenants])
			e = a.change(device)
		}
		a.append(subject, e)
	}
	select {
	case <-a.js.PublishAsyncComplete():
	case <-time.After(time.Minute):
		a.b.Fatal("the log was not written")
	}
}

func (a *author) change(i int) event {
	d := a.devices[i%MaxDevices]
	switch turn := i / MaxDevices; turn % 4 {
	case 0:
		return deviceSwitched{ID: d, Disabled: turn%8 == 0}
	case 1:
		return deviceLabelled{ID: d, To: map[string]string{"site": fmt.Sprint("hall-", i%50), "line": fmt.Sprint(turn)}}
	case 2:
		_, public, sum := mintToken(devicePrefix)
		return tokenRotated{ID: d, Token: tokenIssued{ID: public, Sum: sum[:]}, OldUntil: time.Now().Add(time.Hour)}
	default:
		return deviceRenamed{ID: d, To: fmt.Sprintf("pump-%06d-%d", i%MaxDevices, turn)}
	}
}

func (a *author) append(subject string, e event) {
	a.written++
	data, err := encodeCommand(envelope{At: time.Now().UTC(), Actor: testActor, After: a.state.link(subject)}, []event{e})
	if err == nil {
		err = fold(a.state, a.chain, message{subject: subject, seq: a.state.seq + 1, data: data})
	}
	if err == nil {
		_, err = a.js.PublishAsync(subject, data, jetstream.WithStallWait(time.Minute))
	}
	if err != nil {
		a.b.Fatal(err)
	}
}

// BenchmarkSnapshot is what a snapshot of 100,000 devices costs to write and to read, without the broker.
func BenchmarkSnapshot(b *testing.B) {
	draft, _ := draftOf(b, MaxDevices)
	dir := b.TempDir()
	b.Run("write", func(b *testing.B) {
		for b.Loop() {
			if err := writeSnapshot(dir, draft); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("read", func(b *testing.B) {
		for b.Loop() {
			if _, err := readSnapshot(dir); err != nil {
				b.Fatal(err)
			}
		}
	})
}
