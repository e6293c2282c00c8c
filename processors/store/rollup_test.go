package store

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/sync/errgroup"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

// model is the set of facts as a test knows it.
type model map[fact]struct{}

type fact struct {
	at    telemetry.Micros
	value float64
}

func (m model) buckets(s step) []telemetry.Point {
	byStart := map[telemetry.Micros]*telemetry.Point{}
	var starts []telemetry.Micros
	for f := range m {
		start := floor(f.at, s.micros())
		p, ok := byStart[start]
		if !ok {
			p = &telemetry.Point{Time: start, Min: f.value, Max: f.value}
			byStart[start] = p
			starts = append(starts, start)
		}
		p.Min, p.Max, p.Value, p.Count = min(p.Min, f.value), max(p.Max, f.value), p.Value+f.value, p.Count+1
	}
	points := make([]telemetry.Point, 0, len(starts))
	for _, start := range starts {
		p := *byStart[start]
		p.Value /= float64(p.Count)
		points = append(points, p)
	}
	return points
}

// sums of the same numbers in another order differ in their last digits.
func samePoints(want, got []telemetry.Point) string {
	return cmp.Diff(want, got, cmpopts.EquateApprox(1e-12, 1e-9), cmpopts.EquateEmpty(),
		cmpopts.SortSlices(func(a, b telemetry.Point) bool { return a.Time < b.Time }))
}

// TestRollupsEqualReadings sends random, late and repeated data, rolls up completely, up to a random step, or twice at
// once in between, and compares every step with the set after each round.
func TestRollupsEqualReadings(t *testing.T) {
	s, tenant, d := openStore(t), newTenant(), newDevice()
	random := rand.New(rand.NewPCG(7, 11))
	set := model{}
	for round := range 9 {
		insert(t, s, tenant, randomBatch(random, d, set))
		disturb(t, s, random.IntN(4), random.IntN(8))
		checkSteps(t, s.ForTenant(tenant), d, set, fmt.Sprintf("round %d", round))
	}
	rollAll(t, s)
	checkSteps(t, s.ForTenant(tenant), d, set, "at the end")
	checkTables(t, s, tenant, set)
}

func randomBatch(random *rand.Rand, d id.Device, set model) *telemetry.Batch {
	b := batch(d)
	for range 150 {
		f := fact{at: noon() + telemetry.Micros(random.Int64N(int64(50*hour))), value: math.Round(random.NormFloat64()*1e4) / 100}
		if random.IntN(4) == 0 {
			f.at = floor(f.at, hour) // exactly on the border of windows
		}
		set[f] = struct{}{}
		b.Packets = append(b.Packets, packet(f.at, number("temp", f.value)))
	}
	repeated := 0
	for f := range set {
		if repeated++; repeated > 40 {
			break
		}
		b.Packets = append(b.Packets, packet(f.at, number("temp", f.value)))
	}
	return b
}

// disturb leaves rollups undone, does them, loses a run after some step, or runs two of them at once.
func disturb(t *testing.T, s *Store, kind, steps int) {
	t.Helper()
	lost := rollupRun{store: s, id: rand.Uint64()}
	switch kind {
	case 0:
	case 1:
		rollAll(t, s)
	case 2:
		if err := lost.execute(t.Context(), lost.steps()[:min(steps, len(lost.steps()))]); err != nil {
			t.Fatal(err)
		}
	case 3:
		both, ctx := errgroup.WithContext(t.Context())
		for range 2 {
			both.Go(func() error {
				run := rollupRun{store: s, id: rand.Uint64()}
				return run.execute(ctx, run.steps())
			})
		}
		if err := both.Wait(); err != nil {
			t.Fatal(err)
		}
	}
}

func checkSteps(t *testing.T, r *Reader, d id.Device, set model, when string) {
	t.Helper()
	from, to := noon(), noon()+72*hour
	for _, s := range []step{
		step(30 * time.Second), step(time.Minute), step(15 * time.Minute), step(time.Hour), step(6 * time.Hour), step(24 * time.Hour), step(7 * 24 * time.Hour),
	} {
		found, err := r.buckets(t.Context(), bucketQuery{name: "test", of: oneDevice(d, "temp"), from: from, to: to, step: s})
		if err != nil || len(found) != 1 {
			t.Fatalf("%s, step %v: %d series, %v", when, s, len(found), err)
		}
		if diff := samePoints(set.buckets(s), found[0].Points); diff != "" {
			t.Fatalf("%s, step %v:\n%s", when, s, diff)
		}
	}
}

