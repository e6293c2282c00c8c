package processors

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"

	"longwave/ingest/telemetry"
	"longwave/processors/erase"
	"longwave/processors/store"
	"longwave/tenants/id"
)

// register is the part of the control log that erasures are about.
type register struct {
	mu      sync.Mutex
	pending []erase.Job
	done    map[id.Device]telemetry.Erased
}

func (c *register) Pending() []erase.Job {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]erase.Job(nil), c.pending...)
}

func (c *register) Done(_ context.Context, _ id.Tenant, d id.Device, erased telemetry.Erased) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pending = nil
	c.done[d] = erased
	return nil
}

func TestErasureWaitsForWhatIsInTheLanes(t *testing.T) {
	p := newPlant(t)
	tenant, stays, goes := id.New[id.Tenant](), id.New[id.Device](), id.New[id.Device]()
	kept, early, late := batch(stays, 0, 20), batch(goes, 0, 20), batch(goes, 20, 20)
	r, stop := p.start(p.store)
	p.publish(telemetry.Standard, tenant, kept, early)
	p.settled(r)
	stop()

	// The late batch is in the middle of its insert when the device is deleted: too late to be dropped.
	inside, goOn := make(chan struct{}), make(chan struct{})
	var once sync.Once
	p.publish(telemetry.Standard, tenant, late)
	r, _ = p.start(inserter(func(ctx context.Context, b *store.Block) error {
		once.Do(func() { close(inside); <-goOn })
		return p.store.Insert(ctx, b)
	}))
	<-inside
	p.remove(goes, true)
	log := &register{pending: []erase.Job{{Tenant: tenant, Device: goes}}, done: make(map[id.Device]telemetry.Erased)}
	var erased atomic.Bool
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	waiting := make(chan struct{})
	go func() {
		ended <- erase.Run(ctx, erase.Options{
			Pending: log.Pending,
			Settled: func(ctx context.Context) error {
				select {
				case <-waiting:
				default:
					close(waiting)
				}
				return r.Settled(ctx)
			},
			Erase: func(ctx context.Context, t id.Tenant, d id.Device) (telemetry.Erased, error) {
				erased.Store(true)
				return p.store.ForTenant(t).Erase(ctx, d)
			},
			Done: log.Done,
			Log:  slog.New(slog.DiscardHandler),
		})
	}()
	<-waiting
	if erased.Load() {
		t.Error("erased before the lanes were settled")
	}
	close(goOn)
	until(t, "the erasure is done", func() bool { return len(log.Pending()) == 0 })
	cancel()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	p.expectNothing(tenant, goes)
	p.expect(tenant, facts(make(map[fact]bool), kept))
	if got := log.done[goes].Readings; got != 80 {
		t.Errorf("reported as erased: %d readings, want 80", got)
	}
}
