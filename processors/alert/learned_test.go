package alert

import (
	"fmt"
	"log/slog"
	"testing"

	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

// A tenant that asks of too many series whether they are unusual gets as many as may be learned, and its other rules all the same.
func TestWhatIsLearnedIsBounded(t *testing.T) {
	const over = 5
	name := id.New[id.Tenant]()
	rule := func(op alertrule.Op) alertrule.Rule {
		return alertrule.Rule{ID: id.New[id.AlertRule](), Name: string(op), Mode: alertrule.Enabled, Version: 1, Kind: alertrule.Threshold,
			Levels: []alertrule.Level{{Severity: alertrule.Info, When: alertrule.Condition{Tests: []alertrule.Test{{Metric: "temp", Op: op}}}}}}
	}
	dir := &directory{changed: make(chan struct{}), devices: map[id.Tenant][]alertrule.Device{},
		rules: map[id.Tenant][]alertrule.Rule{name: {rule(alertrule.Unusual), rule(alertrule.Above)}}}
	for i := range maxLearned + over {
		dir.devices[name] = append(dir.devices[name], alertrule.Device{ID: id.Device(fmt.Sprintf("d-%d", i))})
	}
	e := &evaluation{tenants: make(map[id.Tenant]*tenant), dir: dir, metrics: newMetrics(), log: slog.New(slog.DiscardHandler)}
	e.follow(0)
	if got := e.tenants[name]; got.learned != maxLearned || got.left != over || got.pairs != 2*maxLearned+over {
		t.Errorf("%d learned, %d left out of %d", got.learned, got.left, got.pairs)
	}
	dir.change(func() { dir.devices[name] = dir.devices[name][:10] })
	e.follow(0)
	if got := e.tenants[name]; got.learned != 10 || got.pairs != 20 {
		t.Errorf("%d learned of %d", got.learned, got.pairs)
	}
}
