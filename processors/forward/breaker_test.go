package forward

import (
	"testing"
	"time"
)

func TestBreaker(t *testing.T) {
	var b breaker
	now := time.Unix(1e9, 0)
	for i := range breakAfter {
		if left, half := b.wait(now); left != 0 || half {
			t.Fatalf("open after %d failures", i)
		}
		first, until := b.bad(now, "timeout")
		if first != (i == 0) || until.IsZero() != (i < breakAfter-1) {
			t.Errorf("failure %d: %v, %v", i, first, until)
		}
	}
	var longest time.Duration
	for range 20 {
		left, half := b.wait(now)
		if left <= 0 || !half || left > longestOpen*5/4 {
			t.Fatalf("open for %s", left)
		}
		longest = max(longest, left)
		now = now.Add(left)
		if left, half := b.wait(now); left != 0 || !half {
			t.Fatal("no attempt may be made when the time is over")
		}
		b.bad(now, "answer_500")
	}
	if longest < longestOpen*3/4 || b.lastCause() != "answer_500" {
		t.Errorf("never open for longer than %s", longest)
	}
	if !b.good() || b.good() {
		t.Error("closing is no change, or one twice")
	}
	if left, half := b.wait(now); left != 0 || half {
		t.Error("open after a success")
	}
}

func TestRetriesGrowAndLastADay(t *testing.T) {
	var sum, before time.Duration
	n := uint64(1)
	for ; sum < giveUpAfter; n++ {
		wait := retryIn(n, 0)
		if wait < firstRetry*3/4 || wait > longestRetry*5/4 || wait < before/2 {
			t.Errorf("attempt %d waits %s", n, wait)
		}
		sum, before = sum+wait, wait
	}
	if n < 100 || n > 400 {
		t.Errorf("%d attempts in a day", n)
	}
	if retryIn(1, time.Hour) != time.Hour {
		t.Error("what the other side asked for is not heard")
	}
}
