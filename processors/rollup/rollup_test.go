package rollup

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"longwave/processors/retry"
)

func TestRoundsKeepTheirDistanceAndBackOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Minute)
		defer cancel()
		var ended, begun []time.Time
		failing := false
		registry := prometheus.NewRegistry()
		err := Run(ctx, Options{
			Rollup: func(ctx context.Context) (int, error) {
				begun = append(begun, time.Now())
				retry.Wait(ctx, 3*time.Second) // longer than the interval
				ended = append(ended, time.Now())
				failing = len(begun) > 5 && len(begun) <= 15
				if failing {
					return 0, errors.New("not now")
				}
				return 4, nil
			},
			Registerer: registry,
			Log:        slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := 1; i < len(begun); i++ {
			gap, want := begun[i].Sub(ended[i-1]), interval
			if i > 5 && i <= 15 { // the round before failed
				want = min(longestPause, interval<<min(i-5, 10))
			}
			if gap != want {
				t.Errorf("before round %d: %v, want %v", i, gap, want)
			}
		}
		succeeded := len(begun) - 10
		if got := gathered(t, registry, "longwave_rollup_windows_total"); got < float64(4*(succeeded-1)) {
			t.Errorf("windows counted: %v of %d rounds", got, succeeded)
		}
		if got := gathered(t, registry, "longwave_rollup_failures_total"); got != 10 {
			t.Errorf("failures counted: %v, want 10", got)
		}
	})
}

func gathered(t *testing.T, g prometheus.Gatherer, name string) float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

func TestRunNeedsItsOptions(t *testing.T) {
	if err := Run(t.Context(), Options{}); !errors.Is(err, ErrOptions) {
		t.Fatalf("got %v", err)
	}
}
