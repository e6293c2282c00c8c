package web

import (
	"encoding/csv"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants"
)

func names(a answer) []string {
	var list []string
	for _, row := range a.page.all("#devices tbody .list-name a") {
		list = append(list, (document{row}).root.FirstChild.Data)
	}
	return list
}

// seen tells the storage when a device was heard of.
func (s *site) seen(d tenants.Device, ago time.Duration) {
	s.storage.mu.Lock()
	defer s.storage.mu.Unlock()
	s.storage.activity = append(s.storage.activity, telemetry.Activity{Device: d.ID, LastSeen: telemetry.At(time.Now().Add(-ago)), Interval: 10})
}

func TestTheEmptyListOffersTheFirstStep(t *testing.T) {
	s := start(t)
	list := s.owner().get(s.devices())
	if got := list.page.attr(".empty-state .btn-primary", "href"); got != s.devices()+"/register" {
		t.Errorf("the empty list offers %q", got)
	}
	if got := list.page.attr(".empty-state form", "action"); got != tenantPath(s.claimed.Tenant.ID)+"/demo" {
		t.Errorf("demo data would be started at %q", got)
	}
}

func TestListShowsStates(t *testing.T) {
	s := start(t)
	b := s.owner()
	for name, ago := range map[string]time.Duration{"a": time.Second, "b": 40 * time.Second, "c": time.Hour} {
		s.seen(s.device(name, nil), ago)
	}
	s.device("d", nil)
	off := s.device("e", nil)
	if _, err := s.tenants.DisableDevice(t.Context(), tenants.Actor{}, off.Tenant, off.ID); err != nil {
		t.Fatal(err)
	}
	list := b.get(s.devices())
	if got := list.page.text("#devices .state"); got != "Live Late Silent Never seen Disabled" {
		t.Errorf("states %q", got)
	}
	for _, state := range filters() {
		only := b.get(s.devices() + "?state=" + state)
		if rows := only.page.all("#devices [data-row]"); len(rows) != 1 || only.page.attr("#devices .state", "data-state") != state {
			t.Errorf("filter %s shows %d rows: %s", state, len(rows), only.page.text("#devices"))
		}
	}
}

func TestListIsWholeWithoutStorage(t *testing.T) {
	s := start(t)
	b := s.owner()
	s.device("a", nil)
	s.storage.fail(errors.New("connection refused: secret-host:9000"))
	list := b.get(s.devices())
	if list.status != http.StatusOK || list.page.text("#devices .state") != "Unknown" || !strings.Contains(list.page.text("#devices"), "unknown") {
		t.Errorf("status %d, list: %s", list.status, list.page.text("#devices"))
	}
	if !strings.Contains(list.page.text("[role=status]"), "does not answer") || strings.Contains(list.body, "secret-host") {
		t.Errorf("the page says: %s", list.page.text("main"))
	}
}

func TestListPagesCoverEveryDeviceOnce(t *testing.T) {
	s := start(t)
	b := s.owner()
	var wanted []tenants.NewDevice
	for i := range 130 {
		wanted = append(wanted, tenants.NewDevice{Name: fmt.Sprintf("pump-%03d", i)})
	}
	made, err := s.tenants.CreateDevices(t.Context(), tenants.Actor{}, s.claimed.Tenant.ID, wanted)
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range made[:90] {
		s.seen(d.Device, time.Duration(i/3)*time.Second) // equal times must not lose a row between pages
	}
	for _, sort := range append(sorts(), "name&state=live", "-seen&state=never", "nonsense") {
		var all []string
		for next := s.devices() + "?sort=" + sort; next != ""; {
			page := b.get(next)
			all = append(all, names(page)...)
			next = page.page.attr(".pager [rel=next]", "href")
			if len(all) > 130 {
				t.Fatalf("sort %s never ends", sort)
			}
		}
		unique := slices.Clone(all)
		slices.Sort(unique)
		if want := map[bool]int{true: 130, false: 0}[!strings.Contains(sort, "state")]; want > 0 && len(all) != want || len(slices.Compact(unique)) != len(all) {
			t.Errorf("sort %s shows %d devices, %d of them different", sort, len(all), len(slices.Compact(unique)))
		}
	}
}

func TestListCursorFromElsewhereIsRefused(t *testing.T) {
	s := start(t)
	b := s.owner()
	s.device("a", nil)
	for _, address := range []string{"?after=garbage!", "?sort=seen&after=garbage", "?sort=seen&after=YQBi"} {
		if got := b.get(s.devices() + address); got.status != http.StatusBadRequest && got.status != http.StatusUnprocessableEntity {
			t.Errorf("%s answers %d", address, got.status)
		}
	}
}

