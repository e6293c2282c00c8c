package ingest

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// BenchmarkAccept measures a request from its body to the acknowledgement behind an fsync, 64 of them side by side.
func BenchmarkAccept(b *testing.B) {
	for _, packets := range []int{1, 100} {
		b.Run(fmt.Sprint(packets), func(b *testing.B) {
			bench := open(b, b.TempDir(), func(o *Options) { o.LaneBytes = 8 << 30 })
			var number atomic.Int64
			b.SetParallelism(32) // times GOMAXPROCS
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				var body strings.Builder
				for pb.Next() {
					body.Reset()
					at := time.Now().UnixNano()
					for i := range packets {
						fmt.Fprintf(&body, `{"ts":%d,"values":{"temperature":21.5,"pressure":%d,"running":true,"state":"idle"}},`, at+int64(i)*1000, number.Add(1))
					}
					if _, err := bench.post("[" + strings.TrimSuffix(body.String(), ",") + "]"); err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N*packets)/b.Elapsed().Seconds(), "packets/s")
		})
	}
}
