package trial

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"longwave/ingest/telemetry"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

// randomRule is a rule over the metrics a and b with small numbers, so that its tests hold and fail all the time.
func randomRule(r *rand.Rand) alertrule.Rule {
	if r.IntN(5) == 0 {
		return alertrule.Rule{Name: "silent", Kind: alertrule.NoData, After: alertrule.Duration(time.Duration(2+r.IntN(4)) * time.Second), Metric: []string{"", "a"}[r.IntN(2)],
			Levels: []alertrule.Level{{Severity: alertrule.Info}, {Severity: alertrule.Critical, For: alertrule.Duration(3 * time.Second)}}}
	}
	condition := func() (c alertrule.Condition) {
		c.Any = r.IntN(2) == 0
		ops := []alertrule.Op{alertrule.Above, alertrule.Below, alertrule.Equals, alertrule.Outside, alertrule.Changed, alertrule.RateAbove, alertrule.TextIs}
		for range 1 + r.IntN(2) {
			c.Tests = append(c.Tests, alertrule.Test{Metric: []string{"a", "b"}[r.IntN(2)], Op: ops[r.IntN(len(ops))], Value: float64(r.IntN(4)), To: 3, Per: "min", Text: "off"})
		}
		return c
	}
	out := alertrule.Rule{Name: "random", Kind: alertrule.Threshold}
	for severity := alertrule.Info; severity <= alertrule.Critical; severity++ {
		if r.IntN(2) == 0 && severity < alertrule.Critical {
			continue
		}
		l := alertrule.Level{Severity: severity, When: condition(), For: alertrule.Duration(time.Duration(r.IntN(4)*5) * time.Second)}
		if r.IntN(2) == 0 {
			l.Clear = condition()
		}
		out.Levels = append(out.Levels, l)
	}
	return out
}

// randomRequests is what a device sends within a time: packets in any order, late ones, values of the past that are corrected, and gaps.
func randomRequests(r *rand.Rand, t id.Tenant, d id.Device, start, length telemetry.Micros) (list []*request) {
	var instants []telemetry.Micros
	for at := start; ; {
		at += second * telemetry.Micros(1+r.IntN(3)*r.IntN(4)) // a request in a second, at most
		if at >= start+length {
			return list
		}
		one := &request{tenant: t, lane: telemetry.Lanes()[len(d)%3], Batch: telemetry.Batch{Device: d, Received: at + telemetry.Micros(r.IntN(1_000_000)), RetainDays: 30}}
		for range 1 + r.IntN(3) {
			p := telemetry.Packet{ID: fmt.Sprint(r.Uint64()), Time: at - telemetry.Micros(r.IntN(1_500_000)), Kind: telemetry.Kind(r.IntN(3))}
			note := "off"
			switch {
			case r.IntN(6) == 0:
				p.Time -= telemetry.Micros(r.IntN(20_000_000))
			case r.IntN(8) == 0 && len(instants) > 0:
				p.Time = instants[r.IntN(len(instants))]
				note = fmt.Sprint(len(instants)) // else it would be the same fact
			}
			if slices.ContainsFunc(one.Packets, func(o telemetry.Packet) bool { return o.Time == p.Time }) {
				continue
			}
			instants = append(instants, p.Time)
			for _, name := range []string{"a", "b", "c"} {
				switch r.IntN(8) {
				case 0, 1, 2, 3:
					p.Values = append(p.Values, telemetry.Value{Name: name, Num: float64(r.IntN(5)) + float64(len(instants))/1e6})
				case 4:
					p.Values = append(p.Values, telemetry.Value{Name: name, Type: telemetry.Text, Text: note})
				}
			}
			if len(p.Values) > 0 {
				one.Packets = append(one.Packets, p)
			}
		}
		if len(one.Packets) > 0 {
			list = append(list, one)
		}
	}
}

