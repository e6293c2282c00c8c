package main

import (
	"context"
	"fmt"
	"time"

	"longwave/tenants"
	"longwave/tenants/rule"
)

// growthLoads are what is sent when something grows: little at a time, and much.
func growthLoads() []shape {
	return []shape{
		{name: "single posts", load: load{form: arrays(), connections: 64, batch: 1}},
		{name: "arrays of 100", load: load{form: arrays(), connections: 16, batch: 100}},
	}
}

func growthTable(title, what, note string) table {
	t := table{title: title, columns: []string{what}, note: note}
	for _, l := range growthLoads() {
		t.columns = append(t.columns, l.name+": packets/s until queryable", "CPU µs/packet: program + engine")
	}
	t.columns = append(t.columns, "resident MB, most")
	return t
}

// growthRow sends every load with a program of its own.
func (b *bench) growthRow(ctx context.Context, o programOptions, name string) ([]string, error) {
	p, err := startProgram(ctx, b.settings, o)
	if err != nil {
		return nil, err
	}
	defer p.close()
	row, most := []string{name}, int64(0)
	for i, shape := range growthLoads() {
		l := shape.load
		l.tokens, l.duration, l.start = p.tokens, b.duration, time.Now().Add(-time.Duration(i+1)*4*time.Hour).UnixMilli()
		if o.tenants > 0 {
			l.tokens = p.spread
		}
		r, err := p.measure(ctx, l)
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", name, shape.name, err)
		}
		row = append(row, number(r.stored()), number(r.perPacket(r.cost.program))+" + "+number(r.perPacket(r.cost.engine)))
		most = max(most, r.cost.resident)
		progress("%s: %s: %s packets/s", name, shape.name, number(r.stored()))
	}
	return append(row, megabytes(most)), nil
}

func growDevices(ctx context.Context, b *bench) ([]table, error) {
	t := growthTable("More devices of one tenant", "devices", "Every request comes from another device than the one before. The more devices, the fewer readings of each are in a block.")
	for _, devices := range []int{1, 1000, tenants.MaxDevices} {
		row, err := b.growthRow(ctx, programOptions{durability: "disk", devices: devices}, count(devices))
		if err != nil {
			return nil, err
		}
		t.rows = append(t.rows, row)
	}
	return []table{t}, nil
}

func growTenants(ctx context.Context, b *bench) ([]table, error) {
	t := growthTable("More tenants", "tenants", "One device each; every request is another tenant's. Messages never hold packets of two tenants, but they share an fsync.")
	for _, tenants := range []int{1, 10, 100, spreadTenants} {
		row, err := b.growthRow(ctx, programOptions{durability: "disk", devices: 1, tenants: tenants}, count(tenants))
		if err != nil {
			return nil, err
		}
		t.rows = append(t.rows, row)
	}
	return []table{t}, nil
}

func growRules(ctx context.Context, b *bench) ([]table, error) {
	t := growthTable("More routing rules of one tenant", "rules", "None of them matches, so every packet meets all: half of them ask for another device, half for a value that the packet has.")
	for _, rules := range []int{0, 1, 100, rule.MaxRules} {
		row, err := b.growthRow(ctx, programOptions{durability: "disk", devices: benchDevices, rules: rules}, count(rules))
		if err != nil {
			return nil, err
		}
		t.rows = append(t.rows, row)
	}
	return []table{t}, nil
}

func growScreens(ctx context.Context, b *bench) ([]table, error) {
	p, err := startProgram(ctx, b.settings, programOptions{durability: "disk", devices: benchDevices})
	if err != nil {
		return nil, err
	}
	defer p.close()
	t, err := p.fanOut(ctx, b.duration)
	t.title = "More screens"
	return []table{t}, err
}

// growReadings asks the same questions over more and more readings, as far as -readings says.
func growReadings(ctx context.Context, b *bench) ([]table, error) {
	t := table{title: "More readings", columns: []string{"question, warm ms (cold)"},
		note: "The tables are filled by the engine itself; what lies in them is as the program writes it."}
	var all []map[string]asked
	kept := []string{"on disk"}
	for readings := int64(1_000_000); readings <= b.readings; readings *= 10 {
		got, f, size, err := b.storedAndAsked(ctx, readings)
		if err != nil {
			return nil, fmt.Errorf("%d readings: %w", readings, err)
		}
		all, kept = append(all, got), append(kept, size)
		t.columns = append(t.columns, count(f.readings()))
	}
	for _, q := range questions() {
		row := []string{q.name}
		for _, got := range all {
			row = append(row, milliseconds(got[q.name].warm)+" ("+milliseconds(got[q.name].cold)+")")
		}
		t.rows = append(t.rows, row)
	}
	t.rows = append(t.rows, kept)
	if len(all) > 0 {
		reads := []string{"granules read by 50 series"}
		for _, got := range all {
			reads = append(reads, got["30 days of 50 series, 720 points each, one question"].reads)
		}
		t.rows = append(t.rows, reads)
	}
	return []table{t}, nil
}
