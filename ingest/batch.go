package ingest

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"longwave/ingest/telemetry"
)

// ackDeadline is how long a request waits for the streams: a fail-over of a cluster takes less, a device no longer.
const ackDeadline = 5 * time.Second

// item is one packet on its way through Accept.
type item struct {
	packet  *telemetry.Packet
	flight  *flight // that took it, when the verdict is claimed
	key     claimKey
	content uint64
	index   int // in the request
	lane    telemetry.Lane
	verdict verdict
	by      int // the rule that decided; of the rest, where they stand in judged.matched
	first   int
	matches int
}

// items are the good packets of one request, with what they have in common. They are kept for the next request, because
// making their slices costs as much as everything else that a small request needs.
type items struct {
	front     *Front
	from      Principal
	transport string
	told      func()    // called when a flight is decided; may be nil
	began     time.Time // ackDeadline counts from here
	inside    bool      // counted by Front.inside
	failed    error     // why nothing of the request is on its way

	decoded telemetry.Decoded
	all     []item
	batch   telemetry.Batch
	packets []telemetry.Packet // of one flight, while it is encoded
	own     []*flight          // flights of this request
	others  []*flight          // flights of other requests that have some of its packets
	demoted int                // packets in the bulk lane because the tenant is above its share
	judged  judged
	marks   int         // bytes for what rules forward and label
	anyway  bool        // the window is not asked: what was accepted once could not be stored, and goes again
	timer   *time.Timer // of ackDeadline
}

// borrow returns items for one request, release takes them back.
func (f *Front) borrow() *items {
	if in, ok := f.spare.Get().(*items); ok {
		return in
	}
	in := &items{timer: time.NewTimer(ackDeadline)}
	in.timer.Stop()
	return in
}

func (f *Front) release(in *items) {
	in.timer.Stop()
	if in.inside {
		f.inside.Done()
	}
	in.inside, in.told, in.failed = false, nil, nil
	clear(in.own[:cap(in.own)]) // a flight that nobody waits for is to be collected
	clear(in.others[:cap(in.others)])
	in.own, in.others = in.own[:0], in.others[:0]
	in.anyway = false
	f.spare.Put(in)
}

// count is how many packets the request has, good and bad.
func (in *items) count() int { return len(in.decoded.Packets) + len(in.decoded.Rejected) }

// demand is what the request asks of the limits.
func (in *items) demand() demand {
	n := demand{packets: in.count()}
	for i := range in.decoded.Packets {
		n.readings += len(in.decoded.Packets[i].Values)
	}
	return n
}

// enrich adds what the platform knows of the device to what it sent.
func (in *items) enrich(p Principal, received telemetry.Micros) {
	d := &in.decoded
	in.batch = telemetry.Batch{Device: p.Device, Packets: d.Packets, Received: received, RetainDays: p.RetainDays}
	in.all, in.marks = slices.Grow(in.all[:0], len(d.Packets)), 0
	for i := range d.Packets {
		in.all = append(in.all, item{packet: &d.Packets[i], content: d.Packets[i].ContentHash(), index: d.Index[i], verdict: waiting})
	}
}

// route picks each packet's lane: the one of its kind, unless a rule of the tenant says otherwise, and last what a tenant sends beyond its share. Where that would be is decided for the request as a
// whole, so that its packets stay in their order.
func (f *Front) route(in *items, p Principal, now time.Time) {
	for i := range in.all {
		in.all[i].lane = in.all[i].packet.Kind.Lane()
	}
	in.decide(f, p, now)
	in.demote(f.quota, p, now)
}

func (in *items) demote(q *quota, p Principal, now time.Time) {
	in.demoted = 0
	critical, rest := 0, 0
	for i := range in.all {
		switch {
		case in.all[i].verdict == dropped:
		case in.all[i].lane == telemetry.Critical:
			critical++
		default:
			rest++
		}
	}
	criticalAbove, restAbove := q.above(p, true, critical, now), q.above(p, false, rest, now)
	if !criticalAbove && !restAbove {
		return
	}
	for i := range in.all {
		lane := &in.all[i].lane
		above := *lane == telemetry.Critical && criticalAbove || *lane == telemetry.Standard && restAbove
		if above && in.all[i].verdict != dropped {
			*lane = telemetry.Bulk
			in.demoted++
		}
	}
}

// publish brings every packet into its lane, or finds that it is there already, and returns when the streams have said so.
// Its own packets went first and only then are others waited for: two requests that hold each other's packets both get on.
func (f *Front) publish(ctx context.Context, in *items) error {
	for {
		if err := in.arrive(ctx); err != nil {
			return err
		}
		if len(in.others) == 0 {
			return nil
		}
		for _, other := range in.others {
			if err := in.await(ctx, other); err != nil {
				return err
			}
		}
		f.depart(in)
	}
}

