package widget

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
	"longwave/web/live"
)

// feed is one interest and everybody who shares it. Its goroutine is the only one that changes what is known.
type feed struct {
	feeds    *Feeds
	key      string
	interest Interest
	metrics  map[string]bool // nil for all
	stop     context.CancelFunc
	users    int           // guarded by the lock of feeds
	ready    chan struct{} // closed when the snapshot is there, or err
	err      error         // why it could not begin; set before ready is closed

	mu         sync.Mutex
	listeners  map[*Listener]struct{}
	latest     map[telemetry.SeriesKey]point
	recent     []point // oldest first
	incomplete bool
	since      telemetry.Micros // what came after this is in recent
	encoded    []byte           // the snapshot; nil when something has come since
}

func newFeed(f *Feeds, key string, i Interest) *feed {
	one := &feed{feeds: f, key: key, interest: i, ready: make(chan struct{}), listeners: make(map[*Listener]struct{}), latest: make(map[telemetry.SeriesKey]point)}
	if len(i.Metrics) > 0 {
		one.metrics = make(map[string]bool, len(i.Metrics))
		for _, m := range i.Metrics {
			one.metrics[m] = true
		}
	}
	return one
}

// run subscribes first and reads what is stored after that: what the store does not have yet is in the flow.
func (f *feed) run(ctx context.Context, t id.Tenant) {
	wake := make(chan struct{}, 1)
	flow, err := f.begin(ctx, t, wake)
	if err != nil {
		f.fail(err)
		return
	}
	defer flow.Close()
	close(f.ready)
	for {
		select {
		case <-ctx.Done():
			return
		case <-flow.Done():
			return
		case <-wake:
		}
		f.take(flow.Take())
		if !rest(ctx) {
			return
		}
	}
}

// fail lets the next page try again.
func (f *feed) fail(err error) {
	f.feeds.mu.Lock()
	if f.feeds.open[f.key] == f {
		delete(f.feeds.open, f.key)
	}
	f.feeds.mu.Unlock()
	f.err = err
	close(f.ready)
}

// ErrNobody is the interest in no device at all: there is nothing to hear.
var ErrNobody = errors.New("widget: no device to listen to")

func (f *feed) begin(ctx context.Context, t id.Tenant, wake chan<- struct{}) (*live.Subscription, error) {
	if len(f.interest.Devices) == 0 {
		return nil, ErrNobody
	}
	bounded, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	flow, err := f.feeds.o.Hub.Subscribe(bounded, t, live.Filter{Devices: f.interest.Devices, Wake: wake}, live.Cursor{})
	if err != nil {
		return nil, err
	}
	f.since = telemetry.At(time.Now().Add(-storeLag))
	stored, err := f.feeds.o.Readings(t).LatestOf(bounded, f.interest.Devices)
	if err != nil {
		f.feeds.o.Log.WarnContext(ctx, "live values begin without what is stored", "tenant", string(t), "error", err)
	}
	f.incomplete = err != nil
	for device, list := range stored {
		for _, l := range list {
			f.learn(point{device, l.Value, l.Time, l.Received})
		}
	}
	f.take(live.Delivery{Updates: flow.Backlog})
	flow.Backlog = nil // the ring may let go of it
	return flow, nil
}

func rest(ctx context.Context) bool {
	timer := time.NewTimer(flushEvery)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// take remembers what has come and tells the listeners, in one critical section.
func (f *feed) take(d live.Delivery) {
	var points []point
	for _, u := range d.Updates {
		for i := range u.Batch.Packets {
			p := &u.Batch.Packets[i]
			for _, v := range p.Values {
				points = append(points, point{u.Batch.Device, v, p.Time, u.Batch.Received})
			}
		}
	}
	for _, r := range d.Latest {
		points = append(points, point{r.Device, r.Value, r.Time, r.Received})
	}
	points = slices.DeleteFunc(points, func(p point) bool { return f.metrics != nil && !f.metrics[p.value.Name] })
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, p := range points {
		f.learn(p)
	}
	if f.interest.Newest {
		points = newest(points)
	} else {
		f.remember(points)
	}
	if len(points) == 0 {
		return
	}
	f.encoded = nil
	update := appendPoints(nil, points)
	for l := range f.listeners {
		l.offer(update)
	}
}

// learn keeps the newest value by device time. It is called under the lock, or before anybody listens.
func (f *feed) learn(p point) {
	if f.metrics != nil && !f.metrics[p.value.Name] {
		return
	}
	if before, ok := f.latest[p.key()]; !ok || p.at >= before.at {
		f.latest[p.key()] = p
	}
}

func (f *feed) remember(points []point) {
	f.recent = append(f.recent, points...)
	if len(f.recent) == 0 {
		return
	}
	oldest := f.recent[len(f.recent)-1].received - telemetry.Micros(keepRecent/time.Microsecond)
	drop := max(0, len(f.recent)-maxRecent)
	for drop < len(f.recent) && f.recent[drop].received < oldest {
		drop++
	}
	if drop > 0 {
		f.since = f.recent[drop-1].received + 1
	}
	f.recent = append(f.recent[:0], f.recent[drop:]...)
}

// newest keeps one point of each series.
func newest(points []point) []point {
	found := make(map[telemetry.SeriesKey]point, len(points))
	for _, p := range points {
		if before, ok := found[p.key()]; !ok || p.at >= before.at {
			found[p.key()] = p
		}
	}
	return inOrder(found)
}

func inOrder(found map[telemetry.SeriesKey]point) []point {
	return slices.SortedFunc(maps.Values(found), func(a, b point) int {
		return cmp.Or(cmp.Compare(a.device, b.device), cmp.Compare(a.value.Name, b.value.Name))
	})
}

// snapshot is encoded once for all who join before something else comes. It is called under the lock.
func (f *feed) snapshot() []byte {
	if f.encoded == nil {
		var out bytes.Buffer
		out.WriteString(`{"incomplete":` + strconv.FormatBool(f.incomplete) + `,"since":` + strconv.FormatInt(int64(f.since), 10) + `,"points":`)
		out.Write(appendPoints(nil, append(inOrder(f.latest), f.recent...)))
		out.WriteByte('}')
		f.encoded = out.Bytes()
	}
	return f.encoded
}

// appendPoints writes [[device, metric, time, value], …].
func appendPoints(dst []byte, points []point) []byte {
	dst = append(dst, '[')
	for i, p := range points {
		if i > 0 {
			dst = append(dst, ',')
		}
		name, err := json.Marshal(p.value.Name)
		if err != nil { // a string never fails
			name = []byte(`""`)
		}
		dst = append(dst, `["`+string(p.device)+`",`...)
		dst = append(append(dst, name...), ',')
		dst = strconv.AppendInt(dst, int64(p.at), 10)
		dst = live.AppendValue(append(dst, ','), p.value)
		dst = append(dst, ']')
	}
	return append(dst, ']')
}
