package live

import (
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"longwave/ingest/telemetry"
)

// A subscriber that does not take is given the newest value of each series and told how much it missed; another one,
// at the same time, misses nothing.
func TestSlowSubscriberIsConflated(t *testing.T) {
	b := newBench(t, Options{})
	slow := b.subscribe(north, Filter{}, Cursor{})
	quick := newReader(b, north, "", 1)
	total := maxPendingUpdates + 50
	done := make(chan struct{})
	go func() {
		defer close(done)
		quick.read(t.Context(), total)
	}()
	for n := range total {
		b.publish(telemetry.Standard, north, batch(pump, n))
	}
	<-done
	d := slow.Take()
	if len(d.Updates) != 0 || d.Skipped != total || d.Cursor.seq != uint64(total) {
		t.Fatalf("%d updates, skipped %d, cursor %s; want 0, %d and the end", len(d.Updates), d.Skipped, d.Cursor, total)
	}
	if len(d.Latest) != 1 || d.Latest[0].Device != pump || d.Latest[0].Value.Num != float64(total-1) {
		t.Errorf("latest is %+v, want the last number of the only series", d.Latest)
	}
	if got := testutil.ToFloat64(b.hub.skipped); got != float64(total) {
		t.Errorf("%v packets counted as skipped, want %d", got, total)
	}
	b.publish(telemetry.Standard, north, batch(pump, 7))
	var after Delivery
	eventually(t, "one more", func() bool { after = slow.Take(); return !after.Empty() })
	if got := ids(after.Updates); len(got) != 1 || got[0] != "7" || after.Skipped != 0 {
		t.Errorf("after the overflow came %v, skipped %d; want it whole again", got, after.Skipped)
	}
}

// Newest means device time: a late packet does not push out a newer one.
func TestConflationKeepsTheNewestByDeviceTime(t *testing.T) {
	s := &Subscription{follower: &follower{hub: &Hub{}}, folded: make(map[series]Reading)}
	if err := s.follower.hub.instrument(); err != nil {
		t.Fatal(err)
	}
	newer, late := batch(pump, 1), batch(pump, 2)
	late.Packets[0].Time = newer.Packets[0].Time - 1
	s.fold(newUpdate(telemetry.Bulk, &newer))
	s.fold(newUpdate(telemetry.Bulk, &late))
	if got := s.folded[series{pump, "n"}].Value.Num; got != 1 {
		t.Errorf("the value from %v is kept, want the one that was measured last", got)
	}
}

func TestLastWatcherGoneFreesEverything(t *testing.T) {
	b := newBench(t, Options{Linger: 20 * time.Millisecond})
	first := b.subscribe(north, Filter{Device: pump}, Cursor{})
	second := b.subscribe(north, Filter{}, Cursor{})
	if b.hub.followed() != 1 || b.hub.subscriptions() != 2 {
		t.Fatalf("%d followers, %d subscriptions; want 1 for 2", b.hub.followed(), b.hub.subscriptions())
	}
	eventually(t, "three consumers", func() bool { return b.consumers() == 3 })
	first.Close()
	first.Close() // again, harmlessly
	if b.hub.subscriptions() != 1 {
		t.Errorf("%d subscriptions after one has closed", b.hub.subscriptions())
	}
	second.Close()
	eventually(t, "no follower", func() bool { return b.hub.followed() == 0 })
	eventually(t, "no consumers", func() bool { return b.consumers() == 0 })
	if again := b.subscribe(north, Filter{}, second.Cursor); again.Resumed {
		t.Error("a cursor of the old follower was resumed by the new one")
	}
}

// Whoever comes back within the linger finds the same follower.
func TestLingerKeepsTheCursor(t *testing.T) {
	b := newBench(t, Options{Linger: time.Hour})
	s := b.subscribe(north, Filter{}, Cursor{})
	s.Close()
	b.publish(telemetry.Critical, north, batch(pump, 1))
	var again *Subscription
	eventually(t, "the packet that came meanwhile", func() bool {
		again = b.subscribe(north, Filter{}, s.Cursor)
		return len(again.Backlog) == 1
	})
	if !again.Resumed {
		t.Error("not resumed")
	}
}

func TestShutdownEndsEverySubscription(t *testing.T) {
	b := newBench(t, Options{})
	s := b.subscribe(north, Filter{}, Cursor{})
	b.stop()
	select {
	case <-s.Done():
	default:
		t.Error("the subscription is not done")
	}
	if _, err := b.hub.Subscribe(t.Context(), north, Filter{}, Cursor{}); !errors.Is(err, ErrClosed) {
		t.Errorf("Subscribe returned %v, want ErrClosed", err)
	}
	if _, err := b.hub.Attempts(north, pump, "", nil); !errors.Is(err, ErrClosed) {
		t.Errorf("Attempts returned %v, want ErrClosed", err)
	}
	if got := b.consumers(); got != 0 {
		t.Errorf("%d consumers are left on the server", got)
	}
	s.Close()
}

func TestUndecodableMessageIsPassedOver(t *testing.T) {
	b := newBench(t, Options{})
	s := b.subscribe(north, Filter{}, Cursor{})
	if _, err := b.js.Publish(t.Context(), telemetry.LaneSubject(telemetry.Bulk, north), []byte("no batch")); err != nil {
		t.Fatal(err)
	}
	b.publish(telemetry.Bulk, north, batch(pump, 1))
	var d Delivery
	eventually(t, "the good one", func() bool { d = s.Take(); return !d.Empty() })
	if got := testutil.ToFloat64(b.hub.undecodable); got != 1 || len(d.Updates) != 1 {
		t.Errorf("%v counted as undecodable, %d updates; want 1 and 1", got, len(d.Updates))
	}
}

// What a device sends as text reaches a browser as the same text, whatever is in it.
func TestUpdateIsValidJSON(t *testing.T) {
	one := batch(pump, 1)
	nasty := "\"quoted\" </script> \u2028 \x01 ünï \\"
	one.Packets[0].ID = nasty
	one.Packets[0].Values = []telemetry.Value{
		{Name: nasty, Type: telemetry.Text, Text: nasty}, {Name: "ok", Type: telemetry.Bool, Num: 1}, {Name: "big", Num: 1e300},
	}
	one.Packets = append(one.Packets, telemetry.Packet{ID: "second", Kind: telemetry.KindLogs})
	var got []struct {
		ID     string
		Kind   string
		Lane   string
		Values [][2]any
	}
	encoded := fmt.Sprintf("[%s]", newUpdate(telemetry.Critical, &one).JSON())
	if err := json.Unmarshal([]byte(encoded), &got); err != nil {
		t.Fatalf("%v: %s", err, encoded)
	}
	if got[0].ID != nasty || got[0].Values[0] != [2]any{nasty, nasty} || got[0].Values[1] != [2]any{"ok", true} || got[0].Values[2] != [2]any{"big", 1e300} {
		t.Errorf("first packet came out as %+v", got[0])
	}
	if got[1].Kind != "logs" || got[1].Lane != "critical" || len(got[1].Values) != 0 {
		t.Errorf("second packet came out as %+v", got[1])
	}
}

func TestNewRefusesBadOptions(t *testing.T) {
	if _, err := New(Options{}); err == nil {
		t.Error("a hub without NATS was made")
	}
}
