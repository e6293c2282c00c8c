package processors

import (
	"fmt"
	"testing"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// BenchmarkDrain measures how fast a backlog goes from the lanes into ClickHouse, packets of four values, for requests
// that were collected into messages and for a message for each packet.
func BenchmarkDrain(b *testing.B) {
	for _, shape := range []struct{ messages, batches, packets int }{
		{messages: 200, batches: 10, packets: 100},
		{messages: 2000, batches: 100, packets: 1},
		{messages: 40_000, batches: 1, packets: 1},
	} {
		name := fmt.Sprintf("messages=%d/batches=%d/packets=%d", shape.messages, shape.batches, shape.packets)
		b.Run(name, func(b *testing.B) {
			total := shape.messages * shape.batches * shape.packets
			for b.Loop() {
				b.StopTimer()
				p := newPlant(b)
				p.backlog(shape.messages, shape.batches, shape.packets)
				b.StartTimer()
				r, stop := p.start(p.store)
				p.settled(r)
				b.StopTimer()
				stop()
				b.StartTimer()
			}
			b.ReportMetric(float64(total*b.N)/b.Elapsed().Seconds(), "packets/s")
		})
	}
}

// backlog fills the standard lane with facts that all differ.
func (p *plant) backlog(messages, batches, packets int) {
	tenant := id.New[id.Tenant]()
	devices := make([]id.Device, 100)
	for i := range devices {
		devices[i] = id.New[id.Device]()
	}
	n := 0
	for range messages {
		group := make([]*telemetry.Batch, batches)
		for i := range group {
			group[i] = batch(devices[n/packets%len(devices)], n%30_000_000, packets)
			for j := range group[i].Packets {
				values := &group[i].Packets[j].Values
				*values = append(*values, telemetry.Value{Name: "power", Num: float64(n) / 7}, telemetry.Value{Name: "running", Type: telemetry.Bool, Num: 1})
			}
			n += packets
		}
		p.publish(telemetry.Standard, tenant, group...)
	}
}
