package web

import (
	"cmp"
	"context"
	"slices"

	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/web/live"
)

// devicesTopic is when devices last sent: what the device list shows. It conflates by nature.
type devicesTopic struct {
	flow   *live.Subscription
	wanted map[id.Device]bool // nil: all
}

// sighting is one device in a frame.
type sighting struct {
	Device   id.Device        `json:"device"`
	At       telemetry.Micros `json:"at"`   // newest device time
	Seen     telemetry.Micros `json:"seen"` // newest arrival
	Interval float64          `json:"interval,omitempty"`
}

func (b *browser) openDevices(ctx context.Context, c command) (topic, []byte, error) {
	wanted, err := b.wanted(c.Devices)
	if err != nil {
		return nil, nil, err
	}
	flow, err := b.socket.options.Hub.Subscribe(ctx, b.visit.Tenant, live.Filter{Wake: b.wake}, live.Cursor{})
	if err != nil {
		return nil, nil, err
	}
	t := &devicesTopic{flow: flow, wanted: wanted}
	stored, err := b.socket.activityOf(ctx, b.visit.Tenant)
	incomplete := b.incomplete(ctx, "activity of the devices", err)
	seen := make(sightings)
	for _, a := range stored {
		t.see(seen, sighting{a.Device, a.LastTime, a.LastSeen, a.Interval})
	}
	t.seeUpdates(seen, flow.Backlog)
	flow.Backlog = nil // the ring may let go of it
	return t, newFrame(c.Sub).cursor(flow.Cursor).snapshot(incomplete).devices(seen.newest(maxDevices)).end().bytes(), nil
}

// wanted is the set of devices that a list shows. Those of other tenants have no packets in this tenant's flow.
func (b *browser) wanted(names []string) (map[id.Device]bool, error) {
	if len(names) == 0 {
		return nil, nil
	}
	if len(names) > maxDevices {
		names = names[:maxDevices]
	}
	set := make(map[id.Device]bool, len(names))
	for _, name := range names {
		d, err := id.Parse[id.Device](name)
		if err != nil {
			return nil, tenants.ErrNotFound
		}
		set[d] = true
	}
	return set, nil
}

func (t *devicesTopic) next(number uint32) []byte {
	delivery := t.flow.Take()
	seen := make(sightings)
	t.seeUpdates(seen, delivery.Updates)
	for _, r := range delivery.Latest {
		t.see(seen, sighting{Device: r.Device, At: r.Time, Seen: r.Received})
	}
	if len(seen) == 0 {
		return nil
	}
	return newFrame(number).cursor(delivery.Cursor).devices(seen.newest(maxDevices)).bytes()
}

func (t *devicesTopic) close() { t.flow.Close() }

func (t *devicesTopic) seeUpdates(seen sightings, updates []*live.Update) {
	for _, u := range updates {
		for i := range u.Batch.Packets {
			t.see(seen, sighting{Device: u.Batch.Device, At: u.Batch.Packets[i].Time, Seen: u.Batch.Received})
		}
	}
}

func (t *devicesTopic) see(seen sightings, s sighting) {
	if t.wanted != nil && !t.wanted[s.Device] {
		return
	}
	before := seen[s.Device]
	s.At, s.Seen, s.Interval = max(s.At, before.At), max(s.Seen, before.Seen), max(s.Interval, before.Interval)
	seen[s.Device] = s
}

type sightings map[id.Device]sighting

// newest lists at most limit devices, the ones heard last first.
func (s sightings) newest(limit int) []sighting {
	list := make([]sighting, 0, len(s))
	for _, one := range s {
		list = append(list, one)
	}
	slices.SortFunc(list, func(a, b sighting) int {
		return cmp.Or(cmp.Compare(b.Seen, a.Seen), cmp.Compare(a.Device, b.Device))
	})
	return list[:min(len(list), limit)]
}
