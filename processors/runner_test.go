package processors

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"longwave/ingest/telemetry"
	"longwave/processors/engine"
	"longwave/processors/engine/enginetest"
	"longwave/processors/store"
	"longwave/tenants/id"
)

func TestEngineKilledUnderLoadLosesAndDoublesNothing(t *testing.T) {
	o, err := enginetest.Options(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := e.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	p := newPlantOn(t, e.Connect(), e.ConnectReader())
	tenant := id.New[id.Tenant]()

	var calls, failures atomic.Int32
	killing := inserter(func(ctx context.Context, b *store.Block) error {
		child := e.Health().PID // 0 while it is being restarted, which for kill would mean this very program
		if n := calls.Add(1); n%3 == 2 && n < 12 && child > 0 {
			go syscall.Kill(child, syscall.SIGKILL) // somewhere in the middle of this insert
		}
		err := p.store.Insert(ctx, b)
		if err != nil {
			failures.Add(1)
		}
		return err
	})
	r, _ := p.start(killing)
	want := make(map[fact]bool)
	for failures.Load() < 2 && calls.Load() < 100 { // keep the lanes filled until it hurt more than once
		for f := range p.load(tenant, 60) {
			want[f] = true
		}
	}
	p.settled(r)
	p.expect(tenant, want)
	if failures.Load() == 0 || e.Health().Restarts == 0 {
		t.Error("no insert failed: this proved nothing")
	}
	t.Logf("%d facts, %d inserts, %d of them failed, %d restarts", len(want), calls.Load(), failures.Load(), e.Health().Restarts)
}

func TestStoppingLosesNothing(t *testing.T) {
	p := newPlant(t)
	tenant := id.New[id.Tenant]()
	want := p.load(tenant, 300)

	// The first Runner is stopped in the middle of its first insert, which succeeds: what it has in hand is settled.
	inside, goOn := make(chan struct{}, 3), make(chan struct{})
	_, stop := p.start(inserter(func(ctx context.Context, b *store.Block) error {
		inside <- struct{}{}
		<-goOn
		return p.store.Insert(ctx, b)
	}))
	<-inside
	stopped := make(chan struct{})
	go func() { stop(); close(stopped) }()
	close(goOn)
	<-stopped

	// The second one cannot store, and is stopped while it tries: what it has in hand is put back at once.
	tried := make(chan struct{}, 1)
	p.load(tenant, 0)
	for f := range p.load(tenant, 30) {
		want[f] = true
	}
	_, stop = p.start(inserter(func(context.Context, *store.Block) error {
		select {
		case tried <- struct{}{}:
		default:
		}
		return store.ErrUnavailable
	}))
	<-tried
	stop()

	begun := time.Now()
	r, _ := p.start(p.store)
	p.settled(r)
	if took := time.Since(begun); took > ackWait/2 {
		t.Errorf("the rest took %v: it was not put back", took)
	}
	p.expect(tenant, want)
}

func TestTwoRunnersShareTheLanes(t *testing.T) {
	p := newPlant(t)
	tenant := id.New[id.Tenant]()
	var first, second atomic.Int32
	counting := func(n *atomic.Int32) Inserter {
		return inserter(func(ctx context.Context, b *store.Block) error {
			n.Add(int32(b.Packets()))
			return p.store.Insert(ctx, b)
		})
	}
	r, _ := p.start(counting(&first))
	p.start(counting(&second))
	want := make(map[fact]bool)
	until(t, "both have work", func() bool {
		for f := range p.load(tenant, 50) {
			want[f] = true
		}
		return first.Load() > 0 && second.Load() > 0
	})
	p.settled(r)
	p.expect(tenant, want)
}

func TestStoreDownThenDrained(t *testing.T) {
	p := newPlant(t)
	tenant := id.New[id.Tenant]()
	var up atomic.Bool
	var attempts atomic.Int32
	r, _ := p.start(inserter(func(ctx context.Context, b *store.Block) error {
		if attempts.Add(1); !up.Load() {
			return store.ErrUnavailable
		}
		return p.store.Insert(ctx, b)
	}))
	want := p.load(tenant, 100)
	until(t, "every lane has tried and tried again", func() bool { return attempts.Load() > 9 })
	lags, err := r.Lag(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	behind := uint64(0)
	for _, lag := range lags {
		behind += lag.Messages
		if lag.Seconds <= 0 || lag.Seconds > patience.Seconds() || lag.Consumer != storeConsumer {
			t.Errorf("lag %+v", lag)
		}
	}
	if behind != 100 {
		t.Errorf("%d messages behind, want 100", behind)
	}
	up.Store(true)
	p.settled(r)
	p.expect(tenant, want)
	if lags, err = r.Lag(t.Context()); err != nil || lags[0].Messages+lags[1].Messages+lags[2].Messages != 0 {
		t.Errorf("afterwards: %+v, %v", lags, err)
	}
}

func TestConsumerDeletedIsMadeAgain(t *testing.T) {
	p := newPlant(t)
	tenant := id.New[id.Tenant]()
	r, _ := p.start(p.store)
	want := p.load(tenant, 20)
	p.settled(r)
	for _, lane := range telemetry.Lanes() {
		if err := p.js.DeleteConsumer(t.Context(), telemetry.LaneStream(lane), storeConsumer); err != nil {
			t.Fatal(err)
		}
	}
	for f := range p.load(tenant, 20) {
		want[f] = true
	}
	p.settled(r)
	p.expect(tenant, want)
}

func TestNewNamesWhatIsMissing(t *testing.T) {
	if _, err := New(Options{Log: slog.New(slog.DiscardHandler)}); !errors.Is(err, ErrOptions) {
		t.Fatalf("got %v", err)
	}
}
