package web

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/web/live"
)

// Bounds of a snapshot.
const (
	recentPackets  = 200 // what the list of raw packets keeps
	recentRejected = 50
	maxDevices     = 500 // devices in one frame, and in one subscription: a page of the list has fewer
)

// open makes the topic that the command asks for and its first frame, or a frame that says why not.
func (b *browser) open(ctx context.Context, c command) (topic, []byte) {
	t, first, err := b.dispatch(ctx, c)
	if err == nil {
		return t, first
	}
	if errors.Is(err, tenants.ErrNotFound) {
		return nil, errorFrame(c.Sub, "not_found", "There is no such thing here.")
	}
	if errors.Is(err, errTopic) {
		return nil, errorFrame(c.Sub, "unknown_topic", "The topics are device, devices, rate, attempts and widget.")
	}
	if ctx.Err() == nil {
		b.socket.options.Log.WarnContext(ctx, "live subscription failed", "tenant", string(b.visit.Tenant), "topic", c.Topic, "error", err)
	}
	return nil, errorFrame(c.Sub, "unavailable", "The live values cannot be read just now. Trying again helps.")
}

var errTopic = errors.New("no such topic")

func (b *browser) dispatch(ctx context.Context, c command) (topic, []byte, error) {
	if b.visit.Screen != nil {
		return b.dispatchScreen(ctx, c)
	}
	switch c.Topic {
	case "device":
		return b.openDevice(ctx, c)
	case "devices":
		return b.openDevices(ctx, c)
	case "rate":
		return b.openRate(ctx, c)
	case "attempts":
		return b.openAttempts(c)
	case "directory":
		return b.openDirectory(c)
	case "alerts":
		return b.openAlerts(c)
	case "widget":
		return b.openWidget(ctx, c)
	default:
		return nil, nil, errTopic
	}
}

// known is the device of the command. One of another tenant is answered as one that does not exist.
func (b *browser) known(c command) (id.Device, error) {
	d, err := id.Parse[id.Device](c.Device)
	if err != nil || !b.socket.options.Known(b.visit.Tenant, d) {
		return "", tenants.ErrNotFound
	}
	return d, nil
}

// deviceTopic is everything about one device.
type deviceTopic struct {
	flow     *live.Subscription
	rejected *live.Feed[telemetry.RejectedPacket]
}

// openDevice subscribes first and reads what is stored after that: what the store does not have yet is in the flow.
func (b *browser) openDevice(ctx context.Context, c command) (topic, []byte, error) {
	d, err := b.known(c)
	if err != nil {
		return nil, nil, err
	}
	hub, t := b.socket.options.Hub, b.visit.Tenant
	flow, err := hub.Subscribe(ctx, t, live.Filter{Device: d, Wake: b.wake}, live.ParseCursor(c.Cursor))
	if err != nil {
		return nil, nil, err
	}
	rejected, err := hub.Rejected(t, d, b.wake)
	if err != nil {
		flow.Close()
		return nil, nil, err
	}
	kept, err := b.socket.storedRejected(ctx, t, d)
	incomplete := b.incomplete(ctx, "rejected packets", err)
	first := newFrame(c.Sub).cursor(flow.Cursor)
	if flow.Resumed {
		first.resumed().packets(flow.Backlog).rejected(kept)
	} else {
		stored, err := b.socket.storedLatest(ctx, t, d)
		incomplete = b.incomplete(ctx, "latest values", err) || incomplete
		values := mergeLatest(stored, flow.Backlog)
		first.snapshot(incomplete).latest(values, b.unit).packets(lastPackets(flow.Backlog, recentPackets)).rejected(kept).end()
	}
	flow.Backlog = nil // the ring may let go of it
	return &deviceTopic{flow: flow, rejected: rejected}, first.bytes(), nil
}

