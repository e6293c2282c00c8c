package ingest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"longwave/tenants/id"
	"longwave/tenants/rule"
)

// BenchmarkAccept measures a request from its body to the acknowledgement behind an fsync, 64 of them side by side.
func BenchmarkAccept(b *testing.B) {
	for _, packets := range []int{1, 100} {
		b.Run(fmt.Sprint(packets), func(b *testing.B) {
			acceptInParallel(b, load{connections: 64, tenants: 1, packets: packets})
		})
	}
}

// BenchmarkAcceptTenants measures what it costs that requests come from many tenants.
func BenchmarkAcceptTenants(b *testing.B) {
	for _, connections := range []int{64, 256} {
		for _, tenants := range []int{1, 64, 1000} {
			b.Run(fmt.Sprintf("%d/%d", connections, tenants), func(b *testing.B) {
				acceptInParallel(b, load{connections: connections, tenants: tenants, packets: 1})
			})
		}
	}
}

// load is how a benchmark sends.
type load struct {
	connections, tenants, packets int
	change                        func(*Options)
}

func acceptInParallel(b *testing.B, l load) {
	bench := open(b, b.TempDir(), func(o *Options) {
		o.LaneBytes = 8 << 30
		if l.change != nil {
			l.change(o)
		}
	})
	var left, number atomic.Int64
	left.Store(int64(b.N))
	took := make([][]time.Duration, l.connections)
	var senders sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	for c := range l.connections {
		senders.Go(func() {
			var body strings.Builder
			for left.Add(-1) >= 0 {
				n := number.Add(1)
				from := Principal{Tenant: id.Tenant(fmt.Sprintf("t-%d", int(n)%l.tenants)), Device: "d-pump", RetainDays: 400}
				request := Request{Body: bodyOf(&body, l.packets, n), Transport: "HTTP"}
				began := time.Now()
				if _, err := bench.Accept(b.Context(), from, request); err != nil {
					b.Error(err)
					return
				}
				took[c] = append(took[c], time.Since(began))
			}
		})
	}
	senders.Wait()
	b.StopTimer()
	all := slices.Concat(took...)
	slices.Sort(all)
	b.ReportMetric(float64(b.N*l.packets)/b.Elapsed().Seconds(), "packets/s")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
}

func bodyOf(body *strings.Builder, packets int, n int64) []byte {
	body.Reset()
	at := time.Now().UnixNano()
	for i := range packets {
		fmt.Fprintf(body, `,{"ts":%d,"values":{"temperature":21.5,"pressure":%d,"running":true,"state":"idle"}}`, at+int64(i)*1000, n*1000+int64(i))
	}
	return []byte("[" + body.String()[1:] + "]")
}

// BenchmarkNoisyTenant measures how long a quiet tenant waits for its acknowledgement while another one sends what is its
// share, and ten times as much. The senders keep a pace, so that a delay of one request is not hidden by the next.
func BenchmarkNoisyTenant(b *testing.B) {
	const share, quietPerSecond = 2000, 500
	for _, times := range []int{1, 10, 1, 10} {
		b.Run(fmt.Sprintf("share-times-%d", times), func(b *testing.B) {
			bench := open(b, b.TempDir(), func(o *Options) { o.LaneBytes, o.Limits = 8<<30, Limits{TenantShare: share} })
			stop := make(chan struct{})
			var noise sync.WaitGroup
			for n := range times { // each sends one share, a hundred packets at a time
				noise.Go(func() {
					var body strings.Builder
					pace := time.NewTicker(time.Second / (share / 100))
					defer pace.Stop()
					for number := int64(n) << 40; ; number++ {
						select {
						case <-stop:
							return
						case <-pace.C:
						}
						from := Principal{Tenant: "t-noisy", Device: id.Device(fmt.Sprint("d-", n))}
						if _, err := bench.Accept(b.Context(), from, Request{Body: bodyOf(&body, 100, number)}); err != nil {
							b.Error(err)
						}
					}
				})
			}
			b.ResetTimer()
			took := bench.pacedSender(b, quietPerSecond)
			b.StopTimer()
			close(stop)
			noise.Wait()
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

// pacedSender sends one packet after the other, and measures each from when it was due.
func (b *bench) pacedSender(t *testing.B, perSecond int) (took []time.Duration) {
	var mu sync.Mutex
	var senders sync.WaitGroup
	began := time.Now()
	for n := range t.N {
		due := began.Add(time.Duration(n) * time.Second / time.Duration(perSecond))
		<-time.After(time.Until(due))
		senders.Go(func() {
			var body strings.Builder
			_, err := b.Accept(t.Context(), Principal{Tenant: "t-quiet", Device: "d-1"}, Request{Body: bodyOf(&body, 1, int64(n))})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			took = append(took, time.Since(due))
		})
	}
	senders.Wait()
	return took
}

// BenchmarkAcceptRules measures what rules add to a request: none, and as many as a tenant may have, each about another
// device or all about a value that the packet has.
func BenchmarkAcceptRules(b *testing.B) {
	for name, shape := range map[string]string{"own": `device.id == "d-%d" and temperature > 80`, "same": "temperature > %d"} {
		for _, n := range []int{0, 10, 1000} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				var rules []rule.Rule
				for i := range n {
					rules = append(rules, rule.Rule{ID: id.Rule(fmt.Sprint("r-", i)), When: fmt.Sprintf(shape, 1000+i), Then: rule.Then{Lane: "critical"}})
				}
				set, err := rule.Compile(rules)
				if err != nil {
					b.Fatal(err)
				}
				if n == 0 {
					set = nil
				}
				acceptInParallel(b, load{connections: 64, tenants: 1, packets: 100, change: func(o *Options) {
					o.Rules = func(id.Tenant) *rule.Set { return set }
				}})
			})
		}
	}
}
