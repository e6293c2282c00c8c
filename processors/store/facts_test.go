package store

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// answers is everything that a reader says of one metric of a device.
type answers struct {
	Count     telemetry.Erased
	Latest    []telemetry.Latest
	Activity  []telemetry.Activity
	Raw, Step telemetry.Series
	Each      []telemetry.Point
	Events    []telemetry.Event
	Overview  []telemetry.Series
}

func ask(t testing.TB, r *Reader, d id.Device, metric string) answers {
	t.Helper()
	var a answers
	from, to := noon(), noon()+day
	query := telemetry.SeriesQuery{Device: d, Metric: metric, From: from, To: to, MaxPoints: 1000}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	var err error
	a.Count, err = r.Count(t.Context(), d)
	must(err)
	a.Latest, err = r.Latest(t.Context(), d)
	must(err)
	a.Activity, err = r.Activity(t.Context())
	must(err)
	a.Raw, err = r.Series(t.Context(), query)
	must(err)
	query.MaxPoints = 2
	a.Step, err = r.Series(t.Context(), query)
	must(err)
	must(r.Each(t.Context(), query, func(p telemetry.Point) error { a.Each = append(a.Each, p); return nil }))
	a.Events, err = r.Events(t.Context(), telemetry.EventQuery{Device: d, From: from, To: to})
	must(err)
	a.Overview, err = r.Overview(t.Context(), d, from, to, 10)
	must(err)
	return a
}

func TestFactsAreASet(t *testing.T) {
	s, tenant, d := openStore(t), newTenant(), newDevice()
	first := batch(d, packet(noon()+minute, number("temp", 20)), packet(noon()+2*minute, number("temp", 25), text("state", "idle")))
	second := batch(d, packet(noon()+3*minute, number("temp", 21), text("state", "busy")), packet(noon()+4*minute, number("temp", 22)))
	insert(t, s, tenant, first, second)
	rollAll(t, s)
	want := ask(t, s.ForTenant(tenant), d, "temp")
	if want.Count != (telemetry.Erased{Readings: 4, Events: 2}) || len(want.Each) != 4 || want.Raw.Step != "raw" || len(want.Raw.Points) != 4 {
		t.Fatalf("first answers are wrong: %+v", want)
	}
	for name, again := range map[string][]*telemetry.Batch{
		"same block":     {first, second},
		"other order":    {second, first},
		"a part":         {second},
		"twice in block": {first, first, second, second},
	} {
		insert(t, s, tenant, again...)
		if diff := cmp.Diff(want, ask(t, s.ForTenant(tenant), d, "temp")); diff != "" {
			t.Errorf("%s before rollup:\n%s", name, diff)
		}
		rollAll(t, s)
		if diff := cmp.Diff(want, ask(t, s.ForTenant(tenant), d, "temp")); diff != "" {
			t.Errorf("%s after rollup:\n%s", name, diff)
		}
	}
	for _, table := range []string{"readings", "events", "latest", "touched", "rollup_1m", "rollup_1h", "rollup_1d"} {
		optimize(t, s, table)
	}
	if diff := cmp.Diff(want, ask(t, s.ForTenant(tenant), d, "temp")); diff != "" {
		t.Errorf("after merging:\n%s", diff)
	}
}

func TestTwoValuesAtOneInstantBothStay(t *testing.T) {
	s, tenant, d := openStore(t), newTenant(), newDevice()
	insert(t, s, tenant, batch(d, packet(noon(), number("temp", 20)), packet(noon(), number("temp", 30))))
	insert(t, s, tenant, batch(d, packet(noon(), number("temp", 30)), packet(noon(), number("temp", 20))))
	got := ask(t, s.ForTenant(tenant), d, "temp")
	want := []telemetry.Point{
		{Time: noon(), Value: 20, Min: 20, Max: 20, Count: 1},
		{Time: noon(), Value: 30, Min: 30, Max: 30, Count: 1},
	}
	if diff := cmp.Diff(want, got.Each); diff != "" {
		t.Error(diff)
	}
	if len(got.Latest) != 1 || got.Latest[0].Value.Num != 30 {
		t.Errorf("latest of two values at one instant must not depend on their order: %+v", got.Latest)
	}
}

