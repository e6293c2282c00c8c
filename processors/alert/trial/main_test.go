package trial

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"longwave/ingest/natsd/natstest"
	"longwave/ingest/telemetry"
	"longwave/processors/alert"
	"longwave/processors/engine/enginetest"
	"longwave/processors/store"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

const second = telemetry.Micros(1_000_000)

func openStore(t testing.TB) *store.Store {
	t.Helper()
	writer, reader := enginetest.Database(t)
	s, err := store.Open(t.Context(), store.Options{Connect: writer, Reader: reader})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func openTrials(t testing.TB, s *store.Store) *Trials {
	t.Helper()
	trials, err := New(func(t id.Tenant) Reader { return s.ForTenant(t) })
	if err != nil {
		t.Fatal(err)
	}
	return trials
}

// fleet is tenants with one rule and some devices each; package alert asks it.
type fleet struct {
	rules   map[id.Tenant]alertrule.Rule
	devices map[id.Tenant][]alertrule.Device
}

func (f *fleet) Changed() <-chan struct{}               { return nil }
func (f *fleet) Rules(t id.Tenant) []alertrule.Rule     { return []alertrule.Rule{f.rules[t]} }
func (f *fleet) Devices(t id.Tenant) []alertrule.Device { return f.devices[t] }

func (f *fleet) Tenants() (list []id.Tenant) {
	for t := range f.rules {
		list = append(list, t)
	}
	return list
}

func (f *fleet) Device(t id.Tenant, name id.Device) (alertrule.Device, bool) {
	for _, d := range f.devices[t] {
		if d.ID == name {
			return d, true
		}
	}
	return alertrule.Device{}, false
}

func (f *fleet) add(r alertrule.Rule, devices int) id.Tenant {
	t := id.New[id.Tenant]()
	r.ID, r.Mode, r.Version = id.New[id.AlertRule](), alertrule.Enabled, 1
	f.rules[t] = r
	for i := range devices {
		f.devices[t] = append(f.devices[t], alertrule.Device{ID: id.New[id.Device](), Name: fmt.Sprintf("device %02d", i)})
	}
	return t
}

// request is what a device sends at once.
type request struct {
	tenant id.Tenant
	lane   telemetry.Lane
	telemetry.Batch
}

// live is the evaluator as it runs in the program, by a clock that the test sets.
type live struct {
	js    jetstream.JetStream
	book  *alert.Book
	clock atomic.Int64
}

func startLive(t *testing.T, f *fleet, start telemetry.Micros) *live {
	t.Helper()
	_, _, js := natstest.Start(t)
	for _, lane := range telemetry.Lanes() {
		if _, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: telemetry.LaneStream(lane), Subjects: []string{telemetry.LaneFilter(lane)}}); err != nil {
			t.Fatal(err)
		}
	}
	l := &live{js: js}
	l.clock.Store(int64(start))
	now := func() time.Time { return telemetry.Micros(l.clock.Load()).Time() }
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	var err error
	if l.book, err = alert.OpenBook(t.Context(), alert.BookOptions{JS: js, Log: log}); err != nil {
		t.Fatal(err)
	}
	v, err := alert.Open(t.Context(), alert.Options{JS: js, Directory: f, Registerer: prometheus.NewRegistry(), Log: log, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() { _ = l.book.Run(t.Context()) })
	group.Go(func() { _ = v.Run(t.Context()) })
	t.Cleanup(group.Wait) // the context of a test ends before
	if !l.comes(v.Active) {
		t.Fatal("it never evaluates")
	}
	return l
}

// comes waits for a condition, far longer than it takes on a busy machine.
func (l *live) comes(holds func() bool) bool {
	for deadline := time.Now().Add(30 * time.Second); !holds(); <-time.After(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}

func (l *live) post(t *testing.T, r *request) {
	t.Helper()
	if _, err := l.js.Publish(t.Context(), telemetry.LaneSubject(r.lane, r.tenant), telemetry.AppendBatch(nil, &r.Batch)); err != nil {
		t.Fatal(err)
	}
}

// recorded is what stands in the log of alerts about each device, oldest first.
func (l *live) recorded(t id.Tenant) map[id.Device][]string {
	all := make(map[id.Device][]string)
	for _, a := range l.book.Find(t, alert.Filter{}) {
		var changes []string
		for _, e := range a.Timeline {
			if e.Change != nil {
				changes = append(changes, words(e.Change))
			}
		}
		all[a.Device] = append(changes, all[a.Device]...) // the latest alert comes first
	}
	return all
}

// words is everything that a change says.
func words(c *alertrule.Change) string {
	plain := *c
	plain.Test = nil
	text := fmt.Sprintf("%+v", plain)
	if c.Test != nil {
		text += fmt.Sprintf(" %+v", *c.Test)
	}
	return text
}

// keep stores requests as the stage that stores does; some of them more than once, as after a redelivery.
func keep(t testing.TB, s *store.Store, random *rand.Rand, requests []*request) {
	t.Helper()
	var b store.Block
	for i, r := range requests {
		b.Add(r.tenant, &r.Batch)
		if random.IntN(20) == 0 {
			again := requests[random.IntN(i+1)]
			b.Add(again.tenant, &again.Batch)
		}
		if random.IntN(300) == 0 || i == len(requests)-1 {
			if err := s.Insert(t.Context(), &b); err != nil {
				t.Fatal(err)
			}
			b.Reset()
		}
	}
}
