package web

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants"
)

func TestRegisteringShowsTheTokenOnce(t *testing.T) {
	s := start(t)
	b := s.owner()
	made := b.post(s.devices(), url.Values{"name": {"pump-7"}, "interval": {"5 min"}, "labels": {"site=plant-2, line=4"}})
	page := b.follow(made)
	token := page.page.attr("#connect", "data-token")
	device, err := s.tenants.DeviceByToken(token)
	if err != nil || device.Name != "pump-7" || device.Interval != 5*time.Minute || device.Labels["line"] != "4" {
		t.Fatalf("token %q is of %+v, error %v", token, device, err)
	}
	for _, code := range []string{"connect-curl-code", "connect-windows-code", "connect-websocket-code", "connect-websocket-python-code", "connect-python-code"} {
		text := page.page.text("#" + code)
		if !strings.Contains(text, token) || !strings.Contains(text, strings.TrimPrefix(s.server.URL, "http")) {
			t.Errorf("%s lacks the token or the address: %s", code, text)
		}
		if !page.page.has("button[data-copy=" + code + "]") {
			t.Errorf("%s has no copy button", code)
		}
	}
	if !page.page.has("#connect-test") || !page.page.has("#connect-verdicts") || !page.page.has("#connect-values") {
		t.Error("the page lacks the test button or the places of verdicts and values")
	}
	again := b.get(made.header.Get("Location"))
	if strings.Contains(again.body, token) || again.page.has("#connect-test") || !strings.Contains(again.page.text("main"), "shown once") {
		t.Errorf("a second look says: %s", again.page.text("main"))
	}
	if again.page.attr(".note a", "href") != devicePath(device)+"/rotate" {
		t.Error("no way to a new token is offered")
	}
}

func TestRegisteringSaysEverythingThatIsWrong(t *testing.T) {
	s := start(t)
	b := s.owner()
	s.device("taken", nil)
	got := b.post(s.devices(), url.Values{"name": {"x"}, "interval": {"often"}, "labels": {"novalue"}})
	if got.status != http.StatusUnprocessableEntity || len(got.page.all(".field-error")) != 2 || len(got.page.all("[role=alert] li")) != 2 {
		t.Errorf("status %d, the page says: %s", got.status, got.page.text("main"))
	}
	if got.page.attr("#interval", "value") != "often" || got.page.attr("#labels", "value") != "novalue" {
		t.Error("what was typed is gone")
	}
	for _, name := range []string{"", "taken", strings.Repeat("x", 101)} {
		if got := b.post(s.devices(), url.Values{"name": {name}}); got.status != http.StatusUnprocessableEntity || !got.page.has("#name-error") {
			t.Errorf("name %.20q answers %d", name, got.status)
		}
	}
}

func TestRotatingShowsANewToken(t *testing.T) {
	s := start(t)
	b := s.owner()
	device, old, err := s.tenants.CreateDevice(t.Context(), tenants.Actor{}, s.claimed.Tenant.ID, tenants.NewDevice{Name: "pump"})
	if err != nil {
		t.Fatal(err)
	}
	page := b.follow(b.post(devicePath(device)+"/rotate", url.Values{"overlap": {"1h0m0s"}}))
	token := page.page.attr("#connect", "data-token")
	for _, each := range []string{old, token} {
		if found, err := s.tenants.DeviceByToken(each); err != nil || found.ID != device.ID {
			t.Errorf("a token of the overlap answers %v", err)
		}
	}
	b.post(devicePath(device)+"/rotate", url.Values{"overlap": {"0s"}})
	if _, err := s.tenants.DeviceByToken(token); !errors.Is(err, tenants.ErrUnauthenticated) {
		t.Errorf("the replaced token answers %v", err)
	}
	if settings := b.get(devicePath(device) + "?tab=settings"); strings.Contains(settings.body, token) {
		t.Error("the settings show a secret")
	}
}

func TestDevicePageShowsTheLatestValues(t *testing.T) {
	s, b, device := full(t)
	page := b.get(devicePath(device))
	if got := page.page.text("article[data-metric=temp] [data-slot=value]"); got != "21.4625" {
		t.Errorf("value %q", got)
	}
	if got := page.page.text("article[data-metric=temp] [data-slot=unit]"); got != "°C" {
		t.Errorf("unit %q", got)
	}
	for _, slot := range []string{"name", "value", "unit", "age", "state", "spark"} {
		if len(page.page.all("#latest article [data-slot="+slot+"]")) != 6 || !page.page.has("#latest-template") {
			t.Errorf("slot %s is missing", slot)
		}
	}
	if len(page.page.all("#charts figure")) != 5 || !page.page.has("#charts [data-slot=plot]") {
		t.Errorf("%d charts, want one for each number", len(page.page.all("#charts figure")))
	}
	if got := b.get(devicePath(device) + "?range=7d"); got.page.attr("#ranges", "data-range") != "7d" || got.page.text("#ranges [aria-current]") != "7 d" {
		t.Error("the range in the address is not shown")
	}
	s.storage.fail(errors.New("down"))
	if got := b.get(devicePath(device)); got.status != http.StatusOK || !strings.Contains(got.page.text("main"), "does not answer") {
		t.Errorf("without storage the page answers %d", got.status)
	}
}

