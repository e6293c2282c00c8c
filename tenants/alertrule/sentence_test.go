package alertrule_test

import (
	"testing"
	"time"

	"longwave/tenants/alertrule"
)

func TestSentences(t *testing.T) {
	hot := alertrule.Condition{Tests: []alertrule.Test{{Metric: "temp", Op: alertrule.Above, Value: 80}, {Metric: "rpm", Op: alertrule.RateAbove, Value: 2.5, Per: "min"}}}
	cool := alertrule.Condition{Any: true, Tests: []alertrule.Test{{Metric: "temp", Op: alertrule.Below, Value: 75}, {Metric: "state", Op: alertrule.TextIs, Text: "off"}}}
	for want, r := range map[string]alertrule.Rule{
		`temp is above 80 and rpm rises faster than 2.5 per min for 5m, until temp is below 75 or state is "off" (critical); temp is above 80 and rpm rises faster than 2.5 per min (info)`: {Kind: alertrule.Threshold,
			Levels: []alertrule.Level{{Severity: alertrule.Info, When: hot}, {Severity: alertrule.Critical, When: hot, Clear: cool, For: alertrule.Duration(5 * time.Minute)}}},
		"nothing comes for three expected intervals": {Kind: alertrule.NoData},
		"no temp comes for 1m30s":                    {Kind: alertrule.NoData, Metric: "temp", After: alertrule.Duration(90 * time.Second)},
	} {
		if got := r.Sentence(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for _, op := range alertrule.Ops() {
		one := alertrule.Test{Metric: "x", Op: op}
		if got := one.Sentence(); got == "x " {
			t.Errorf("%s has no words", op)
		}
	}
}
