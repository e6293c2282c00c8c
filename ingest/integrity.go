package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
)

const (
	// marksBucket remembers, apart from the lanes themselves, how far each has come.
	marksBucket = "LANE_MARKS"
	// markInterval bounds what a lane may lose at its end without being noticed: what came since the last mark.
	markInterval = 5 * time.Second
	markDeadline = 5 * time.Second
)

// Damage is what was found to be wrong with a lane: messages that it had acknowledged and does not hold any more, although
// nothing of ours removed them. A disk does that, or a person.
type Damage struct {
	Lane      telemetry.Lane
	Missing   uint64 // sequences between the first and the last message under which there is none
	Corrupt   uint64 // messages whose checksum is wrong; they are there and no processor can read them
	Truncated uint64 // messages that were there at the end once; their sequences have been, or will be, used again
	Epoch     uint64 // how often the lane was truncated in its life; a sequence is unique together with it only
}

// any tells whether anything was found.
func (d *Damage) any() bool { return d.Missing > 0 || d.Corrupt > 0 || d.Truncated > 0 }

// markVersion is the version of the marks. The first ones, without a version, are read as 1.
const markVersion = 1

// mark is how far a lane had come.
type mark struct {
	Version int    `json:"v"`
	Last    uint64 `json:"last"`
	Epoch   uint64 `json:"epoch"`
}

// Damage returns what Open found, for every lane in order; all zero but for Epoch where nothing was.
func (f *Front) Damage() []Damage { return slices.Clone(f.damage[:]) }

// openMarks makes the bucket of marks and compares each lane with its mark.
func (f *Front) openMarks(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, streamDeadline)
	defer cancel()
	f.marks, err = f.o.JS.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: marksBucket, Replicas: f.o.Replicas, Storage: jetstream.FileStorage})
	if err != nil {
		return fmt.Errorf("open marks of the lanes: %w", err)
	}
	for _, lane := range telemetry.Lanes() {
		if err := f.compare(ctx, lane); err != nil {
			return err
		}
	}
	return nil
}

// compare finds what is missing at the end of a lane, by its mark, and in the middle, by what the stream says of itself:
// a lane loses messages at its beginning only, so none that is deleted may lie between others, unless a tenant was.
func (f *Front) compare(ctx context.Context, lane telemetry.Lane) error {
	stream, err := f.o.JS.Stream(ctx, telemetry.LaneStream(lane))
	if err != nil {
		return fmt.Errorf("look at lane %s: %w", lane, err)
	}
	before, err := f.markOf(ctx, lane)
	if err != nil {
		return err
	}
	state := stream.CachedInfo().State
	missing, err := f.missing(ctx, lane, stream)
	if err != nil {
		return err
	}
	found := Damage{Lane: lane, Missing: missing, Epoch: before.Epoch}
	if state.LastSeq < before.Last {
		found.Truncated = before.Last - state.LastSeq
		found.Epoch++
		before.Last = 0 // so that the shorter lane gets its mark
	}
	f.damage[lane] = found
	f.atMark[lane] = mark{Last: before.Last, Epoch: found.Epoch}
	return nil
}

func (f *Front) markOf(ctx context.Context, lane telemetry.Lane) (m mark, err error) {
	entry, err := f.marks.Get(ctx, lane.String())
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return mark{}, nil
	}
	if err != nil {
		return mark{}, fmt.Errorf("read the mark of lane %s: %w", lane, err)
	}
	if m, err = decodeMark(entry.Value()); err != nil {
		return mark{}, fmt.Errorf("read the mark of lane %s: %w", lane, err)
	}
	return m, nil
}

func decodeMark(value []byte) (m mark, err error) {
	if err := json.Unmarshal(value, &m); err != nil {
		return mark{}, err
	}
	if m.Version > markVersion {
		return mark{}, fmt.Errorf("%w: mark of version %d", telemetry.ErrVersion, m.Version)
	}
	return m, nil
}

// setMarks writes down how far the lanes have come. A mark that is older than it could be only notices less.
func (f *Front) setMarks(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, markDeadline)
	defer cancel()
	for _, lane := range telemetry.Lanes() {
		if err := f.setMark(ctx, lane); err != nil {
			f.o.Log.Debug("the mark of a lane is not set", slog.String("lane", lane.String()), slog.Any("error", err))
		}
	}
}

func (f *Front) setMark(ctx context.Context, lane telemetry.Lane) error {
	stream, err := f.o.JS.Stream(ctx, telemetry.LaneStream(lane))
	if err != nil {
		return err
	}
	last := stream.CachedInfo().State.LastSeq
	if last <= f.atMark[lane].Last { // nothing new; or it went backwards while we run, which the next start is to see
		return nil
	}
	reached := mark{Version: markVersion, Last: last, Epoch: f.atMark[lane].Epoch}
	value, err := json.Marshal(reached)
	if err != nil {
		return err
	}
	if _, err := f.marks.Put(ctx, lane.String(), value); err != nil {
		return err
	}
	f.atMark[lane] = reached
	return nil
}

// keepMarks sets marks until ctx ends.
func (f *Front) keepMarks(ctx context.Context) {
	tick := time.NewTicker(markInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			f.setMarks(ctx)
		}
	}
}

// continuity notices, while a lane is read in order, what is not there. Gaps up to purpose are on purpose.
type continuity struct{ next, missing, corrupt, purpose uint64 }

func (c *continuity) see(sequence uint64, readable bool) {
	if from := max(c.next, c.purpose+1); c.next != 0 && sequence > from {
		c.missing += sequence - from
	}
	c.next = sequence + 1
	if !readable {
		c.corrupt++
	}
}

// end is called with the last sequence of the stream when it was read to there.
func (c *continuity) end(last uint64) {
	if from := max(c.next, c.purpose+1); c.next != 0 && last >= from {
		c.missing += last - from + 1
	}
}

// report tells the operator what was found.
func (f *Front) report() {
	for i := range f.damage {
		d := &f.damage[i]
		lane := d.Lane.String()
		f.metrics.damage.WithLabelValues(lane, "missing").Add(float64(d.Missing))
		f.metrics.damage.WithLabelValues(lane, "corrupt").Add(float64(d.Corrupt))
		f.metrics.damage.WithLabelValues(lane, "truncated").Add(float64(d.Truncated))
		if d.any() {
			f.o.Log.Error("a lane has lost messages that it had acknowledged", slog.String("lane", lane), slog.Uint64("missing", d.Missing),
				slog.Uint64("corrupt", d.Corrupt), slog.Uint64("truncated", d.Truncated), slog.Uint64("epoch", d.Epoch))
		}
	}
}
