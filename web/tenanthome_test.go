package web

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"longwave/ingest/telemetry"
)

func TestHomeOfAnEmptyTenantOffersTheFirstSteps(t *testing.T) {
	s := start(t)
	s.demo = nil
	b := s.owner()
	home := b.get(tenantPath(s.claimed.Tenant.ID))
	if home.status != http.StatusOK || len(home.page.all(".step")) != 3 {
		t.Fatalf("answer %d with %d steps: %s", home.status, len(home.page.all(".step")), home.page.text("main"))
	}
	for _, wanted := range []string{"a[href=" + s.devices() + "/register]", "form[action=" + tenantPath(s.claimed.Tenant.ID) + "/demo]", "a[href=" + keysPath(s.claimed.Tenant.ID) + "]"} {
		if !home.page.has(wanted) {
			t.Errorf("no step leads to %s", wanted)
		}
	}
}

// Each number leads to a list of exactly so many.
func TestHomeCountsWhatItsListsShow(t *testing.T) {
	s, b, _ := full(t)
	home := b.get(tenantPath(s.claimed.Tenant.ID))
	tiles := home.page.all("a.tile")
	if len(tiles) != len(filters()) {
		t.Fatalf("%d states are counted: %s", len(tiles), home.page.text("main"))
	}
	total := 0
	for _, tile := range tiles {
		href, _ := attribute(tile, "href")
		name, _ := attribute(tile, "id")
		rows := len(b.get(href).page.all("#devices tbody tr"))
		if got := home.page.text("#" + name + " .tile-number"); got != grouped(uint64(rows)) {
			t.Errorf("%s lists %d, the page says %s", href, rows, got)
		}
		total += rows
	}
	if want := s.tenants.State().DeviceCount(s.claimed.Tenant.ID); total != want {
		t.Errorf("%d devices are counted, there are %d", total, want)
	}
	if bars := home.page.all(".bars rect"); len(bars) != homeHours {
		t.Errorf("%d hours are drawn", len(bars))
	}
	if silent := home.page.text("[aria-labelledby=silent-heading]"); !strings.Contains(silent, "Silent") || !strings.Contains(silent, "ago") {
		t.Errorf("what went silent: %q", silent)
	}
}

// A number that is not known is not shown as none.
func TestHomeWithoutStorageSaysSo(t *testing.T) {
	s := start(t)
	b := s.owner()
	s.device("pump", nil)
	s.storage.err = errors.New("gone")
	home := b.get(tenantPath(s.claimed.Tenant.ID))
	if tiles := home.page.all("a.tile"); len(tiles) != 1 || !home.page.has("#home-disabled") {
		t.Errorf("%d states are counted", len(tiles))
	}
	text := home.page.text("main")
	if home.status != http.StatusOK || !strings.Contains(text, storageSilent) || !strings.Contains(text, "how many came is not known") {
		t.Errorf("answer %d: %s", home.status, text)
	}
}

func TestHomeShowsWhatIsNew(t *testing.T) {
	s := start(t)
	b := s.owner()
	for _, name := range []string{"one", "two"} {
		s.device(name, nil)
	}
	s.storage.activity = []telemetry.Activity{}
	recent := b.get(tenantPath(s.claimed.Tenant.ID)).page.text("[aria-labelledby=recent-heading]")
	if !strings.Contains(recent, "two") || strings.Index(recent, "two") > strings.Index(recent, "one") {
		t.Errorf("newest devices: %q", recent)
	}
}
