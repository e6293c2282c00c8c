package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// shape is one load of the table.
type shape struct {
	name string
	load
	spread bool // over all tenants instead of the devices of one
}

// Rates that are promised for two cores, by durability: see docs/performance.md.
const (
	targetSingleDisk    = 36_000
	targetSingleProcess = 38_000
	targetBatch         = 250_000
)

// shapes are the loads of the table; those on schedule show latency where nobody is at the limit. What is compared stands
// side by side, before the loads that leave ClickHouse with much to merge: merging is charged to whatever runs meanwhile.
func shapes(durability string) []shape {
	single := float64(targetSingleProcess)
	if durability == "disk" {
		single = targetSingleDisk
	}
	return []shape{
		{name: oneTenant, load: load{form: arrays(), connections: 64, batch: 1}},
		{name: manyTenants, load: load{form: arrays(), connections: 64, batch: 1}, spread: true},
		{name: "single posts, 256 connections", load: load{form: arrays(), connections: 256, batch: 1}},
		{name: "arrays of 100, 16 connections", load: load{form: arrays(), connections: 16, batch: 100}},
		{name: "NDJSON of 100, 16 connections", load: load{form: lines(), connections: 16, batch: 100}},
		{name: "arrays of 100, gzip", load: load{form: packed("gzip"), connections: 16, batch: 100}},
		{name: "arrays of 100, zstd", load: load{form: packed("zstd"), connections: 16, batch: 100}},
		{name: "WebSocket, 64 devices, 16 frames in flight", load: load{form: arrays(), connections: 64, batch: 1, socket: true}},
		{name: fmt.Sprintf("single posts, open loop, %s/s", number(single/2)), load: load{form: arrays(), connections: 256, batch: 1, rate: single / 2}},
		{name: fmt.Sprintf("arrays of 100, open loop, %s/s", number(targetBatch/2)), load: load{form: arrays(), connections: 16, batch: 100, rate: targetBatch / 2}},
		{name: fmt.Sprintf("arrays of 100, open loop, %s/s", number(targetBatch)), load: load{form: arrays(), connections: 16, batch: 100, rate: targetBatch}},
	}
}

const (
	spreadTenants = 1000
	oneTenant     = "single posts, 64 connections"
	manyTenants   = "single posts, 64 connections, over 1,000 tenants"
)

// measurePath measures what a packet costs from the request to the table.
func measurePath(ctx context.Context, b *bench) ([]table, error) {
	if err := b.measureReference(ctx); err != nil {
		return nil, fmt.Errorf("reference: %w", err)
	}
	path := table{
		title: "The path of a packet",
		columns: []string{"what", "durability", "packets/s acknowledged", "× bare server", "packets/s until queryable", "behind at the end, s",
			"answer p50 / p99 / p99.9 ms", "CPU µs/packet: program + engine", "allocations/packet", "resident MB, most"},
		note: "Packets of four wandering values, 140 bytes of JSON. Generator, server and engine share the machine. Latency in an open loop counts from when a request was due. " +
			"*Acknowledged only* is measured while ClickHouse is away, so that nothing is stored and the packets stay in the lane.",
	}
	for _, shape := range shapes("") {
		if r, ok := b.reference[shape.name]; ok {
			path.rows = append(path.rows, []string{"bare server: " + r.name, "none", number(r.acked.rate()), "1", "–", "–", quantiles(r.acked), number(r.perPacket(r.cost.program)), "–", megabytes(r.cost.resident)})
		}
	}
	kept := table{title: "What is kept", columns: []string{"durability", "resident MB when idle", "lane, bytes/reading", "ClickHouse, bytes/reading"},
		note: "Resident memory is that of the program and its engine. A lane keeps a packet for 72 hours, ClickHouse for as long as the tenant says; a table is measured as it lies at the end of the run, before most merges."}
	for _, durability := range []string{"disk", "process"} {
		rows, bytes, err := b.measureDurability(ctx, durability)
		if err != nil {
			return nil, fmt.Errorf("--durability %s: %w", durability, err)
		}
		taken, err := b.measureAcknowledged(ctx, durability)
		if err != nil {
			return nil, fmt.Errorf("--durability %s without ClickHouse: %w", durability, err)
		}
		path.rows, kept.rows = append(append(path.rows, rows...), taken...), append(kept.rows, bytes)
	}
	return []table{path, kept}, nil
}

