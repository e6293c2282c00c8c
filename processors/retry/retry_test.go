package retry

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

func TestBackoff(t *testing.T) {
	for failures, want := range map[int]time.Duration{0: 1, 1: 1, 2: 2, 4: 8, 5: 10, 6: 10, 1 << 40: 10} {
		if got := Backoff(time.Second, 10*time.Second, failures); got != want*time.Second {
			t.Errorf("after %d failures: %s, want %ds", failures, got, want)
		}
	}
	if got := Backoff(time.Minute, time.Second, 1); got != time.Second {
		t.Errorf("the longest is exceeded: %s", got)
	}
}

func TestPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for failures, most := range map[int]time.Duration{1: first, 3: 4 * first, 100: longest} {
			begun := time.Now()
			Pause(t.Context(), failures)
			if took := time.Since(begun); took < most/2 || took > most {
				t.Errorf("after %d failures: %s, want between %s and %s", failures, took, most/2, most)
			}
		}
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begun := time.Now()
		Wait(ctx, time.Hour)
		if took := time.Since(begun); took != time.Second {
			t.Errorf("waited for %s", took)
		}
	})
}
