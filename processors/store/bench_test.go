package store

import (
	"fmt"
	"math"
	"testing"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// benchBlock is packets of four values, as a processor collects them: from many devices, each a few packets.
func benchBlock(b *Block, tenant id.Tenant, devices []id.Device, packets int, at telemetry.Micros) {
	b.Reset()
	const each = 5
	for i := 0; i < packets; i += each {
		one := batch(devices[(i/each)%len(devices)])
		for j := range each {
			v := math.Round(2000+500*math.Sin(float64(i+j)/500)) / 100
			one.Packets = append(one.Packets, packet(at+telemetry.Micros(i/each/len(devices)*each+j)*second,
				number("temp", v), number("hum", v+20), number("volt", 3.3), number("rssi", -60-float64(i%7))))
		}
		b.Add(tenant, one)
	}
}

func BenchmarkInsert(b *testing.B) {
	s, tenant := openStore(b), newTenant()
	devices := make([]id.Device, 500)
	for i := range devices {
		devices[i] = newDevice()
	}
	for _, packets := range []int{250, 2500, 12_500, 50_000} {
		b.Run(fmt.Sprintf("rows=%d", packets*4), func(b *testing.B) {
			var block Block
			at := noon()
			for b.Loop() {
				benchBlock(&block, tenant, devices, packets, at)
				at += telemetry.Micros(packets/len(devices)+1) * second
				if err := s.Insert(b.Context(), &block); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(packets*4*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

func BenchmarkBlock(b *testing.B) {
	tenant, devices := newTenant(), []id.Device{newDevice(), newDevice()}
	var block Block
	for b.Loop() {
		benchBlock(&block, tenant, devices, 12_500, noon())
	}
	b.ReportMetric(float64(50_000*b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkSeries asks for one series among two hundred, of thirty days at one reading in ten seconds.
func BenchmarkSeries(b *testing.B) {
	s, tenant, start := openStore(b), newTenant(), noon()-30*day
	devices := make([]id.Device, 50)
	for i := range devices {
		devices[i] = newDevice()
	}
	for i := range telemetry.Micros(30) {
		var block Block
		for _, d := range devices {
			one := batch(d)
			for j := range telemetry.Micros(8640) {
				one.Packets = append(one.Packets, packet(start+i*day+j*10*second, number("temp", float64(j%977)/10)))
			}
			block.Add(tenant, one)
		}
		if err := s.Insert(b.Context(), &block); err != nil {
			b.Fatal(err)
		}
	}
	r := s.ForTenant(tenant)
	ask := func(name string, length telemetry.Micros, points int) {
		b.Run(name, func(b *testing.B) {
			var got telemetry.Series
			for b.Loop() {
				var err error
				got, err = r.Series(b.Context(), telemetry.SeriesQuery{Device: devices[7], Metric: "temp", From: noon() - length, To: noon(), MaxPoints: points})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(got.Points)), "points")
		})
	}
	ask("24h/raw", day, 10_000)
	ask("24h/1000/pending", day, 1000)
	ask("30d/1000/pending", 30*day, 1000)
	for n := maxWindows; n == maxWindows; {
		var err error
		if n, err = s.Rollup(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	ask("24h/1000", day, 1000)
	ask("30d/1000", 30*day, 1000)
	b.Run("overview/24h/60", func(b *testing.B) {
		for b.Loop() {
			if _, err := r.Overview(b.Context(), devices[7], noon()-day, noon(), 60); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("latest", func(b *testing.B) {
		for b.Loop() {
			if _, err := r.Latest(b.Context(), devices[7]); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("each/30d", func(b *testing.B) {
		n := 0
		for b.Loop() {
			n = 0
			if err := r.Each(b.Context(), telemetry.SeriesQuery{Device: devices[7], Metric: "temp", From: 0, To: noon()}, func(telemetry.Point) error { n++; return nil }); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "readings/s")
	})
}
