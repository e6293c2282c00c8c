package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"longwave/ingest/telemetry"
)

const subscribeDevice = `{"sub":1,"topic":"device","device":"d-pump"}`

func TestSocketWantsItsOwnOrigin(t *testing.T) {
	b := newLiveBench(t)
	for name, origin := range map[string]string{
		"missing": "", "opaque": "null", "foreign": "https://elsewhere.example", "other port": "http://127.0.0.1:1", "no host": "http://",
	} {
		_, response, err := b.dial(north, origin)
		if err == nil || response == nil || response.StatusCode != http.StatusForbidden {
			t.Errorf("%s origin: %v, %v; want 403", name, response, err)
		}
	}
	first, err := b.open(north).read()
	if err != nil || first.Hello == nil || first.Hello.Version != "v1" {
		t.Errorf("the greeting is %+v, %v", first, err)
	}
}

// The snapshot has what is stored and what only the ring has; then packets follow as they come.
func TestSnapshotThenUpdates(t *testing.T) {
	b := newLiveBench(t)
	b.store.latest = []telemetry.Latest{
		{Metric: "temp", Value: telemetry.Value{Name: "temp", Num: 1}, Time: 5},
		{Metric: "state", Value: telemetry.Value{Name: "state", Type: telemetry.Text, Text: "idle"}, Time: 5},
	}
	b.publish(north, pump, "before")
	b.publish(south, pump, "of another tenant")
	p := b.open(north)
	p.send(subscribeDevice)
	f := p.next()
	if f.Snapshot == nil || f.Snapshot.Incomplete || f.Cursor == "" || len(f.Snapshot.Packets) != 1 || f.Snapshot.Packets[0].ID != "before" {
		t.Fatalf("first frame is %+v", f)
	}
	got := fmt.Sprint(f.Snapshot.Latest)
	if want := "[{temp 21.5 °C} {state idle }]"; got != want {
		t.Errorf("latest values are %s, want %s", got, want)
	}
	b.publish(north, pump, "after")
	if f := p.next(); len(f.Packets) != 1 || f.Packets[0].ID != "after" || f.Skipped != 0 {
		t.Errorf("update is %+v", f)
	}
}

func TestSnapshotSaysThatItIsIncomplete(t *testing.T) {
	b := newLiveBench(t)
	b.store.err = errors.New("the store is down")
	b.publish(north, pump, "live goes on")
	p := b.open(north)
	p.send(subscribeDevice)
	if f := p.next(); f.Snapshot == nil || !f.Snapshot.Incomplete || len(f.Snapshot.Latest) != 1 {
		t.Errorf("snapshot is %+v, want an incomplete one with the value from the ring", f.Snapshot)
	}
}

// A page that lost its connection gets exactly what it missed.
func TestResume(t *testing.T) {
	b := newLiveBench(t)
	p := b.open(north)
	p.send(subscribeDevice)
	p.next()
	b.publish(north, pump, "1")
	cursor := p.next().Cursor
	_ = p.conn.CloseNow()
	for _, packetID := range []string{"2", "3"} {
		b.publish(north, pump, packetID)
	}
	p = b.open(north)
	p.send(`{"sub":9,"topic":"device","device":"d-pump","cursor":"` + cursor + `"}`)
	b.publish(north, pump, "4")
	var got []string
	for first := true; len(got) < 3; first = false {
		f := p.next()
		if f.Sub != 9 || f.Snapshot != nil || f.Resumed != first {
			t.Fatalf("frame is %+v, want a continuation", f)
		}
		for _, packet := range f.Packets {
			got = append(got, packet.ID)
		}
	}
	if strings.Join(got, " ") != "2 3 4" {
		t.Errorf("after resuming came %v, want 2 3 4", got)
	}
}

// A device of another tenant is answered exactly like one that does not exist.
func TestForeignDeviceIsUnknown(t *testing.T) {
	b := newLiveBench(t)
	p := b.open(north)
	for _, topic := range []string{"device", "attempts"} {
		var answers []serverFrame
		for _, device := range []string{"d-foreign", "d-nobody", "*", ""} {
			p.send(fmt.Sprintf(`{"sub":1,"topic":%q,"device":%q}`, topic, device))
			answers = append(answers, p.next())
		}
		for i, answer := range answers {
			if answer.Error == nil || answer.Error.Code != "not_found" || *answer.Error != *answers[0].Error {
				t.Errorf("%s, device %d: answer is %+v", topic, i, answer)
			}
		}
	}
}

