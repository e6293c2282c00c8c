package ingest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// ackDeadline is how long a request waits for the streams: a fail-over of a cluster takes less, a device no longer.
const ackDeadline = 5 * time.Second

// item is one packet on its way through Accept.
type item struct {
	packet  *telemetry.Packet
	key     claimKey
	content uint64
	index   int // in the request
	lane    telemetry.Lane
	verdict verdict
}

// items are the good packets of one request, with what they have in common.
type items struct {
	all   []item
	batch telemetry.Batch
}

// enrich adds what the platform knows of the device to what it sent.
func enrich(p Principal, d telemetry.Decoded, received telemetry.Micros) *items {
	in := &items{
		all:   make([]item, len(d.Packets)),
		batch: telemetry.Batch{Device: p.Device, Packets: d.Packets, Received: received, RetainDays: p.RetainDays},
	}
	for i := range d.Packets {
		in.all[i] = item{packet: &d.Packets[i], content: d.Packets[i].ContentHash(), index: d.Index[i]}
	}
	return in
}

// route picks each packet's lane: a change of state before measurements, logs after them.
func route(in *items) *items {
	for i := range in.all {
		in.all[i].lane = laneOf(in.all[i].packet.Kind)
	}
	return in
}

func laneOf(k telemetry.Kind) telemetry.Lane {
	switch k {
	case telemetry.KindStatus:
		return telemetry.Critical
	case telemetry.KindMetrics:
		return telemetry.Standard
	default:
		return telemetry.Bulk
	}
}

// publish brings every packet into its lane, or finds that it is there already, and returns when the streams have said so.
// Its own packets go first and only then are others waited for: two requests that hold each other's packets both get on.
func (f *Front) publish(ctx context.Context, t id.Tenant, in *items) error {
	ctx, cancel := context.WithTimeout(ctx, ackDeadline)
	defer cancel()
	key := f.window.keys(t, in.batch.Device)
	for i := range in.all {
		in.all[i].key, in.all[i].verdict = key(in.all[i].packet.ID), waiting
	}
	for {
		own, others := f.claim(in)
		if err := f.fly(ctx, t, in, own); err != nil {
			return err
		}
		if len(others) == 0 {
			return nil
		}
		for _, other := range others {
			if err := await(ctx, other); err != nil {
				return err
			}
		}
	}
}

// claim asks the window for every packet that has no verdict yet. It returns the flights that took what was claimed, and
// the other requests' flights that have to be waited for.
func (f *Front) claim(in *items) (own, others []*flight) {
	var boarding [3]*flight // by lane: the flight with room
	isOwn := func(fl *flight) bool { return slices.Contains(own, fl) }
	board := func(i *item) *flight {
		size := sizeBound(i.packet)
		fl := boarding[i.lane]
		if fl == nil || fl.size+size > groupBytes {
			fl = &flight{lane: i.lane, size: sizeOfBatch, done: make(chan struct{}),
				packets: make([]telemetry.Packet, 0, len(in.all)), claims: make([]slot, 0, len(in.all))}
			boarding[i.lane] = fl
			own = append(own, fl)
		}
		fl.packets = append(fl.packets, *i.packet)
		fl.size += size
		return fl
	}
	f.window.mu.Lock()
	defer f.window.mu.Unlock()
	for n := range in.all {
		i := &in.all[n]
		if i.verdict != waiting {
			continue
		}
		var fl *flight
		if i.verdict, fl = f.window.claim(i, board, isOwn); i.verdict == waiting && !slices.Contains(others, fl) {
			others = append(others, fl)
		}
	}
	return own, others
}

// fly submits the flights and waits for all of them. Every flight is decided in the end, whoever still waits for it.
func (f *Front) fly(ctx context.Context, t id.Tenant, in *items, flights []*flight) error {
	var failed error
	for _, fl := range flights {
		batch := in.batch
		batch.Packets = fl.packets
		fl.payload = telemetry.AppendBatch(make([]byte, 0, fl.size), &batch)
		if err := f.publishers.submit(target{tenant: t, lane: fl.lane}, fl); err != nil {
			fl.err, failed = err, err
			f.window.settle(fl, f.o.Now())
			close(fl.done)
		}
	}
	for _, fl := range flights {
		if err := await(ctx, fl); err != nil {
			return err
		}
		if failed == nil {
			failed = fl.err
		}
	}
	return failed
}

// await returns when the flight is decided. It returns ErrUnavailable when the request can wait no longer.
func await(ctx context.Context, fl *flight) error {
	select {
	case <-fl.done:
		return nil
	case <-ctx.Done():
	}
	select { // both may be true, and then what is known is the better answer
	case <-fl.done:
		return nil
	default:
		return unavailable(retryOutage, sendSameAgain, ctx.Err())
	}
}

// Bounds of the encoded size, from above: varints and lengths take at most ten bytes.
const (
	sizeOfBatch = 128
	sizeOfField = 20
)

func sizeBound(p *telemetry.Packet) int {
	size := 2*sizeOfField + len(p.ID)
	for i := range p.Values {
		size += sizeOfField + len(p.Values[i].Name) + len(p.Values[i].Text)
	}
	return size
}

// receipt tells what became of the packets after publish.
func (in *items) receipt(d telemetry.Decoded) Receipt {
	r := Receipt{Rejected: d.Rejected, PacketIDs: make([]string, 0, len(in.all)), TimeUnit: d.TimeUnit}
	if r.Rejected == nil {
		r.Rejected = []telemetry.Rejection{} // an empty list in the answer, not null
	}
	for n := range in.all {
		i := &in.all[n]
		if i.verdict == reused {
			r.Rejected = append(r.Rejected, i.rejectReused())
			continue
		}
		r.Accepted++
		if i.verdict == stored {
			r.Duplicates++
		}
		r.PacketIDs = append(r.PacketIDs, i.packet.ID)
	}
	slices.SortStableFunc(r.Rejected, func(a, b telemetry.Rejection) int { return a.Index - b.Index })
	return r
}

func (i *item) rejectReused() telemetry.Rejection {
	return telemetry.Rejection{
		Index: i.index,
		Code:  "id_reused",
		Detail: fmt.Sprintf("the id %.70q was used lately for a packet with other content: give each packet an id of its own, at packet %d",
			i.packet.ID, i.index),
	}
}
