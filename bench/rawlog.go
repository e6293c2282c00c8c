package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"longwave/ingest/atomicbatch"
	"longwave/ingest/natsd"
)

// rawLog is one way of writing to a stream.
type rawLog struct {
	name     string
	sync     bool
	together int // messages that a publisher sends before it waits: as an atomic batch with an fsync, else each for itself
	packets  int // in a message
	flights  int // publishers that each wait for their acknowledgements
	subjects int // over which messages go that a consumer takes out again; 0 for a subject of each publisher, and no consumer
	like     string
}

func (r rawLog) durability() string {
	if r.sync {
		return "disk"
	}
	return "process"
}

// run returns how many messages a second the stream acknowledged, or a consumer took out.
func (r rawLog) run(ctx context.Context, b *bench) (float64, error) {
	server, err := natsd.Start(ctx, natsd.Options{Dir: filepath.Join(b.dir, fmt.Sprintf("log-%d-%d-%d-%t", r.packets, r.together, r.subjects, r.sync)), SyncAlways: r.sync, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return 0, err
	}
	defer server.Close(context.WithoutCancel(ctx))
	conn, err := server.Connect("bench")
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return 0, err
	}
	stream, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "RAW", Subjects: []string{"raw.*"}, AllowAtomicPublish: true})
	if err != nil {
		return 0, err
	}
	server.StageInMemory("RAW")
	payload, err := lanePayload(r.packets)
	if err != nil {
		return 0, err
	}
	until := time.Now().Add(b.duration)
	group, running := errgroup.WithContext(ctx)
	var sent, taken atomic.Int64
	if r.subjects > 0 {
		group.Go(func() error { return r.take(running, stream, &taken, until) })
	}
	for i := range r.flights {
		group.Go(func() error { return r.publish(running, conn, i, payload, until, &sent) })
	}
	err = group.Wait()
	if r.subjects > 0 {
		return float64(taken.Load()) / b.duration.Seconds(), err
	}
	return float64(sent.Load()) / b.duration.Seconds(), err
}

func (r rawLog) publish(ctx context.Context, conn *nats.Conn, publisher int, payload []byte, until time.Time, sent *atomic.Int64) error {
	list := make([]*nats.Msg, r.together)
	for n := 0; time.Now().Before(until); {
		for i := range list {
			subject := publisher
			if r.subjects > 0 {
				subject = (publisher + r.flights*n) % r.subjects
			}
			list[i] = &nats.Msg{Subject: "raw." + strconv.Itoa(subject), Data: payload, Header: nats.Header{}}
			n++
		}
		if err := r.send(ctx, conn, list); err != nil {
			return err
		}
		sent.Add(int64(len(list)))
	}
	return nil
}

// take takes messages out as the program does: in bulk, and settled one by one. It ends with the time, not with the messages.
func (r rawLog) take(ctx context.Context, stream jetstream.Stream, taken *atomic.Int64, until time.Time) error {
	consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{Durable: "bench", AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 1 << 17})
	if err != nil {
		return err
	}
	incoming, err := consumer.Messages(jetstream.PullMaxMessagesWithBytesLimit(4096, 8<<20))
	if err != nil {
		return err
	}
	defer incoming.Stop()
	ctx, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	for {
		message, err := incoming.Next(jetstream.NextContext(ctx))
		if errors.Is(err, context.DeadlineExceeded) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := message.Ack(); err != nil {
			return err
		}
		taken.Add(1)
	}
}

func (r rawLog) send(ctx context.Context, conn *nats.Conn, list []*nats.Msg) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if r.sync && len(list) > 1 {
		_, err := atomicbatch.Publish(ctx, conn, list)
		return err
	}
	inbox := conn.NewInbox()
	answers, err := conn.SubscribeSync(inbox)
	if err != nil {
		return err
	}
	defer answers.Unsubscribe()
	for _, m := range list {
		m.Reply = inbox
		if err := conn.PublishMsg(m); err != nil {
			return err
		}
	}
	for range list {
		answer, err := answers.NextMsgWithContext(ctx)
		if err != nil {
			return err
		}
		if _, err := atomicbatch.ReadAck(answer.Data); err != nil {
			return err
		}
	}
	return nil
}
