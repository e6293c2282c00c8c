package alert

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

// plant is an evaluation without NATS: what rules cost, and nothing else.
func plant(devices, rules int, change func(i int, r *alertrule.Rule)) (*evaluation, *rig) {
	r := &rig{tenant: id.New[id.Tenant](), dir: &directory{changed: make(chan struct{}), rules: map[id.Tenant][]alertrule.Rule{}, devices: map[id.Tenant][]alertrule.Device{}}}
	for i := range devices {
		r.devices = append(r.devices, id.New[id.Device]())
		r.dir.devices[r.tenant] = append(r.dir.devices[r.tenant], alertrule.Device{ID: r.devices[i], Name: fmt.Sprintf("device-%d", i), Interval: time.Minute})
	}
	for i := range rules {
		r.rule(func(a *alertrule.Rule) { change(i, a) })
	}
	e := &evaluation{tenants: make(map[id.Tenant]*tenant), epoch: 1, dir: r.dir, metrics: newMetrics(), log: slog.New(slog.DiscardHandler), clock: telemetry.At(time.Now())}
	e.follow(e.clock)
	return e, r
}

// packets is a lane message of one device with five metrics, one packet a second.
func (r *rig) packets(device, n int, at telemetry.Micros) []byte {
	b := telemetry.Batch{Device: r.devices[device], Received: at, RetainDays: 30}
	for i := range n {
		p := telemetry.Packet{ID: fmt.Sprint(at, i), Time: at + telemetry.Micros(i)*microsPerSecond}
		for m := range 5 {
			p.Values = append(p.Values, telemetry.Value{Name: fmt.Sprintf("metric-%d", m), Num: float64(i % 7)})
		}
		b.Packets = append(b.Packets, p)
	}
	return telemetry.AppendBatch(nil, &b)
}

// BenchmarkPacket is the cost of one packet of a tenant with 1,000 enabled rules.
func BenchmarkPacket(b *testing.B) {
	aboutMetric := func(m, i int) alertrule.Level {
		return alertrule.Level{Severity: alertrule.Warning, When: alertrule.Condition{Tests: []alertrule.Test{
			{Metric: fmt.Sprintf("metric-%d", m), Op: alertrule.Above, Value: float64(100 + i)}}}}
	}
	for name, change := range map[string]func(i int, r *alertrule.Rule){
		"no rule matches":         func(i int, r *alertrule.Rule) { r.Selector.Names = []string{"another"} },
		"each for its own metric": func(i int, r *alertrule.Rule) { r.Levels = []alertrule.Level{aboutMetric(i, i)} },
		"all for the same metric": func(i int, r *alertrule.Rule) { r.Levels = []alertrule.Level{aboutMetric(0, i)} },
		"all a regular expression": func(i int, r *alertrule.Rule) {
			r.Levels = []alertrule.Level{aboutMetric(0, i)}
			r.Levels[0].When.Tests[0] = alertrule.Test{Metric: "metric-0", Op: alertrule.TextMatches, Text: "(a*)*b"}
		},
	} {
		b.Run(name, func(b *testing.B) {
			e, r := plant(100, 1000, change)
			const packets = 100
			m := message{lane: telemetry.Standard, tenant: r.tenant, stored: e.clock}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if i%packets == 0 {
					b.StopTimer()
					e.tenants[r.tenant].work.left = workBurst
					m.data = r.packets(i/packets%100, packets, e.clock+telemetry.Micros(i)*microsPerSecond)
					m.seq++
					b.StartTimer()
					e.handle(&m)
				}
			}
			if len(e.out) > 0 {
				b.Fatalf("%+v", e.out[0])
			}
		})
	}
}

// BenchmarkSilence is the cost of a second of 100,000 devices with a rule about missing data, of which none is due.
func BenchmarkSilence(b *testing.B) {
	e, r := plant(100_000, 1, func(_ int, a *alertrule.Rule) {
		a.Kind, a.After, a.Levels[0].When = alertrule.NoData, 0, alertrule.Condition{}
	})
	e.tick(e.clock + 1)
	for i := 0; b.Loop(); i++ {
		e.tick(e.clock + microsPerSecond)
		if i%100 == 99 { // everybody sends
			b.StopTimer()
			for _, d := range e.tenants[r.tenant].devices {
				for _, p := range d.pairs {
					p.rule.program.Step(&p.state, alertrule.Sample{At: e.clock, Received: e.clock})
				}
			}
			b.StartTimer()
		}
	}
	if len(e.out) > 0 {
		b.Fatalf("%d fire", len(e.out))
	}
}

// BenchmarkCheckpoint is the cost of writing down 100,000 devices with a rule each.
func BenchmarkCheckpoint(b *testing.B) {
	e, r := plant(100_000, 1, func(_ int, a *alertrule.Rule) {
		a.Levels[0].When.Tests[0].Metric = "metric-0"
	})
	for i := range r.devices {
		e.handle(&message{lane: telemetry.Standard, seq: uint64(i + 1), tenant: r.tenant, stored: e.clock, data: r.packets(i, 1, e.clock)})
	}
	bytes := 0
	b.ReportAllocs()
	for b.Loop() {
		bytes = 0
		for _, part := range e.tenants[r.tenant].encodeParts(e.position) {
			bytes += len(part)
		}
	}
	b.ReportMetric(float64(bytes)/100_000, "bytes/device")
}

// BenchmarkForeignMessage is the cost of a lane message of a tenant without rules, fifty packets of it, once another tenant has some:
// from NATS to where it is passed over.
func BenchmarkForeignMessage(b *testing.B) {
	const most = 20_000
	e, p := plant(1, 1, func(int, *alertrule.Rule) {})
	r := newRig(b, 0)
	data := p.packets(0, 50, e.clock)
	for range most {
		if _, err := r.js.PublishAsync(telemetry.LaneSubject(telemetry.Standard, r.tenant), data); err != nil {
			b.Fatal(err)
		}
	}
	<-r.js.PublishAsyncComplete()
	l := &leader{evaluation: e, o: Options{JS: r.js, Log: e.log}, trouble: &trouble{}}
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	var in chan message
	for i := 0; b.Loop(); i++ {
		if i%most == 0 { // from the beginning again
			in = make(chan message, fetchMessages)
			next := uint64(1)
			go func(in chan<- message) { _ = l.readFrom(ctx, telemetry.Standard, &next, in) }(in) // ends with ctx
		}
		m := <-in
		l.handle(&m)
	}
}
