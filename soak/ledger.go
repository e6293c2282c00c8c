package main

import (
	"sync"
	"time"
)

// spacing is the device time between two packets of a series: coarse enough that a series spans days, months and many
// rollup windows, fine enough that a minute holds several.
const spacing = 2 * time.Second

// series is one device and everything it ever sent. Packet n says value(n) at the time at(n), so that the ledger needs
// one byte for each packet and every answer can be checked against arithmetic.
type series struct {
	device device
	seed   uint64
	first  int64 // device time of packet 0, in microseconds since 1970

	mu    sync.Mutex
	acked []bool // by packet; its length is how many were sent
}

func (s *series) at(n int) int64 { return s.first + int64(n)*spacing.Microseconds() }

// value is a whole number, so that sums of values are exact and a mean can be compared without a tolerance.
func (s *series) value(n int) float64 {
	x := (s.seed + uint64(n) + 1) * 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return float64((x ^ x>>31) % 10_000)
}

// packet is the inverse of at.
func (s *series) packet(at int64) (n int, ok bool) {
	distance := at - s.first
	return int(distance / spacing.Microseconds()), distance >= 0 && distance%spacing.Microseconds() == 0
}

// send takes the next count packets and returns their numbers. They are in the ledger before they are on the wire.
func (s *series) send(count int) []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	numbers := make([]int, count)
	for i := range numbers {
		numbers[i] = len(s.acked)
		s.acked = append(s.acked, false)
	}
	return numbers
}

// acknowledge returns how many of the packets had no acknowledgement before.
func (s *series) acknowledge(numbers []int) (news int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range numbers {
		if !s.acked[n] {
			s.acked[n] = true
			news++
		}
	}
	return news
}

// state is a copy of who was acknowledged.
func (s *series) state() []bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]bool(nil), s.acked...)
}

// newSeries starts four hours before the beginning of a month, so that a series crosses a partition, and far
// enough back that no packet of a run comes to lie in the future.
func newSeries(d device, number int, now time.Time) *series {
	border := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	if now.Sub(border) < 15*24*time.Hour {
		border = border.AddDate(0, -1, 0)
	}
	return &series{device: d, seed: uint64(number) << 32, first: border.Add(-4 * time.Hour).UnixMicro()}
}
