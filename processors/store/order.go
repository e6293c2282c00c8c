package store

import (
	"cmp"
	"slices"
)

// scratch is memory that encoding a block needs and that the next block uses again.
type scratch struct {
	sources, series []uint32 // in the order of the tables
	rank            []uint32 // of a source in that order
	rows            []uint32 // readings in the order of the table
	at              []uint32 // where the next row of a series goes
	readings        [8][]byte
}

// order sorts the readings as the table is sorted. ClickHouse does not sort what is sorted already, and here it costs a
// fraction: series are compared instead of rows, and the rows of a series usually came in the order of time.
func (b *Block) order() {
	b.orderSources()
	b.orderSeries()
	s, r := &b.scratch, &b.readings
	s.at, s.rows = resize(s.at, len(b.series)), resize(s.rows, len(r.ts))
	next := uint32(0)
	for _, n := range s.series {
		s.at[n] = next
		next += b.series[n].readings
	}
	for row, n := range r.series {
		s.rows[s.at[n]] = uint32(row)
		s.at[n]++
	}
	for _, n := range s.series {
		end := s.at[n]
		b.orderRun(s.rows[end-b.series[n].readings : end])
	}
}

func (b *Block) orderSources() {
	s := &b.scratch
	s.sources = count(s.sources, len(b.sources))
	slices.SortFunc(s.sources, func(x, y uint32) int {
		one, other := &b.sources[x], &b.sources[y]
		if one.tenant != other.tenant {
			return cmp.Compare(one.tenant, other.tenant)
		}
		return cmp.Compare(one.device, other.device)
	})
	s.rank = resize(s.rank, len(b.sources))
	for i, n := range s.sources {
		s.rank[n] = uint32(i)
	}
}

func (b *Block) orderSeries() {
	s := &b.scratch
	s.series = count(s.series, len(b.series))
	slices.SortFunc(s.series, func(x, y uint32) int {
		one, other := &b.series[x], &b.series[y]
		if one.source != other.source {
			return cmp.Compare(s.rank[one.source], s.rank[other.source])
		}
		return cmp.Compare(one.metric, other.metric)
	})
}

// orderRun sorts the readings of one series by time and value.
func (b *Block) orderRun(rows []uint32) {
	r := &b.readings
	compare := func(x, y uint32) int {
		if r.ts[x] != r.ts[y] {
			return cmp.Compare(r.ts[x], r.ts[y])
		}
		return cmp.Compare(r.value[x], r.value[y])
	}
	if !slices.IsSortedFunc(rows, compare) {
		slices.SortFunc(rows, compare)
	}
}

// resize returns a slice of this length whose contents do not matter.
func resize[T any](s []T, n int) []T { return slices.Grow(s[:0], n)[:n] }

// count returns 0, 1, 2 …
func count(s []uint32, n int) []uint32 {
	s = resize(s, n)
	for i := range s {
		s[i] = uint32(i)
	}
	return s
}
