package replay

import (
	"context"

	"longwave/ingest/telemetry"
	"longwave/processors/forward"
)

// handPackets is how many packets go to the queue of a destination at once.
const handPackets = 200

// outward is the sink that sends to one destination, in the order of the lanes. What was queued before a crash, and not
// written down, is queued with the same ids again: within some minutes the queue knows them, later the receiver does.
type outward struct {
	*worker
	of   *chunk // that is being handed on
	done int    // batches of it that are on the queue
}

func (o *outward) take(ctx context.Context, c *chunk) error {
	if o.of != c {
		o.of, o.done = c, 0
	}
	for o.done < len(c.batches) {
		hand := o.hand(c.batches[o.done:])
		queued, err := o.o.Forward(ctx, o.tenant, forward.Replayed{Destination: o.job.Destination, Job: string(o.job.ID), Batches: hand})
		if err != nil {
			return err
		}
		o.done += len(hand)
		o.job.Progress.Queued += uint64(queued)
		o.job.Progress.Refused += uint64(count(hand) - queued)
		o.metrics.packets.WithLabelValues(string(o.job.Kind), "queued").Add(float64(queued))
	}
	o.extent(c)
	return nil
}

// hand is the first of the batches that make about handPackets packets.
func (o *outward) hand(all []telemetry.Batch) []telemetry.Batch {
	packets := 0
	for i := range all {
		if packets += len(all[i].Packets); packets >= handPackets {
			return all[:i+1]
		}
	}
	return all
}

func (o *outward) end(context.Context) error { return nil }
