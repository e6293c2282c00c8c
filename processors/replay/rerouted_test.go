package replay

import (
	"testing"
	"time"

	"longwave/tenants"
	"longwave/tenants/id"
	"longwave/tenants/rule"
)

// enable makes a rule decide from now on.
func (p *plant) enable(t id.Tenant, name, when string, then rule.Then) {
	p.t.Helper()
	drafted, err := p.tenants.DraftRule(p.t.Context(), p.actor, t, rule.Rule{Name: name, When: when, Then: then})
	must(p.t, err)
	_, err = p.tenants.EnableRule(p.t.Context(), p.actor, t, drafted.ID, "test")
	must(p.t, err)
}

// Packets that came before there was a rule go to the destinations that the rules of now name for them, and
// nowhere else; a destination that takes nothing keeps none of the others waiting.
func TestReplayThroughTheRulesSendsWhatTheyForward(t *testing.T) {
	p := newPlant(t)
	pump, fan := p.device(p.tenant, "pump", map[string]string{"team": "ops"}), p.device(p.tenant, "fan", nil)
	base := time.Now().Add(-time.Hour).Truncate(time.Second)
	p.send(pump, base, 0, 450)
	all := p.acknowledged()
	p.send(fan, base, 0, 50)
	p.send(p.device(p.other, "secret", nil), base, 0, 50)
	ops, nobody, off := p.destination(p.tenant, "Ops"), p.destination(p.tenant, "Nobody"), p.destination(p.tenant, "Off")
	disabled := true
	_, err := p.tenants.ChangeDestination(t.Context(), p.actor, p.tenant, off.ID, tenants.DestinationChange{Disabled: &disabled})
	must(t, err)
	p.enable(p.tenant, "Ops", `device.labels.team == "ops"`, rule.Then{Forward: []id.Destination{off.ID, ops.ID}, Labels: map[string]string{"seen": "yes"}})
	p.enable(p.tenant, "Never", `device.site == "nowhere"`, rule.Then{Forward: []id.Destination{nobody.ID}})
	p.forwarding(p.forwarder().Replay)
	s, _ := p.service()
	job := p.order(s, Order{Kind: Route, Rate: MaxForwardRate})
	if job.State != Done || job.Progress.Packets != 500 || job.Progress.Queued != 450 || job.Progress.Refused != 450 {
		t.Fatalf("it ends as %+v", job)
	}
	p.history(job, "began to replay packets through the routing rules", "ended to replay packets through the routing rules")
	if got := p.queued(ops); got.String() != all.String() {
		t.Errorf("queued are %s, acknowledged %s", got, all)
	}
	if got := p.queued(nobody).number + p.queued(off).number; got != 0 {
		t.Errorf("%d packets went where no rule sends them", got)
	}
}
