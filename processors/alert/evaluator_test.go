package alert

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"longwave/ingest/telemetry"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

func TestAnAlertBeginsAndEnds(t *testing.T) {
	r := newRig(t, 2)
	rule := r.rule()
	v, _ := r.evaluator()
	r.run(v.Run)
	r.post(0, 5) // a rule that is new sees what comes after it began
	r.until("fires", func() bool { r.post(0, 11); return r.open() == 1 })
	a := r.book.Open(r.tenant)[0]
	if a.Rule != rule || a.Device != r.devices[0] || a.Severity != alertrule.Warning || a.Name != "hot" || a.Latest.Value("temp") != "11" ||
		a.Message != "device "+string(r.devices[0])+": temp is 11" {
		t.Errorf("%+v", a)
	}
	r.post(0, 9)
	r.until("ends", func() bool { return r.open() == 0 })
	list := r.book.Find(r.tenant, Filter{State: Resolved})
	if len(list) != 1 || list[0].ID != a.ID || list[0].Latest.Cause != alertrule.CauseCleared || list[0].Worst != alertrule.Warning {
		t.Errorf("%+v", list)
	}
	if got := r.book.Find(id.New[id.Tenant](), Filter{}); len(got) != 0 {
		t.Errorf("another tenant sees %+v", got)
	}
}

// TestTakeOver kills whoever evaluates, again and again, while alerts begin and end, and counts them.
func TestTakeOver(t *testing.T) {
	r := newRig(t, 20)
	r.rule()
	r.rule(func(a *alertrule.Rule) { a.Name, a.Levels[0].For = "hot for long", alertrule.Duration(time.Hour) })
	active, cut := r.evaluator()
	stop := r.run(active.Run)
	r.until("evaluates", func() bool { r.post(0, 11); return r.open() == 1 })
	r.post(0, 0)
	r.until("quiet", func() bool { return r.open() == 0 })
	before := len(r.book.Find(r.tenant, Filter{}))
	rounds := 3
	for round := range rounds {
		standby, cutNext := r.evaluator()
		stopNext := r.run(standby.Run)
		for d := range r.devices {
			r.postIn(telemetry.Lanes()[d%3], d, 20)
		}
		cut() // as a kill does: nothing is given back, nothing more is written
		killed := time.Now()
		for d := range r.devices {
			if d%2 == 0 {
				r.postIn(telemetry.Lanes()[d%3], d, 0)
			}
		}
		r.until("half of them fire", func() bool {
			return r.open() == len(r.devices)/2 && len(r.book.Find(r.tenant, Filter{})) == before+(round+1)*len(r.devices)
		})
		t.Logf("taken over after %s", time.Since(killed).Round(time.Millisecond))
		for d := range r.devices {
			r.postIn(telemetry.Lanes()[d%3], d, 0)
		}
		r.until("none fires", func() bool { return r.open() == 0 })
		stop()
		cut, stop = cutNext, stopNext
	}
	seen := map[string]bool{}
	for _, e := range r.entries() {
		key := string(e.Alert) + " " + e.Change.To.String()
		if e.Kind != Changed || seen[key] {
			t.Errorf("twice: %+v", e)
		}
		seen[key] = true
	}
	if want := 2 * (before + rounds*len(r.devices)); len(seen) != want {
		t.Errorf("%d changes, want %d", len(seen), want)
	}
}

func TestAStopHandsOverAtOnce(t *testing.T) {
	r := newRig(t, 1)
	r.rule(func(a *alertrule.Rule) { a.Levels[0].For = alertrule.Duration(2 * time.Second) })
	first, _ := r.evaluator()
	stop := r.run(first.Run)
	r.until("evaluates", func() bool { r.post(0, 11); return first.Active() })
	second, _ := r.evaluator()
	r.run(second.Run)
	stop() // in the middle of its duration
	r.until("fires by its timer", func() bool { return r.open() == 1 })
	if a := r.book.Open(r.tenant)[0]; a.Known.Sub(a.Began.Time()) > patience {
		t.Errorf("%+v", a)
	}
}

