package store

import (
	"fmt"
	"time"

	"longwave/ingest/telemetry"
)

// step is the length of a bucket.
type step time.Duration

// ladder lists the steps that divide what people read off an axis, shortest first. Each is a multiple of the windows of
// the rollup that it is computed from.
func ladder() []step {
	const ms, s, m, h, d = time.Millisecond, time.Second, time.Minute, time.Hour, 24 * time.Hour
	lengths := []time.Duration{
		ms, 2 * ms, 5 * ms, 10 * ms, 20 * ms, 50 * ms, 100 * ms, 200 * ms, 500 * ms,
		s, 2 * s, 5 * s, 10 * s, 15 * s, 30 * s,
		m, 2 * m, 5 * m, 10 * m, 15 * m, 30 * m,
		h, 2 * h, 3 * h, 6 * h, 12 * h,
		d, 2 * d, 7 * d, 14 * d, 28 * d, 91 * d, 364 * d, 3640 * d,
	}
	steps := make([]step, len(lengths))
	for i, l := range lengths {
		steps[i] = step(l)
	}
	return steps
}

// String is the step as answers name it: "10s", "5m", "6h", "1d".
func (s step) String() string {
	units := []struct {
		length time.Duration
		name   string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}}
	for _, u := range units {
		if time.Duration(s)%u.length == 0 {
			return fmt.Sprintf("%d%s", time.Duration(s)/u.length, u.name)
		}
	}
	return fmt.Sprintf("%dms", time.Duration(s)/time.Millisecond)
}

func (s step) micros() telemetry.Micros { return telemetry.Micros(time.Duration(s) / time.Microsecond) }

// align widens a range to whole buckets, so that no bucket is answered from a part of its readings.
func (s step) align(from, to telemetry.Micros) (telemetry.Micros, telemetry.Micros) {
	return floor(from, s.micros()), -floor(-to, s.micros())
}

// floor rounds down, also before 1970.
func floor(at, length telemetry.Micros) telemetry.Micros {
	n := at / length
	if at%length < 0 {
		n--
	}
	return n * length
}

// stepFor is the shortest step whose buckets of the range are at most max; ErrInvalid if there is none.
func stepFor(from, to telemetry.Micros, max int) (step, error) {
	for _, s := range ladder() {
		first, end := s.align(from, to)
		if int64(end-first) <= int64(max)*int64(s.micros()) {
			return s, nil
		}
	}
	return 0, fmt.Errorf("%w: the range is too long for %d points", ErrInvalid, max)
}

// source says which rollup serves a step; "" means the readings themselves.
func (s step) source() string {
	switch d := time.Duration(s); {
	case d >= 24*time.Hour:
		return "1d"
	case d >= time.Hour:
		return "1h"
	case d >= time.Minute:
		return "1m"
	}
	return ""
}
