package live

import (
	"encoding/json"
	"testing"

	"longwave/ingest/telemetry"
)

func TestAttemptsReachOnlyWhoMaySeeThem(t *testing.T) {
	b := newBench(t, Options{})
	wake := make(chan struct{}, 1)
	feed, err := b.hub.Attempts(north, pump, "k1", wake)
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	send := func(subject string, status int) {
		data, err := json.Marshal(telemetry.Attempt{Status: status, Detail: "unknown token", Transport: "HTTP"})
		if err != nil {
			t.Fatal(err)
		}
		if err := b.js.Conn().Publish(subject, data); err != nil {
			t.Fatal(err)
		}
	}
	send(telemetry.AttemptSubject(south, pump), 400)
	send(telemetry.AttemptSubject(north, valve), 400)
	send(telemetry.UnattributedSubject("k2"), 400)
	send(telemetry.AttemptSubject(north, pump), 403)
	send(telemetry.UnattributedSubject("k1"), 401)
	var got []Attempt
	eventually(t, "two attempts", func() bool {
		items, _ := feed.Take()
		got = append(got, items...)
		return len(got) >= 2
	})
	byStatus := map[int]bool{}
	for _, a := range got {
		byStatus[a.Status] = a.Attributed
	}
	if attributed, ok := byStatus[403]; !ok || !attributed {
		t.Errorf("the device's own attempt came as %v", byStatus)
	}
	if attributed, ok := byStatus[401]; !ok || attributed {
		t.Errorf("the attempt from the watcher's address came as %v", byStatus)
	}
	if len(got) != 2 || len(wake) != 1 {
		t.Errorf("%d attempts, %d tokens; want the two that may be seen, and one token", len(got), len(wake))
	}
}

func TestRejectedPacketsReachTheirWatcher(t *testing.T) {
	b := newBench(t, Options{})
	feed, err := b.hub.Rejected(north, pump, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	want := telemetry.RejectedPacket{Device: pump, Received: 7, Rejection: telemetry.Rejection{Index: 3, Code: "not_a_value", Detail: "d", Raw: "{"}}
	for _, subject := range []string{telemetry.RejectedSubject(south, pump), telemetry.RejectedSubject(north, pump)} {
		if err := b.js.Conn().Publish(subject, telemetry.EncodeRejected(&want)); err != nil {
			t.Fatal(err)
		}
	}
	var got []telemetry.RejectedPacket
	eventually(t, "a rejected packet", func() bool { got, _ = feed.Take(); return len(got) > 0 })
	if len(got) != 1 || got[0] != want {
		t.Errorf("got %+v, want one %+v", got, want)
	}
}

// A feed that nobody reads keeps the newest and counts the rest.
func TestFeedIsBounded(t *testing.T) {
	f := &Feed[int]{}
	for n := range feedBound + 5 {
		f.offer(n)
	}
	items, skipped := f.Take()
	if len(items) != feedBound || items[0] != 5 || skipped != 5 {
		t.Errorf("%d items from %d on, skipped %d; want %d from 5 on, 5", len(items), items[0], skipped, feedBound)
	}
}
