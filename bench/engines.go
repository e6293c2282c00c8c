package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/natsd"
	"longwave/ingest/telemetry"
)

// measureEngines measures what the engines do when nothing else is done: no HTTP, no decoding, no grouping, no sorting.
func measureEngines(ctx context.Context, b *bench) ([]table, error) {
	limits := table{
		title:   "The engines alone",
		columns: []string{"what", "packets/s", "messages/s", "the program's best here × this", "CPU µs/packet"},
		note:    "Made of the same packets in the same form as the program's. The log's messages are sent from the bench's own process with as many in flight as the program allows itself; the CPU is that of the log and of whoever sends.",
	}
	for _, log := range []rawLog{
		{name: "JetStream, fsync, atomic batches of 64 messages of one packet", sync: true, together: 64, packets: 1, flights: 1, like: "single posts, 256 connections"},
		{name: "JetStream, fsync, messages of 64 packets one by one", sync: true, together: 1, packets: 64, flights: 1, like: "single posts, 256 connections"},
		{name: "JetStream, fsync, messages of 1,600 packets one by one", sync: true, together: 1, packets: 1600, flights: 1, like: "arrays of 100, 16 connections"},
		{name: "JetStream, messages of 16 packets, 4 in flight", together: 1, packets: 16, flights: 4, like: "single posts, 64 connections"},
		{name: "JetStream, messages of 400 packets, 4 in flight", together: 1, packets: 400, flights: 4, like: "arrays of 100, 16 connections"},
	} {
		before := ownTime()
		messages, err := log.run(ctx, b)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", log.name, err)
		}
		packets := messages * float64(log.packets)
		spent := (ownTime() - before).Seconds() / (packets * b.duration.Seconds()) * 1e6
		limits.rows = append(limits.rows, []string{log.name, number(packets), number(messages), b.against(log.like, log.sync, packets), number(spent)})
		progress("%s: %s packets/s", log.name, number(packets))
	}
	rows, err := b.measureInserts(ctx)
	limits.rows = append(limits.rows, rows...)
	return []table{limits}, err
}

// against is the program's figure in this run as a share of an engine's.
func (b *bench) against(name string, sync bool, limit float64) string {
	durability := "process"
	if sync {
		durability = "disk"
	}
	for _, r := range b.measured {
		if r.name == name && r.durability == durability {
			return fmt.Sprintf("%.2f (%s, %s)", r.acked.rate()/limit, name, durability)
		}
	}
	return "–"
}

// rawLog is one way of writing to a stream.
type rawLog struct {
	name     string
	sync     bool
	together int // messages in an atomic batch; 1 publishes each on its own
	packets  int // in a message
	flights  int // publishers that each wait for their acknowledgement
	like     string
}

// run returns how many messages a second the stream acknowledged.
func (r rawLog) run(ctx context.Context, b *bench) (float64, error) {
	server, err := natsd.Start(ctx, natsd.Options{Dir: filepath.Join(b.dir, "log-"+strconv.Itoa(r.packets)+"-"+strconv.Itoa(r.together)), SyncAlways: r.sync, Log: slog.New(slog.DiscardHandler)})
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
	if _, err := js.CreateStream(ctx, jetstream.StreamConfig{Name: "RAW", Subjects: []string{"raw.*"}, AllowAtomicPublish: true}); err != nil {
		return 0, err
	}
	server.StageInMemory("RAW")
	payload, err := lanePayload(r.packets)
	if err != nil {
		return 0, err
	}
	sent := make(chan int, r.flights)
	failed := make(chan error, r.flights)
	for i := range r.flights {
		go func() {
			messages, err := r.publish(ctx, conn, strconv.Itoa(i), payload, time.Now().Add(b.duration))
			sent <- messages
			failed <- err
		}()
	}
	total := 0
	for range r.flights {
		total += <-sent
		err = errors.Join(err, <-failed)
	}
	return float64(total) / b.duration.Seconds(), err
}

func (r rawLog) publish(ctx context.Context, conn *nats.Conn, name string, payload []byte, until time.Time) (messages int, err error) {
	for n := 0; time.Now().Before(until); n++ {
		for i := range r.together - 1 {
			if err := conn.PublishMsg(r.message(name, n, i+1, payload)); err != nil {
				return messages, err
			}
		}
		asking, cancel := context.WithTimeout(ctx, 10*time.Second)
		answer, err := conn.RequestMsgWithContext(asking, r.message(name, n, r.together, payload))
		cancel()
		if err != nil {
			return messages, err
		}
		if bytes.Contains(answer.Data, []byte(`"error"`)) {
			return messages, fmt.Errorf("the stream answered %s", answer.Data)
		}
		messages += r.together
	}
	return messages, nil
}

func (r rawLog) message(name string, n, place int, payload []byte) *nats.Msg {
	m := &nats.Msg{Subject: "raw." + name, Data: payload, Header: nats.Header{}}
	if r.together > 1 {
		m.Header["Nats-Batch-Id"], m.Header["Nats-Batch-Sequence"] = []string{name + "-" + strconv.Itoa(n)}, []string{strconv.Itoa(place)}
		if place == r.together {
			m.Header["Nats-Batch-Commit"] = []string{"1"}
		}
	}
	return m
}

// lanePayload is packets in the form in which they travel in a lane.
func lanePayload(packets int) ([]byte, error) {
	author, err := newAuthor(arrays(), 0, time.Now().UnixMilli())
	if err != nil {
		return nil, err
	}
	var payload []byte
	for packets > 0 {
		some := min(packets, 100)
		body, err := author.body(some)
		if err != nil {
			return nil, err
		}
		decoded, err := telemetry.Decode(body, telemetry.DecodeOptions{Now: telemetry.At(time.Now()), Device: "d-bench"})
		if err != nil {
			return nil, err
		}
		payload = telemetry.AppendBatch(payload, &telemetry.Batch{Device: "d-bench", Packets: decoded.Packets, Received: telemetry.At(time.Now()), RetainDays: 400})
		packets -= some
	}
	return payload, nil
}
