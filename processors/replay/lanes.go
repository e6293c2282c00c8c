package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
)

const (
	// chunkPackets and chunkBytes bound what is handed on at once, and so what is held in memory.
	chunkPackets = 5_000
	chunkBytes   = 4 << 20
	// fetchMessages and fetchBytes bound what is on its way from NATS.
	fetchMessages = 500
	fetchBytes    = 4 << 20
	// readerIdle is after how long the server forgets a reader that was not deleted.
	readerIdle = time.Minute
	// quiet is how long a lane with something to read may say nothing before it is asked whether there still is.
	quiet = 2 * time.Second
	// laneTimeout bounds one request about a lane.
	laneTimeout = 10 * time.Second
)

// sink is where packets of lanes go. When take returns nil they are where they should be.
type sink interface {
	take(ctx context.Context, c *chunk) error
	// end is called once, after the last chunk.
	end(ctx context.Context) error
}

// chunk is packets of one lane, in the order in which the lane took them.
type chunk struct {
	batches []telemetry.Batch
	packets int
	bytes   int    // of the messages that hold them
	read    uint64 // messages
	damaged uint64 // of them
	next    uint64 // the place behind the last one
}

func (c *chunk) full(rate int) bool {
	return c.packets >= min(chunkPackets, rate) || c.bytes >= chunkBytes || c.read >= chunkPackets
}

// measureLanes counts the messages that will be read, and sets where each lane ends.
func (w *worker) measureLanes(ctx context.Context) error {
	p := &w.job.Progress
	p.Total = 0
	for i, lane := range telemetry.Lanes() {
		ctx, cancel := context.WithTimeout(ctx, laneTimeout)
		defer cancel()
		stream, err := w.o.JS.Stream(ctx, telemetry.LaneStream(lane))
		if err != nil {
			return fmt.Errorf("lane %s: %w", lane, err)
		}
		p.Ends[i] = stream.CachedInfo().State.LastSeq
		all, err := w.pending(ctx, lane, w.job.Selection.From)
		if err != nil {
			return err
		}
		var after uint64
		if to := w.job.Selection.To; to != 0 && to.Time().Before(w.o.Now()) {
			if after, err = w.pending(ctx, lane, to); err != nil {
				return err
			}
		}
		p.Total += all - min(all, after)
	}
	return nil
}

// pending is how many messages of the tenant a lane took since a time.
func (w *worker) pending(ctx context.Context, lane telemetry.Lane, since telemetry.Micros) (uint64, error) {
	consumer, err := w.reader(ctx, lane, startAt(since))
	if err != nil {
		return 0, err
	}
	defer w.drop(consumer)
	return consumer.CachedInfo().NumPending, nil
}

func startAt(at telemetry.Micros) jetstream.ConsumerConfig {
	if at == 0 {
		return jetstream.ConsumerConfig{DeliverPolicy: jetstream.DeliverAllPolicy}
	}
	since := at.Time()
	return jetstream.ConsumerConfig{DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &since}
}

// reader makes a short-lived consumer of one tenant's messages in a lane, which acknowledges nothing and so takes nothing
// from those who process them.
func (w *worker) reader(ctx context.Context, lane telemetry.Lane, c jetstream.ConsumerConfig) (jetstream.Consumer, error) {
	c.FilterSubject = telemetry.LaneSubject(lane, w.tenant)
	c.AckPolicy, c.MemoryStorage, c.InactiveThreshold, c.Replicas = jetstream.AckNonePolicy, true, readerIdle, 1
	consumer, err := w.o.JS.CreateConsumer(ctx, telemetry.LaneStream(lane), c)
	if err != nil {
		return nil, fmt.Errorf("read lane %s: %w", lane, err)
	}
	return consumer, nil
}

func (w *worker) drop(c jetstream.Consumer) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	info := c.CachedInfo()
	if err := w.o.JS.DeleteConsumer(ctx, info.Stream, info.Name); err != nil {
		w.log.Debug("a reader is left to expire", "stream", info.Stream, "error", err)
	}
}

