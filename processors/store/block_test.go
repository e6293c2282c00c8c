package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"longwave/ingest/telemetry"
	"longwave/processors/engine/enginetest"
)

func TestBlockCountsAndResets(t *testing.T) {
	tenant, d := newTenant(), newDevice()
	var b Block
	for range 2 {
		b.Add(tenant, batch(d, packet(noon(), number("a", 1), text("b", "x")), packet(noon()+1, number("a", 2))))
		if b.Rows() != 3 || b.Packets() != 2 || len(b.series) != 2 || len(b.hours) != 1 {
			t.Fatalf("%d rows, %d packets, %d series, %d hours", b.Rows(), b.Packets(), len(b.series), len(b.hours))
		}
		b.Reset()
		if b.Rows() != 0 || b.Packets() != 0 {
			t.Fatalf("after Reset: %d rows, %d packets", b.Rows(), b.Packets())
		}
	}
}

func TestEmptyBlock(t *testing.T) {
	if err := openStore(t).Insert(t.Context(), new(Block)); err != nil {
		t.Error(err)
	}
}

// One block chooses the newest value of a series as the table does when each value came in a block of its own.
func TestBlockChoosesLatestAsTheTable(t *testing.T) {
	s, together, apart, d := openStore(t), newTenant(), newTenant(), newDevice()
	boolean := telemetry.Value{Name: "v", Num: 1, Type: telemetry.Bool}
	values := []telemetry.Value{number("v", -5), number("v", 7), text("v", ""), text("v", "b"), text("v", "a"), boolean}
	var batches []*telemetry.Batch
	for i, v := range values {
		for j, received := range []telemetry.Micros{3, 1, 2} {
			b := batch(d, packet(noon()+telemetry.Micros(i%2)*second, v))
			b.Received = noon() + received*minute + telemetry.Micros(j)
			batches = append(batches, b)
		}
	}
	insert(t, s, together, batches...)
	for i := range batches {
		insert(t, s, apart, batches[(i*7)%len(batches)])
	}
	one, err := s.ForTenant(together).Latest(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	many, err := s.ForTenant(apart).Latest(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(one, many); diff != "" || len(one) != 1 || one[0].Value.Text != "b" {
		t.Errorf("together %+v\napart %+v", one, many)
	}
}

// Packets reach back a year, so one block may fall into fourteen partitions.
func TestBlockSpansAYear(t *testing.T) {
	s, tenant, d := openStore(t), newTenant(), newDevice()
	b := batch(d)
	for i := range telemetry.Micros(366) {
		b.Packets = append(b.Packets, packet(noon()-i*day, number("temp", float64(i)), text("state", "x")))
	}
	insert(t, s, tenant, b)
	r := s.ForTenant(tenant)
	check := func(when string) {
		t.Helper()
		got, err := r.Series(t.Context(), telemetry.SeriesQuery{Device: d, Metric: "temp", From: noon() - 366*day, To: noon() + day, MaxPoints: 60})
		var n uint64
		for _, p := range got.Points {
			n += p.Count
		}
		if err != nil || got.Step != "7d" || n != 366 {
			t.Errorf("%s: step %s, %d readings, %v", when, got.Step, n, err)
		}
	}
	check("not rolled up")
	if n, err := s.Rollup(t.Context()); err != nil || n != 366 {
		t.Errorf("rolled up %d hours, %v", n, err)
	}
	check("rolled up")
}

func TestStepNames(t *testing.T) {
	want := []string{"1ms", "500ms", "1s", "30s", "1m", "5m", "30m", "1h", "6h", "1d", "7d"}
	names := map[string]bool{}
	for _, s := range ladder() {
		names[s.String()] = true
	}
	for _, name := range want {
		if !names[name] {
			t.Errorf("no step is called %s", name)
		}
	}
	if got := floor(-1, 10); got != -10 {
		t.Errorf("floor(-1, 10) = %d", got)
	}
}

func TestDiskAndMetrics(t *testing.T) {
	writer, _ := enginetest.Database(t)
	registry := prometheus.NewRegistry()
	s, err := Open(t.Context(), Options{Connect: writer, Registerer: registry})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
	insert(t, s, newTenant(), batch(newDevice(), packet(noon(), number("temp", 1))))
	sizes, err := s.Disk(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]uint64{}
	for _, size := range sizes {
		if size.Bytes == 0 {
			t.Errorf("%s takes no bytes", size.Table)
		}
		rows[size.Table] = size.Rows
	}
	if rows["readings"] != 1 || rows["touched"] != 1 || rows["latest"] != 1 {
		t.Errorf("got %v", rows)
	}
	families, err := registry.Gather()
	if err != nil || len(families) < 3 {
		t.Errorf("%d metrics, %v", len(families), err)
	}
	if _, err := Open(t.Context(), Options{Connect: writer, Registerer: registry}); err == nil {
		t.Error("metrics were registered twice without an error")
	}
}
