package store

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// arrivals collects an answer.
func arrivals(t *testing.T, r *Reader, q telemetry.ArrivalsQuery) (list []telemetry.Arrival) {
	t.Helper()
	if err := r.Arrivals(t.Context(), q, func(a *telemetry.Arrival) error { list = append(list, *a); return nil }); err != nil {
		t.Fatal(err)
	}
	return list
}

func TestArrivalsAreInTheOrderInWhichTheyBecameKnown(t *testing.T) {
	s, tenant, stranger := openStore(t), newTenant(), newTenant()
	a, b := newDevice(), newDevice()
	known := func(d id.Device, at telemetry.Micros, packets ...telemetry.Packet) *telemetry.Batch {
		one := batch(d, packets...)
		one.Received = noon() + at
		return one
	}
	status := packet(noon()+5*second, telemetry.Value{Name: "temp", Type: telemetry.Bool, Num: 1})
	status.Kind = telemetry.KindStatus
	list := []*telemetry.Batch{
		known(b, 9*second, packet(noon()+9*second, number("temp", 7))),
		known(a, 2*second+10, packet(noon()+2*second, number("temp", 2), number("other", 9), text("note", "hm"))),
		known(a, 3*second, packet(noon()-23*hour, number("temp", 1))),
		known(a, 2*second, packet(noon()+second, number("temp", 1), text("temp", "sensor off"))),
		known(a, 6*second, status),
		known(a, -second, packet(noon()-second, number("temp", 99))), // before the period
		known(a, 10*second, packet(noon(), number("temp", 99))),      // after it
	}
	insert(t, s, tenant, list...)
	insert(t, s, tenant, list[1], list[4]) // once more
	insert(t, s, stranger, known(a, 2*second, packet(noon()+2*second, number("temp", 424242))))
	q := telemetry.ArrivalsQuery{Devices: []id.Device{b, a}, Metrics: []string{"none", "temp"}, From: noon(), To: noon() + 10*second}
	at := func(device int, received, at telemetry.Micros, v telemetry.Value) telemetry.Arrival {
		v.Name = ""
		return telemetry.Arrival{Device: device, Metric: 1, Received: noon() + received, At: noon() + at, Value: v}
	}
	want := []telemetry.Arrival{
		at(0, 9*second, 9*second, number("", 7)),
		at(1, 2*second, second, number("", 1)), at(1, 2*second, second, text("", "sensor off")), at(1, 2*second, 2*second, number("", 2)),
		at(1, 3*second, -23*hour, number("", 1)),
		at(1, 6*second, 5*second, telemetry.Value{Type: telemetry.Bool, Num: 1}), at(1, 6*second, 5*second, text("", "true")),
	}
	if diff := cmp.Diff(want, arrivals(t, s.ForTenant(tenant), q)); diff != "" {
		t.Error(diff)
	}
	q.Metrics = nil
	want = nil
	for _, one := range []struct{ device, second int }{{0, 9}, {1, 2}, {1, 3}, {1, 6}} {
		want = append(want, telemetry.Arrival{Device: one.device, Metric: -1, Received: noon() + telemetry.Micros(one.second)*second})
	}
	if diff := cmp.Diff(want, arrivals(t, s.ForTenant(tenant), q)); diff != "" {
		t.Errorf("seconds:\n%s", diff)
	}
	q.Devices = make([]id.Device, maxArrivals+1)
	if err := s.ForTenant(tenant).Arrivals(t.Context(), q, nil); !errors.Is(err, ErrInvalid) {
		t.Errorf("too many devices: %v", err)
	}
}
