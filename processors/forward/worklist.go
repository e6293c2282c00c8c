package forward

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

const (
	// redriveMost is how many messages one request moves: somebody waits for the answer.
	redriveMost = 2000
	// samplesShown are enough to see what a group is about.
	samplesShown = 3
)

// Group is what could not be delivered to a destination for the same reason.
type Group struct {
	Cause       string
	Detail      string // of the newest
	Count       int
	First, Last time.Time // when they were given up
	Samples     []Sample  // the newest
}

// Sample is one message that could not be delivered.
type Sample struct {
	Message Message
	Queued  time.Time
}

// Undelivered returns the work list of a destination, the largest group first. It returns ErrUnknown and ErrUnavailable.
func (f *Forwarder) Undelivered(ctx context.Context, t id.Tenant, d id.Destination) ([]Group, error) {
	if _, err := f.line(t, d); err != nil {
		return nil, err
	}
	groups := make(map[string]*Group)
	newest := make(map[string][]uint64)
	list := reading{stream: telemetry.UndeliveredStream, filter: telemetry.UndeliveredSubject(t, d), headersOnly: true}
	err := f.each(ctx, list, func(m jetstream.Msg) {
		meta, err := m.Metadata()
		if err != nil {
			return
		}
		cause := m.Headers().Get(headCause)
		g := groups[cause]
		if g == nil {
			g = &Group{Cause: cause, First: meta.Timestamp}
			groups[cause] = g
		}
		g.Count++
		g.Last, g.Detail = meta.Timestamp, m.Headers().Get(headDetail)
		newest[cause] = append(newest[cause], meta.Sequence.Stream)
		if extra := len(newest[cause]) - samplesShown; extra > 0 {
			newest[cause] = newest[cause][extra:]
		}
	})
	if err != nil {
		return nil, err
	}
	out := make([]Group, 0, len(groups))
	for cause, g := range groups {
		if g.Samples, err = f.samples(ctx, newest[cause]); err != nil {
			return nil, err
		}
		out = append(out, *g)
	}
	slices.SortFunc(out, func(a, b Group) int { return cmp.Or(b.Count-a.Count, cmp.Compare(a.Cause, b.Cause)) })
	return out, nil
}

// samples reads messages of the work list, the newest first. One that is gone meanwhile is left out.
func (f *Forwarder) samples(ctx context.Context, places []uint64) ([]Sample, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	stream, err := f.JS.Stream(ctx, telemetry.UndeliveredStream)
	if err != nil {
		return nil, unavailable(err)
	}
	var out []Sample
	for _, place := range slices.Backward(places) {
		raw, err := stream.GetMsg(ctx, place)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			return nil, unavailable(err)
		}
		message, err := decode(raw.Data)
		if err != nil {
			continue
		}
		queued, _ := time.Parse(time.RFC3339Nano, raw.Header.Get(headQueued)) // zero when it is damaged: it is only shown
		out = append(out, Sample{message, queued})
	}
	return out, nil
}

// Redriven says what a re-drive did.
type Redriven struct {
	Moved int // that are queued again
	Left  int // of the same cause that are still on the work list
}

// Redrive queues again what is on the work list of a destination for a cause, or for any when that is empty, oldest first
// and at most redriveMost at a time. Each is queued first and then taken off the list, so that none is lost between. It
// returns ErrUnknown, ErrDisabled, ErrFull when the queue took no more, and ErrUnavailable; what was moved until then is
// moved.
func (f *Forwarder) Redrive(ctx context.Context, t id.Tenant, d id.Destination, cause string) (Redriven, error) {
	l, err := f.line(t, d)
	if err != nil {
		return Redriven{}, err
	}
	if l.d.Disabled {
		return Redriven{}, ErrDisabled
	}
	var places []uint64
	list := reading{stream: telemetry.UndeliveredStream, filter: telemetry.UndeliveredSubject(t, d), headersOnly: true}
	err = f.each(ctx, list, func(m jetstream.Msg) {
		if meta, err := m.Metadata(); err == nil && (cause == "" || m.Headers().Get(headCause) == cause) {
			places = append(places, meta.Sequence.Stream)
		}
	})
	if err != nil {
		return Redriven{}, err
	}
	done := Redriven{Left: len(places)}
	for _, place := range places[:min(len(places), redriveMost)] {
		if err := l.redriveOne(ctx, place); err != nil {
			return done, err
		}
		done.Moved++
		done.Left--
	}
	return done, nil
}

func (l *line) redriveOne(ctx context.Context, place uint64) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	stream, err := l.f.JS.Stream(ctx, telemetry.UndeliveredStream)
	if err != nil {
		return unavailable(err)
	}
	raw, err := stream.GetMsg(ctx, place)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil // somebody else re-drives it
	}
	if err != nil {
		return unavailable(err)
	}
	if err := l.queue(ctx, raw.Data, fmt.Sprintf("redrive.%d", place)); err != nil {
		return err
	}
	if err := stream.DeleteMsg(ctx, place); err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
		return unavailable(err) // re-driving again changes nothing within the duplicate window
	}
	return nil
}