// storedLatest, storedRejected and activityOf read what is stored, once for all who ask at the same time. An answer that
// is a moment old leaves no gap: what came since is in the flow, whose past is longer than any question takes.
func (s *socket) storedLatest(ctx context.Context, t id.Tenant, d id.Device) ([]telemetry.Latest, error) {
	return share(ctx, &s.asking, shared[[]telemetry.Latest]{key: "latest " + string(t) + " " + string(d), within: storageTimeout,
		ask: func(ctx context.Context) ([]telemetry.Latest, error) { return s.options.Readings(t).Latest(ctx, d) }})
}

func (s *socket) storedRejected(ctx context.Context, t id.Tenant, d id.Device) ([]telemetry.RejectedPacket, error) {
	return share(ctx, &s.asking, shared[[]telemetry.RejectedPacket]{key: "rejected " + string(t) + " " + string(d), within: storageTimeout,
		ask: func(ctx context.Context) ([]telemetry.RejectedPacket, error) {
			return s.options.Rejected(ctx, t, d, recentRejected)
		}})
}

func (s *socket) activityOf(ctx context.Context, t id.Tenant) ([]telemetry.Activity, error) {
	return share(ctx, &s.asking, shared[[]telemetry.Activity]{key: "activity " + string(t), within: storageTimeout,
		ask: func(ctx context.Context) ([]telemetry.Activity, error) { return s.options.Readings(t).Activity(ctx) }})
}

// incomplete reports what could not be read. A page that shows less, and says so, is better than none.
func (b *browser) incomplete(ctx context.Context, what string, err error) bool {
	if err != nil {
		b.socket.options.Log.WarnContext(ctx, "live snapshot is incomplete", "tenant", string(b.visit.Tenant), "missing", what, "error", err)
	}
	return err != nil
}

func (b *browser) unit(metric string) string { return b.socket.options.Unit(b.visit.Tenant, metric) }

func (t *deviceTopic) next(number uint32) []byte {
	delivery := t.flow.Take()
	rejected, _ := t.rejected.Take()
	if delivery.Empty() && len(rejected) == 0 {
		return nil
	}
	f := newFrame(number)
	if !delivery.Empty() {
		f.cursor(delivery.Cursor)
	}
	switch {
	case delivery.Skipped > 0:
		f.latest(latestOf(delivery.Latest), nil).skipped(delivery.Skipped)
	case len(delivery.Updates) > 0:
		f.packets(delivery.Updates)
	}
	if len(rejected) > 0 {
		f.rejected(rejected)
	}
	return f.bytes()
}

func (t *deviceTopic) close() {
	t.flow.Close()
	t.rejected.Close()
}

// lastPackets is the newest updates that hold about as many packets as wanted, in the order of their arrival: a ring that
// has just been filled from the past has one lane behind the other in places.
func lastPackets(updates []*live.Update, wanted int) []*live.Update {
	sorted := slices.SortedStableFunc(slices.Values(updates), func(a, b *live.Update) int {
		return cmp.Compare(a.Batch.Received, b.Batch.Received)
	})
	first := len(sorted)
	for first > 0 && wanted > 0 {
		first--
		wanted -= len(sorted[first].Batch.Packets)
	}
	return sorted[first:]
}

// attemptsTopic is failed attempts.
type attemptsTopic struct {
	feed *live.Feed[live.Attempt]
}

func (b *browser) openAttempts(c command) (topic, []byte, error) {
	d, err := b.known(c)
	if err != nil {
		return nil, nil, err
	}
	feed, err := b.socket.options.Hub.Attempts(b.visit.Tenant, d, b.addressKey, b.wake)
	if err != nil {
		return nil, nil, err
	}
	return &attemptsTopic{feed: feed}, newFrame(c.Sub).snapshot(false).end().bytes(), nil
}

func (t *attemptsTopic) next(number uint32) []byte {
	attempts, skipped := t.feed.Take()
	if len(attempts) == 0 {
		return nil
	}
	f := newFrame(number).attempts(attempts)
	if skipped > 0 {
		f.skipped(skipped)
	}
	return f.bytes()
}

func (t *attemptsTopic) close() { t.feed.Close() }
