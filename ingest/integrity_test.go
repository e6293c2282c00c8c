package ingest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/natsd"
	"longwave/ingest/natsd/natstest"
	"longwave/ingest/telemetry"
)

const laneFiles = "jetstream/$G/streams/LANE_STANDARD/msgs"

// damaged fills a lane, stops everything, lets harm do its work on the lane's files and opens it again.
func damaged(t *testing.T, harm func(dir string)) *bench {
	t.Helper()
	dir := t.TempDir()
	b := open(t, dir, nil)
	for n := range 20 {
		b.mustPost(fmt.Sprintf(`{"id":"p%d","values":{"text":"%s"}}`, n, strings.Repeat("x", 1000)))
	}
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.conn.Close()
	if err := b.server.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	harm(filepath.Join(dir, laneFiles))
	again := &bench{t: t}
	again.server, again.conn, again.js = natstest.StartIn(t, natsd.Options{Dir: dir, SyncAlways: true})
	again.reopen(nil)
	return again
}

// flip changes one bit in the middle of the lane's only block.
func flip(t *testing.T, dir string) {
	t.Helper()
	block := filepath.Join(dir, "1.blk")
	data, err := os.ReadFile(block)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(block, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestSoundLaneShowsNoDamage(t *testing.T) {
	b := damaged(t, func(string) {})
	for _, d := range b.Damage() {
		if d.any() || d.Epoch != 0 {
			t.Errorf("%+v", d)
		}
	}
}

func TestFlippedBitIsNoticed(t *testing.T) {
	b := damaged(t, func(dir string) { flip(t, dir) })
	d := b.Damage()[telemetry.Standard]
	if d.Missing+d.Corrupt+d.Truncated == 0 {
		t.Errorf("nothing was noticed: %+v", d)
	}
}

func TestTruncationIsNoticedAndBeginsAnEpoch(t *testing.T) {
	b := damaged(t, func(dir string) {
		flip(t, dir)
		if err := os.Remove(filepath.Join(dir, "index.db")); err != nil {
			t.Fatal(err)
		}
	})
	d := b.Damage()[telemetry.Standard]
	if d.Truncated == 0 || d.Epoch != 1 {
		t.Fatalf("%+v", d)
	}
	b.mustPost(`{"id":"after","values":{"a":1}}`)
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.reopen(nil)
	if d := b.Damage()[telemetry.Standard]; d.any() || d.Epoch != 1 {
		t.Errorf("the next start finds %+v", d)
	}
}

func TestMissingAndCorruptMessagesAreNoticed(t *testing.T) {
	b := open(t, t.TempDir(), nil)
	for n := range 5 {
		b.mustPost(fmt.Sprintf(`{"id":"p%d","values":{"a":1}}`, n))
	}
	stream, err := b.js.Stream(t.Context(), telemetry.LaneStream(telemetry.Standard))
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.DeleteMsg(t.Context(), 3); err != nil {
		t.Fatal(err)
	}
	if _, err := b.js.Publish(t.Context(), telemetry.LaneSubject(telemetry.Standard, "t-acme"), []byte("\x01nonsense that is no batch")); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.reopen(nil)
	if d := b.Damage()[telemetry.Standard]; d.Missing != 1 || d.Corrupt != 1 || d.Truncated != 0 {
		t.Errorf("%+v", d)
	}
}

func TestTrimNeverTakesWhatIsNotProcessed(t *testing.T) {
	b := open(t, t.TempDir(), func(o *Options) { o.LaneBytes = 256 << 10 })
	text := strings.Repeat("x", 4000)
	for n := range 60 { // nearly all that the lane may hold
		b.mustPost(fmt.Sprintf(`{"id":"p%d","values":{"text":"%s"}}`, n, text))
	}
	trim := func(floor uint64) Trimmed {
		t.Helper()
		done, err := b.Trim(t.Context(), telemetry.Standard, floor)
		if err != nil {
			t.Fatal(err)
		}
		return done
	}
	if done := trim(0); done.Messages != 0 || !done.Stuck {
		t.Errorf("nothing is processed: %+v", done)
	}
	if done := trim(5); done.Messages != 5 || !done.Stuck || b.first() != 6 {
		t.Errorf("five are processed: %+v, the lane begins with %d", done, b.first())
	}
	if done := trim(60); done.Messages == 0 || done.Messages > 25 || done.Stuck {
		t.Errorf("all are processed: %+v", done)
	}
	if done := trim(60); done.Messages != 0 {
		t.Errorf("there is room: %+v", done)
	}
	if _, err := b.Trim(t.Context(), telemetry.Standard, 61); !errors.Is(err, ErrFloor) {
		t.Errorf("got %v", err)
	}
	if err := b.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.reopen(func(o *Options) { o.LaneBytes = 256 << 10 })
	if d := b.Damage()[telemetry.Standard]; d.any() {
		t.Errorf("what was trimmed counts as damage: %+v", d)
	}
}

func (b *bench) first() uint64 {
	b.t.Helper()
	var stream jetstream.Stream
	stream, err := b.js.Stream(b.t.Context(), telemetry.LaneStream(telemetry.Standard))
	if err != nil {
		b.t.Fatal(err)
	}
	return stream.CachedInfo().State.FirstSeq
}
