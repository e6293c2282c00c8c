package ingest

import (
	"fmt"
	"testing"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

func TestLimitsMetAreCounted(t *testing.T) {
	l, now := newLimitsMet(), time.Unix(1_000_000, 0)
	first, second := deviceKey{"t-1", "d-1"}, deviceKey{"t-1", "d-2"}
	l.note(first, telemetry.Met{Name: "packets_per_second", Scope: "tenant", Max: 10, Current: 12, Last: now})
	l.note(second, telemetry.Met{Name: "packets_per_second", Scope: "tenant", Max: 10, Current: 15, Last: now.Add(time.Second)})
	l.note(second, telemetry.Met{Name: "request_bytes", Scope: "tenant", Max: 5, Current: 6, Last: now.Add(2 * time.Second)})
	f := &Front{met: l}
	all := f.LimitsMet("t-1")
	if len(all) != 2 || all[0].Name != "request_bytes" || all[1].Count != 2 || all[1].Device != "d-2" || all[1].Current != 15 {
		t.Errorf("the tenant met %+v", all)
	}
	if own := f.LimitsMetBy("t-1", "d-1"); len(own) != 1 || own[0].Count != 1 {
		t.Errorf("the device met %+v", own)
	}
	if sum := f.Limited()["t-1"]; sum.Count != 3 || !sum.Last.Equal(now.Add(2*time.Second)) {
		t.Errorf("altogether %+v", sum)
	}
	if l.forget("t-1"); len(f.LimitsMet("t-1"))+len(f.LimitsMetBy("t-1", "d-1")) > 0 {
		t.Error("a deleted tenant is remembered")
	}
}

func TestLimitsMetAreBounded(t *testing.T) {
	l, now := newLimitsMet(), time.Unix(1_000_000, 0)
	for n := range maxMet + 1 {
		l.note(deviceKey{"t-1", id.Device(fmt.Sprint("d-", n))}, telemetry.Met{Name: "packets_per_second", Last: now.Add(time.Duration(n))})
	}
	_, oldest := l.devices[deviceKey{"t-1", "d-0"}]
	_, newest := l.devices[deviceKey{"t-1", id.Device(fmt.Sprint("d-", maxMet))}]
	if len(l.devices) > maxMet || oldest || !newest {
		t.Errorf("%d devices are remembered; the oldest: %v, the newest: %v", len(l.devices), oldest, newest)
	}
}
