package main

import (
	"fmt"
	"io"
	"strings"
)

// print writes the tables: every rate of the program also as a ratio to the reference of the same shape and run.
func print(w io.Writer, reference map[string]result, rows []result) error {
	var b strings.Builder
	b.WriteString("| what | durability | packets/s acknowledged | × bare server | packets/s until queryable | ack p50 / p99 / p99.9 ms | server CPU µs/packet | resident MB | bytes/reading on disk |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, shape := range shapes() {
		if r, ok := reference[shape.name]; ok {
			fmt.Fprintf(&b, "| bare net/http, %s | none | %.0f | 1 | – | %s | %.1f | %d | – |\n", r.name, r.acked.rate(), quantiles(r.acked), perPacket(r), r.resident>>20)
		}
	}
	for _, row := range rows {
		if row.delay == nil {
			fmt.Fprintf(&b, "| %s | %s | %.0f | %s | %.0f | %s | %.1f | %d | %.1f |\n", row.name, row.durability, row.acked.rate(),
				ratio(row, reference), row.stored, quantiles(row.acked), perPacket(row), row.resident>>20, row.bytesPerRow)
		}
	}
	b.WriteString("\n| delay | durability | samples | per second | p50 / p99 / p99.9 ms |\n|---|---|---|---|---|\n")
	for _, row := range rows {
		if row.delay != nil {
			fmt.Fprintf(&b, "| %s | %s | %d | %.0f | %s |\n", row.name, row.durability, row.delay.packets, row.delay.rate(), quantiles(*row.delay))
		}
	}
	b.WriteString("\nPackets of four wandering values, 140 bytes of JSON. Generator, server and engine share the machine.\n")
	_, err := io.WriteString(w, b.String())
	return err
}

func ratio(row result, reference map[string]result) string {
	r, ok := reference[row.name]
	if !ok {
		return "–"
	}
	return fmt.Sprintf("%.2f", row.acked.rate()/r.acked.rate())
}

func quantiles(o outcome) string {
	ms := func(q float64) float64 { return float64(o.quantile(q).Microseconds()) / 1000 }
	return fmt.Sprintf("%.1f / %.1f / %.1f", ms(0.5), ms(0.99), ms(0.999))
}

func perPacket(r result) float64 {
	return float64(r.cpu.Microseconds()) / float64(max(r.acked.packets, 1))
}
