package freshness

import (
	"testing"
	"time"
)

func TestOf(t *testing.T) {
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		ago, interval time.Duration
		want          State
	}{
		{0, 10 * time.Second, Live},
		{30 * time.Second, 10 * time.Second, Live},
		{30*time.Second + 1, 10 * time.Second, Late},
		{100 * time.Second, 10 * time.Second, Late},
		{100*time.Second + 1, 10 * time.Second, Silent},
		{-time.Hour, 10 * time.Second, Live}, // its clock runs ahead
		{3 * time.Minute, 0, Live},           // nothing is known of it: a minute
		{4 * time.Minute, 0, Late},
		{time.Hour, -1, Silent},
	} {
		if got := Of(now.Add(-c.ago), c.interval, now); got != c.want {
			t.Errorf("%v after with an interval of %v: %s, want %s", c.ago, c.interval, got, c.want)
		}
	}
	if got := Of(time.Time{}, time.Second, now); got != Never {
		t.Errorf("never heard of: %s", got)
	}
}

func TestExpected(t *testing.T) {
	if Expected(time.Hour, 2.5) != time.Hour || Expected(0, 2.5) != 2500*time.Millisecond || Expected(0, 0) != 0 {
		t.Error("what somebody said does not come before what was learned")
	}
}

// TestDefinition is what static/src/freshness.ts reads.
func TestDefinition(t *testing.T) {
	const want = `{"assumed":60,"late":3,"silent":10,"words":{"disabled":"Disabled","late":"Late","live":"Live","never":"Never seen","silent":"Silent","unknown":"Unknown"}}`
	if got := Definition(); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