// courseOf is twenty readings a second that go up and down, and for a while are far off.
func courseOf(r *rand.Rand, t id.Tenant, d id.Device, start, length telemetry.Micros) (list []*request) {
	for at := start + second; at < start+length; at += second {
		one := &request{tenant: t, lane: telemetry.Standard, Batch: telemetry.Batch{Device: d, Received: at + second/2, RetainDays: 30}}
		for i := range telemetry.Micros(20) {
			p := telemetry.Packet{ID: fmt.Sprint(at + i), Time: at + i*second/20}
			v := 20 + 5*math.Sin(float64(p.Time-start)/1e6) + r.Float64()
			if p.Time > start+80*second && p.Time < start+90*second {
				v += 40
			}
			p.Values = []telemetry.Value{{Name: "a", Num: v}}
			one.Packets = append(one.Packets, p)
		}
		list = append(list, one)
	}
	return list
}

// TestAPastIsWhatLiveRecorded lets the evaluator see random streams live, stores them, and tries the same rules on them: it must be the same,
// change by change.
func TestAPastIsWhatLiveRecorded(t *testing.T) {
	const tenants, devices, length = 12, 6, 120 * second
	random := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	start := telemetry.At(time.Now().Add(-time.Hour).Truncate(time.Second))
	f := &fleet{rules: map[id.Tenant]alertrule.Rule{}, devices: map[id.Tenant][]alertrule.Device{}}
	var requests []*request
	for range tenants {
		name := f.add(randomRule(random), devices)
		for _, d := range f.devices[name] {
			requests = append(requests, randomRequests(random, name, d.ID, start, length)...)
		}
	}
	strange := f.add(alertrule.Rule{Name: "strange", Kind: alertrule.Threshold, Levels: []alertrule.Level{{Severity: alertrule.Warning,
		When: alertrule.Condition{Tests: []alertrule.Test{{Metric: "a", Op: alertrule.Unusual}}}}}}, 2)
	for _, d := range f.devices[strange] {
		requests = append(requests, courseOf(random, strange, d.ID, start, length)...)
	}
	marker := f.add(alertrule.Rule{Name: "seen", Kind: alertrule.Threshold, Levels: []alertrule.Level{{Severity: alertrule.Info, When: alertrule.Condition{Tests: []alertrule.Test{{Metric: "a", Op: alertrule.Above}}}}}}, 3)
	slices.SortStableFunc(requests, func(a, b *request) int { return int(a.Received - b.Received) })
	for i, d := range f.devices[marker] { // the last message of each lane
		requests = append(requests, &request{tenant: marker, lane: telemetry.Lanes()[i], Batch: telemetry.Batch{Device: d.ID, Received: start + length, RetainDays: 30,
			Packets: []telemetry.Packet{{ID: "1", Time: start + length, Values: []telemetry.Value{{Name: "a", Num: 1}}}}}})
	}
	l := startLive(t, f, start)
	for _, r := range requests {
		l.post(t, r)
	}
	if !l.comes(func() bool { return len(l.recorded(marker)) == 3 }) {
		t.Fatal("it never sees everything")
	}
	end := start + length + 5*second
	l.clock.Store(int64(end + second)) // only now: before, what is still to be seen would count as missing

	s := openStore(t)
	keep(t, s, random, requests)
	trials, fired, late := openTrials(t, s), 0, uint64(0)
	for name, rule := range f.rules {
		var mu sync.Mutex
		tried := make(map[id.Device][]string)
		result, err := trials.run(t.Context(), name, Order{Rule: rule, Devices: f.devices[name], From: start, To: end}, func(d id.Device, c *alertrule.Change) {
			mu.Lock()
			defer mu.Unlock()
			tried[d] = append(tried[d], words(c))
		})
		if err != nil {
			t.Fatal(err)
		}
		if !l.comes(func() bool { return cmp.Equal(l.recorded(name), tried) }) { // the last of it may be on its way
			t.Errorf("rule %+v\n-live +trial\n%s", rule, cmp.Diff(l.recorded(name), tried))
		}
		fired, late = fired+result.Fired, late+result.Late
		if name == strange && result.Fired == 0 {
			t.Error("nothing is unusual")
		}
	}
	if fired < 20 || late == 0 {
		t.Errorf("%d alerts and %d late packets show nothing", fired, late)
	}
	t.Logf("%d requests, %d alerts, %d late packets", len(requests), fired, late)
}
