package tenants

import (
	"iter"
	"maps"
	"math/rand/v2"
	"testing"

	"longwave/tenants/id"
)

// TestTokenTable does random things to a table and to a map, and holds on to shared copies, which must not change.
func TestTokenTable(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var table tokenTable
	want := map[uint64]id.Device{}
	type kept struct {
		table tokenTable
		want  map[uint64]id.Device
	}
	shared := []kept{{table.share(), map[uint64]id.Device{}}}
	for step := range 20_000 {
		index := random.Uint64N(40)<<48 | random.Uint64N(60) // few buckets, well filled
		before, had := want[index]
		var replaced *holder
		if random.IntN(3) == 0 {
			replaced = table.remove(index)
			delete(want, index)
		} else {
			want[index] = id.Device(rune('a' + random.IntN(26)))
			replaced = table.set(holder{index: index, device: &device{Device: Device{ID: want[index]}}})
		}
		if had != (replaced != nil) || had && replaced.device.ID != before {
			t.Fatalf("step %d: replaced %v, want %q", step, replaced, before)
		}
		if step%500 == 0 {
			shared = append(shared, kept{table.share(), maps.Clone(want)})
		}
	}
	for i, k := range append(shared, kept{table, want}) {
		got := map[uint64]id.Device{}
		for h := range k.table.all() {
			got[h.index] = h.device.ID
			if k.table.get(h.index) != h {
				t.Errorf("copy %d: %x is not found where it is", i, h.index)
			}
		}
		if !maps.Equal(got, k.want) || k.table.n != len(k.want) {
			t.Errorf("copy %d holds %d tokens and counts %d, want %d", i, len(got), k.table.n, len(k.want))
		}
	}
}

// TestTokensSpread: a look-up is as long as its bucket.
func TestTokensSpread(t *testing.T) {
	var table tokenTable
	for range MaxDevices {
		_, public, _ := mintToken(devicePrefix)
		table.set(holder{index: indexOf(public)})
	}
	longest := 0
	for _, page := range table.root {
		for _, bucket := range page.buckets {
			longest = max(longest, len(bucket))
		}
	}
	if longest > 14 { // of 100,000 in 65,536 buckets, more than 12 in one is a matter of one in a million
		t.Errorf("a bucket holds %d tokens", longest)
	}
}

// all walks the tokens in no order that means something.
func (t *tokenTable) all() iter.Seq[*holder] {
	return func(yield func(*holder) bool) {
		if t.root == nil {
			return
		}
		for _, page := range t.root {
			if page == nil {
				continue
			}
			for _, bucket := range page.buckets {
				for i := range bucket {
					if !yield(&bucket[i]) {
						return
					}
				}
			}
		}
	}
}
