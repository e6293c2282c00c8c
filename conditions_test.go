package main

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"longwave/vitals"
)

func TestConditionsAreTold(t *testing.T) {
	p := &platform{}
	p.watch.parts.Store(2)
	p.watch.board.Put(vitals.Judge(vitals.Facts{DamagedParts: 2}), time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC))

	expected := "# HELP longwave_condition 1 while a condition holds that an operator must see; the system page says what to do.\n# TYPE longwave_condition gauge\n"
	for _, name := range vitals.Names() {
		value := " 0\n"
		if name == "data_damaged" {
			value = " 1\n"
		}
		expected += `longwave_condition{condition="` + name + `"}` + value
	}
	collector := newConditionCollector(&p.watch)
	if err := testutil.CollectAndCompare(collector, strings.NewReader(expected), "longwave_condition"); err != nil {
		t.Error(err)
	}
	if got := testutil.CollectAndCount(collector, "longwave_store_damaged_parts"); got != 1 {
		t.Error("the number of damaged parts is missing")
	}
	p.watch.parts.Store(-1)
	if got := testutil.CollectAndCount(collector, "longwave_store_damaged_parts"); got != 0 {
		t.Error("the number of damaged parts is told while it is not known")
	}
	if check := p.conditionsCheck(); !check.OK || check.Reason != "data_damaged (critical since 2026-11-20T12:00:00Z)" {
		t.Errorf("%+v", check)
	}
}