func TestMinusZeroIsZero(t *testing.T) {
	s, tenant, d := openStore(t), newTenant(), newDevice()
	insert(t, s, tenant, batch(d, packet(noon(), number("temp", 0)), packet(noon(), number("temp", math.Copysign(0, -1)))))
	if n, err := s.ForTenant(tenant).Count(t.Context(), d); err != nil || n.Readings != 1 {
		t.Errorf("got %d readings, %v; want 1", n.Readings, err)
	}
}

func TestLatestIsNewestDeviceTime(t *testing.T) {
	s, tenant, d := openStore(t), newTenant(), newDevice()
	fresh := batch(d, packet(noon()+hour, number("temp", 2), text("state", "idle"), telemetry.Value{Name: "ok", Num: 1, Type: telemetry.Bool}))
	late := batch(d, packet(noon(), number("temp", 1), text("state", "busy"), telemetry.Value{Name: "ok", Num: 0, Type: telemetry.Bool}))
	late.Received = fresh.Received + minute
	insert(t, s, tenant, fresh)
	insert(t, s, tenant, late)
	got, err := s.ForTenant(tenant).Latest(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	want := []telemetry.Latest{
		{Metric: "ok", Value: telemetry.Value{Name: "ok", Num: 1, Type: telemetry.Bool}, Time: noon() + hour, Received: fresh.Received},
		{Metric: "state", Value: text("state", "idle"), Time: noon() + hour, Received: fresh.Received},
		{Metric: "temp", Value: number("temp", 2), Time: noon() + hour, Received: fresh.Received},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	activity, err := s.ForTenant(tenant).Activity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]telemetry.Activity{{Device: d, LastTime: noon() + hour, LastSeen: late.Received}}, activity); diff != "" {
		t.Error(diff)
	}
}

func TestIntervalIsLearned(t *testing.T) {
	s, tenant, d, slow := openStore(t), newTenant(), newDevice(), newDevice()
	often, seldom := batch(d), batch(slow)
	for i := range telemetry.Micros(30) {
		often.Packets = append(often.Packets, packet(noon()+i*10*second, number("temp", float64(i))))
	}
	for i := range telemetry.Micros(4) {
		seldom.Packets = append(seldom.Packets, packet(noon()+i*2*hour, number("temp", float64(i))))
	}
	insert(t, s, tenant, often, seldom)
	rollAll(t, s)
	for device, want := range map[id.Device]float64{d: 10, slow: 7200} {
		got, err := s.ForTenant(tenant).Latest(t.Context(), device)
		if err != nil || len(got) != 1 || got[0].Interval != want {
			t.Errorf("got %+v, %v; want an interval of %v s", got, err, want)
		}
	}
}

func TestStatusIsAnEventWhateverItsType(t *testing.T) {
	s, tenant, d := openStore(t), newTenant(), newDevice()
	p := packet(noon(), telemetry.Value{Name: "online", Num: 1, Type: telemetry.Bool}, number("level", 2.5), text("mode", "auto"))
	p.Kind = telemetry.KindStatus
	insert(t, s, tenant, batch(d, p))
	got := ask(t, s.ForTenant(tenant), d, "level")
	texts := map[string]string{}
	for _, e := range got.Events {
		texts[e.Name] = e.Text
	}
	if diff := cmp.Diff(map[string]string{"online": "true", "level": "2.5", "mode": "auto"}, texts); diff != "" {
		t.Error(diff)
	}
	if got.Count != (telemetry.Erased{Readings: 2, Events: 3}) {
		t.Errorf("got %+v", got.Count)
	}
}
