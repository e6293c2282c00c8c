package ingest

import (
	"bytes"
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/atomicbatch"
)

// acks receives the stream's acknowledgements on one subscription and hands each to whoever waits for it. The client
// library's own future for each publish costs as much as the publish itself.
type acks struct {
	conn  *nats.Conn
	inbox string
	sub   *nats.Subscription

	mu   sync.Mutex
	next uint64
	open map[uint64]*expected
}

// answer is what the stream said of one message, or of a batch.
type answer struct {
	index int
	ack   atomicbatch.Ack // of a single message that went well nothing is read
	err   error
}

// expected is a number of answers that one goroutine waits for. Each has an index, from 0.
type expected struct {
	acks    *acks
	first   uint64
	answers chan answer // room for all, so that nobody ever waits for the one who waits
}

func newAcks(conn *nats.Conn) (a *acks, err error) {
	a = &acks{conn: conn, inbox: conn.NewInbox() + ".", open: map[uint64]*expected{}}
	if a.sub, err = conn.Subscribe(a.inbox+"*", a.receive); err != nil {
		return nil, fmt.Errorf("listen for acknowledgements: %w", err)
	}
	return a, nil
}

// close stops listening; what is still expected is never answered.
func (a *acks) close() { _ = a.sub.Unsubscribe() } // fails only when the connection is gone, and the subscription with it

func (a *acks) expect(n int) *expected {
	e := &expected{acks: a, answers: make(chan answer, n)}
	a.mu.Lock()
	defer a.mu.Unlock()
	e.first = a.next
	for range n {
		a.open[a.next] = e
		a.next++
	}
	return e
}

// reply is the subject for the answer with an index.
func (e *expected) reply(index int) string {
	var room [96]byte
	return string(strconv.AppendUint(append(room[:0], e.acks.inbox...), e.first+uint64(index), 36))
}

// next returns the next answer to come, or the context's error.
func (e *expected) next(ctx context.Context) (answer, error) {
	select {
	case a := <-e.answers:
		return a, nil
	case <-ctx.Done():
		return answer{}, ctx.Err()
	}
}

// forget must be called when nobody waits any longer.
func (e *expected) forget() {
	e.acks.mu.Lock()
	defer e.acks.mu.Unlock()
	for i := range uint64(cap(e.answers)) {
		delete(e.acks.open, e.first+i)
	}
}

func (a *acks) receive(m *nats.Msg) {
	number, err := strconv.ParseUint(strings.TrimPrefix(m.Subject, a.inbox), 36, 64)
	if err != nil {
		return // not a subject that reply made
	}
	a.mu.Lock()
	e := a.open[number]
	delete(a.open, number)
	a.mu.Unlock()
	if e == nil {
		return // nobody waits any longer
	}
	got := answer{index: int(number - e.first)}
	got.ack, got.err = readAck(m)
	e.answers <- got
}

// readAck takes an acknowledgement apart. One of a single message that went well, which is nearly every one, is known by
// what does not stand in it; the server writes the names of members always the same way.
func readAck(m *nats.Msg) (atomicbatch.Ack, error) {
	if len(m.Data) == 0 {
		return atomicbatch.Ack{}, jetstream.ErrNoStreamResponse // from the server: nobody listens on the subject
	}
	if bytes.HasPrefix(m.Data, []byte(`{"stream":"`)) && !bytes.Contains(m.Data, []byte(`"error":`)) && !bytes.Contains(m.Data, []byte(`"batch":`)) {
		return atomicbatch.Ack{}, nil
	}
	return atomicbatch.ReadAck(m.Data)
}