func TestRejectedPacketsAreShown(t *testing.T) {
	_, b, device := full(t)
	page := b.get(devicePath(device) + "?tab=rejected")
	for _, want := range []string{"not_a_value", "`temp` is an object", "/values/temp", `{"c":21.5}`} {
		if !strings.Contains(page.page.text("#rejected"), want) {
			t.Errorf("%q is missing: %s", want, page.page.text("#rejected"))
		}
	}
	if !page.page.has("#rejected-template") || !page.page.has("#rejected-empty[hidden]") {
		t.Error("the live script finds no template")
	}
}

// The same mistake is one cause, wherever in its request the packet stood.
func TestRejectedPacketsAreGroupedByCause(t *testing.T) {
	s, b, device := full(t)
	packet := func(code, pointer string, age time.Duration) telemetry.RejectedPacket {
		return telemetry.RejectedPacket{Device: device.ID, Received: telemetry.At(time.Now().Add(-age)), Rejection: telemetry.Rejection{Code: code, Pointer: pointer, Raw: pointer}}
	}
	s.rejected = []telemetry.RejectedPacket{
		packet("ts_invalid", "/3/ts", time.Minute), packet("value_type", "/values/temp", 2*time.Minute), packet("ts_invalid", "/ts", 3*time.Minute),
		packet("ts_invalid", "/1/ts", 4*time.Minute), packet("ts_invalid", "/0/ts", 5*time.Minute), packet("value_type", "/values/flow", 6*time.Minute),
	}
	page := b.get(devicePath(device) + "?tab=rejected").page
	if got := page.text("#rejected [data-slot=count]"); got != "4 1 1" {
		t.Errorf("the causes count %q, want 4 of the time and 1 of each value", got)
	}
	if first, last := page.text("#rejected li [data-slot=first]"), page.text("#rejected li [data-slot=last]"); !strings.HasPrefix(first, "5 min ago") || !strings.HasPrefix(last, "1 min ago") {
		t.Errorf("first seen %q, last seen %q", first, last)
	}
	if got := len(page.all("#rejected li li")); got != 5 {
		t.Errorf("%d samples, want three of the first cause and one of each other", got)
	}
	if got := page.text("#rejected-count"); got != "6" {
		t.Errorf("the tab counts %q", got)
	}
}

func TestSettingsTakeTheWholeFormOrNothing(t *testing.T) {
	s, b, device := full(t)
	path := devicePath(device) + "/change"
	b.follow(b.post(path, url.Values{"name": {"boiler"}, "interval": {"90 s"}, "labels": {"site=plant-9, floor=2"}}))
	got, _ := s.tenants.State().Device(device.Tenant, device.ID)
	if got.Name != "boiler" || got.Interval != 90*time.Second || strings.Join(labelTexts(got.Labels), " ") != "floor=2 site=plant-9" {
		t.Fatalf("saved as %+v", got)
	}
	page := b.get(devicePath(device) + "?tab=settings").page
	if page.attr("#interval", "value") != "90 s" || page.attr("#labels", "value") != "floor=2, site=plant-9" {
		t.Errorf("the form shows %q and %q", page.attr("#interval", "value"), page.attr("#labels", "value"))
	}
	for field, value := range map[string]string{"interval": "often", "labels": "floor", "name": "pump-02"} {
		form := url.Values{"name": {"other"}, "interval": {"1 h"}, "labels": {"site=plant-1"}}
		form.Set(field, value)
		refused := b.post(path, form)
		if refused.status != http.StatusUnprocessableEntity || !refused.page.has("#"+field+"-error") || refused.page.attr("#"+field, "value") != value {
			t.Errorf("%s %q answers %d: %s", field, value, refused.status, refused.page.text("main form"))
		}
	}
	if after, _ := s.tenants.State().Device(device.Tenant, device.ID); after.Name != "boiler" || after.Interval != 90*time.Second {
		t.Errorf("a refused form has changed the device to %+v", after)
	}
}

