package replay

import (
	"context"
	"errors"

	"longwave/ingest/telemetry"
	"longwave/processors/forward"
	"longwave/tenants/id"
	"longwave/tenants/rule"
)

// rerouted is the sink that asks the tenant's rules of now where each packet goes. A packet is in its lane and stored
// already, so of the verdict only the destinations and added labels count: what a rule would drop today goes nowhere, but
// stays stored. Whatever was queued before a crash is queued with the same ids again.
type rerouted struct {
	*worker
	judge rule.Judge
	of    *chunk    // that is being handed on
	left  []handful // of it, that is not on a queue yet
}

// handful is packets for one destination.
type handful struct {
	to      id.Destination
	batches []telemetry.Batch
}

func (r *rerouted) take(ctx context.Context, c *chunk) error {
	if r.of != c {
		r.of, r.left = c, r.route(c.batches)
	}
	for len(r.left) > 0 {
		next := r.left[0]
		queued, err := r.o.Forward(ctx, r.tenant, forward.Replayed{Destination: next.to, Job: string(r.job.ID), Batches: next.batches})
		if err != nil && !errors.Is(err, forward.ErrUnknown) && !errors.Is(err, forward.ErrDisabled) {
			return err
		}
		r.left = r.left[1:] // a destination that takes nothing now does not keep the others waiting
		r.job.Progress.Queued += uint64(queued)
		r.job.Progress.Refused += uint64(count(next.batches) - queued)
		r.metrics.packets.WithLabelValues(string(r.job.Kind), "queued").Add(float64(queued))
	}
	r.extent(c)
	return nil
}

func (r *rerouted) end(context.Context) error { return nil }

// route divides batches among the destinations that the rules name for their packets.
func (r *rerouted) route(batches []telemetry.Batch) (all []handful) {
	state := r.o.Tenants.State()
	set := state.RuleSet(r.tenant)
	if set.Len() == 0 {
		return nil
	}
	open := map[id.Destination]int{} // where in all the packets of a destination go
	for i := range batches {
		device, _ := state.Device(r.tenant, batches[i].Device)
		r.judge.Begin(set, rule.Sender{Device: batches[i].Device, Profile: device.Profile, Site: device.Site, Labels: device.Labels}, nil)
		for to, packets := range r.divide(set, batches[i].Packets) {
			at, ok := open[to]
			if !ok || count(all[at].batches) >= handPackets {
				at, open[to] = len(all), len(all)
				all = append(all, handful{to: to})
			}
			part := batches[i]
			part.Packets, part.Labels = packets, set.Labels()
			all[at].batches = append(all[at].batches, part)
		}
	}
	return all
}

// divide says which packets of one sender go to which destination, with the labels that the rules add.
func (r *rerouted) divide(set *rule.Set, packets []telemetry.Packet) map[id.Destination][]telemetry.Packet {
	parts := map[id.Destination][]telemetry.Packet{}
	for i := range packets {
		verdict := r.judge.Decide(&packets[i])
		for bit, to := range set.Destinations() {
			if verdict.Forward&(1<<bit) == 0 {
				continue
			}
			p := packets[i]
			p.Labels = verdict.Labels
			parts[to] = append(parts[to], p)
		}
	}
	return parts
}
