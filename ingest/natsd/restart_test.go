package natsd_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/atomicbatch"
	"longwave/ingest/natsd"
	"longwave/ingest/natsd/natstest"
)

func TestEverythingGoesOnAfterARestart(t *testing.T) {
	s, nc, js := natstest.Start(t)
	stream, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}})
	must(t, err)
	durable, err := stream.CreateConsumer(t.Context(), jetstream.ConsumerConfig{Durable: "d", AckPolicy: jetstream.AckExplicitPolicy})
	must(t, err)
	ordered, err := stream.OrderedConsumer(t.Context(), jetstream.OrderedConsumerConfig{})
	must(t, err)
	bucket, err := js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "b"})
	must(t, err)
	watcher, err := bucket.WatchAll(t.Context(), jetstream.UpdatesOnly())
	must(t, err)
	var byDurable, byOrdered, byCore atomic.Int64
	consume := func(c jetstream.Consumer, count *atomic.Int64) {
		running, err := c.Consume(func(m jetstream.Msg) { count.Add(1); _ = m.Ack() },
			jetstream.PullExpiry(time.Second), jetstream.PullHeartbeat(500*time.Millisecond))
		must(t, err)
		t.Cleanup(running.Stop)
	}
	consume(durable, &byDurable)
	consume(ordered, &byOrdered)
	_, err = nc.Subscribe("s", func(*nats.Msg) { byCore.Add(1) })
	must(t, err)

	publish := func() { // until it is confirmed, as a publisher must
		eventually(t, func() bool {
			_, err := js.Publish(t.Context(), "s", nil, jetstream.WithRetryAttempts(0))
			return err == nil
		})
	}
	publish()
	eventually(t, func() bool { return byDurable.Load() == 1 && byOrdered.Load() == 1 && byCore.Load() == 1 })
	for n := range int64(1) {
		must(t, s.Restart(t.Context()))
		publish()
		eventually(t, func() bool { return byDurable.Load() >= n+2 && byOrdered.Load() == n+2 && byCore.Load() >= n+2 })
		eventually(t, func() bool { _, err := bucket.Put(t.Context(), "k", []byte(fmt.Sprint(n))); return err == nil })
		for changed := range watcher.Updates() {
			if changed != nil && string(changed.Value()) == fmt.Sprint(n) {
				break
			}
		}
	}
	must(t, s.Healthy())
	if s.Restarts() != 1 {
		t.Errorf("%d restarts are counted", s.Restarts())
	}
}

func TestRoomFollowsTheDisk(t *testing.T) {
	var free atomic.Uint64
	free.Store(50 << 30)
	disk := func(string) (natsd.Disk, error) { return natsd.Disk{Free: free.Load(), Total: 100 << 30}, nil }
	s, _, _ := natstest.StartIn(t, natsd.Options{Dir: t.TempDir(), Disk: disk})
	must(t, s.Room())
	free.Store(1<<30 - 1)
	eventually(t, func() bool { return errors.Is(s.Room(), natsd.ErrNoRoom) })
	free.Store(2 << 30)
	eventually(t, func() bool { return s.Room() == nil })
	if s.Restarts() != 0 {
		t.Error("the server was started again for want of room alone")
	}
}

func TestBatchesAreMadeInMemory(t *testing.T) {
	dir := t.TempDir()
	s, nc, js := natstest.StartIn(t, natsd.Options{Dir: dir, SyncAlways: true})
	_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s.*"}, AllowAtomicPublish: true})
	must(t, err)
	if info, err := os.Stat("/dev/shm"); err != nil || !info.IsDir() {
		if s.StageInMemory("S") {
			t.Error("batches are made in a memory that is not there")
		}
		return
	}
	for range 2 {
		if !s.StageInMemory("S") {
			t.Fatal("batches are not made in memory")
		}
		batch(t, nc)
		must(t, s.Restart(t.Context()))
		eventually(t, nc.IsConnected)
	}
	stream, err := js.Stream(t.Context(), "S")
	must(t, err)
	if got := stream.CachedInfo().State.Msgs; got != 6 {
		t.Errorf("%d messages are in the stream", got)
	}
	link, err := os.Readlink(filepath.Join(dir, "jetstream", "$G", "streams", "S", "batches"))
	must(t, err)
	must(t, s.Close(context.Background()))
	if _, err := os.Stat(link); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("something is left in memory: %v", err)
	}
}

// batch publishes an atomic batch of three.
func batch(t *testing.T, nc *nats.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	_, err := atomicbatch.Publish(ctx, nc, []*nats.Msg{nats.NewMsg("s.x"), nats.NewMsg("s.x"), nats.NewMsg("s.x")})
	must(t, err)
}

func TestDurabilityIsToldToTheSystemAccountOnly(t *testing.T) {
	system := server.NewAccount("SYS")
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), SyncAlways: true, NoSigs: true, NoLog: true,
		Accounts: []*server.Account{system}, SystemAccount: "SYS", NoAuthUser: "someone",
		Users: []*server.User{{Username: "operator", Password: "operator", Account: system}, {Username: "someone", Password: "someone"}}})
	must(t, err)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(20 * time.Second) {
		t.Fatal("not ready")
	}
	for user, known := range map[string]bool{"operator": true, "someone": false} {
		nc, err := nats.Connect(s.ClientURL(), nats.UserInfo(user, user))
		must(t, err)
		t.Cleanup(nc.Close)
		if d := natsd.DurabilityOf(t.Context(), nc); d.Known != known || d.SyncAlways != known {
			t.Errorf("%s learns %+v", user, d)
		}
	}
}

// eventually waits for a condition that something else brings about.
func eventually(t *testing.T, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !is(); {
		if time.Now().After(deadline) {
			t.Fatal("it did not come about")
		}
		<-time.After(5 * time.Millisecond)
	}
}
