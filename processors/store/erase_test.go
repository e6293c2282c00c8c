package store

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"longwave/ingest/telemetry"
)

func TestEraseReallyDeletes(t *testing.T) {
	s, tenant, gone, stays := openStore(t), newTenant(), newDevice(), newDevice()
	p := packet(noon(), number("temp", 1), text("state", "idle"))
	insert(t, s, tenant, batch(gone, p, packet(noon()+day, number("temp", 2))), batch(stays, p))
	insert(t, s, tenant, batch(gone, p)) // a repetition counts once
	rollAll(t, s)
	want := ask(t, s.ForTenant(tenant), stays, "temp")
	was, err := s.ForTenant(tenant).Erase(t.Context(), gone)
	if err != nil || was != (telemetry.Erased{Readings: 2, Events: 1}) {
		t.Fatalf("erased %+v, %v", was, err)
	}
	for _, table := range deviceTables() {
		var n uint64
		row := s.read.QueryRow(t.Context(), "SELECT count() FROM "+table+" WHERE device = {device:String}", named("device", string(gone)))
		if err := row.Scan(&n); err != nil || n != 0 {
			t.Errorf("%s still has %d rows, %v", table, n, err)
		}
	}
	got := ask(t, s.ForTenant(tenant), stays, "temp")
	want.Activity = slices.DeleteFunc(want.Activity, func(a telemetry.Activity) bool { return a.Device == gone })
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("another device changed:\n%s", diff)
	}
	if again, err := s.ForTenant(tenant).Erase(t.Context(), gone); err != nil || again != (telemetry.Erased{}) {
		t.Errorf("erased again: %+v, %v", again, err)
	}
}

func TestExpiredRowsGo(t *testing.T) {
	s, tenant, d := openStore(t), newTenant(), newDevice()
	short := batch(d, packet(noon(), number("old", 1), text("state", "old")))
	short.RetainDays = 1
	forever := batch(d, packet(noon(), number("kept", 1)))
	forever.RetainDays = 0
	insert(t, s, tenant, short, forever)
	rollAll(t, s)
	for _, table := range []string{"readings", "events", "latest", "rollup_1m", "rollup_1h", "rollup_1d"} {
		optimize(t, s, table)
		var old, all uint64
		name := "metric"
		if table == "events" {
			name = "'state'"
		}
		row := s.read.QueryRow(t.Context(), "SELECT countIf("+name+" != 'kept'), count() FROM "+table)
		if err := row.Scan(&old, &all); err != nil || old != 0 {
			t.Errorf("%s: %d expired rows stay, %v", table, old, err)
		}
		if table != "events" && all != 1 {
			t.Errorf("%s: %d rows, want the one that is kept", table, all)
		}
	}
}

func TestExpiry(t *testing.T) {
	at := telemetry.At(time.Date(2026, 11, 20, 15, 0, 0, 0, time.UTC))
	for days, want := range map[uint16]string{1: "2026-11-22", 30: "2026-12-21", 0: "2149-06-06", 65535: "2149-06-06"} {
		if got := time.Unix(int64(expiry(at, days))*86400, 0).UTC().Format(time.DateOnly); got != want {
			t.Errorf("%d days: expires on %s, want %s", days, got, want)
		}
	}
}

func TestEraseAllTakesOneTenantOnly(t *testing.T) {
	s, gone, stays, d := openStore(t), newTenant(), newTenant(), newDevice()
	p := packet(noon(), number("temp", 1), text("state", "idle"))
	insert(t, s, gone, batch(d, p, packet(noon()+day, number("temp", 2))), batch(newDevice(), p))
	insert(t, s, stays, batch(d, p))
	rollAll(t, s)
	before, err := s.ForTenant(stays).Rows(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	usage, err := s.Usage(t.Context())
	if err != nil || usage[gone].Readings != 3 || usage[gone].Bytes == 0 || usage[stays].Readings != 1 {
		t.Errorf("usage %+v %+v, %v", usage[gone], usage[stays], err)
	}
	for range 2 { // the second time there is nothing left
		if err := s.ForTenant(gone).EraseAll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	left, err := s.ForTenant(gone).Rows(t.Context())
	if err != nil || slices.ContainsFunc(left, func(s TableSize) bool { return s.Rows > 0 }) {
		t.Errorf("left %+v, %v", left, err)
	}
	if after, err := s.ForTenant(stays).Rows(t.Context()); err != nil || !slices.Equal(before, after) {
		t.Errorf("the neighbour had %+v and has %+v, %v", before, after, err)
	}
}
