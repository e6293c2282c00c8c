package ingest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
	"longwave/tenants/rule"
)

// ruled is a Front whose one tenant has these rules.
func ruled(t *testing.T, now func() time.Time, rules ...rule.Rule) *bench {
	t.Helper()
	set, err := rule.Compile(rules)
	if err != nil {
		t.Fatal(err)
	}
	return open(t, t.TempDir(), func(o *Options) {
		o.Now = now
		o.Rules = func(tenant id.Tenant) *rule.Set {
			if tenant == pump.Tenant {
				return set
			}
			return nil
		}
	})
}

func TestRulesRoute(t *testing.T) {
	b := ruled(t, nil,
		rule.Rule{ID: "r-hot", When: "temp > 80", Then: rule.Then{Lane: "critical", Labels: map[string]string{"team": "ops"}, Forward: []id.Destination{"o-1"}}},
		rule.Rule{ID: "r-all", When: "has(temp)", Then: rule.Then{Forward: []id.Destination{"o-2"}}},
		rule.Rule{ID: "r-noise", When: `state == "noise"`, Then: rule.Then{Drop: true}})
	body := `[{"id":"hot","values":{"temp":81}},{"id":"cold","values":{"temp":8}},{"id":"noise","kind":"status","values":{"state":"noise","temp":1}},{"id":"else","values":{"rpm":1}}]`
	for again := range 2 {
		r := b.mustPost(body)
		if r.Accepted != 4 || r.Dropped != 1 || r.Duplicates != 3*again || len(r.Rejected) != 0 || !slices.Equal(r.PacketIDs, []string{"hot", "cold", "noise", "else"}) {
			t.Fatalf("%+v", r)
		}
	}
	marks := map[string][]id.Destination{}
	for _, lane := range telemetry.Lanes() {
		b.eachBatch(lane, func(_ id.Tenant, batch *telemetry.Batch) {
			for _, p := range batch.Packets {
				key := lane.String() + " " + p.ID
				marks[key] = nil
				for i, d := range batch.Destinations {
					if p.Forward>>i&1 == 1 {
						marks[key] = append(marks[key], d)
					}
				}
				if (p.Labels != 0) != (p.ID == "hot") || p.Labels != 0 && batch.Labels[0] != (telemetry.Label{Name: "team", Text: "ops"}) {
					t.Errorf("%s has the labels %b of %v", p.ID, p.Labels, batch.Labels)
				}
			}
		})
	}
	if got := fmt.Sprint(marks); got != "map[critical hot:[o-1 o-2] standard cold:[o-2] standard else:[]]" {
		t.Error(got)
	}
	counts := b.RuleCounts(pump.Tenant)
	hot, all, noise := counts["r-hot"], counts["r-all"], counts["r-noise"]
	if hot.Matched != 1 || hot.Forwarded != 1 || hot.Last.IsZero() || all.Matched != 4 || all.Forwarded != 2 || noise.Dropped != 2 {
		t.Errorf("%+v", counts)
	}
	if b.RuleCounts("t-other") != nil {
		t.Error("another tenant has counts")
	}
}

// What is sampled out stays out when it is sent again, and what was kept stays one.
func TestSamplingHoldsForRetries(t *testing.T) {
	b := ruled(t, nil, rule.Rule{ID: "r-1", Then: rule.Then{OneIn: 4}})
	body := "["
	for i := range 200 {
		body += fmt.Sprintf(`{"id":"p-%d","values":{"v":1}},`, i)
	}
	body = body[:len(body)-1] + "]"
	first, again := b.mustPost(body), b.mustPost(body)
	if kept := 200 - first.Dropped; kept < 25 || kept > 80 || again.Dropped != first.Dropped || again.Duplicates != kept || len(b.inLane(telemetry.Standard)) != kept {
		t.Errorf("%d and %d dropped, %d duplicates", first.Dropped, again.Dropped, again.Duplicates)
	}
}

// A rule that fails on a device's packets is passed over for that device, for a while, and goes on for the others.
func TestFailingRuleIsPausedForItsDevice(t *testing.T) {
	at := time.Now()
	b := ruled(t, func() time.Time { return at }, rule.Rule{ID: "r-1", Name: "hot", When: "temp > 80", Then: rule.Then{Drop: true}})
	for i := range failuresToPause {
		if r := b.mustPost(fmt.Sprintf(`{"id":"bad-%d","values":{"temp":"n/a"}}`, i)); r.Accepted != 1 || r.Dropped != 0 {
			t.Fatalf("%+v", r)
		}
	}
	send := func(p Principal, packet string) int {
		t.Helper()
		r, err := b.Accept(t.Context(), p, Request{Body: []byte(`{"id":"` + packet + `","values":{"temp":90}}`)})
		if err != nil {
			t.Fatal(err)
		}
		return r.Dropped
	}
	other := pump
	other.Device = "d-other"
	if send(pump, "paused") != 0 || send(other, "running") != 1 {
		t.Error("the pause is not the device's own")
	}
	count := b.RuleCounts(pump.Tenant)["r-1"]
	if count.Errors != failuresToPause || count.Paused != 1 || count.Failing != pump.Device || count.Failure != "temp is text, expected a number" {
		t.Errorf("%+v", count)
	}
	at = at.Add(pauseLength)
	if send(pump, "over") != 1 || b.RuleCounts(pump.Tenant)["r-1"].Paused != 0 {
		t.Error("the pause does not end")
	}
}

func TestCountsFollowTheirRules(t *testing.T) {
	var all tallies
	compile := func(ids ...id.Rule) *rule.Set {
		var rules []rule.Rule
		for _, r := range ids {
			rules = append(rules, rule.Rule{ID: r})
		}
		set, err := rule.Compile(rules)
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	before := all.of("t-1", compile("r-1", "r-2")).now.Load()
	before.rules[1].matched.Add(7)
	after := all.of("t-1", compile("r-2", "r-3")).now.Load()
	if after.rules[0].matched.Load() != 7 || after.rules[1].matched.Load() != 0 {
		t.Error("the counters do not belong to their rules")
	}
}

func TestRecentPackets(t *testing.T) {
	b := open(t, t.TempDir(), nil)
	for i := range 30 {
		b.mustPost(fmt.Sprintf(`[{"id":"m-%d","values":{"temp":%d}},{"id":"s-%d","kind":"status","values":{"state":"on"}}]`, i, i, i))
		if _, err := b.Accept(t.Context(), Principal{Tenant: "t-other", Device: "d-1"}, Request{Body: []byte(`{"canary":1}`)}); err != nil {
			t.Fatal(err)
		}
	}
	got, err := b.Recent(t.Context(), pump.Tenant, 10)
	if err != nil || len(got) != 10 {
		t.Fatalf("%d packets, %v", len(got), err)
	}
	kinds := map[telemetry.Lane]int{}
	for _, r := range got {
		kinds[r.Lane]++
		if r.Device != pump.Device || r.Packet.ID < "m-25" || r.Received == 0 {
			t.Errorf("%+v", r)
		}
	}
	if kinds[telemetry.Critical] != 5 || kinds[telemetry.Standard] != 5 {
		t.Error(kinds)
	}
	if none, err := b.Recent(t.Context(), "t-nobody", 10); err != nil || len(none) != 0 {
		t.Errorf("%v, %v", none, err)
	}
}
