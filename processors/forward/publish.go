package forward

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/atomicbatch"
)

const (
	// passTimeout bounds one attempt to put a hand into OUT.
	passTimeout = 10 * time.Second
	// batchBytes bounds what the server keeps of a batch in memory.
	batchBytes = 4 << 20
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
		if size += len(out[n].body); n > 0 && (n == atomicbatch.Most || size > batchBytes) {
			return n
		}
	}
	return len(out)
}

// put puts parcels into OUT together, if that can be.
func (s *stage) put(ctx context.Context, part []parcel) (left []parcel, err error) {
	if len(part) >= atomicbatch.Least {
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
	list := make([]*nats.Msg, len(part))
	for i := range part {
		list[i] = part[i].line.message(part[i].body)
		list[i].Header.Set(jetstream.MsgIDHeader, part[i].line.unique(part[i].id))
	}
	_, err := atomicbatch.Publish(ctx, s.JS.Conn(), list)
	return err
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
