package mark

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
)

const (
	// Bucket is the name of the bucket that remembers, apart from NATS' own book-keeping, up to where every message is settled.
	Bucket = "SETTLED"
	// interval bounds what is worked on a second time after the program was killed, or the broker was.
	interval = 5 * time.Second
	version  = 1
	// timeout bounds one look, with all that follows from it.
	timeout = 5 * time.Second
)

// Keeper keeps the mark of one consumer of a lane. All fields but Replicas and Every are required.
type Keeper struct {
	JS       jetstream.JetStream
	Replicas int // of the bucket of marks; 0 means 1
	Lane     telemetry.Lane
	Consumer jetstream.ConsumerConfig // where it begins if there is no mark stands in it
	Clock    func() Reading           // MachineClock's, but in tests
	Every    time.Duration            // between two looks; 0 means interval
	Log      *slog.Logger

	Rewound    func(why Doubt)     // is told when the consumer was made anew
	Unreadable func(number uint64) // is told of a message that stood in the way of all others and was passed over
}

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
	if m.Version < 1 || m.Version > version {
		return mark{}, fmt.Errorf("%w: its version is %d, this program knows up to %d", errMark, m.Version, version)
	}
	return m, nil
}

// bucket finds the bucket of marks, or makes it.
func (k *Keeper) bucket(ctx context.Context) (jetstream.KeyValue, error) {
	bucket, err := k.JS.KeyValue(ctx, Bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		return k.JS.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{
			Bucket: Bucket, Description: "up to where each lane is settled for certain", Storage: jetstream.FileStorage, Replicas: max(1, k.Replicas)})
	}
	return bucket, err
}

func (k *Keeper) key() string { return k.Consumer.Durable + "." + k.Lane.String() }

func (k *Keeper) setMark(ctx context.Context, m mark) error {
	bucket, err := k.bucket(ctx)
	if err != nil {
		return fmt.Errorf("marks: %w", err)
	}
	m.Version = version
	value, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("mark: %w", err)
	}
	if _, err := bucket.Put(ctx, k.key(), value); err != nil {
		return fmt.Errorf("set mark: %w", err)
	}
	return nil
}

// mark reads the mark of the consumer. There is none at first, and none that counts when it cannot be read: then NATS is believed.
func (k *Keeper) mark(ctx context.Context) (m mark, marked bool, err error) {
	bucket, err := k.bucket(ctx)
	if err != nil {
		return mark{}, false, fmt.Errorf("marks: %w", err)
	}
	entry, err := bucket.Get(ctx, k.key())
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return mark{}, false, nil
	}
	if err != nil {
		return mark{}, false, fmt.Errorf("read mark: %w", err)
	}
	if m, err = decodeMark(entry.Value()); err != nil {
		k.Log.Error("what NATS says is settled cannot be checked", "error", err)
		return mark{}, false, nil
	}
	return m, true, nil
}

// Keep writes down, until ctx ends, how far the lane is settled, and sees to it that this goes on.
func (k *Keeper) Keep(ctx context.Context) {
	ticker := time.NewTicker(cmp.Or(k.Every, interval))
	defer ticker.Stop()
	before := k.Clock()
	var was place
	for {
		select {
		case <-ticker.C:
			now := k.Clock()
			if now.Behind(before) {
				k.DeliverAnew(ctx)
			}
			before = now
			k.Advance(ctx)
			if err := k.unblock(ctx, &was); err != nil {
				k.Log.Debug("whether a damaged message stands in the way of the lane is not known", "error", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// Advance moves the mark to where NATS says that everything is settled, unless NATS has only read that from its disk.
func (k *Keeper) Advance(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	s, err := k.standing(ctx)
	switch {
	case err != nil || s.consumer == nil: // NATS being away is said elsewhere
		return
	case s.doubt() != "":
		_, err = k.rewind(ctx, s)
	case !s.marked || s.mark.Floor != s.consumer.AckFloor.Stream:
		err = k.setMark(ctx, mark{Floor: s.consumer.AckFloor.Stream, Lane: s.lane.Created})
	}
	if err != nil {
		k.Log.Debug("the mark of what is settled did not move", "error", err)
	}
}

// Reading is what the clock on the wall says, and how long the program has run by one that never jumps.
type Reading struct {
	Wall time.Time
	Ran  time.Duration
}

// MachineClock returns the clock of the machine.
func MachineClock() func() Reading {
	began := time.Now()
	return func() Reading {
		now := time.Now()
		return Reading{Wall: now.Round(0), Ran: now.Sub(began)}
	}
}

// Behind tells whether the clock was put back since an earlier reading, by more than its corrections are.
func (r Reading) Behind(earlier Reading) bool {
	return r.Wall.Sub(earlier.Wall) < r.Ran-earlier.Ran-interval
}

// DeliverAnew ends what NATS postpones until a time that is now far away, because the clock was put back.
func (k *Keeper) DeliverAnew(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	s, err := k.standing(ctx)
	if err == nil && s.consumer != nil && s.consumer.NumAckPending > 0 {
		s.mark, s.marked = mark{Floor: s.consumer.AckFloor.Stream}, true
		_, err = k.rewind(ctx, s)
		k.Log.Warn("the clock was put back; what is in hand is delivered anew", "messages", s.consumer.NumAckPending)
	}
	if err != nil {
		k.Log.Warn("the clock was put back; what was postponed may wait for as long", "error", err)
	}
}

// standing is what NATS and the mark say of how far a lane is settled.
type standing struct {
	lane     *jetstream.StreamInfo
	consumer *jetstream.ConsumerInfo // nil when there is none
	mark     mark
	marked   bool
}

func (k *Keeper) standing(ctx context.Context) (s standing, err error) {
	name := telemetry.LaneStream(k.Lane)
	consumer, err := k.JS.Consumer(ctx, name, k.Consumer.Durable)
	if err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return s, fmt.Errorf("consumer %s of %s: %w", k.Consumer.Durable, name, err)
	}
	if err == nil {
		s.consumer = consumer.CachedInfo()
	}
	stream, err := k.JS.Stream(ctx, name) // after the consumer, which cannot be further than the lane was by then
	if err != nil {
		return s, fmt.Errorf("lane: %w", err)
	}
	s.lane = stream.CachedInfo()
	if s.mark, s.marked, err = k.mark(ctx); err != nil {
		return s, err
	}
	if !s.mark.Lane.Equal(s.lane.Created) || s.mark.Floor > s.lane.State.LastSeq {
		s.mark, s.marked = mark{}, false // of another life of the lane
	}
	return s, nil
}

// Doubt is why a consumer is made anew.
type Doubt string

// The doubts.
const (
	Unproven   Doubt = "unproven"   // NATS read from its disk that messages are settled which the mark does not cover
	Impossible Doubt = "impossible" // what it read contradicts itself, or the lane
	Missing    Doubt = "missing"    // there was a consumer, and now there is none
)

// doubt says why what NATS takes for settled is not to be believed; empty when it is. A consumer that has delivered since
// it was loaded was checked then.
func (s standing) doubt() Doubt {
	if s.consumer == nil {
		if s.marked {
			return Missing
		}
		return ""
	}
	floor, delivered := s.consumer.AckFloor.Stream, s.consumer.Delivered.Stream
	switch {
	case s.consumer.Delivered.Last != nil:
		return ""
	case floor > delivered, delivered > s.lane.State.LastSeq, uint64(s.consumer.NumAckPending) > delivered-floor:
		return Impossible
	case s.marked && delivered > s.mark.Floor:
		return Unproven
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