// claim asks the window for every packet that has no verdict yet. It notes the flights that took what was claimed, and
// the other requests' flights that have to be waited for.
func (f *Front) claim(in *items) {
	in.own, in.others = in.own[:0], in.others[:0]
	f.window.mu.Lock()
	defer f.window.mu.Unlock()
	f.window.fetch(in.all)
	for n := range in.all {
		i := &in.all[n]
		if i.verdict != waiting {
			continue
		}
		if in.anyway {
			i.verdict, i.flight = claimed, in.board(i)
			continue
		}
		var fl *flight
		if i.verdict, fl = f.window.claim(i, in); i.verdict == waiting && !slices.Contains(in.others, fl) {
			in.others = append(in.others, fl)
		}
	}
}

// board finds a flight with room for a packet that was claimed, or makes one.
func (in *items) board(i *item) *flight {
	size := sizeBound(i.packet)
	if in.marks > 0 {
		size += sizeOfMarks
	}
	for n := len(in.own) - 1; n >= 0; n-- {
		if fl := in.own[n]; fl.lane == i.lane {
			if fl.size+size <= groupBytes {
				fl.size += size
				return fl
			}
			break // the latest of its lane is full, so that packets of a lane stay in their order
		}
	}
	fl := &flight{lane: i.lane, size: sizeOfBatch + in.marks + size, done: make(chan struct{}), told: in.told}
	fl.claims = fl.room[:0]
	if len(in.all) > len(fl.room) {
		fl.claims = make([]slot, 0, len(in.all))
	}
	in.own = append(in.own, fl)
	return fl
}

// depart claims the packets that have no verdict yet and submits their flights. Every flight is decided in the end,
// whoever still waits for it.
func (f *Front) depart(in *items) {
	keys := f.window.keys(in.from.Tenant, in.batch.Device)
	for i := range in.all {
		in.all[i].key = keys.of(in.all[i].packet.ID)
	}
	f.claim(in)
	for _, fl := range in.own {
		batch := in.batch
		batch.Packets = in.aboard(fl)
		fl.payload = telemetry.AppendBatch(make([]byte, 0, fl.size), &batch)
		if err := f.publishers.lanes[fl.lane].submit(in.from.Tenant, fl); err != nil {
			fl.err = err
			f.window.settle(fl, f.o.Now())
			close(fl.done)
		}
	}
}

// arrive waits for the request's flights and returns what went wrong with the first that failed.
func (in *items) arrive(ctx context.Context) error {
	var failed error
	for _, fl := range in.own {
		if err := in.await(ctx, fl); err != nil {
			return err
		}
		failed = cmp.Or(failed, fl.err)
	}
	return failed
}

// aboard returns the packets of a flight: those of the request as they are, when it took them all.
func (in *items) aboard(fl *flight) []telemetry.Packet {
	if len(fl.claims) == len(in.all) {
		return in.batch.Packets
	}
	in.packets = in.packets[:0]
	for i := range in.all {
		if in.all[i].flight == fl {
			in.packets = append(in.packets, *in.all[i].packet)
		}
	}
	return in.packets
}

// await returns when the flight is decided. It returns ErrUnavailable when the request can wait no longer.
func (in *items) await(ctx context.Context, fl *flight) error {
	if fl.decided() {
		return nil
	}
	in.timer.Reset(ackDeadline - time.Since(in.began))
	cause := context.DeadlineExceeded
	select {
	case <-fl.done:
		return nil
	case <-ctx.Done():
		cause = ctx.Err()
	case <-in.timer.C:
	}
	select { // both may be true, and then what is known is the better answer
	case <-fl.done:
		return nil
	default:
		return unavailable(retryOutage, sendSameAgain, cause)
	}
}

// Bounds of the encoded size, from above. A batch has its frame, the device, a time and two numbers; a packet two of these
// and two lengths; a value has a length of at most two bytes for each of its texts, or eight bytes, and at most four that
// refer to its name.
const (
	sizeOfBatch  = 128
	sizeOfPacket = 20
	sizeOfValue  = 16
	sizeOfMarks  = 20 // two words
)

func sizeBound(p *telemetry.Packet) int {
	size := sizeOfPacket + len(p.ID)
	for i := range p.Values {
		size += sizeOfValue + len(p.Values[i].Name) + len(p.Values[i].Text)
	}
	return size
}

// receipt tells what became of the packets after publish.
func (in *items) receipt() Receipt {
	d := &in.decoded
	r := Receipt{Rejected: d.Rejected, PacketIDs: make([]string, 0, len(in.all)), TimeUnit: d.TimeUnit, Demoted: in.demoted}
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
		switch i.verdict {
		case stored:
			r.Duplicates++
		case dropped:
			r.Dropped++
		}
		r.PacketIDs = append(r.PacketIDs, i.packet.ID)
	}
	if len(r.Rejected) > 1 {
		slices.SortStableFunc(r.Rejected, func(a, b telemetry.Rejection) int { return a.Index - b.Index })
	}
	return r
}

func (i *item) rejectReused() telemetry.Rejection {
	raw := telemetry.AppendPacketJSON(nil, i.packet)
	return telemetry.Rejection{
		Index: i.index,
		Code:  "id_reused",
		Raw:   string(raw[:min(len(raw), telemetry.MaxRaw)]),
		Cut:   len(raw) > telemetry.MaxRaw,
		Detail: fmt.Sprintf("the id %.70q was used lately for a packet with other content: give each packet an id of its own, at packet %d",
			i.packet.ID, i.index),
	}
}
