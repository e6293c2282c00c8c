package replay

import (
	"cmp"
	"context"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

const (
	// previewSamples is how many packets a preview shows.
	previewSamples = 5
	// sampleBytes bounds what is shown of one.
	sampleBytes = 1 << 10
)

// tally is the sink of a preview: it counts, and nothing else.
type tally struct {
	*worker
	devices map[id.Device]struct{} // at most as many as a tenant may have
}

func newTally(w *worker) *tally { return &tally{worker: w, devices: map[id.Device]struct{}{}} }

func (t *tally) take(_ context.Context, c *chunk) error {
	for i := range c.batches {
		b := &c.batches[i]
		t.devices[b.Device] = struct{}{}
		if len(t.job.Progress.Samples) < previewSamples {
			t.sample(b)
		}
	}
	t.job.Progress.Devices = uint64(len(t.devices))
	t.extent(c)
	return nil
}

func (t *tally) end(context.Context) error { return nil }

func (t *tally) sample(b *telemetry.Batch) {
	device, _ := t.state.Device(t.tenant, b.Device)
	raw := telemetry.AppendPacketJSON(nil, &b.Packets[0])
	t.job.Progress.Samples = append(t.job.Progress.Samples, Sample{Device: b.Device,
		Name: cmp.Or(device.Name, string(b.Device)), Received: b.Received, Raw: string(raw[:min(len(raw), sampleBytes)])})
}

// extent widens the range of device times to the chunk.
func (w *worker) extent(c *chunk) {
	p := &w.job.Progress
	for i := range c.batches {
		for j := range c.batches[i].Packets {
			at := c.batches[i].Packets[j].Time
			if p.First == 0 || at < p.First {
				p.First = at
			}
			p.Last = max(p.Last, at)
		}
	}
}
