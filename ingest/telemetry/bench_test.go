package telemetry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// benchBody is what a device of four values sends: n packets, as an array unless there is one.
func benchBody(n int) []byte {
	packets := make([]string, n)
	for i := range packets {
		packets[i] = fmt.Sprintf(`{"ts":%d,"values":{"temperature":%.2f,"pressure":%.2f,"running":true,"state":"idle"}}`,
			1795176000000+i, 20+float64(i)/7, 1000-float64(i)/3)
	}
	if n == 1 {
		return []byte(packets[0])
	}
	return []byte("[" + strings.Join(packets, ",") + "]")
}

func BenchmarkDecode(b *testing.B) {
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			body := benchBody(n)
			b.ReportAllocs()
			b.SetBytes(int64(len(body)))
			var d Decoded // as ingest keeps it
			for b.Loop() {
				if err := d.Decode(body, DecodeOptions{Now: noon, Device: "d-1"}); err != nil || len(d.Packets) != n {
					b.Fatal(err, d.Rejected)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/packet")
		})
	}
}

// BenchmarkValid is the measure for BenchmarkDecode on whatever machine both run: the standard library's look at the same
// body, which only finds out whether it is JSON.
func BenchmarkValid(b *testing.B) {
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			body := benchBody(n)
			for b.Loop() {
				if !json.Valid(body) {
					b.Fatal("not JSON")
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/packet")
		})
	}
}

func BenchmarkLane(b *testing.B) {
	d, err := Decode(benchBody(100), DecodeOptions{Now: noon, Device: "d-1"})
	if err != nil {
		b.Fatal(err)
	}
	batch := &Batch{Device: "d-1", Received: noon, Packets: d.Packets}
	message := AppendBatch(nil, batch)
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		dst := bytes.Clone(message)
		for b.Loop() {
			dst = AppendBatch(dst[:0], batch)
		}
		b.ReportMetric(float64(len(message))/100, "bytes/packet")
	})
	b.Run("each", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := EachBatch(message, func(*Batch) error { return nil }); err != nil {
				b.Fatal(err)
			}
		}
	})
}
