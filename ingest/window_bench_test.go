package ingest

import (
	"math/rand/v2"
	"testing"
	"time"

	"longwave/ingest/telemetry"
)

// BenchmarkClaim claims and settles requests of a hundred packets in a window that is as full as it gets.
func BenchmarkClaim(b *testing.B) {
	w := newWindow(time.Now())
	f := &Front{window: w}
	r := rand.New(rand.NewPCG(1, 1))
	for range 2 {
		for range windowEntries - 1 {
			w.remember(claimKey{r.Uint64(), r.Uint64() | 1}, 1, w.turned)
		}
		w.older, w.stored = w.stored, newTable(roomFor(windowEntries))
	}
	w.stored, w.older = w.older, w.stored
	in := &items{all: make([]item, 100)}
	packet := &telemetry.Packet{}
	b.ReportAllocs()
	for b.Loop() {
		for i := range in.all {
			in.all[i] = item{packet: packet, key: claimKey{r.Uint64(), r.Uint64() | 1}, verdict: waiting}
		}
		f.claim(in)
		w.mu.Lock()
		for _, c := range in.own[0].claims {
			delete(w.pending, c.key)
		}
		w.mu.Unlock()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(100*b.N), "ns/packet")
}
