package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// rounds is how often each variant is measured, in turn with the others: the machine's speed drifts.
const rounds = 3

// measureVariants compares settings of the Go runtime, which every process takes from its environment. The engine's
// own memory is not Go's and does not change with them.
func measureVariants(ctx context.Context, b *bench) ([]table, error) {
	variants := []string{"", "GOGC=50", "GOGC=100", "GOGC=400", "GOGC=off GOMEMLIMIT=512MiB", "GOMAXPROCS=1", "GOMAXPROCS=4"}
	measured := map[string][]result{}
	for range rounds {
		for _, variant := range variants {
			p, err := startProgram(ctx, b.settings, programOptions{durability: "disk", devices: benchDevices, environment: strings.Fields(variant)})
			if err != nil {
				return nil, err
			}
			for i, shape := range growthLoads() {
				l := shape.load
				l.tokens, l.duration, l.start = p.tokens, b.duration, time.Now().Add(-time.Duration(i+1)*4*time.Hour).UnixMilli()
				r, err := p.measure(ctx, l)
				if err != nil {
					p.close()
					return nil, fmt.Errorf("%s: %w", variant, err)
				}
				measured[variant+shape.name] = append(measured[variant+shape.name], r)
				progress("%s: %s: %s packets/s", variant, shape.name, number(r.stored()))
			}
			p.close()
		}
	}
	t := growthTable("Settings of the runtime", "environment of the program", fmt.Sprintf("Medians of %d rounds in turn; `--durability disk`.", rounds))
	for _, variant := range variants {
		row, most := []string{variant}, int64(0)
		if variant == "" {
			row[0] = "as it is"
		}
		for _, shape := range growthLoads() {
			all := measured[variant+shape.name]
			middle := func(of func(result) float64) string {
				values := make([]float64, len(all))
				for i, r := range all {
					values[i] = of(r)
				}
				slices.Sort(values)
				return number(values[len(values)/2])
			}
			row = append(row, middle(result.stored), middle(func(r result) float64 { return r.perPacket(r.cost.program) })+" + "+middle(func(r result) float64 { return r.perPacket(r.cost.engine) }))
			for _, r := range all {
				most = max(most, r.cost.resident)
			}
		}
		t.rows = append(t.rows, append(row, megabytes(most)))
	}
	return []table{t}, nil
}
