package web

import (
	"math"
	"testing"
	"time"
)

func TestNumbers(t *testing.T) {
	for value, want := range map[float64]string{
		0: "0", 21.5: "21.5", 1480: "1,480", -3.25: "-3.25", 118.04: "118.04", 1234567: "1,234,567", 0.1 + 0.2: "0.3", 1e-7: "1e-07",
		2e12: "2e+12", 99.99999: "100", math.MaxFloat64: "1.79769e+308", 1000000: "1,000,000", 0.001: "0.001",
	} {
		if got := number(value); got != want {
			t.Errorf("%g is written %q, want %q", value, got, want)
		}
	}
}

func TestCounts(t *testing.T) {
	for n, want := range map[uint64]string{0: "0 readings", 1: "1 reading", 1200: "1,200 readings", 3_100_000: "3.1 million readings", 2_000_000_000: "2 billion readings"} {
		if got := count(n, "reading", "readings"); got != want {
			t.Errorf("%d is written %q, want %q", n, got, want)
		}
	}
	for n, want := range map[uint64]string{12: "12 B", 3_200_000_000: "3.2 GB", 1000: "1 kB"} {
		if got := bytesText(n); got != want {
			t.Errorf("%d bytes are written %q, want %q", n, got, want)
		}
	}
}

func TestIntervals(t *testing.T) {
	for text, want := range map[string]time.Duration{"": 0, "10": 10 * time.Second, "10 s": 10 * time.Second, "1.5 min": 90 * time.Second, "2h": 2 * time.Hour, "1 day": 24 * time.Hour} {
		if got, err := parseInterval(text); err != nil || got != want {
			t.Errorf("%q is %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"often", "-1 s", "1 fortnight", "s", "1e99 days", "99999999999999999999999 days", "1.2.3 s", "²"} {
		if got, err := parseInterval(text); err == nil {
			t.Errorf("%q is taken for %v", text, got)
		}
	}
}

func TestAges(t *testing.T) {
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	for since, want := range map[time.Duration]string{
		0: "now", 12 * time.Second: "12 s ago", 90 * time.Second: "1 min ago", 3 * time.Hour: "3 h ago", 25 * time.Hour: "2026-11-19 09:00", -time.Minute: "1 min ahead", -3 * time.Hour: "3 h ahead",
	} {
		if got := age(now.Add(-since), now); got != want {
			t.Errorf("%v ago is written %q, want %q", since, got, want)
		}
	}
}

func TestCapitalsLeaveQuotesWhole(t *testing.T) {
	for text, want := range map[string]string{"": "", "x": "X", "“often” is": "“often” is", "élan": "Élan"} {
		if got := capital(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
