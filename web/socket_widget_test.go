package web

import (
	"fmt"
	"testing"

	"longwave/ingest/telemetry"
)

const subscribeWidget = `{"sub":5,"topic":"widget","dashboard":"b-1","widget":"w1"}`

// Pages that look at the same widget share what is asked of the storage, and each hears everything: those that come late too.
func TestPagesShareAWidget(t *testing.T) {
	b := newLiveBench(t)
	b.store.latest = []telemetry.Latest{{Metric: "temp", Value: telemetry.Value{Name: "temp", Num: 1}, Time: 5}}
	b.publish(north, pump, "before")
	pages := []*client{b.open(north), b.open(north), b.open(north)}
	for i, p := range pages {
		p.send(subscribeWidget)
		f := p.next()
		if f.Snapshot == nil || f.Snapshot.Incomplete || f.Snapshot.Since == 0 || len(f.Snapshot.Points) == 0 {
			t.Fatalf("page %d begins with %+v", i, f)
		}
		if got := fmt.Sprint(f.Snapshot.Points[len(f.Snapshot.Points)-1][:2], f.Snapshot.Points[len(f.Snapshot.Points)-1][3]); got != "[d-pump temp] 21.5" {
			t.Errorf("page %d: the newest point is %s", i, got)
		}
	}
	b.publish(north, foreign, "of another device")
	b.publish(north, pump, "after")
	for i, p := range pages {
		if f := p.next(); len(f.Points) != 1 || f.Points[0][0] != "d-pump" || f.Sub != 5 {
			t.Errorf("page %d hears %+v", i, f)
		}
	}
	late := b.open(north)
	late.send(subscribeWidget)
	if f := late.next(); f.Snapshot == nil || len(f.Snapshot.Points) < 3 { // the newest, and both of the last minute
		t.Errorf("who comes late gets %+v", f)
	}
	if asked := b.store.latestOf.Load(); asked != 1 {
		t.Errorf("the storage was asked %d times", asked)
	}
}

func TestWidgetOfAnotherTenant(t *testing.T) {
	b := newLiveBench(t)
	p := b.open(south)
	p.send(subscribeWidget)
	if f := p.next(); f.Error == nil || f.Error.Code != "not_found" {
		t.Errorf("a foreign widget answers %+v", f)
	}
}