func TestRulesAndDevicesThatEnd(t *testing.T) {
	r := newRig(t, 3)
	r.rule()
	v, _ := r.evaluator()
	r.run(v.Run)
	r.until("fires", func() bool { r.post(0, 11); r.post(1, 11); return r.open() == 2 })
	cause := func(device int) alertrule.Cause {
		for _, a := range r.book.Find(r.tenant, Filter{Device: r.devices[device], State: Resolved}) {
			return a.Latest.Cause
		}
		return ""
	}
	r.dir.change(func() { r.dir.devices[r.tenant] = r.dir.devices[r.tenant][1:] })
	r.until("device 0 is gone", func() bool { return cause(0) == CauseDeviceDeleted })
	r.dir.change(func() { r.dir.rules[r.tenant][0].Version++; r.dir.rules[r.tenant][0].Name = "other" })
	r.until("the rule is another one", func() bool { return cause(1) == CauseRuleChanged })
	r.until("it fires again", func() bool { r.post(1, 11); return r.open() == 1 })
	r.dir.change(func() { r.dir.rules[r.tenant] = nil })
	r.until("the rule is gone", func() bool { return cause(1) == CauseRuleEnded })
}

func TestNoDataIsFoundInTime(t *testing.T) {
	r := newRig(t, 1)
	r.rule(func(a *alertrule.Rule) {
		a.Kind, a.After, a.Levels[0].When = alertrule.NoData, alertrule.Duration(2*time.Second), alertrule.Condition{}
	})
	v, _ := r.evaluator()
	r.run(v.Run)
	r.until("fires", func() bool { return r.open() == 1 })
	r.post(0, 1)
	posted := time.Now()
	r.until("data again", func() bool { return r.open() == 0 })
	r.until("fires again", func() bool { return r.open() == 1 })
	t.Logf("no data for 2 s was known after %s", time.Since(posted).Round(time.Millisecond))
	if a := r.book.Open(r.tenant)[0]; a.Latest.Cause != alertrule.CauseNoData || a.Message != "device "+string(r.devices[0])+" sends no data" {
		t.Errorf("%+v", a)
	}
}

func TestPeople(t *testing.T) {
	r := newRig(t, 1)
	r.rule()
	v, _ := r.evaluator()
	r.run(v.Run)
	r.until("fires", func() bool { r.post(0, 11); return r.open() == 1 })
	do := Doing{r.tenant, r.book.Open(r.tenant)[0].ID, "Ada"}
	until := time.Now().Add(time.Hour)
	for _, err := range []error{r.book.Comment(t.Context(), do, "looks bad"), r.book.Assign(t.Context(), do, "Bob"),
		r.book.Snooze(t.Context(), do, until), r.book.Acknowledge(t.Context(), do, "mine")} {
		if err != nil {
			t.Error(err)
		}
	}
	a, err := r.book.Alert(r.tenant, do.Alert)
	if err != nil || a.State() != Taken || a.Acknowledged.By != "Ada" || a.Assigned != "Bob" || !a.Snoozed.Equal(until) || len(a.Timeline) != 5 {
		t.Errorf("%+v, %v", a, err)
	}
	foreign := Doing{id.New[id.Tenant](), do.Alert, "Eve"}
	if err := r.book.Acknowledge(t.Context(), foreign, ""); err == nil || len(r.book.Find(foreign.Tenant, Filter{})) != 0 {
		t.Errorf("another tenant acknowledges: %v", err)
	}
}

// TestMessageOfNobodyIsPassedOver has a message in a lane whose subject says no tenant, before and behind good ones.
func TestMessageOfNobodyIsPassedOver(t *testing.T) {
	r := newRig(t, 1)
	r.rule()
	v, _ := r.evaluator()
	r.run(v.Run)
	r.until("evaluates", v.Active)
	for _, temp := range []float64{11, 9} {
		if _, err := r.js.Publish(t.Context(), strings.Replace(telemetry.LaneFilter(telemetry.Standard), "*", "no~tenant", 1), []byte("?")); err != nil {
			t.Fatal(err)
		}
		r.post(0, temp)
		r.until("seen", func() bool { return (r.open() == 1) == (temp > 10) && len(r.book.Find(r.tenant, Filter{})) == 1 })
	}
	if n := testutil.ToFloat64(v.metrics.damaged); n != 2 {
		t.Errorf("%g were counted of 2", n)
	}
}