func TestDevicesTopicNamesOwnDevicesOnly(t *testing.T) {
	b := newLiveBench(t)
	b.store.activity = []telemetry.Activity{{Device: pump, LastSeen: 5}, {Device: "d-other", LastSeen: 6}}
	p := b.open(north)
	p.send(`{"sub":2,"topic":"devices","devices":["d-pump","d-foreign"]}`)
	if f := p.next(); f.Snapshot == nil || len(f.Snapshot.Devices) != 1 || f.Snapshot.Devices[0].Device != "d-pump" {
		t.Fatalf("snapshot is %+v, want d-pump alone", f.Snapshot)
	}
	b.publish(south, foreign, "1")
	b.publish(north, "d-other", "2")
	b.publish(north, pump, "3")
	if f := p.next(); len(f.Devices) != 1 || f.Devices[0].Device != "d-pump" {
		t.Errorf("update is %+v, want d-pump alone", f)
	}
}

func TestAttemptsAndRejectedAreShown(t *testing.T) {
	b := newLiveBench(t)
	p := b.open(north)
	p.send(subscribeDevice)
	p.send(`{"sub":3,"topic":"attempts","device":"d-pump"}`)
	for range 2 {
		if f := p.next(); f.Snapshot == nil {
			t.Fatalf("frame is %+v, want a snapshot", f)
		}
	}
	attempt, err := json.Marshal(telemetry.Attempt{Status: 401})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.js.Conn().Publish(telemetry.UnattributedSubject("k1"), attempt); err != nil {
		t.Fatal(err)
	}
	if f := p.next(); f.Sub != 3 || len(f.Attempts) != 1 || f.Attempts[0].Status != 401 || f.Attempts[0].Attributed {
		t.Errorf("frame is %+v, want the attempt from this address", f)
	}
	refused := telemetry.EncodeRejected(&telemetry.RejectedPacket{Device: pump, Rejection: telemetry.Rejection{Code: "not_a_value"}})
	if err := b.js.Conn().Publish(telemetry.RejectedSubject(north, pump), refused); err != nil {
		t.Fatal(err)
	}
	if f := p.next(); f.Sub != 1 || len(f.Rejected) != 1 || f.Rejected[0].Code != "not_a_value" || f.Cursor != "" {
		t.Errorf("frame is %+v, want the rejected packet", f)
	}
}

// However fast packets come, a browser is sent at most ten messages of data a second, and nothing is missing in them.
func TestUpdatesAreCoalesced(t *testing.T) {
	b := newLiveBench(t)
	p := b.open(north)
	p.send(subscribeDevice)
	p.next()
	const total = 200
	began := time.Now()
	go func() {
		for n := range total {
			b.publish(north, pump, fmt.Sprint(n))
		}
	}()
	seen, frames := 0, 0
	for seen < total {
		f := p.next()
		frames++
		for _, packet := range f.Packets {
			if packet.ID != fmt.Sprint(seen) {
				t.Fatalf("packet %s came where %d was due", packet.ID, seen)
			}
			seen++
		}
	}
	if most := 2 + int(time.Since(began)/flushEvery); frames > most {
		t.Errorf("%d messages in %v, want at most %d", frames, time.Since(began), most)
	}
}

func TestUnsubscribeEndsATopic(t *testing.T) {
	b := newLiveBench(t)
	p := b.open(north)
	p.send(subscribeDevice)
	p.next()
	p.send(`{"unsub":1}`)
	p.send(`{"sub":2,"topic":"devices"}`)
	p.next()
	b.publish(north, pump, "1")
	if f := p.next(); f.Sub != 2 {
		t.Errorf("frame is %+v, want one of the second subscription only", f)
	}
}

func TestNonsenseClosesTheSocket(t *testing.T) {
	b := newLiveBench(t)
	for _, frame := range []string{"hello", `{}`, `{"sub":1,"unsub":1}`, `{"sub":-1}`} {
		p := b.open(north)
		p.send(frame)
		if code := p.closed(); code != websocket.StatusPolicyViolation {
			t.Errorf("%s: closed with %d, want 1008", frame, code)
		}
	}
	p := b.open(north)
	p.send(`{"sub":1,"topic":"everything"}`)
	if f := p.next(); f.Error == nil || f.Error.Code != "unknown_topic" {
		t.Errorf("an unknown topic is answered with %+v", f)
	}
}

// Every packet is counted once, whoever sent it, and none of another tenant.
func TestRateCountsWhatArrives(t *testing.T) {
	b := newLiveBench(t)
	b.publish(north, pump, "before")
	p := b.open(north)
	p.send(`{"sub":1,"topic":"rate"}`)
	if f := p.next(); f.Snapshot == nil || f.Arrived != 0 {
		t.Fatalf("first frame is %+v", f)
	}
	b.publish(south, pump, "of another tenant")
	for _, name := range []string{"one", "two", "three"} {
		b.publish(north, pump, name)
	}
	for sum := 0; sum != 3; {
		if sum += p.next().Arrived; sum > 3 {
			t.Fatalf("%d packets were counted", sum)
		}
	}
}
