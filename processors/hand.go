package processors

import (
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
	"longwave/processors/store"
	"longwave/tenants/id"
)

// settleLooks is how often a packet of an unknown device is looked at, a postponement apart, before it is taken for one of
// a deleted device. A copy of the program learns of a new device by tailing the control log, and may see the first packet
// before it. Looks are counted, because an age would be wrong by as much as a clock has jumped.
const settleLooks = 3

// hand is what a line holds between fetching and settling: the messages, and the block that they make. It belongs to
// one goroutine of the line at a time.
type hand struct {
	messages  []jetstream.Msg
	block     store.Block
	owners    map[owner]struct{} // the devices whose packets are in the block
	postponed map[int]struct{}   // messages to be put back: they hold young packets of unknown devices
	damaged   map[int]error      // messages of which a part could not be read
	dropped   int                // packets of deleted devices
	packets   int                // in all messages that could be read
	alive     func(id.Tenant, id.Device) bool
	now       func() time.Time
}

// owner is a device together with its tenant: a device is never looked up without one.
type owner struct {
	tenant id.Tenant
	device id.Device
}

func newHand(alive func(id.Tenant, id.Device) bool) *hand {
	return &hand{
		owners:    make(map[owner]struct{}),
		postponed: make(map[int]struct{}),
		damaged:   make(map[int]error),
		alive:     alive,
		now:       time.Now,
	}
}

// empty makes the hand ready for the next messages. It keeps its memory, since a busy line fills it again and again.
func (h *hand) empty() {
	clear(h.messages) // their data must not live until the slice is as long again
	h.messages = h.messages[:0]
	h.unread()
}

func (h *hand) unread() {
	h.block.Reset()
	clear(h.owners)
	clear(h.postponed)
	clear(h.damaged)
	h.dropped, h.packets = 0, 0
}

// rows is how large the block is.
func (h *hand) rows() int { return h.block.Rows() }

// inProgress tells NATS that the messages are still being worked on.
func (h *hand) inProgress() {
	for _, message := range h.messages {
		if message.InProgress() != nil {
			return // no connection: redelivery is harmless
		}
	}
}

func (h *hand) add(message jetstream.Msg) {
	h.messages = append(h.messages, message)
	h.read(len(h.messages) - 1)
}

// read puts the batches of one message into the block. What can be read of a damaged message is stored all the same.
func (h *hand) read(index int) {
	message := h.messages[index]
	_, tenant, err := telemetry.ParseLaneSubject(message.Subject()) // the tenant comes from the subject, never from the payload
	if err == nil {
		err = telemetry.EachBatch(message.Data(), func(batch *telemetry.Batch) error {
			h.admit(index, tenant, batch)
			return nil
		})
	}
	if err != nil {
		h.damaged[index] = err
	}
}

// admit decides whether a batch is stored, put back or dropped.
func (h *hand) admit(index int, tenant id.Tenant, batch *telemetry.Batch) {
	h.packets += len(batch.Packets)
	switch {
	case h.known(owner{tenant, batch.Device}):
		h.block.Add(tenant, batch)
	case h.looks(index) < settleLooks:
		h.postponed[index] = struct{}{}
	default:
		h.dropped += len(batch.Packets)
	}
}

// looks is how often a message has been delivered, this time included.
func (h *hand) looks(index int) uint64 {
	about, err := h.messages[index].Metadata()
	if err != nil {
		return settleLooks
	}
	return about.NumDelivered
}

// known says whether the device exists. It remembers those that do: fresh decides again before the insert, once per device
// instead of once per batch.
func (h *hand) known(from owner) bool {
	if _, seen := h.owners[from]; seen {
		return true
	}
	if !h.alive(from.tenant, from.device) {
		return false
	}
	h.owners[from] = struct{}{}
	return true
}

// fresh returns the block as it may be inserted now. A device that was deleted since its packets were read is taken
// out, because what is inserted after its erasure would bring it back.
func (h *hand) fresh() *store.Block {
	for from := range h.owners {
		if !h.alive(from.tenant, from.device) {
			h.unread()
			for index := range h.messages {
				h.read(index)
			}
			break
		}
	}
	return &h.block
}
