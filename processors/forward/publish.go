package forward

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

const (
	// passTimeout bounds one attempt to put a hand into OUT.
	passTimeout = 10 * time.Second
	// leastBatch is the number of messages from which an atomic batch is cheaper than an fsync for each of them.
	leastBatch = 4
	// mostBatch and batchBytes bound one: what the server takes, and what it keeps in memory. The server makes a file for
	// each, which costs about as much as a hundred messages in it.
	mostBatch  = 1000
	batchBytes = 4 << 20
)

// The headers of an atomic batch.
const (
	headBatch    = "Nats-Batch-Id"
	headSequence = "Nats-Batch-Sequence"
	headCommit   = "Nats-Batch-Commit"
)

// parcel is one message for one destination.
type parcel struct {
	line *line
	id   string
	body []byte
}

// publish puts parcels into OUT and returns those that are not known to be there. What a full queue refuses is discarded.
func (s *stage) publish(ctx context.Context, out []parcel) (left []parcel, err error) {
	ctx, cancel := context.WithTimeout(ctx, passTimeout)
	defer cancel()
	for len(out) > 0 {
		n := batchOf(out)
		open, failed := s.put(ctx, admit(out[:n]))
		if failed != nil {
			left, err = append(left, open...), failed
		}
		out = out[n:]
	}
	return left, err
}

// batchOf is how many of the first parcels make a batch.
func batchOf(out []parcel) int {
	size := 0
	for n := range out {
		if size += len(out[n].body); n > 0 && (n == mostBatch || size > batchBytes) {
			return n
		}
	}
	return len(out)
}

// put puts parcels into OUT together, if that can be.
func (s *stage) put(ctx context.Context, part []parcel) (left []parcel, err error) {
	if len(part) >= leastBatch {
		err := s.together(ctx, part)
		if full(err) && s.survey(ctx) == nil { // one of the queues is; then the others' go without it
			part = admit(part)
			err = s.together(ctx, part)
		}
		if err == nil {
			s.metrics.queued.Add(float64(len(part)))
			return nil, nil
		}
	}
	// One of them is there already, or finds no room, or the server takes no batches: each gets an answer of its own.
	return s.singly(ctx, part)
}

// together publishes all as one atomic batch, which shares an fsync: all of them or none.
func (s *stage) together(ctx context.Context, part []parcel) error {
	batch, conn := nuid.Next(), s.JS.Conn()
	for i := range part {
		m := part[i].line.message(part[i].body)
		m.Header.Set(jetstream.MsgIDHeader, part[i].line.unique(part[i].id))
		m.Header[headBatch] = []string{batch}
		m.Header[headSequence] = []string{strconv.Itoa(i + 1)}
		if i < len(part)-1 {
			if err := conn.PublishMsg(m); err != nil {
				return err
			}
			continue
		}
		m.Header[headCommit] = []string{"1"}
		answer, err := conn.RequestMsgWithContext(ctx, m)
		if err != nil {
			return err
		}
		return committed(answer.Data, batch)
	}
	return nil
}

// committed reads the answer to the end of a batch.
func committed(answer []byte, batch string) error {
	var ack struct {
		Error *jetstream.APIError `json:"error"`
		Batch string              `json:"batch"`
	}
	if err := json.Unmarshal(answer, &ack); err != nil {
		return fmt.Errorf("answer to a batch: %w", err)
	}
	if ack.Error != nil {
		return ack.Error
	}
	if ack.Batch != batch {
		return errors.New("the server does not know atomic batches")
	}
	return nil
}

// singly publishes one after the other without waiting in between.
func (s *stage) singly(ctx context.Context, out []parcel) (left []parcel, err error) {
	futures := make([]jetstream.PubAckFuture, 0, len(out))
	for i := range out {
		future, err := s.JS.PublishMsgAsync(out[i].line.message(out[i].body), jetstream.WithMsgID(out[i].line.unique(out[i].id)))
		if err != nil {
			return out, err // the ids make repeating harmless
		}
		futures = append(futures, future)
	}
	for i, future := range futures {
		select {
		case <-future.Ok():
			s.metrics.queued.Inc()
		case refused := <-future.Err():
			if full(refused) {
				out[i].line.fill()
				continue
			}
			left, err = append(left, out[i]), refused
		case <-ctx.Done():
			return append(left, out[i:]...), ctx.Err()
		}
	}
	return left, err
}

// storeFailed is what JetStream answers when a message cannot be stored. It has no code for each cause: those that are
// limits of the stream begin with limitReached.
const (
	storeFailed  jetstream.ErrorCode = 10077
	limitReached                     = "maximum "
)

// full says whether JetStream refused a message because there is no room for it.
func full(err error) bool {
	var refused *jetstream.APIError
	return errors.As(err, &refused) && refused.ErrorCode == storeFailed && strings.HasPrefix(refused.Description, limitReached)
}
