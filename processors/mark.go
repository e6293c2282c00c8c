package processors

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
)

const (
	// marksBucket remembers, apart from NATS' own book-keeping, up to where every message of a lane is settled.
	marksBucket = "SETTLED"
	// markInterval bounds what is stored a second time after the program was killed, or the broker was.
	markInterval = 5 * time.Second
	markVersion  = 1
)

// mark says that every message of a lane up to Floor is settled. It was true when it was written and stays true: NATS keeps
// what is settled above it in a file without a checksum, written when there is time.
type mark struct {
	Version int       `json:"v"`
	Floor   uint64    `json:"floor"`
	Lane    time.Time `json:"lane"` // when the lane was made: a mark says nothing of another stream of the same name
}

// errMark is a mark of a newer program, or one that is no mark.
var errMark = errors.New("the mark of what is settled cannot be read")

func decodeMark(value []byte) (m mark, err error) {
	if err := json.Unmarshal(value, &m); err != nil {
		return mark{}, fmt.Errorf("%w: %w", errMark, err)
	}
	if m.Version < 1 || m.Version > markVersion {
		return mark{}, fmt.Errorf("%w: its version is %d, this program knows up to %d", errMark, m.Version, markVersion)
	}
	return m, nil
}

// bucket finds the bucket of marks, or makes it.
func (r *Runner) bucket(ctx context.Context) (jetstream.KeyValue, error) {
	bucket, err := r.JS.KeyValue(ctx, marksBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return r.JS.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: marksBucket, Description: "up to where each lane is settled for certain", Storage: jetstream.FileStorage, Replicas: r.Replicas})
	}
	return bucket, err
}

func (l *line) markKey() string { return l.stage.consumer + "." + l.lane.String() }

func (l *line) setMark(ctx context.Context, m mark) error {
	bucket, err := l.runner.bucket(ctx)
	if err != nil {
		return fmt.Errorf("marks: %w", err)
	}
	m.Version = markVersion
	value, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("mark: %w", err)
	}
	if _, err := bucket.Put(ctx, l.markKey(), value); err != nil {
		return fmt.Errorf("set mark: %w", err)
	}
	return nil
}

// mark reads the line's mark. There is none at first, and none that counts when it cannot be read: then NATS is believed.
func (l *line) mark(ctx context.Context) (m mark, marked bool, err error) {
	bucket, err := l.runner.bucket(ctx)
	if err != nil {
		return mark{}, false, fmt.Errorf("marks: %w", err)
	}
	entry, err := bucket.Get(ctx, l.markKey())
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return mark{}, false, nil
	}
	if err != nil {
		return mark{}, false, fmt.Errorf("read mark: %w", err)
	}
	if m, err = decodeMark(entry.Value()); err != nil {
		l.log.Error("what NATS says is settled cannot be checked", "error", err)
		return mark{}, false, nil
	}
	return m, true, nil
}

// keepMark writes down, until ctx ends, how far the lane is settled.
func (l *line) keepMark(ctx context.Context) {
	ticker := time.NewTicker(markInterval)
	defer ticker.Stop()
	before := l.runner.clock()
	for {
		select {
		case <-ticker.C:
			now := l.runner.clock()
			if now.behind(before) {
				l.deliverAnew(ctx)
			}
			before = now
			l.advance(ctx)
		case <-ctx.Done():
			return
		}
	}
}

// advance moves the mark to where NATS says that everything is settled, unless NATS has only read that from its disk.
func (l *line) advance(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	s, err := l.standing(ctx)
	switch {
	case err != nil || s.consumer == nil: // NATS being away is said elsewhere
		return
	case s.doubt() != "":
		_, err = l.rewind(ctx, s)
	case !s.marked || s.mark.Floor != s.consumer.AckFloor.Stream:
		err = l.setMark(ctx, mark{Floor: s.consumer.AckFloor.Stream, Lane: s.lane.Created})
	}
	if err != nil {
		l.log.Debug("the mark of what is settled did not move", "error", err)
	}
}

// reading is what the clock on the wall says, and how long the program has run by one that never jumps.
type reading struct {
	wall time.Time
	ran  time.Duration
}

// behind tells whether the clock was put back since an earlier reading, by more than its corrections are.
func (r reading) behind(earlier reading) bool {
	return r.wall.Sub(earlier.wall) < r.ran-earlier.ran-markInterval
}

// deliverAnew ends what NATS postpones until a time that is now far away, because the clock was put back.
func (l *line) deliverAnew(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, setupTimeout)
	defer cancel()
	s, err := l.standing(ctx)
	if err == nil && s.consumer != nil && s.consumer.NumAckPending > 0 {
		s.mark, s.marked = mark{Floor: s.consumer.AckFloor.Stream}, true
		_, err = l.rewind(ctx, s)
		l.log.Warn("the clock was put back; what is in hand is delivered anew", "messages", s.consumer.NumAckPending)
	}
	if err != nil {
		l.log.Warn("the clock was put back; what was postponed may wait for as long", "error", err)
	}
}

// standing is what NATS and the mark say of how far a lane is settled.
type standing struct {
	lane     *jetstream.StreamInfo
	consumer *jetstream.ConsumerInfo // nil when there is none
	mark     mark
	marked   bool
}

func (l *line) standing(ctx context.Context) (s standing, err error) {
	name := telemetry.LaneStream(l.lane)
	consumer, err := l.runner.JS.Consumer(ctx, name, l.stage.consumer)
	if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return s, fmt.Errorf("consumer %s of %s: %w", l.stage.consumer, name, err)
	}
	if err == nil {
		s.consumer = consumer.CachedInfo()
	}
	stream, err := l.runner.JS.Stream(ctx, name) // after the consumer, which cannot be further than the lane was by then
	if err != nil {
		return s, fmt.Errorf("lane: %w", err)
	}
	s.lane = stream.CachedInfo()
	if s.mark, s.marked, err = l.mark(ctx); err != nil {
		return s, err
	}
	if !s.mark.Lane.Equal(s.lane.Created) || s.mark.Floor > s.lane.State.LastSeq {
		s.mark, s.marked = mark{}, false // of another life of the lane
	}
	return s, nil
}

// Why a consumer is made anew.
const (
	doubtUnproven   = "unproven"   // NATS read from its disk that messages are settled which the mark does not cover
	doubtImpossible = "impossible" // what it read contradicts itself, or the lane
	doubtMissing    = "missing"    // there was a consumer, and now there is none
)

// doubt says why what NATS takes for settled is not to be believed; empty when it is. A consumer that has delivered since
// it was loaded was checked then.
func (s standing) doubt() string {
	if s.consumer == nil {
		if s.marked {
			return doubtMissing
		}
		return ""
	}
	floor, delivered := s.consumer.AckFloor.Stream, s.consumer.Delivered.Stream
	switch {
	case s.consumer.Delivered.Last != nil:
		return ""
	case floor > delivered, delivered > s.lane.State.LastSeq, uint64(s.consumer.NumAckPending) > delivered-floor:
		return doubtImpossible
	case s.marked && delivered > s.mark.Floor:
		return doubtUnproven
	}
	return ""
}

// certain is the sequence up to which both NATS and the mark say that everything is settled.
func (s standing) certain() uint64 {
	switch {
	case !s.marked:
		return 0
	case s.consumer == nil:
		return s.mark.Floor
	}
	return min(s.mark.Floor, s.consumer.AckFloor.Stream)
}
