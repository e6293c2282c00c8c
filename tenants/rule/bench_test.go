package rule

import (
	"fmt"
	"testing"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// BenchmarkDecide is what rules cost a packet with four values. "own" rules are each about another device and "same" ones
// all about a value that the packet has; both are what a tenant with many rules has.
func BenchmarkDecide(b *testing.B) {
	shapes := map[string]func(int) string{
		"own":  func(i int) string { return fmt.Sprintf(`device.id == "d-%d" and temp > 80`, i) },
		"site": func(i int) string { return fmt.Sprintf(`within(device.site, "plant-%d") and temp > 80`, i) },
		"same": func(i int) string { return fmt.Sprintf("temp > %d", 80+i) },
		"text": func(int) string { return `state contains "rr"` },
	}
	p := packet(num("temp", 71.5), num("pressure", 4), num("rpm", 1400), txt("state", "running"))
	for _, shape := range []string{"own", "site", "same", "text"} {
		for _, n := range []int{1, 10, 1000} {
			b.Run(fmt.Sprintf("%s/%d", shape, n), func(b *testing.B) {
				var rules []Rule
				for i := range n {
					rules = append(rules, Rule{ID: id.Rule(fmt.Sprint("r-", i)), When: shapes[shape](i), Then: Then{Lane: "critical"}})
				}
				set, err := Compile(rules)
				if err != nil {
					b.Fatal(err)
				}
				var j Judge
				b.ReportAllocs()
				for b.Loop() {
					j.Begin(set, pump, nil)
					if v := j.Decide(p); v.Lane != telemetry.Critical {
						b.Fatal(v)
					}
				}
			})
		}
	}
}

func BenchmarkCompile(b *testing.B) {
	var rules []Rule
	for i := range MaxRules {
		rules = append(rules, Rule{ID: id.Rule(fmt.Sprint("r-", i)), When: fmt.Sprintf(`device.profile == "pump" and temp > %d`, i), Then: Then{Lane: "critical"}})
	}
	for b.Loop() {
		if _, err := Compile(rules); err != nil {
			b.Fatal(err)
		}
	}
}
