package store

import (
	"testing"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// A reading that stands out for one instant is in every answer, however few points it has and however much it covers, rolled up
// or not: what a chart draws at most is each bucket's extremes.
func TestNoSpikeIsLost(t *testing.T) {
	s, tenant, d := openStore(t), newTenant(), newDevice()
	one := batch(d)
	for i := range telemetry.Micros(3000) {
		one.Packets = append(one.Packets, packet(noon()+i*minute, number("temp", 20+float64(i%5))))
	}
	one.Packets = append(one.Packets, packet(noon()+1234*minute+1, number("temp", 99)), packet(noon()+2345*minute+1, number("temp", -40)))
	insert(t, s, tenant, one)
	r := s.ForTenant(tenant)
	for _, rolled := range []bool{false, true} {
		if rolled {
			rollAll(t, s)
		}
		for _, points := range []int{1, 2, 10, 100, 1000, 4000} {
			q := telemetry.ManyQuery{Series: []telemetry.SeriesKey{{Device: d, Metric: "temp"}}, From: noon(), To: noon() + 3000*minute, MaxPoints: points}
			got, err := r.SeriesMany(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			low, high := 0.0, 0.0
			for _, p := range got[q.Series[0]].Points {
				low, high = min(low, p.Min), max(high, p.Max)
			}
			if low != -40 || high != 99 {
				t.Errorf("with %d points, rolled up: %v, the extremes are %v and %v", points, rolled, low, high)
			}
		}
	}
}

func TestEventsOfManyDevices(t *testing.T) {
	s, tenant, stranger, a, b := openStore(t), newTenant(), newTenant(), newDevice(), newDevice()
	insert(t, s, tenant, batch(a, packet(noon(), text("state", "idle"), text("mode", "x"))), batch(b, packet(noon()+minute, text("state", "busy"))))
	insert(t, s, stranger, batch(a, packet(noon()+2*minute, text("state", "canary"))))
	ask := func(q telemetry.EventsQuery) (texts string) {
		t.Helper()
		q.From, q.To = noon()-hour, noon()+hour
		found, err := s.ForTenant(tenant).EventsOf(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range found {
			texts += e.Text + " "
		}
		return texts
	}
	both := []id.Device{a, b}
	for want, q := range map[string]telemetry.EventsQuery{
		"busy idle x ": {Devices: both},
		"busy idle ":   {Devices: both, Names: []string{"state"}},
		"busy ":        {Devices: both, Limit: 1},
		"x ":           {Devices: both, Names: []string{"mode"}},
		"":             {},
	} {
		if got := ask(q); got != want {
			t.Errorf("%+v: %q, want %q", q, got, want)
		}
	}
}
