package store

import (
	"context"
	"errors"
	"math"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"longwave/ingest/telemetry"
	"longwave/processors/engine"
	"longwave/processors/engine/enginetest"
)

func TestRefusedData(t *testing.T) {
	s, tenant, d := openStore(t), newTenant(), newDevice()
	for _, v := range []float64{math.NaN(), math.Inf(1)} {
		var b Block
		b.Add(tenant, batch(d, packet(noon(), number("temp", v))))
		if err := s.Insert(t.Context(), &b); !errors.Is(err, ErrRefused) || errors.Is(err, ErrUnavailable) {
			t.Errorf("%v: got %v, want ErrRefused", v, err)
		}
	}
	if n, err := s.ForTenant(tenant).Count(t.Context(), d); err != nil || n.Readings != 0 {
		t.Errorf("%d readings, %v", n.Readings, err)
	}
}

// An engine that is killed makes inserts fail for a retry, questions fail as unavailable, and comes back with its data.
func TestKilledEngineIsRetryable(t *testing.T) {
	dir := t.TempDir()
	o, err := enginetest.Options(dir)
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := e.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	connect := e.Connect()
	connect.Auth.Database = "longwave" // created by Open
	s, err := Open(t.Context(), Options{Connect: connect})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	tenant, d := newTenant(), newDevice()
	insert(t, s, tenant, batch(d, packet(noon(), number("temp", 1))))

	child, err := os.FindProcess(e.Health().PID)
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	var b Block
	b.Add(tenant, batch(d, packet(noon()+minute, number("temp", 2))))
	failures := 0
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	for {
		err := s.Insert(ctx, &b)
		if err == nil {
			break
		}
		if failures++; errors.Is(err, ErrRefused) || !errors.Is(err, ErrUnavailable) {
			t.Fatalf("got %v, want ErrUnavailable", err)
		}
		if ctx.Err() != nil {
			t.Fatal("the engine did not come back")
		}
	}
	n, err := s.ForTenant(tenant).Count(t.Context(), d)
	if err != nil || n != (telemetry.Erased{Readings: 2}) {
		t.Errorf("got %+v, %v after %d failures; want both readings once", n, err, failures)
	}
}

func TestQuestionsAreBounded(t *testing.T) {
	s, tenant := openStore(t), newTenant()
	var leaves []func()
	for range maxQuestions {
		leave, err := s.gates.enter(t.Context(), tenant)
		if err != nil {
			t.Fatal(err)
		}
		leaves = append(leaves, leave)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := s.ForTenant(tenant).Count(ctx, newDevice()); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v, want ErrBusy", err)
	}
	if _, err := s.ForTenant(newTenant()).Count(t.Context(), newDevice()); err != nil {
		t.Errorf("another tenant must not notice: %v", err)
	}
	for _, leave := range leaves {
		leave()
	}
	if _, err := s.ForTenant(tenant).Count(t.Context(), newDevice()); err != nil {
		t.Errorf("after the others left: %v", err)
	}
	if n := len(s.gates.open); n != 0 {
		t.Errorf("%d gates stay open for nobody", n)
	}
}

func TestInvalidQuestions(t *testing.T) {
	s, tenant, d := openStore(t), newTenant(), newDevice()
	r := s.ForTenant(tenant)
	if _, err := r.Series(t.Context(), telemetry.SeriesQuery{Device: d, Metric: "temp", From: 0, To: 1}); !errors.Is(err, ErrInvalid) {
		t.Errorf("no points: got %v", err)
	}
	if got, err := r.Series(t.Context(), telemetry.SeriesQuery{Device: d, Metric: "temp", From: 2, To: 1, MaxPoints: 5}); err != nil || len(got.Points) != 0 {
		t.Errorf("an empty range: %+v, %v", got, err)
	}
	if _, err := Open(t.Context(), Options{}); err == nil {
		t.Error("options without a connection were taken")
	}
}

func TestEachStopsWhenToldTo(t *testing.T) {
	s, tenant, d := openStore(t), newTenant(), newDevice()
	insert(t, s, tenant, batch(d, packet(noon(), number("temp", 1)), packet(noon()+1, number("temp", 2))))
	enough := errors.New("enough")
	seen := 0
	err := s.ForTenant(tenant).Each(t.Context(), telemetry.SeriesQuery{Device: d, Metric: "temp", From: noon(), To: noon() + hour}, func(telemetry.Point) error {
		seen++
		return enough
	})
	if !errors.Is(err, enough) || seen != 1 {
		t.Errorf("got %v after %d readings", err, seen)
	}
}

func TestHeavyQuestionsEnd(t *testing.T) {
	s, tenant := openStore(t), newTenant()
	r := s.ForTenant(tenant)
	ignore := func(driver.Rows) error { return nil }
	for name, q := range map[string]question{
		"memory": {name: "memory", sql: "SELECT length(groupArray(number)) FROM numbers(1000000000)"},
		"time":   {name: "time", sql: "SELECT sum(cityHash64(number)) FROM numbers(100000000000)", timeout: 1500 * time.Millisecond},
	} {
		start := time.Now()
		if err := r.ask(t.Context(), q, ignore); !errors.Is(err, ErrTooHeavy) {
			t.Errorf("%s: got %v, want ErrTooHeavy", name, err)
		}
		if took := time.Since(start); took > questionTimeout {
			t.Errorf("%s: took %v", name, took)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	err := r.ask(ctx, question{name: "gone", sql: "SELECT sum(cityHash64(number)) FROM numbers(100000000000)"}, ignore)
	if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, ErrTooHeavy) {
		t.Errorf("a caller that goes away: got %v", err)
	}
}
