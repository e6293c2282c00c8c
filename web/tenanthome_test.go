package web

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants"
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

// TestHomeTellsWhatIsNew names the causes of rejected packets with the list behind each, a metric that one device of its
// profile sends, and what is used of a limit.
func TestHomeTellsWhatIsNew(t *testing.T) {
	s, b, _ := full(t)
	tenant := s.claimed.Tenant.ID
	for i, metric := range []string{"temp", "temp", "temp", "tmep"} {
		d, _, err := s.tenants.CreateDevice(t.Context(), tenants.Actor{System: "test"}, tenant, tenants.NewDevice{Name: "mixer " + string(rune('a'+i)), Profile: "mixer"})
		if err != nil {
			t.Fatal(err)
		}
		s.storage.latest[d.ID] = []telemetry.Latest{{Metric: metric, Value: telemetry.Value{Num: 1}, Time: 1}}
	}
	if err := s.tenants.SetLimits(t.Context(), tenants.Actor{System: "test"}, tenant, tenants.Limits{Packets: 500, Devices: 29}); err != nil {
		t.Fatal(err)
	}
	home := b.get(tenantPath(tenant))
	rare := home.page.text("[aria-labelledby=rare-heading]")
	if !strings.Contains(rare, "tmep") || !strings.Contains(rare, "1 of 4 of profile mixer") || strings.Contains(rare, "temp") {
		t.Errorf("unusual metrics: %q", rare)
	}
	links := home.page.all("[aria-labelledby=rejected-heading] .home-list a")
	if len(links) == 0 {
		t.Fatalf("rejected: %q", home.page.text("[aria-labelledby=rejected-heading]"))
	}
	href, _ := attribute(links[0], "href")
	if got := b.get(href); got.status != http.StatusOK || s.desk.asked.Code == "" || s.desk.asked.Cause == "" {
		t.Errorf("%s answers %d and asks for %+v", href, got.status, s.desk.asked)
	}
	usage := home.page.text("[aria-labelledby=usage-heading]")
	for _, part := range []string{"29 of 29", "nothing more fits", "of 500"} {
		if !strings.Contains(usage, part) {
			t.Errorf("usage without %q: %s", part, usage)
		}
	}
	s.desk.fails = errors.New("down")
	s.forward.Store(int64(time.Minute))
	if text := b.get(tenantPath(tenant)).page.text("[aria-labelledby=rejected-heading]"); !strings.Contains(text, "could not be read") {
		t.Errorf("without the queue: %q", text)
	}
}
