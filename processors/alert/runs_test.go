package alert

import (
	"math"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"longwave/ingest/telemetry"
	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

// TestRunsAreTold has a rule that counts, one packet that is too late for it, and a rule that cannot be run.
func TestRunsAreTold(t *testing.T) {
	r := newRig(t, 2)
	good := r.rule()
	bad := r.rule(func(a *alertrule.Rule) { a.Levels[0].When.Tests[0].Value = math.NaN() })
	v, _ := r.evaluator()
	v.o.Process = "here, process 1"
	if runs, err := r.book.Runs(t.Context(), r.tenant); err != nil || runs.V != 0 {
		t.Errorf("before anything is evaluated: %+v, %v", runs, err)
	}
	stop := r.run(v.Run)
	r.until("evaluates", v.Active)
	r.post(0, 5)
	now := telemetry.At(time.Now())
	late := telemetry.Batch{Device: r.devices[0], Received: now, RetainDays: 30, Packets: []telemetry.Packet{
		{ID: "late", Time: now - 3600*microsPerSecond, Values: []telemetry.Value{{Name: "temp", Num: 99}}}}}
	r.send([]sending{{telemetry.Standard, telemetry.AppendBatch(nil, &late)}})
	r.post(1, 11)
	r.until("all was seen, and is in the log", func() bool { return testutil.ToFloat64(v.metrics.entries) == 1 })
	stop()
	runs, err := r.book.Runs(t.Context(), r.tenant)
	if err != nil || runs.Process != "here, process 1" || runs.At.IsZero() || runs.PassedOver != 0 || runs.LeftOut != 0 || len(runs.Rules) != 2 {
		t.Fatalf("%+v, %v", runs, err)
	}
	if got := runs.Rules[good]; got != (RuleRun{Version: 1, Devices: 2, Late: 1}) {
		t.Errorf("%+v", got)
	}
	if got := runs.Rules[bad]; got.Failure == "" || got.Devices != 0 {
		t.Errorf("%+v", got)
	}
	if other, err := r.book.Runs(t.Context(), id.New[id.Tenant]()); err != nil || other.Rules != nil {
		t.Errorf("another tenant is told %+v, %v", other, err)
	}
}
