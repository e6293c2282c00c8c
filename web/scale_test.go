package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants"
)

// fleet registers devices and makes the storage know most of them.
func (s *site) fleet(size int) {
	s.t.Helper()
	now := time.Now()
	for from := 0; from < size; from += tenants.MaxBulk {
		var list []tenants.NewDevice
		for i := from; i < min(size, from+tenants.MaxBulk); i++ {
			list = append(list, tenants.NewDevice{Name: fmt.Sprintf("sensor-%06d", i), Labels: map[string]string{"site": fmt.Sprint("plant-", i%50)}})
		}
		made, err := s.tenants.CreateDevices(s.t.Context(), tenants.Actor{System: "test"}, s.claimed.Tenant.ID, list)
		if err != nil {
			s.t.Fatal(err)
		}
		for i, d := range made {
			if n := from + i; n%10 != 9 {
				seen := telemetry.At(now.Add(-time.Duration(n%700) * time.Second))
				s.storage.activity = append(s.storage.activity, telemetry.Activity{Device: d.Device.ID, LastSeen: seen, LastTime: seen, Interval: 10})
			}
		}
	}
}

// A list that is ordered by what devices sent shows each device once, page after page, as the export does.
func TestPagesOfAComputedOrderAreWhole(t *testing.T) {
	s := start(t)
	v := s.owner()
	s.fleet(230)
	for _, sort := range []string{"seen", "-seen"} {
		var order []string
		for next := s.devices() + "?sort=" + sort; next != ""; {
			page := v.get(next).page
			order = append(order, strings.Fields(page.text("#devices tbody .list-name a"))...)
			next = page.attr(".pager [rel=next]", "href")
		}
		var exported []string
		for _, line := range strings.Split(strings.TrimSpace(v.get(tenantPath(s.claimed.Tenant.ID)+"/devices.csv?sort="+sort).body), "\n")[1:] {
			exported = append(exported, strings.Split(line, ",")[1])
		}
		if got := slices.Compact(slices.Sorted(slices.Values(order))); len(order) != 230 || len(got) != 230 {
			t.Errorf("%s: the pages list %d devices, %d different ones", sort, len(order), len(got))
		}
		if !slices.Equal(order, exported) {
			t.Errorf("%s: the export has another order than the pages", sort)
		}
	}
}

// The list is meant for 100,000 devices: every order and filter of it must come in well below a fifth of a second.
func BenchmarkListOf100000Devices(b *testing.B) {
	s := start(b)
	v := s.owner()
	s.fleet(tenants.MaxDevices)
	for _, query := range []string{"", "?q=sensor-0999", "?q=plant-7", "?sort=-created", "?sort=seen", "?sort=-seen", "?state=late", "?state=never&sort=seen"} {
		b.Run("devices"+query, func(b *testing.B) {
			for b.Loop() {
				if got := v.get(s.devices() + query); got.status != http.StatusOK {
					b.Fatal(got.status)
				}
			}
		})
	}
	b.Run("export", func(b *testing.B) {
		for b.Loop() {
			if got := v.get(tenantPath(s.claimed.Tenant.ID) + "/devices.csv?sort=seen"); got.status != http.StatusOK {
				b.Fatal(got.status)
			}
		}
	})
}