func TestDisablingIsTakenBackByOneClick(t *testing.T) {
	s, b, device := full(t)
	page := b.follow(b.post(devicePath(device)+"/disable", url.Values{}))
	if got, _ := s.tenants.State().Device(device.Tenant, device.ID); !got.Disabled {
		t.Fatal("not disabled")
	}
	b.follow(b.post(page.page.attr("form.note-undo", "action"), url.Values{}))
	if got, _ := s.tenants.State().Device(device.Tenant, device.ID); got.Disabled {
		t.Error("undo has not enabled the device")
	}
}

func TestRenamingAndUnits(t *testing.T) {
	s, b, device := full(t)
	renamed := b.follow(b.post(devicePath(device)+"/change", url.Values{"name": {"main pump"}}))
	if renamed.page.text("h1") != "main pump" || !strings.Contains(renamed.page.text("[role=status]"), "main pump saved") {
		t.Errorf("the page says: %s", renamed.page.text("main"))
	}
	refused := b.post(devicePath(device)+"/change", url.Values{"name": {"pump-02"}})
	if refused.status != http.StatusUnprocessableEntity || refused.page.attr("#name", "value") != "pump-02" || !refused.page.has("#name-error") {
		t.Errorf("a taken name answers %d", refused.status)
	}
	b.post(devicePath(device)+"/units", url.Values{"metric": {"temp", "rpm"}, "unit": {"K", "1/min"}})
	st := s.tenants.State()
	if st.Unit(device.Tenant, "temp") != "K" || st.Unit(device.Tenant, "rpm") != "1/min" {
		t.Errorf("units %q and %q", st.Unit(device.Tenant, "temp"), st.Unit(device.Tenant, "rpm"))
	}
}

func TestDeletingNeedsTheTypedText(t *testing.T) {
	s, b, device := full(t)
	path := s.devices() + "/delete"
	asked := b.get(path + "?device=" + string(device.ID))
	for _, want := range []string{"3.1 million readings", "12 events", "The oldest reading is of", "vanish by", device.Name} {
		if !strings.Contains(asked.page.text("main"), want) {
			t.Errorf("%q is missing: %s", want, asked.page.text("main"))
		}
	}
	wrong := b.post(path, url.Values{"device": {string(device.ID)}, "confirm": {"pump"}})
	if _, there := s.tenants.State().Device(device.Tenant, device.ID); wrong.status != http.StatusUnprocessableEntity || !there {
		t.Fatalf("a wrong text answers %d; device there: %v", wrong.status, there)
	}
	gone := b.follow(b.post(path, url.Values{"device": {string(device.ID)}, "confirm": {device.Name}}))
	if _, there := s.tenants.State().Device(device.Tenant, device.ID); there || !strings.Contains(gone.page.text("[role=status]"), "1 device deleted") {
		t.Errorf("device there: %v, the page says: %s", there, gone.page.text("main"))
	}
	if got := b.get(devicePath(device)); got.status != http.StatusNotFound {
		t.Errorf("its page answers %d", got.status)
	}
}

func TestDeletingSeveralIsCountedAndTyped(t *testing.T) {
	s := start(t)
	b := s.owner()
	one, two := s.device("one", nil), s.device("two", nil)
	s.storage.counted = telemetry.Erased{Readings: 1200, Events: 1}
	both := url.Values{"device": {string(one.ID), string(two.ID)}}
	asked := b.get(s.devices() + "/delete?" + both.Encode())
	if !strings.Contains(asked.page.text("main"), "2 devices with their tokens, 2,400 readings and 2 events") {
		t.Errorf("the page says: %s", asked.page.text("main"))
	}
	both.Set("confirm", asked.page.text(".confirm-text"))
	b.follow(b.post(s.devices()+"/delete", both))
	if left := s.tenants.State().DeviceCount(one.Tenant); left != 0 {
		t.Errorf("%d devices are left", left)
	}
}

func TestDemoDataIsMarkedAndRemoved(t *testing.T) {
	s := start(t)
	s.demo = nil
	b := s.owner()
	list := b.follow(b.post(tenantPath(s.claimed.Tenant.ID)+"/demo", url.Values{}))
	action := list.page.attr(".demo form", "action")
	if action == "" || len(names(list)) != 1 {
		t.Fatalf("no banner: %s", list.page.text("body"))
	}
	after := b.follow(b.post(action, url.Values{}))
	if after.page.has(".demo") || !after.page.has(".empty-state") {
		t.Errorf("the page says: %s", after.page.text("body"))
	}
}
