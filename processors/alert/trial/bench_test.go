package trial

import (
	"fmt"
	"math"
	"testing"
	"time"

	"longwave/ingest/telemetry"
	"longwave/processors/store"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

// BenchmarkTrial tries a rule on a week of two hundred devices at a reading a minute: two million readings.
func BenchmarkTrial(b *testing.B) {
	const devices, days, minutes = 200, 7, 24 * 60
	s, tenant := openStore(b), id.New[id.Tenant]()
	end := telemetry.At(time.Now().Truncate(time.Hour))
	start := end - days*minutes*60*second
	order := Order{From: start, To: end, Rule: alertrule.Rule{Name: "hot", Kind: alertrule.Threshold, Levels: []alertrule.Level{{Severity: alertrule.Warning, For: alertrule.Duration(5 * time.Minute),
		When:  alertrule.Condition{Tests: []alertrule.Test{{Metric: "temp", Op: alertrule.Above, Value: 24}}},
		Clear: alertrule.Condition{Tests: []alertrule.Test{{Metric: "temp", Op: alertrule.Below, Value: 22}}}}}}}
	for i := range devices {
		order.Devices = append(order.Devices, alertrule.Device{ID: id.New[id.Device](), Name: fmt.Sprintf("pump-%03d", i)})
	}
	for day := range telemetry.Micros(days) { // as it comes: day after day
		var block store.Block
		for i, d := range order.Devices {
			for minute := range telemetry.Micros(minutes) {
				at := start + (day*minutes+minute)*60*second
				v := math.Round(2000+500*math.Sin(float64(minute)/100+float64(i))) / 100
				block.Add(tenant, &telemetry.Batch{Device: d.ID, Received: at + second/3, RetainDays: 30, Packets: []telemetry.Packet{{Time: at, Values: []telemetry.Value{{Name: "temp", Num: v}}}}})
			}
		}
		if err := s.Insert(b.Context(), &block); err != nil {
			b.Fatal(err)
		}
	}
	trials := openTrials(b, s)
	for b.Loop() {
		result, err := trials.Run(b.Context(), tenant, order)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(result.Values), "readings")
		b.ReportMetric(float64(result.Fired), "alerts")
	}
}