func (b *bench) measureReference(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	p, err := launch(ctx, nil, "listening", self, "-bare")
	if err != nil {
		return err
	}
	defer p.stop()
	b.reference = map[string]result{}
	for _, shape := range shapes("") {
		if shape.rate > 0 || shape.spread || !strings.Contains(shape.name, b.loads) {
			continue
		}
		before, high := p.cost(), p.highest(ctx)
		l := shape.load
		l.address, l.tokens, l.duration, l.start = p.address, []string{"none"}, b.duration, time.Now().Add(-6*time.Hour).UnixMilli()
		got, err := l.run(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", shape.name, err)
		}
		r := result{name: shape.name, acked: got, cost: p.cost().minus(before)}
		r.cost.resident = high()
		b.reference[shape.name] = r
		progress("bare server: %s: %s packets/s", r.name, number(r.acked.rate()))
	}
	return nil
}

// measureDurability measures every shape with one program and returns their rows, and the row of what was kept.
func (b *bench) measureDurability(ctx context.Context, durability string) (rows [][]string, kept []string, err error) {
	p, err := startProgram(ctx, b.settings, programOptions{durability: durability, devices: benchDevices, tenants: spreadTenants})
	if err != nil {
		return nil, nil, err
	}
	defer p.close()
	if err := sleep(ctx, settleTime); err != nil {
		return nil, nil, err
	}
	idle, packets := p.cost().resident, int64(0)
	lanes := size(filepath.Join(p.data(), "queues"))
	for i, shape := range shapes(durability) {
		if !strings.Contains(shape.name, b.loads) {
			continue
		}
		l := shape.load
		// Each load writes its own hours of device time, so that no packet repeats one of another load.
		l.tokens, l.duration, l.start = p.tokens, b.duration, time.Now().Add(-time.Duration(i+2)*3*time.Hour).UnixMilli()
		if shape.spread {
			l.tokens = p.spread
		}
		r, err := p.measure(ctx, l)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", shape.name, err)
		}
		r.name, r.durability = shape.name, durability
		b.measured = append(b.measured, r)
		rows, packets = append(rows, b.row(r)), packets+r.acked.packets
		progress("%s: %s: %s packets/s acknowledged, %s until queryable", durability, r.name, number(r.acked.rate()), number(r.stored()))
	}
	bytes, err := p.metrics(ctx, "longwave_store_bytes", `table="readings"`)
	if err != nil {
		return nil, nil, err
	}
	stored, err := p.metrics(ctx, "longwave_store_rows", `table="readings"`)
	lanes = size(filepath.Join(p.data(), "queues")) - lanes
	b.perReading.lane, b.perReading.table = float64(lanes)/float64(packets*valuesPerPacket), bytes/max(stored, 1)
	return rows, []string{durability, megabytes(idle), number(b.perReading.lane), number(b.perReading.table)}, err
}

// nobody is an address that refuses connections at once: ClickHouse is away.
const nobody = "clickhouse://127.0.0.1:1/longwave"

// measureAcknowledged measures what it takes to make packets safe, with nothing that takes them out of the lane again.
func (b *bench) measureAcknowledged(ctx context.Context, durability string) (rows [][]string, err error) {
	p, err := startProgram(ctx, b.settings, programOptions{durability: durability, devices: benchDevices, environment: []string{"LONGWAVE_CLICKHOUSE_URL=" + nobody}})
	if err != nil {
		return nil, err
	}
	defer p.close()
	for _, shape := range shapes(durability) {
		if shape.name != "arrays of 100, 16 connections" || !strings.Contains(shape.name, b.loads) {
			continue
		}
		l := shape.load
		l.tokens, l.duration, l.start = p.tokens, b.duration, time.Now().Add(-3*time.Hour).UnixMilli()
		r, err := p.acknowledge(ctx, l)
		if err != nil {
			return nil, err
		}
		r.name, r.durability = shape.name, durability
		row := b.row(r)
		row[0] += ", acknowledged only"
		rows = append(rows, row)
		progress("%s: %s: %s packets/s", durability, row[0], number(r.acked.rate()))
	}
	return rows, nil
}

// valuesPerPacket is how many readings a packet of the bench holds.
const valuesPerPacket = 4

// settleTime is what a program gets after its start before it counts as idle.
const settleTime = 3 * time.Second

func (b *bench) row(r result) []string {
	ratio := "–"
	if reference, ok := b.reference[r.name]; ok {
		ratio = fmt.Sprintf("%.2f", r.acked.rate()/reference.acked.rate())
	}
	stored, behind := number(r.stored()), fmt.Sprintf("%.1f", r.behind.Seconds())
	if r.unstored {
		stored, behind = "–", "–"
	}
	return []string{r.name, r.durability, number(r.acked.rate()), ratio, stored, behind, quantiles(r.acked),
		number(r.perPacket(r.cost.program)) + " + " + number(r.perPacket(r.cost.engine)), number(r.allocations), megabytes(r.cost.resident)}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
