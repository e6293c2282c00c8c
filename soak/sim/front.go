package sim

import (
	"fmt"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// key is what the window knows a packet by.
type key struct {
	tenant id.Tenant
	device id.Device
	packet string
}

// flight is what one request puts into one message.
type flight struct {
	request *request
	batch   telemetry.Batch
	keys    []key
	decided bool
	stored  bool
}

// front is the front door with its window and its publisher. It dies with the process.
type front struct {
	requests []*request
	window   map[key]bool
	pending  map[key]*flight
	line     []*flight
	message  *message // under way
	group    []*flight
	boot     int
	number   int
}

// newFront rebuilds the window from the newest messages of the lane.
func newFront(w *world) *front {
	f := &front{window: map[key]bool{}, pending: map[key]*flight{}, boot: w.random.Int()}
	from := 0
	if len(w.lane.messages) > 0 && w.chance(0.5) { // the window does not reach back to the beginning
		from = w.random.IntN(len(w.lane.messages))
	}
	for _, m := range w.lane.messages[from:] {
		m.each(func(t id.Tenant, b *telemetry.Batch) {
			for _, p := range b.Packets {
				f.window[w.keyOf(t, b.Device, p.ID)] = true
			}
		})
	}
	return f
}

func (w *world) keyOf(t id.Tenant, d id.Device, packet string) key {
	if w.mutation == WindowWithoutDevice {
		d = ""
	}
	return key{t, d, packet}
}

// step moves one request or the publisher.
func (f *front) step(w *world) {
	if len(f.requests) > 0 && w.chance(0.6) {
		i := w.random.IntN(len(f.requests))
		if f.serve(w, f.requests[i]) {
			f.requests = append(f.requests[:i], f.requests[i+1:]...)
		}
		return
	}
	if w.trouble(0.02) { // the window is bounded
		clear(f.window)
	}
	f.publish(w)
}

// serve returns true when the request has its answer.
func (f *front) serve(w *world, r *request) bool {
	if r.flight != nil {
		if !r.flight.decided {
			return false
		}
		if !r.flight.stored {
			r.answer = refused
			return true
		}
		r.flight = nil // and look for the others
	}
	own := &flight{request: r, batch: telemetry.Batch{Device: r.device.id}}
	others := false
	for _, p := range r.packets {
		k := w.keyOf(r.device.tenant, r.device.id, p.ID)
		switch {
		case f.window[k]:
		case f.pending[k] != nil:
			others = true
		default:
			f.claim(w, own, k, p)
		}
	}
	switch {
	case len(own.keys) > 0:
		r.flight = own
		f.line = append(f.line, own)
		return false
	case others:
		return false
	}
	r.answer = accepted
	return true
}

func (f *front) claim(w *world, own *flight, k key, p telemetry.Packet) {
	own.keys = append(own.keys, k)
	own.batch.Packets = append(own.batch.Packets, p)
	if w.mutation == WindowBeforeDurable {
		f.window[k] = true
		return
	}
	f.pending[k] = own
}

// publish is the group commit: append, sync, hear the acknowledgement. A message whose acknowledgement does not come is
// sent again with the same id.
func (f *front) publish(w *world) {
	switch {
	case f.message == nil:
		f.board(w)
	case !w.lane.has(f.message):
		if w.trouble(0.1) {
			f.decide(false) // the stream is full and says so
			return
		}
		w.lane.append(f.message)
		if w.mutation == AckBeforeDurable {
			f.decide(true)
		}
	case !w.lane.isSynced(f.message):
		w.lane.sync()
	case !w.trouble(0.2): // else the acknowledgement is lost and the next attempt finds the message by its id
		f.decide(true)
	}
}

// board takes what waits of one tenant into the next message.
func (f *front) board(w *world) {
	if len(f.line) == 0 {
		return
	}
	tenant := f.line[0].request.device.tenant
	var rest []*flight
	var payload []byte
	for _, fl := range f.line {
		if fl.request.device.tenant != tenant || len(f.group) > 0 && w.chance(0.2) {
			rest = append(rest, fl)
			continue
		}
		f.group = append(f.group, fl)
		payload = telemetry.AppendBatch(payload, &fl.batch)
	}
	f.line = rest
	f.number++
	f.message = &message{id: fmt.Sprintf("%d-%d", f.boot, f.number), subject: telemetry.LaneSubject(telemetry.Standard, tenant), payload: payload}
}

func (f *front) decide(stored bool) {
	for _, fl := range f.group {
		fl.decided, fl.stored = true, stored
		for _, k := range fl.keys {
			delete(f.pending, k)
			if stored {
				f.window[k] = true
			}
		}
	}
	f.message, f.group = nil, nil
}