// lanes reads lane after lane, each in its order, and hands on what is selected.
func (w *worker) lanes(ctx context.Context, to sink) error {
	for _, lane := range telemetry.Lanes() {
		for more := true; more; {
			err := w.persist(ctx, func(ctx context.Context) (err error) {
				more, err = w.lane(ctx, lane, to)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return w.persist(ctx, to.end)
}

// lane reads one lane from where the job is to where it ends. It returns more when it was interrupted and has to be
// called again; what was handed on is not read twice.
func (w *worker) lane(ctx context.Context, lane telemetry.Lane, to sink) (more bool, err error) {
	p := &w.job.Progress
	from := startAt(w.job.Selection.From)
	if p.Next[lane] > 0 {
		from = jetstream.ConsumerConfig{DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: p.Next[lane]}
	}
	if p.Next[lane] > p.Ends[lane] || p.Ends[lane] == 0 {
		return false, nil
	}
	consumer, err := w.reader(ctx, lane, from)
	if err != nil {
		return true, err
	}
	defer w.drop(consumer)
	if consumer.CachedInfo().NumPending == 0 {
		return false, nil
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessagesWithBytesLimit(fetchMessages, fetchBytes))
	if err != nil {
		return true, fmt.Errorf("read lane %s: %w", lane, err)
	}
	defer messages.Stop()
	r := laneReading{worker: w, consumer: consumer, messages: messages, end: p.Ends[lane]}
	for last := false; !last; {
		c := chunk{next: p.Next[lane]}
		if last, err = r.fill(ctx, &c); err != nil {
			return true, err
		}
		if err := w.handOn(ctx, lane, to, &c); err != nil {
			return true, err
		}
	}
	return false, nil
}

// handOn gives a chunk to the sink and then counts it as done.
func (w *worker) handOn(ctx context.Context, lane telemetry.Lane, to sink, c *chunk) error {
	w.pace.wait(ctx, c.packets)
	w.state = w.o.Tenants.State()
	if err := w.persist(ctx, func(ctx context.Context) error { return to.take(ctx, c) }); err != nil {
		return err
	}
	p := &w.job.Progress
	p.Read += c.read
	p.Packets += uint64(c.packets)
	p.Bytes += uint64(c.bytes)
	p.Damaged += c.damaged
	p.Next[lane] = c.next
	w.metrics.packets.WithLabelValues(string(w.job.Kind), "read").Add(float64(c.packets))
	return w.save(ctx)
}

// laneReading is one lane being read. Nothing is acknowledged, so what gets lost on its way would be passed over; the
// consumer numbers what it sends, and a gap in that is noticed.
type laneReading struct {
	*worker
	consumer jetstream.Consumer
	messages jetstream.MessagesContext
	end      uint64 // the last place that is meant
	received uint64 // messages
}

var errGap = errors.New("a message of the lane got lost on its way; reading it again")

// fill reads messages until the chunk is full or the lane has come to its end, which it says. After an error the chunk is
// worth nothing, and is read again.
func (r *laneReading) fill(ctx context.Context, c *chunk) (last bool, err error) {
	r.state = r.o.Tenants.State()
	for !c.full(r.job.Rate) {
		m, err := r.next(ctx)
		if errors.Is(err, nats.ErrTimeout) {
			return r.atEnd(ctx, c)
		}
		if err != nil {
			return false, err
		}
		at, err := m.Metadata()
		if err != nil {
			return false, fmt.Errorf("read a lane: %w", err)
		}
		if r.received++; at.Sequence.Consumer != r.received {
			return false, errGap
		}
		to := r.job.Selection.To
		if at.Sequence.Stream > r.end || to != 0 && !at.Timestamp.Before(to.Time()) {
			c.next = r.end + 1
			return true, nil
		}
		r.open(m, c)
		if c.next = at.Sequence.Stream + 1; at.NumPending == 0 || c.next > r.end {
			c.next = r.end + 1
			return true, nil
		}
	}
	return false, nil
}

func (r *laneReading) next(ctx context.Context) (jetstream.Msg, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, quiet, nats.ErrTimeout)
	defer cancel()
	m, err := r.messages.Next(jetstream.NextContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("read a lane: %w", errors.Join(err, context.Cause(ctx)))
	}
	return m, nil
}

// atEnd finds out why nothing comes: retention took what was left, which is the end, or something got lost.
func (r *laneReading) atEnd(ctx context.Context, c *chunk) (last bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, laneTimeout)
	defer cancel()
	info, err := r.consumer.Info(ctx)
	if err != nil {
		return false, fmt.Errorf("read a lane: %w", err)
	}
	if info.NumPending > 0 || info.Delivered.Consumer != r.received {
		return false, errGap
	}
	c.next = r.end + 1
	return true, nil
}

// open adds what is selected of a message. What can be read of a damaged one counts all the same.
func (w *worker) open(m jetstream.Msg, c *chunk) {
	c.read++
	before := c.packets
	err := telemetry.EachBatch(m.Data(), func(b *telemetry.Batch) error {
		if !w.job.Selection.device(b.Device, deviceOf(w.state, w.tenant, b.Device)) {
			return nil
		}
		kept := *b
		if kept.Packets = w.job.Selection.packets(b.Packets); len(kept.Packets) > 0 {
			c.batches, c.packets = append(c.batches, kept), c.packets+len(kept.Packets)
		}
		return nil
	})
	if err != nil {
		c.damaged++
	}
	if c.packets > before {
		c.bytes += len(m.Data())
	}
}
