package web

import (
	"fmt"
	"testing"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/tenants/id"
)

// TestOperatorPagesAreAccessible looks at the pages about tenants as a whole, in every state that they have.
func TestOperatorPagesAreAccessible(t *testing.T) {
	axe := readAxe(t)
	s := start(t)
	who := s.everybody() // the operator is no member of the first tenant
	actor, first := tenants.Actor{Person: s.claimed.Person.ID}, s.claimed.Tenant.ID
	s.device("pump-01", nil)
	var made []id.Tenant
	for i := range 5 {
		name := fmt.Sprintf("%s works", []string{"North", "East", "Harbour", "Upper lake", "Old"}[i])
		created, err := s.tenants.CreateTenant(t.Context(), actor, name)
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, created.ID)
	}
	for _, err := range []error{
		s.tenants.SuspendTenant(t.Context(), actor, made[1], "The invoice of May is unpaid"),
		s.tenants.SetLimits(t.Context(), actor, first, tenants.Limits{Packets: 500, Devices: 1, Days: 30, Request: 65_536}),
		s.tenants.OrderDeletion(t.Context(), actor, made[4], []tenants.Count{{Name: "devices", Number: 412}, {Name: "rows", Number: 3_100_000}}),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	s.usage[first] = tenants.Usage{Readings: 3_100_000, Bytes: 42_000_000, Rate: 120.5, Waiting: 31, Alerts: 2, Limited: 1204, LastLimited: s.now().Add(-2 * time.Minute)}
	s.usage[made[2]] = tenants.Usage{Readings: 900_000, Bytes: 11_000_000, Rate: 14, Alerts: 1}
	pump := s.tenants.State().Devices(first, "")
	for d := range pump {
		s.met = []telemetry.Met{{Name: "packets_per_second", Scope: "tenant", Count: 1192, Last: s.now().Add(-2 * time.Minute), Max: 500, Current: 731, Device: d.ID},
			{Name: "request_bytes", Scope: "tenant", Count: 12, Last: s.now().Add(-3 * time.Hour), Max: 65_536, Current: 98_304, Device: d.ID}}
	}
	if _, _, err := s.tenants.CreateOperatorKey(t.Context(), actor, tenants.NewOperatorKey{Name: "billing", Reach: tenants.ReachSee, Expires: s.now().Add(90 * 24 * time.Hour)}); err != nil {
		t.Fatal(err)
	}
	w := openWindow(t)
	show := func(as, path, name string) {
		w.become(s, who[as])
		w.examine(s.server.URL+path, name, axe)
	}
	show(operator, "/system/tenants", "operate")
	show(operator, "/system/tenants?q=nobody", "operate-none")
	show(operator, operatedPath(first), "operate-tenant")
	show(operator, operatedPath(made[1]), "operate-suspended")
	show(operator, operatedPath(made[0])+"/delete", "operate-delete")
	show(operator, operatedPath(made[4])+"/delete", "operate-deleting")
	show(operator, tenantPath(made[1]), "suspended")
	show(operator, "/system/operators", "operators")
	show(operator, "/system/keys", "operator-keys")
	if err := s.tenants.OpenSupport(t.Context(), actor, first, tenants.Visit{Reason: "Bo asked why pump-01 is late", For: time.Hour}); err != nil {
		t.Fatal(err)
	}
	show(operator, devicesPath(first), "support")
	show(owner, usagePath(first), "usage")
	for d := range pump {
		show(owner, devicePath(d), "device-limits")
	}
}