func TestListSearches(t *testing.T) {
	s := start(t)
	b := s.owner()
	s.device("North pump", map[string]string{"site": "plant-1"})
	s.device("South fan", map[string]string{"site": "plant-2"})
	for query, want := range map[string]string{"north": "North pump", "PLANT-2": "South fan", "site=plant-1": "North pump"} {
		got := b.get(s.devices() + "?q=" + url.QueryEscape(query))
		if list := names(got); len(list) != 1 || list[0] != want || got.page.attr("#q", "value") != query {
			t.Errorf("search %q shows %v", query, list)
		}
	}
	if none := b.get(s.devices() + "?q=nothing"); !strings.Contains(none.page.text("main"), "No device matches") {
		t.Errorf("the page says: %s", none.page.text("main"))
	}
}

func TestExportKeepsTheFilterAndDisarmsFormulas(t *testing.T) {
	s := start(t)
	b := s.owner()
	s.device(`=HYPERLINK("https://evil.example")`, nil)
	s.device("pump", map[string]string{"site": "a"})
	got := b.get(tenantPath(s.claimed.Tenant.ID) + "/devices.csv")
	rows, err := csv.NewReader(strings.NewReader(got.body)).ReadAll()
	if err != nil || len(rows) != 3 {
		t.Fatalf("%d rows, error %v", len(rows), err)
	}
	for _, row := range rows[1:] {
		if strings.HasPrefix(row[1], "=") {
			t.Errorf("a formula: %q", row[1])
		}
	}
	if one := b.get(tenantPath(s.claimed.Tenant.ID) + "/devices.csv?q=pump"); strings.Count(one.body, "\n") != 2 {
		t.Errorf("the filtered export is %q", one.body)
	}
}

func TestBulkDisableAndEnable(t *testing.T) {
	s := start(t)
	b := s.owner()
	one, two := s.device("one", nil), s.device("two", nil)
	form := url.Values{"device": {string(one.ID), string(two.ID)}, "action": {"disable"}}
	page := b.follow(b.post(s.devices()+"/switch", form))
	if got := page.page.text("#devices .state"); got != "Disabled Disabled" || !strings.Contains(page.page.text("[role=status]"), "2 devices disabled") {
		t.Errorf("states %q, the page says: %s", got, page.page.text("main"))
	}
	undo := func(page answer) answer {
		t.Helper()
		forms := page.page.all(".note-undo")
		if len(forms) != 1 {
			t.Fatalf("%d offers to undo", len(forms))
		}
		action, _ := attribute(forms[0], "action")
		return b.follow(b.post(action, nil))
	}
	page = undo(page)
	if got := page.page.text("#devices .state"); strings.Contains(got, "Disabled") {
		t.Errorf("after undo: states %q", got)
	}
	form.Set("device", string(one.ID))
	b.post(s.devices()+"/switch", form)
	form["device"] = []string{string(one.ID), string(two.ID)}
	page = undo(b.follow(b.post(s.devices()+"/switch", form)))
	if got := page.page.text("#devices .state"); strings.Count(got, "Disabled") != 1 {
		t.Errorf("undo touched a device that had been disabled before: %q", got)
	}
}

// hostile are texts that a person or a device may have chosen.
func hostile() []string {
	return []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `</title><script>alert(1)</script>`,
		`javascript:alert(1)`, `{{constructor.constructor('alert(1)')()}}`, "</template><script>alert(1)</script>", `<svg/onload=alert(1)>`,
		`&lt;script&gt;`, `</textarea><script>alert(1)</script>`, "<!--<script>", `%3Cscript%3E`,
	}
}

func TestNothingThatWasTypedBecomesMarkup(t *testing.T) {
	s := start(t)
	b := s.owner()
	var last tenants.Device
	for i, text := range hostile() {
		last = s.device(fmt.Sprintf("%s%d", text, i), map[string]string{"l": text})
		s.storage.latest[last.ID] = []telemetry.Latest{{Metric: text, Value: telemetry.Value{Type: telemetry.Text, Text: text}, Time: telemetry.At(time.Now())}}
		s.rejected = append(s.rejected, telemetry.RejectedPacket{Rejection: telemetry.Rejection{Detail: text, Raw: text, Pointer: text, Code: text}})
	}
	for _, text := range hostile() {
		escaped := url.QueryEscape(text)
		for _, path := range []string{
			s.devices(), s.devices() + "?q=" + escaped, s.devices() + "?state=" + escaped, devicePath(last), devicePath(last) + "?tab=rejected",
			devicePath(last) + "?tab=settings", devicePath(last) + "/connect", devicePath(last) + "?range=" + escaped,
			s.devices() + "/delete?device=" + string(last.ID), "/sign-in?next=" + escaped, "/first-run?token=" + escaped, "/" + url.PathEscape(text),
		} {
			page := b.get(path)
			for _, script := range page.page.all("script") {
				if source, _ := attribute(script, "src"); !strings.HasPrefix(source, "/static/") || script.FirstChild != nil {
					t.Errorf("%s has a script of its own", path)
				}
			}
			for _, node := range page.page.all("[onerror]") {
				t.Errorf("%s has %s with an event handler", path, node.Data)
			}
			if page.page.has("[onload]") || page.page.has("[onmouseover]") || page.page.has("[style]") || page.page.has("style") {
				t.Errorf("%s has an attribute that the policy forbids", path)
			}
		}
	}
}