// checkTables looks at the rollups alone, without the readings that answers may fall back on.
func checkTables(t *testing.T, s *Store, tenant id.Tenant, set model) {
	t.Helper()
	for view, length := range map[string]time.Duration{"rollup_1m_of": time.Minute, "rollup_1h_of": time.Hour, "rollup_1d_of": 24 * time.Hour} {
		rows, err := s.read.Query(t.Context(), "SELECT toUnixTimestamp64Micro(toDateTime64(ts, 6)), low, high, total / count, count FROM "+view+"(tenant = {tenant:String})",
			named("tenant", string(tenant)))
		if err != nil {
			t.Fatal(err)
		}
		var got []telemetry.Point
		for rows.Next() {
			var at int64
			var p telemetry.Point
			if err := rows.Scan(&at, &p.Min, &p.Max, &p.Value, &p.Count); err != nil {
				t.Fatal(err)
			}
			p.Time = telemetry.Micros(at)
			got = append(got, p)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		if diff := samePoints(set.buckets(step(length)), got); diff != "" {
			t.Errorf("%s:\n%s", view, diff)
		}
	}
	if n := pendingOf(t, s.ForTenant(tenant)); n != 0 {
		t.Errorf("%d hours are still pending", n)
	}
}

func pendingOf(t *testing.T, r *Reader) (n uint64) {
	t.Helper()
	row := r.store.read.QueryRow(t.Context(), "SELECT count() FROM touched_of(tenant = {tenant:String})", named("tenant", string(r.tenant)))
	if err := row.Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// What comes between taking an hour and forgetting it must stay touched.
func TestInsertDuringRollupStaysTouched(t *testing.T) {
	s, tenant, d := openStore(t), newTenant(), newDevice()
	insert(t, s, tenant, batch(d, packet(noon(), number("temp", 1))))
	run := rollupRun{store: s, id: 1}
	steps := run.steps()
	if err := run.execute(t.Context(), steps[:len(steps)-1]); err != nil {
		t.Fatal(err)
	}
	insert(t, s, tenant, batch(d, packet(noon()+minute, number("temp", 9))))
	if err := run.forget(t.Context()); err != nil {
		t.Fatal(err)
	}
	optimize(t, s, "touched")
	if n := pendingOf(t, s.ForTenant(tenant)); n != 1 {
		t.Fatalf("%d hours are pending, want 1", n)
	}
	if n := rollAll(t, s); n != 1 {
		t.Errorf("rolled up %d hours, want 1", n)
	}
	checkTables(t, s, tenant, model{{noon(), 1}: {}, {noon() + minute, 9}: {}})
}

// A run of many devices goes by days, one of few by months.
func TestManyDevicesRollUpByDay(t *testing.T) {
	s, tenant := openStore(t), newTenant()
	var batches []*telemetry.Batch
	for i := range fewDevices + 2 {
		b := batch(newDevice())
		for j := range telemetry.Micros(20) {
			b.Packets = append(b.Packets, packet(noon()-j*7*hour, number("temp", float64(i)), number("hum", float64(j))))
		}
		batches = append(batches, b)
	}
	insert(t, s, tenant, batches...)
	run := rollupRun{store: s, id: 5}
	if err := run.execute(t.Context(), run.steps()); err != nil {
		t.Fatal(err)
	}
	if run.windows != 20*(fewDevices+2) || len(run.parts) < 6 {
		t.Errorf("%d hours in %d parts", run.windows, len(run.parts))
	}
	for _, view := range []string{"rollup_1m_of", "rollup_1h_of", "rollup_1d_of"} {
		var n uint64
		row := s.read.QueryRow(t.Context(), "SELECT sum(count) FROM "+view+"(tenant = {tenant:String})", named("tenant", string(tenant)))
		if err := row.Scan(&n); err != nil || n != 40*(fewDevices+2) {
			t.Errorf("%s knows %d readings, %v", view, n, err)
		}
	}
	if n := pendingOf(t, s.ForTenant(tenant)); n != 0 {
		t.Errorf("%d hours are pending", n)
	}
}

func TestRollupRests(t *testing.T) {
	s, tenant, d := openStore(t), newTenant(), newDevice()
	s.rest = time.Hour
	insert(t, s, tenant, batch(d, packet(noon(), number("temp", 1))))
	if n := rollAll(t, s); n != 1 {
		t.Fatalf("a new hour is rolled up at once, got %d", n)
	}
	insert(t, s, tenant, batch(d, packet(noon()+minute, number("temp", 2))))
	if n := rollAll(t, s); n != 0 {
		t.Errorf("rolled up %d hours before the rest was over", n)
	}
	checkSteps(t, s.ForTenant(tenant), d, model{{noon(), 1}: {}, {noon() + minute, 2}: {}}, "during the rest")

	// The hour was computed by a clock that has been put back since: waiting for that time again would be waiting for days.
	later := "INSERT INTO touched (tenant, device, hour, rolled) SELECT tenant, device, hour, now('UTC') + INTERVAL 3 DAY FROM touched WHERE tenant = {tenant:String} LIMIT 1"
	if err := s.write.Exec(t.Context(), later, named("tenant", string(tenant))); err != nil {
		t.Fatal(err)
	}
	if n := rollAll(t, s); n != 1 {
		t.Errorf("rolled up %d hours after the clock was put back, want 1", n)
	}
}

// A spike of one reading among many must be seen at every length of step.
func TestSpikesAreNeverLost(t *testing.T) {
	s, tenant, d := openStore(t), newTenant(), newDevice()
	b := batch(d)
	for i := range telemetry.Micros(17_280) {
		v := 20 + math.Sin(float64(i)/1000)
		switch i {
		case 7_777:
			v = 999
		case 12_345:
			v = -999
		}
		b.Packets = append(b.Packets, packet(noon()+i*5*second, number("temp", v)))
	}
	insert(t, s, tenant, b)
	for _, rolled := range []bool{false, true} {
		if rolled {
			rollAll(t, s)
		}
		for _, points := range []int{1, 2, 24, 300, 1440, 5000, 20_000} {
			got, err := s.ForTenant(tenant).Series(t.Context(), telemetry.SeriesQuery{Device: d, Metric: "temp", From: noon(), To: noon() + day, MaxPoints: points})
			if err != nil {
				t.Fatal(err)
			}
			low, high, count := math.Inf(1), math.Inf(-1), uint64(0)
			for _, p := range got.Points {
				low, high, count = min(low, p.Min), max(high, p.Max), count+p.Count
			}
			if low != -999 || high != 999 || count != 17_280 || len(got.Points) > points {
				t.Errorf("rolled %v, %d points wanted, step %s: %d points, low %v, high %v, count %d", rolled, points, got.Step, len(got.Points), low, high, count)
			}
		}
	}
}

func TestRollupEndsWithItsContext(t *testing.T) {
	s := openStore(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Rollup(ctx); err == nil {
		t.Error("a rollup with a context that is over succeeded")
	}
}
