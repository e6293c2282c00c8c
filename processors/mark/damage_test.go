package mark

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/natsd"
	"longwave/ingest/natsd/natstest"
	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

const patience = 90 * time.Second // far above what anything here takes on a busy machine

// reader is a Keeper that tells of what it passed over.
func reader(t *testing.T, js jetstream.JetStream, passed chan<- uint64) *Keeper {
	return &Keeper{
		JS: js, Lane: telemetry.Standard, Clock: MachineClock(), Every: 20 * time.Millisecond, Log: slog.New(slog.DiscardHandler),
		Rewound:    func(why Doubt) { t.Errorf("the consumer was made anew: %q", why) },
		Unreadable: func(number uint64) { passed <- number },
		Consumer: jetstream.ConsumerConfig{
			Durable: "reader", AckPolicy: jetstream.AckExplicitPolicy, AckWait: time.Second, MaxDeliver: -1,
			FilterSubject: telemetry.LaneFilter(telemetry.Standard),
		},
	}
}

// leaveDamage delivers three messages, settles the first, and damages the second one while the broker is stopped.
func leaveDamage(ctx context.Context, t *testing.T, dir, subject string) {
	t.Helper()
	broker, _, js := natstest.StartIn(t, natsd.Options{Dir: dir})
	stream := telemetry.LaneStream(telemetry.Standard)
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: stream, Subjects: []string{telemetry.LaneFilter(telemetry.Standard)}}); err != nil {
		t.Fatal(err)
	}
	consumer, err := reader(t, js, nil).Find(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for number := 1; number <= 3; number++ {
		if _, err := js.Publish(ctx, subject, fmt.Append(nil, "needle-", number)); err != nil {
			t.Fatal(err)
		}
		m, err := consumer.Next()
		if err == nil && number == 1 {
			err = m.DoubleAck(ctx)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := js.DeleteKeyValue(ctx, Bucket); err != nil { // with a mark, the start would make the consumer anew
		t.Fatal(err)
	}
	if err := broker.Close(ctx); err != nil {
		t.Fatal(err)
	}
	damage(t, filepath.Join(dir, "jetstream", "$G", "streams", stream, "msgs"), "needle-2")
}

// TestDamagedMessageIsPassedOver has a message that was delivered become unreadable: NATS would try to deliver it again for
// ever, and nothing behind it would ever be settled.
func TestDamagedMessageIsPassedOver(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	dir, subject, passed := t.TempDir(), telemetry.LaneSubject(telemetry.Standard, id.New[id.Tenant]()), make(chan uint64, 1)
	leaveDamage(ctx, t, dir, subject)
	_, _, js := natstest.StartIn(t, natsd.Options{Dir: dir})
	k := reader(t, js, passed)
	next := func() jetstream.Msg {
		t.Helper()
		consumer, err := k.Find(ctx)
		if err != nil {
			t.Fatal(err)
		}
		m, err := consumer.Next(jetstream.FetchMaxWait(patience))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	// What is delivered for the first time shows that NATS knows where it is: that is no reason to make the consumer anew.
	if _, err := js.Publish(ctx, subject, []byte("needle-4")); err != nil {
		t.Fatal(err)
	}
	for string(next().Data()) != "needle-4" {
	}
	var keeps sync.WaitGroup
	defer keeps.Wait()
	keeping, stop := context.WithCancel(ctx)
	defer stop()
	keeps.Go(func() { k.Keep(keeping) })
	select {
	case number := <-passed:
		if number != 2 {
			t.Fatalf("message %d was passed over, want 2", number)
		}
	case <-ctx.Done():
		t.Fatal("waited in vain until the message is passed over")
	}
	for _, want := range []string{"needle-3", "needle-4"} {
		m := next()
		if string(m.Data()) != want {
			t.Fatalf("%s came, want %s", m.Data(), want)
		}
		if err := m.DoubleAck(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if s, err := k.standing(ctx); err != nil || s.consumer.NumAckPending != 0 || s.consumer.NumPending != 0 {
		t.Errorf("%+v, %v: everything else is settled", s.consumer, err)
	}
}

// damage flips a bit of a message in the only block of a stream.
func damage(t *testing.T, dir, message string) {
	t.Helper()
	blocks, err := filepath.Glob(filepath.Join(dir, "*.blk"))
	if err != nil || len(blocks) != 1 {
		t.Fatalf("%d blocks, %v", len(blocks), err)
	}
	text, err := os.ReadFile(blocks[0])
	if err != nil {
		t.Fatal(err)
	}
	text[bytes.Index(text, []byte(message))] ^= 1
	if err := os.WriteFile(blocks[0], text, 0o600); err != nil {
		t.Fatal(err)
	}
}
