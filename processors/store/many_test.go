package store

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// One question for many series answers for each what a question of its own would, rolled up or not.
func TestManySeriesAreWhatEachIs(t *testing.T) {
	s, tenant, stranger := openStore(t), newTenant(), newTenant()
	a, b, foreign := newDevice(), newDevice(), newDevice()
	fill := func(t0 telemetry.Micros) {
		for i, d := range []id.Device{a, b} {
			one := batch(d)
			for j := range telemetry.Micros(200) {
				one.Packets = append(one.Packets, packet(t0+j*7*minute, number("temp", float64(j%17)+float64(i)), number("hum", float64(j))))
			}
			insert(t, s, tenant, one)
		}
	}
	fill(noon())
	rollAll(t, s)
	fill(noon() + 30*hour) // stays pending
	insert(t, s, stranger, batch(foreign, packet(noon(), number("temp", 424242))), batch(a, packet(noon(), number("temp", 424242))))
	keys := []telemetry.SeriesKey{{Device: a, Metric: "temp"}, {Device: b, Metric: "hum"}, {Device: b, Metric: "none"}, {Device: foreign, Metric: "temp"}}
	r := s.ForTenant(tenant)
	for _, points := range []int{1, 3, 60, 700, 20_000} {
		got, err := r.SeriesMany(t.Context(), telemetry.ManyQuery{Series: keys, From: noon(), To: noon() + 3*day, MaxPoints: points})
		if err != nil || len(got) != 2 {
			t.Fatalf("%d points: %d series, %v", points, len(got), err)
		}
		for _, key := range keys[:2] {
			want, err := r.buckets(t.Context(), bucketQuery{name: "test", of: oneDevice(key.Device, key.Metric), from: noon(), to: noon() + 3*day, step: stepOf(t, min(points, maxPoints/len(keys)))})
			if err != nil || len(want) != 1 {
				t.Fatal(len(want), err)
			}
			if diff := cmp.Diff(want[0].Series, got[key]); diff != "" {
				t.Errorf("%d points:\n%s", points, diff)
			}
		}
	}
}

func stepOf(t *testing.T, points int) step {
	t.Helper()
	s, err := stepFor(noon(), noon()+3*day, points)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestManySeriesHaveBounds(t *testing.T) {
	r := openStore(t).ForTenant(newTenant())
	if got, err := r.SeriesMany(t.Context(), telemetry.ManyQuery{From: noon(), To: noon() + day, MaxPoints: 1}); err != nil || len(got) != 0 {
		t.Errorf("of none: %v, %v", got, err)
	}
	for name, q := range map[string]telemetry.ManyQuery{
		"too many series": {Series: make([]telemetry.SeriesKey, maxSeries+1), From: noon(), To: noon() + day, MaxPoints: 1},
		"no points":       {Series: make([]telemetry.SeriesKey, 1), From: noon(), To: noon() + day},
		"too long":        {Series: make([]telemetry.SeriesKey, 1), From: 0, To: 100_000_000 * day, MaxPoints: 1},
	} {
		if _, err := r.SeriesMany(t.Context(), q); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTopRanksTheTenantsDevices(t *testing.T) {
	s, tenant, stranger := openStore(t), newTenant(), newTenant()
	low, high, wild, foreign := newDevice(), newDevice(), newDevice(), newDevice()
	insert(t, s, tenant,
		batch(low, packet(noon(), number("temp", 1)), packet(noon()+hour, number("temp", 3))),
		batch(high, packet(noon(), number("temp", 5)), packet(noon()+2*hour, number("temp", 5)), packet(noon()+3*day, number("temp", 900))),
		batch(wild, packet(noon(), number("temp", -50)), packet(noon(), number("hum", 900))))
	insert(t, s, stranger, batch(foreign, packet(noon(), number("temp", 900))))
	rollAll(t, s)
	insert(t, s, tenant, batch(wild, packet(noon()+minute, number("temp", 50))))
	rollAll(t, s) // the window of before is still there, and must not count
	for _, c := range []struct {
		by    telemetry.Aggregate
		least bool
		to    telemetry.Micros
		want  []telemetry.Ranked
	}{
		{telemetry.ByMean, false, noon() + day, []telemetry.Ranked{{Device: high, Value: 5}, {Device: low, Value: 2}}},
		{telemetry.ByMean, true, noon() + day, []telemetry.Ranked{{Device: wild, Value: 0}, {Device: low, Value: 2}}},
		{telemetry.ByMax, false, noon() + day, []telemetry.Ranked{{Device: wild, Value: 50}, {Device: high, Value: 5}}},
		{telemetry.ByMin, true, noon() + day, []telemetry.Ranked{{Device: wild, Value: -50}, {Device: low, Value: 1}}},
		{telemetry.BySum, false, noon() + 30*day, []telemetry.Ranked{{Device: high, Value: 910}, {Device: low, Value: 4}}},
	} {
		got, err := s.ForTenant(tenant).Top(t.Context(), telemetry.TopQuery{Metric: "temp", From: noon(), To: c.to, By: c.by, Count: 2, Least: c.least})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("by %d, least %v:\n%s", c.by, c.least, diff)
		}
	}
	for _, q := range []telemetry.TopQuery{{Metric: "temp"}, {Metric: "temp", Count: maxTop + 1}, {Metric: "temp", Count: 1, By: 99}} {
		if _, err := s.ForTenant(tenant).Top(t.Context(), q); !errors.Is(err, ErrInvalid) {
			t.Errorf("%+v: %v", q, err)
		}
	}
}

func TestHourlyCountsEachFactOnce(t *testing.T) {
	s, tenant, stranger := openStore(t), newTenant(), newTenant()
	one, two := newDevice(), newDevice()
	first := batch(one, packet(noon(), number("temp", 1), number("hum", 2)), packet(noon()+minute, number("temp", 1)), packet(noon()+2*hour, number("temp", 3)))
	insert(t, s, tenant, first, batch(two, packet(noon()+59*minute, number("temp", 5))))
	insert(t, s, tenant, first) // once more
	insert(t, s, stranger, batch(newDevice(), packet(noon(), number("temp", 900))))
	rollAll(t, s)
	got, err := s.ForTenant(tenant).Hourly(t.Context(), noon(), noon()+3*hour)
	if err != nil {
		t.Fatal(err)
	}
	want := []telemetry.Point{{Time: noon(), Count: 4, Value: 4}, {Time: noon() + 2*hour, Count: 1, Value: 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if none, err := s.ForTenant(tenant).Hourly(t.Context(), noon()+hour, noon()+2*hour); err != nil || len(none) != 0 {
		t.Errorf("an hour without readings: %v, %v", none, err)
	}
}
