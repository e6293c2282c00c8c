package api

import (
	"context"
	"errors"
	"testing"
	"time"

	"longwave/tenants/id"
)

func TestARoomLeavesOthersTheirHalf(t *testing.T) {
	r := newRoom(100)
	ctx, cancel := context.WithCancel(t.Context())
	noisy, quiet := id.New[id.Tenant](), id.New[id.Tenant]()
	first := stay{tenant: noisy}
	if err := r.enter(ctx, &first, 1000); err != nil || first.bytes != 50 {
		t.Fatalf("a body greater than all took %d: %v", first.bytes, err)
	}
	second := stay{tenant: noisy}
	refused := make(chan error)
	go func() { refused <- r.enter(ctx, &second, 1) }()
	other := stay{tenant: quiet}
	if err := r.enter(ctx, &other, 50); err != nil {
		t.Errorf("the other tenant: %v", err)
	}
	if err := r.raise(&other, 51); err != nil || other.bytes != 50 {
		t.Errorf("more than a half: %d, %v", other.bytes, err)
	}
	cancel()
	if err := <-refused; !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that went away: %v", err)
	}
	for _, s := range []*stay{&first, &second, &other} {
		r.leave(s)
	}
	r.leave(&first) // a second time does nothing
	if len(r.tenants) != 0 || !r.all.TryAcquire(100) {
		t.Errorf("%d tenants are left, or bytes are missing", len(r.tenants))
	}
}

func TestARoomIsNotWaitedForForEver(t *testing.T) {
	r := newRoom(10)
	tenant := id.New[id.Tenant]()
	full, late := stay{tenant: tenant}, stay{tenant: tenant}
	if err := r.enter(t.Context(), &full, 4); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := r.enter(t.Context(), &late, 2); !errors.Is(err, errBusy) || time.Since(began) > 5*roomWithin {
		t.Errorf("refused after %s: %v", time.Since(began), err)
	}
	if err := r.raise(&full, 5); err != nil || full.bytes != 5 {
		t.Errorf("raised to %d: %v", full.bytes, err)
	}
	r.leave(&full)
	r.leave(&late)
}
