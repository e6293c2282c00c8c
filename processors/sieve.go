package processors

import (
	"errors"
	"fmt"

	"longwave/ingest/telemetry"
	"longwave/processors/store"
	"longwave/tenants/id"
)

// errAllRefused means that the store refused so many packets one by one, and took none, that it must be the store.
var errAllRefused = errors.New("every packet was refused")

// suspicious is how many packets may be refused in a row, none being taken, before the store is suspected instead.
const suspicious = 64

// item is one packet with all that is needed to insert it alone.
type item struct {
	tenant  id.Tenant
	batch   telemetry.Batch // with this one packet
	message int             // index of its message in hand
	place   int             // its position in the message
}

// culprit is a packet that the store refuses even when it is alone.
type culprit struct {
	item
	reason error
}

// items takes the hand apart into single packets.
func (h *hand) items() []item {
	var items []item
	for index, message := range h.messages {
		_, tenant, err := telemetry.ParseLaneSubject(message.Subject())
		if err != nil {
			continue // in h.damaged since it was read
		}
		place := 0
		_ = telemetry.EachBatch(message.Data(), func(batch *telemetry.Batch) error { // an error is in h.damaged, too
			for p := range batch.Packets {
				single := *batch
				single.Packets = []telemetry.Packet{batch.Packets[p]}
				items = append(items, item{tenant: tenant, batch: single, message: index, place: place})
				place++
			}
			return nil
		})
	}
	return items
}

// sieve divides a refused block until the packets at fault stand alone.
type sieve struct {
	attempts
	hand     *hand
	taken    bool
	culprits []culprit
}

// sift inserts the items, in halves when they are refused together. It returns nil when each is stored or among the
// culprits, errAllRefused, or the error of put when the program is to stop.
func (s *sieve) sift(items []item) error {
	if len(items) == 0 {
		return nil
	}
	err := s.put(func() *store.Block { return s.block(items) })
	switch {
	case err == nil:
		s.taken = true
		return nil
	case !errors.Is(err, store.ErrRefused):
		return err
	case len(items) == 1:
		return s.blame(culprit{items[0], err})
	}
	half := len(items) / 2
	if err := s.sift(items[:half]); err != nil {
		return err
	}
	return s.sift(items[half:])
}

func (s *sieve) blame(c culprit) error {
	s.culprits = append(s.culprits, c)
	if !s.taken && len(s.culprits) >= suspicious {
		return fmt.Errorf("%w: %w", errAllRefused, c.reason)
	}
	return nil
}

// block makes a block of those items whose device still exists.
func (s *sieve) block(items []item) *store.Block {
	block := new(store.Block)
	for i := range items {
		if s.hand.alive(items[i].tenant, items[i].batch.Device) {
			block.Add(items[i].tenant, &items[i].batch)
		}
	}
	return block
}
