package replay

import (
	"context"
	"errors"
	"fmt"
	"time"

	"longwave/ingest/telemetry"
	"longwave/processors/store"
	"longwave/tenants/id"
)

const (
	// insertTimeout bounds one insert; the largest block takes well under a second.
	insertTimeout = 30 * time.Second
	// suspicious is how many packets may be refused in a row, none being taken, before the storage is suspected instead.
	suspicious = 64
)

// storage is the sink that stores again. The touched windows are rolled up by the loop that does it for all packets.
type storage struct {
	*worker
	owners map[id.Device]struct{} // whose packets were inserted; at most as many as a tenant may have
	streak int                    // packets refused since one was taken
}

func newStorage(w *worker) *storage { return &storage{worker: w, owners: map[id.Device]struct{}{}} }

func (s *storage) take(ctx context.Context, c *chunk) error {
	packets, dropped := s.alive(c.batches)
	stored, err := s.insert(ctx, packets)
	if err != nil {
		return err
	}
	s.extent(c)
	p := &s.job.Progress
	p.Stored += uint64(stored)
	p.Refused += uint64(count(packets) - stored)
	p.Dropped += uint64(dropped)
	s.metrics.packets.WithLabelValues(string(s.job.Kind), "stored").Add(float64(stored))
	return s.erase(ctx)
}

// end looks once more: this copy of the program may have heard of a deletion only now.
func (s *storage) end(ctx context.Context) error { return s.erase(ctx) }

// alive leaves out the packets of devices that do not exist any more.
func (s *storage) alive(all []telemetry.Batch) (kept []telemetry.Batch, dropped int) {
	state := s.o.Tenants.State()
	for i := range all {
		if _, ok := state.Device(s.tenant, all[i].Device); !ok {
			dropped += len(all[i].Packets)
			continue
		}
		s.owners[all[i].Device] = struct{}{}
		kept = append(kept, all[i])
	}
	return kept, dropped
}

// insert stores batches, divided while they are refused together. It returns how many packets were taken; an error means
// that trying again may help, but for errSuspect.
func (s *storage) insert(ctx context.Context, batches []telemetry.Batch) (stored int, err error) {
	n := count(batches)
	if n == 0 {
		return 0, nil
	}
	err = s.put(ctx, batches)
	switch {
	case err == nil:
		s.streak = 0
		return n, nil
	case !errors.Is(err, store.ErrRefused):
		return 0, err
	case n == 1:
		if s.streak++; s.streak >= suspicious {
			return 0, errSuspect
		}
		return 0, nil
	}
	first, second := halves(batches)
	a, err := s.insert(ctx, first)
	if err != nil {
		return a, err
	}
	b, err := s.insert(ctx, second)
	return a + b, err
}

func (s *storage) put(ctx context.Context, batches []telemetry.Batch) error {
	ctx, cancel := context.WithTimeout(ctx, insertTimeout)
	defer cancel()
	block := new(store.Block)
	for i := range batches {
		block.Add(s.tenant, &batches[i])
	}
	return s.o.Insert(ctx, block)
}

// erase removes what was just inserted of devices that were deleted meanwhile. Whoever erases them otherwise may have
// been faster than the insert.
func (s *storage) erase(ctx context.Context) error {
	state := s.o.Tenants.State()
	for d := range s.owners {
		if _, ok := state.Device(s.tenant, d); ok {
			continue
		}
		if _, err := s.o.Erase(ctx, s.tenant, d); err != nil {
			return fmt.Errorf("erase %s again: %w", d, err)
		}
		delete(s.owners, d)
	}
	return nil
}

func count(batches []telemetry.Batch) (packets int) {
	for i := range batches {
		packets += len(batches[i].Packets)
	}
	return packets
}

// halves divides batches, of which there are at least two packets, into two parts with about as many.
func halves(batches []telemetry.Batch) (first, second []telemetry.Batch) {
	if len(batches) > 1 {
		return batches[:len(batches)/2], batches[len(batches)/2:]
	}
	one, two := batches[0], batches[0]
	half := len(one.Packets) / 2
	one.Packets, two.Packets = one.Packets[:half], two.Packets[half:]
	return []telemetry.Batch{one}, []telemetry.Batch{two}
}
