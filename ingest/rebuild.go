package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
)

const (
	// rebuildMessages bounds what is read back of one lane. The newest messages are the ones whose packets come again.
	rebuildMessages = 20_000
	// rebuildDeadline bounds what it may add to the start. Without it a repetition is stored twice, which the tables absorb.
	rebuildDeadline = 2 * time.Second
	readerIdle      = time.Minute // after which the server forgets a reader that was not deleted
	fetchMessages   = 500
)

// rebuild fills the window from the last minutes of every lane. Only a lane that cannot be read at all is an error.
func (f *Front) rebuild(ctx context.Context) error {
	started := time.Now()
	ctx, cancel := context.WithTimeout(ctx, rebuildDeadline)
	defer cancel()
	for _, lane := range telemetry.Lanes() {
		err := f.rebuildLane(ctx, lane)
		if errors.Is(err, context.DeadlineExceeded) {
			f.o.Log.Warn("not all recent packets were read back; one that is sent again may be stored twice in its lane",
				slog.Duration("deadline", rebuildDeadline))
			break
		}
		if err != nil {
			return err
		}
	}
	f.o.Log.Info("recent packets read back", slog.Int("packets", f.window.size().Entries), slog.Duration("took", time.Since(started)))
	return nil
}

func (f *Front) rebuildLane(ctx context.Context, lane telemetry.Lane) error {
	stream, err := f.o.JS.Stream(ctx, telemetry.LaneStream(lane))
	if err != nil {
		return fmt.Errorf("read back lane %s: %w", lane, err)
	}
	last := stream.CachedInfo().State.LastSeq // whatever comes later is for the next start
	since := f.o.Now().Add(-windowAge)
	from := jetstream.ConsumerConfig{DeliverPolicy: jetstream.DeliverByStartTimePolicy, OptStartTime: &since}
	consumer, err := f.reader(ctx, telemetry.LaneStream(lane), from)
	if err != nil {
		return err
	}
	if pending := consumer.CachedInfo().NumPending; pending > rebuildMessages {
		f.dropReader(consumer)
		from = jetstream.ConsumerConfig{DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: last - rebuildMessages + 1}
		if consumer, err = f.reader(ctx, telemetry.LaneStream(lane), from); err != nil {
			return err
		}
	}
	defer f.dropReader(consumer)
	purpose, err := f.RemovedUpTo(ctx, lane)
	if err != nil {
		return err
	}
	seen := continuity{purpose: purpose}
	if err := eachMessage(ctx, consumer, func(m jetstream.Msg) { f.learn(m, &seen) }); err != nil {
		return err
	}
	seen.end(last)
	f.damage[lane].Missing = max(f.damage[lane].Missing, seen.missing)
	f.damage[lane].Corrupt = seen.corrupt
	return nil
}

// learn passes over what it cannot read, and counts it.
func (f *Front) learn(m jetstream.Msg, seen *continuity) {
	_, tenant, err := telemetry.ParseLaneSubject(m.Subject())
	if err == nil {
		err = telemetry.EachBatch(m.Data(), func(b *telemetry.Batch) error {
			f.window.learn(tenant, b, f.o.Now())
			return nil
		})
	}
	if at, e := m.Metadata(); e == nil {
		seen.see(at.Sequence.Stream, err == nil || errors.Is(err, telemetry.ErrVersion))
	}
}

// reader makes a short-lived consumer that acknowledges nothing.
func (f *Front) reader(ctx context.Context, stream string, c jetstream.ConsumerConfig) (jetstream.Consumer, error) {
	c.AckPolicy, c.MemoryStorage, c.InactiveThreshold, c.Replicas = jetstream.AckNonePolicy, true, readerIdle, 1
	consumer, err := f.o.JS.CreateConsumer(ctx, stream, c)
	if err != nil {
		return nil, fmt.Errorf("read stream %s: %w", stream, err)
	}
	return consumer, nil
}

func (f *Front) dropReader(c jetstream.Consumer) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	info := c.CachedInfo()
	if err := f.o.JS.DeleteConsumer(ctx, info.Stream, info.Name); err != nil {
		f.o.Log.Debug("a reader is left to expire", slog.String("stream", info.Stream), slog.Any("error", err))
	}
}

// interestPause is how long the servers of a cluster may need to tell each other of a consumer that was just made; until
// then a request to it finds nobody.
const interestPause = 50 * time.Millisecond

// eachMessage reads as many messages as there were when the consumer was made.
func eachMessage(ctx context.Context, c jetstream.Consumer, visit func(jetstream.Msg)) error {
	return eachOf(ctx, reading{consumer: c}, visit)
}

// reading is what is to be read of a consumer: at most limit messages, or all when that is 0.
type reading struct {
	consumer jetstream.Consumer
	limit    int
}

// eachOf is eachMessage with a limit.
func eachOf(ctx context.Context, r reading, visit func(jetstream.Msg)) error {
	c := r.consumer
	left := int(c.CachedInfo().NumPending)
	if r.limit > 0 {
		left = min(left, r.limit)
	}
	for left > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		batch, err := c.FetchNoWait(min(left, fetchMessages))
		if err != nil {
			return err
		}
		got := 0
		for m := range batch.Messages() {
			visit(m)
			got++
		}
		left -= got
		switch err := batch.Error(); {
		case errors.Is(err, nats.ErrNoResponders):
			pause(ctx, interestPause)
		case err != nil:
			return err
		case got == 0:
			return nil // retention took the rest in the meantime
		}
	}
	return nil
}

// pause waits, or until ctx ends.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
