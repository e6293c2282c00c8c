package web

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

func TestActivityIsReadOnceForPagesAtTheSameTime(t *testing.T) {
	now := time.Unix(1000, 0)
	var reads atomic.Int32
	asked, answer := make(chan struct{}, 1), make(chan struct{})
	a := newActivities(nil, func() time.Time { return now })
	a.read = func(context.Context, id.Tenant) (activity, error) {
		reads.Add(1)
		asked <- struct{}{}
		<-answer
		return activity{"d-1": telemetry.Activity{Device: "d-1"}}, nil
	}
	impatient, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, err := a.of(impatient, "t-1")
		left <- err
	}()
	<-asked
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that left got %v", err)
	}
	close(answer)
	for range 3 {
		if got, err := a.of(t.Context(), "t-1"); err != nil || len(got) != 1 {
			t.Fatalf("%v, %v", got, err)
		}
	}
	if got := reads.Load(); got != 1 {
		t.Errorf("the storage was asked %d times", got)
	}
	now = now.Add(activityFor)
	if _, err := a.of(t.Context(), "t-1"); err != nil || reads.Load() != 2 {
		t.Errorf("an old answer was used again: %d reads, %v", reads.Load(), err)
	}
}

func TestActivityKeepsNoErrorsAndFewTenants(t *testing.T) {
	down := errors.New("down")
	a := newActivities(nil, time.Now)
	a.read = func(context.Context, id.Tenant) (activity, error) { return nil, down }
	if _, err := a.of(t.Context(), "t-1"); !errors.Is(err, down) {
		t.Errorf("the error is %v", err)
	}
	a.read = func(context.Context, id.Tenant) (activity, error) { return activity{}, nil }
	if _, err := a.of(t.Context(), "t-1"); err != nil {
		t.Errorf("the error was kept: %v", err)
	}
	for range 3 * maxActivities {
		if _, err := a.of(t.Context(), id.New[id.Tenant]()); err != nil {
			t.Fatal(err)
		}
	}
	if len(a.known) > maxActivities {
		t.Errorf("%d tenants are remembered", len(a.known))
	}
}
