package forward

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
)

// BenchmarkStage passes lane messages of ten packets each, with a disk that is waited for: nothing of them forwarded, which
// is what every other tenant costs; all to one destination that reads for itself; to a webhook; to one that has no room; in turns to one of fifty that have room
// and one of fifty that have none.
func BenchmarkStage(b *testing.B) {
	for _, to := range []string{"nobody", "own", "webhook", "full", "mixed"} {
		b.Run(to, func(b *testing.B) {
			r := newRig(b, func(r *rig) { r.durable = true })
			var all []Destination
			switch to {
			case "own":
				all = append(all, r.addTo(r.tenant, Destination{Own: true}, "own", ""))
			case "webhook":
				all = append(all, r.add("hook", newReceiver(b, nil).URL))
			case "full":
				r.limit(telemetry.OutStream, func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 100 })
				all = append(all, r.addTo(r.tenant, Destination{Own: true}, "own", ""))
			case "mixed":
				r.limit(telemetry.OutStream, func(c *jetstream.StreamConfig) { c.MaxMsgsPerSubject = 2000 })
				for i := range 50 {
					all = append(all, r.addTo(r.tenant, Destination{Own: true}, fmt.Sprint("room-", i), ""),
						r.addTo(r.tenant, Destination{Own: true}, fmt.Sprint("full-", i), ""))
					r.fill(all[2*i+1], 2000)
				}
			default:
				r.add("unused", "http://127.0.0.1:1/")
			}
			for i := range b.N {
				some := all
				if to == "mixed" {
					some = all[i%len(all):][:1]
				}
				r.publish(telemetry.Standard, names(10*i, 10*i+10), some...)
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
