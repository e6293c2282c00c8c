package forward

import (
	"fmt"
	"testing"
	"time"

	"longwave/ingest/telemetry"
)

// BenchmarkStage passes lane messages of ten packets each: of which nothing is forwarded, which is what every other tenant
// costs, and all of which go to one destination.
func BenchmarkStage(b *testing.B) {
	for _, forwarded := range []bool{false, true} {
		b.Run(fmt.Sprint("forwarded=", forwarded), func(b *testing.B) {
			r := newRig(b)
			own := r.addTo(r.tenant, Destination{Own: true}, "own", "")
			to := []Destination{own}
			if !forwarded {
				to = nil
			}
			for i := range b.N {
				r.publish(telemetry.Standard, names(10*i, 10*i+10), to...)
			}
			b.ResetTimer()
			begun := time.Now()
			r.start()
			r.until("the lane is passed on", func() bool {
				lags, err := r.Lag(b.Context())
				return err == nil && len(lags) == 3 && lags[1].Messages == 0
			})
			b.ReportMetric(float64(10*b.N)/time.Since(begun).Seconds(), "packets/s")
		})
	}
}
