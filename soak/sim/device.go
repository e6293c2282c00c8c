package sim

import (
	"fmt"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// packetsEach is how many packets a device has to send: few, so that many meet in one window and one hour.
const packetsEach = 8

// device sends its packets, everything without an answer again, and some of what was acknowledged, too.
type device struct {
	tenant  id.Tenant
	id      id.Device
	packets []telemetry.Packet
	acked   map[string]bool
	next    int
	echoes  int
	overdue [][]telemetry.Packet
	waiting *request
}

// newDevice has times over several hours. All devices use the same packet ids.
func newDevice(t id.Tenant, d id.Device, number int) *device {
	dev := &device{tenant: t, id: d, acked: map[string]bool{}, echoes: 4}
	for n := range packetsEach {
		dev.packets = append(dev.packets, telemetry.Packet{
			ID:     fmt.Sprintf("p-%d", n),
			Time:   telemetry.Micros(time.Duration(n) * 20 * time.Minute / time.Microsecond),
			Values: []telemetry.Value{{Name: "n", Num: float64(number*100 + n)}},
		})
	}
	return dev
}

func (d *device) done() bool {
	return d.next == len(d.packets) && len(d.overdue) == 0 && d.waiting == nil && len(d.acked) == len(d.packets)
}

func (d *device) step(w *world) {
	if d.waiting != nil {
		d.listen(w)
		return
	}
	var packets []telemetry.Packet
	switch {
	case len(d.overdue) > 0 && (d.next == len(d.packets) || w.chance(0.5)):
		i := w.random.IntN(len(d.overdue))
		packets = d.overdue[i]
		d.overdue = append(d.overdue[:i], d.overdue[i+1:]...)
	case d.next < len(d.packets):
		end := min(len(d.packets), d.next+1+w.random.IntN(3))
		packets = d.packets[d.next:end]
		d.next = end
	case d.echoes > 0:
		d.echoes--
		from := w.random.IntN(len(d.packets))
		packets = d.packets[from:min(len(d.packets), from+3)]
	default:
		return
	}
	d.waiting = &request{device: d, packets: packets}
	w.front.requests = append(w.front.requests, d.waiting)
}

// listen takes the answer, or stops waiting for it while the program still works on the request.
func (d *device) listen(w *world) {
	switch {
	case d.waiting.answer == accepted && !w.trouble(0.1): // otherwise the answer is lost on its way
		for _, p := range d.waiting.packets {
			d.acked[p.ID] = true
		}
		d.waiting = nil
	case d.waiting.answer != unanswered, w.trouble(0.02):
		d.unanswered()
	}
}

// unanswered puts what was under way aside.
func (d *device) unanswered() {
	if d.waiting != nil {
		d.overdue = append(d.overdue, d.waiting.packets)
		d.waiting = nil
	}
}

type answer int

const (
	unanswered answer = iota
	accepted
	refused
)

// request is what a device sent at once.
type request struct {
	device  *device
	packets []telemetry.Packet
	flight  *flight // its own packets on their way
	answer  answer
}
