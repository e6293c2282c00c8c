package main

import (
	"context"
	"fmt"
	"time"
)

// enabledRules is as many alert rules as a tenant may have, each about every device and the same metric: the dearest that can be
// written, and more than the allowance of one tenant.
const enabledRules = 1000

// ruled is the tenant that has them.
var ruled = shape{devices: 64, batch: 50, rate: 10_000, echo: 0.02}

// oneHasRules compares what quiet tenants notice of a busy one before and while all of its rules look at what it sends.
func oneHasRules(ctx context.Context, s *settings) (row row, err error) {
	row.times = 1
	r, err := newRig(ctx, s, plan{name: "rules", shape: quiet, tenants: quietTenants})
	if err != nil {
		return row, err
	}
	defer func() { r.close(row.failed() || err != nil) }()
	row.fleet = r.fleet
	busy, err := r.beside(ctx, ruled)
	if err != nil {
		return row, err
	}
	eyes, err := r.watch(ctx, r.fleet)
	if err != nil {
		return row, err
	}
	defer eyes.close()
	phase := s.phase()
	r.fleet.start()
	busy.start()
	wait(ctx, 10*time.Second) // to warm up
	calm := r.listen(ctx, eyes, phase)
	for n := range enabledRules {
		if _, err := r.enableAlert(ctx, fmt.Sprintf(`{"name":"rule %d","kind":"threshold","levels":[{"severity":"info","when":{"tests":[{"metric":"n","op":"above","value":%d}]}}]}`, n, 10_000+n)); err != nil {
			return row, err
		}
	}
	wait(ctx, 5*time.Second)
	looks, err := r.metric(ctx, "longwave_alert_looks_total")
	if err != nil {
		return row, err
	}
	sent := busy.acked.Load()
	watched := r.listen(ctx, eyes, phase)
	more, err := r.metric(ctx, "longwave_alert_looks_total")
	if err != nil {
		return row, err
	}
	row.figures, row.broken = compare(calm, watched)
	row.figures = fmt.Sprintf("%d tenants at %.0f packets/s together; one more at %.0f/s with %d rules, which looked %.1f million times a second; %s", quietTenants, quiet.rate,
		float64(busy.acked.Load()-sent)/phase.Seconds(), enabledRules, (more-looks)/1e6/phase.Seconds(), row.figures)
	if err := eyes.failed(); err != nil {
		return row, err
	}
	if err := busy.finish(ctx); err != nil {
		return row, err
	}
	r.fleet.halt()
	r.fleet.ledger = append(r.fleet.ledger, busy.ledger...)
	row.verdict, err = r.judge(ctx)
	return row, err
}
