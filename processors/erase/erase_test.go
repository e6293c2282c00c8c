package erase

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// script is a control log and a store that fail where they are told to. Only Run's goroutine touches it while Run runs.
type script struct {
	steps   []string
	pending []Job
	fail    map[string]int // how often a step fails before it succeeds
	stop    func(name string) error
}

func (s *script) step(name string) error {
	s.steps = append(s.steps, name)
	if s.stop != nil {
		if err := s.stop(name); err != nil {
			return err
		}
	}
	if s.fail[name] > 0 {
		s.fail[name]--
		return errors.New("not now")
	}
	return nil
}

func (s *script) options() Options {
	return Options{
		Pending: func() []Job { return slices.Clone(s.pending) },
		Settled: func(context.Context) error { return s.step("settled") },
		Erase: func(_ context.Context, _ id.Tenant, d id.Device) (telemetry.Erased, error) {
			return telemetry.Erased{Readings: 7}, s.step("erase " + string(d))
		},
		Done: func(_ context.Context, _ id.Tenant, d id.Device, e telemetry.Erased) error {
			if err := s.step("done " + string(d)); err != nil {
				return err
			}
			if e.Readings != 7 {
				return errors.New("other counts than the store's")
			}
			s.pending = slices.DeleteFunc(s.pending, func(j Job) bool { return j.Device == d })
			return nil
		},
		Log: slog.New(slog.DiscardHandler),
	}
}

func runFor(t *testing.T, s *script, d time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), d)
		defer cancel()
		if err := Run(ctx, s.options()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestOrderOfAnErasure(t *testing.T) {
	s := &script{pending: []Job{{"t", "one"}, {"t", "two"}}}
	runFor(t, s, time.Minute)
	want := []string{"settled", "erase one", "done one", "erase two", "done two"}
	if !slices.Equal(s.steps, want) {
		t.Fatalf("got %q, want %q", s.steps, want)
	}
}

func TestEveryStepIsTriedAgain(t *testing.T) {
	s := &script{pending: []Job{{"t", "one"}, {"t", "two"}}, fail: map[string]int{"settled": 1, "erase one": 1, "done two": 1}}
	runFor(t, s, 10*time.Minute)
	want := []string{
		"settled",
		"settled", "erase one", "erase two", "done two",
		"settled", "erase one", "done one", "erase two", "done two",
	}
	if !slices.Equal(s.steps, want) || len(s.pending) != 0 {
		t.Fatalf("got %q, pending %v, want %q", s.steps, s.pending, want)
	}
}

func TestNothingPendingTouchesNothing(t *testing.T) {
	s := &script{}
	runFor(t, s, time.Hour)
	if len(s.steps) != 0 {
		t.Fatalf("got %q", s.steps)
	}
	if err := Run(t.Context(), Options{}); !errors.Is(err, ErrOptions) {
		t.Fatalf("without options: %v", err)
	}
}
