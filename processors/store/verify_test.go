package store

import (
	"testing"

	"longwave/ingest/telemetry"
)

func TestVerifyFindsWhatDiffers(t *testing.T) {
	s, tenant, stranger, d := openStore(t), newTenant(), newTenant(), newDevice()
	one := batch(d)
	for i := range telemetry.Micros(3000) { // 25 hours
		one.Packets = append(one.Packets, packet(noon()+i*30*second, number("temp", float64(i%17)-8.3), number("hum", 0.1*float64(i))))
	}
	insert(t, s, tenant, one)
	insert(t, s, stranger, batch(newDevice(), packet(noon(), number("temp", 1))))
	verify := func() (Verified, []Difference) {
		t.Helper()
		var all []Difference
		done, err := s.VerifyRollups(t.Context(), tenant, noon(), noon()+2*day, func(d Difference) error { all = append(all, d); return nil })
		if err != nil {
			t.Fatal(err)
		}
		return done, all
	}
	if done, all := verify(); len(all) != 0 || done.Pending != 25 || done.Windows != 0 {
		t.Errorf("before the first rollup: %+v, %v", done, all)
	}
	rollAll(t, s)
	if done, all := verify(); len(all) != 0 || done.Pending != 0 || done.Windows != 2*(1500+25+2) {
		t.Errorf("after it: %+v, %v", done, all)
	}

	// A reading that got in without its hour being touched: the minute, its hour and its day are wrong.
	forged := new(Block)
	forged.Add(tenant, batch(d, packet(noon()+90*minute, number("temp", 99))))
	if err := s.send(t.Context(), forged.readingsTable()); err != nil {
		t.Fatal(err)
	}
	done, all := verify()
	if len(all) != 3 || done.Differences != 3 {
		t.Fatalf("with a forged reading: %+v, %+v", done, all)
	}
	for _, found := range all {
		if found.Device != d || found.Metric != "temp" || found.Readings.High != 99 || found.Readings.Count != found.Rollup.Count+1 {
			t.Errorf("got %+v", found)
		}
	}
	// The next packet of that hour has it recomputed.
	insert(t, s, tenant, batch(d, packet(noon()+91*minute, number("hum", 5))))
	rollAll(t, s)
	if done, all := verify(); len(all) != 0 {
		t.Errorf("after the next rollup: %+v, %+v", done, all)
	}
	held, err := s.Held(t.Context())
	if err != nil || len(held) != 2 {
		t.Fatalf("held: %+v, %v", held, err)
	}
}
