package live

import (
	"slices"
	"sync"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// Filter says what a subscription is about.
type Filter struct {
	// Device is the only device that is heard; "" is all of the tenant.
	Device id.Device
	// Devices are the only ones that are heard, instead of Device, when there are any.
	Devices []id.Device
	// Wake is given a token, if there is room for one, whenever there is something to take. Several subscriptions
	// may share it. It may be nil.
	Wake chan<- struct{}
}

func (f Filter) passes(u *Update) bool {
	if len(f.Devices) > 0 {
		return slices.Contains(f.Devices, u.Batch.Device)
	}
	return f.Device == "" || f.Device == u.Batch.Device
}

// places are under which devices a follower finds the subscription, each once.
func (f Filter) places() []id.Device {
	if len(f.Devices) == 0 {
		return []id.Device{f.Device}
	}
	places := slices.Sorted(slices.Values(f.Devices))
	return slices.Compact(places)
}

// Reading is the newest value of one series among packets that a subscriber was too slow for.
type Reading struct {
	Device   id.Device
	Value    telemetry.Value
	Time     telemetry.Micros
	Received telemetry.Micros
}

// Delivery is what has come since the last Take. Either Updates has everything, or the subscriber was too slow:
// Updates is then empty, Latest has the newest reading of each series, and Skipped counts the packets behind them.
type Delivery struct {
	Updates []*Update
	Latest  []Reading
	Skipped int
	Cursor  Cursor
}

// Empty says that nothing has come.
func (d Delivery) Empty() bool { return len(d.Updates) == 0 && d.Skipped == 0 }

// Bounds of what waits for one subscriber. At ten takes a second they are far above what a page can show: 2.5 MB/s.
const (
	maxPendingUpdates = 1024
	maxPendingBytes   = 256 << 10
	maxFoldedSeries   = 4096
)

// Subscription is one reader's part of a tenant's flow.
type Subscription struct {
	// Resumed says that Backlog continues exactly behind the cursor that was given. Otherwise the reader must begin
	// anew: Backlog is then what the ring has, for a reader that shows recent packets.
	Resumed bool
	Backlog []*Update
	// Cursor is the position behind Backlog, where the live flow begins.
	Cursor Cursor

	filter   Filter
	follower *follower

	mu      sync.Mutex
	pending []*Update
	bytes   int
	folded  map[series]Reading // not nil from the moment it overflowed to the next Take
	skipped int
	last    uint64
}

type series struct {
	device id.Device
	metric string
}

// Take returns what has come since the last one and never waits.
func (s *Subscription) Take() Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := Delivery{Updates: s.pending, Skipped: s.skipped, Cursor: Cursor{s.follower.epoch, s.last}}
	for _, reading := range s.folded {
		d.Latest = append(d.Latest, reading)
	}
	s.pending, s.bytes, s.folded, s.skipped = nil, 0, nil, 0
	return d
}

// Done is closed when nothing will come any more because the hub has ended.
func (s *Subscription) Done() <-chan struct{} { return s.follower.hub.base.Done() }

// Close ends the subscription. It may be called more than once.
func (s *Subscription) Close() { s.follower.leave(s) }

// offer is called under the follower's lock, in sequence. It never blocks.
func (s *Subscription) offer(u *Update) {
	s.mu.Lock()
	s.last = u.Seq
	if s.folded == nil && len(s.pending) > 0 &&
		(len(s.pending) >= maxPendingUpdates || s.bytes+u.size > maxPendingBytes) {
		s.overflow()
	}
	if s.folded != nil {
		s.fold(u)
	} else {
		s.pending = append(s.pending, u)
		s.bytes += u.size
	}
	s.mu.Unlock()
	wake(s.filter.Wake)
}

// overflow turns what waits into newest values: order is kept by folding everything, the oldest first.
func (s *Subscription) overflow() {
	s.folded = make(map[series]Reading)
	for _, waiting := range s.pending {
		s.fold(waiting)
	}
	s.pending, s.bytes = nil, 0
}

func (s *Subscription) fold(u *Update) {
	s.skipped += len(u.Batch.Packets)
	s.follower.hub.skipped.Add(float64(len(u.Batch.Packets)))
	for i := range u.Batch.Packets {
		p := &u.Batch.Packets[i]
		for _, v := range p.Values {
			key := series{u.Batch.Device, v.Name}
			before, known := s.folded[key]
			if !known && len(s.folded) >= maxFoldedSeries || known && before.Time > p.Time {
				continue // newest means device time, never arrival
			}
			s.folded[key] = Reading{u.Batch.Device, v, p.Time, u.Batch.Received}
		}
	}
}

func wake(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default: // a token is there already, or nobody wants one
	}
}
