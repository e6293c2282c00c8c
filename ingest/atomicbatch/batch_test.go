package atomicbatch_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/atomicbatch"
	"longwave/ingest/natsd/natstest"
)

func TestPublish(t *testing.T) {
	_, nc, js := natstest.Start(t)
	stream := create(t, js, jetstream.StreamConfig{Name: "S", Subjects: []string{"s.*"}, AllowAtomicPublish: true})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()

	last, err := atomicbatch.Publish(ctx, nc, []*nats.Msg{named("a"), named("b"), {Subject: "s.other"}})
	if err != nil || last != 3 {
		t.Fatalf("the batch ended at %d, %v", last, err)
	}
	if last, err = atomicbatch.Publish(ctx, nc, []*nats.Msg{named("c")}); err != nil || last != 4 {
		t.Fatalf("the batch of one ended at %d, %v", last, err)
	}
	var refusal *jetstream.APIError
	if _, err = atomicbatch.Publish(ctx, nc, []*nats.Msg{named("d"), named("b")}); !errors.As(err, &refusal) || errors.Is(err, atomicbatch.ErrUnsupported) {
		t.Errorf("a message that is there already: %v", err)
	}
	info, err := stream.Info(ctx)
	if err != nil || info.State.Msgs != 4 {
		t.Errorf("the stream has %d messages, want 4: all of a batch or none; %v", info.State.Msgs, err)
	}
}

func TestPublishWhereItCannotBe(t *testing.T) {
	_, nc, js := natstest.Start(t)
	create(t, js, jetstream.StreamConfig{Name: "S", Subjects: []string{"s.*"}})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := atomicbatch.Publish(ctx, nc, []*nats.Msg{named("a"), named("b")}); !errors.Is(err, atomicbatch.ErrUnsupported) {
		t.Errorf("a stream that takes none: %v", err)
	}
	if _, err := atomicbatch.Publish(ctx, nc, []*nats.Msg{{Subject: "nobody"}}); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("no stream: %v", err)
	}
	ended, end := context.WithCancel(ctx)
	end()
	if _, err := atomicbatch.Publish(ended, nc, []*nats.Msg{named("a")}); !errors.Is(err, context.Canceled) {
		t.Errorf("no time: %v", err)
	}
}

func TestReadAck(t *testing.T) {
	ack, err := atomicbatch.ReadAck([]byte(`{"stream":"S","seq":7,"batch":"b","count":3}`))
	if err != nil || ack != (atomicbatch.Ack{Stream: "S", Batch: "b", Sequence: 7}) || ack.Of("b") != nil {
		t.Errorf("%+v, %v", ack, err)
	}
	if ack, err = atomicbatch.ReadAck([]byte(`{"stream":"S","seq":7}`)); err != nil || !errors.Is(ack.Of("b"), atomicbatch.ErrUnsupported) {
		t.Errorf("a server that took the end for a message: %+v, %v", ack, err)
	}
	for _, not := range []string{"", "{}", "[", `{"stream":7}`} {
		if _, err := atomicbatch.ReadAck([]byte(not)); !errors.Is(err, jetstream.ErrInvalidJSAck) {
			t.Errorf("%q is read as an answer: %v", not, err)
		}
	}
}

func named(name string) *nats.Msg {
	return &nats.Msg{Subject: "s.x", Header: nats.Header{jetstream.MsgIDHeader: {name}}}
}

func create(t *testing.T, js jetstream.JetStream, c jetstream.StreamConfig) jetstream.Stream {
	t.Helper()
	stream, err := js.CreateStream(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return stream
}
