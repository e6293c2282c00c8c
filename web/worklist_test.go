package web

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"longwave/ingest/telemetry"
	"longwave/processors/replay"
	"longwave/tenants"
)

// work fills the desk with what a device has done wrong and what was done about it.
func (d *desk) work(device tenants.Device, now time.Time) {
	ago := func(t time.Duration) telemetry.Micros { return telemetry.At(now.Add(-t)) }
	sample := func(t time.Duration, raw string) replay.Sample {
		return replay.Sample{Device: device.ID, Name: device.Name, Received: ago(t), Raw: raw}
	}
	d.list = replay.List{Packets: 1209, Cut: 2, Through: 77, Codes: []string{"too_many_values", "ts_in_future", "value_type"}, Labels: []string{"line", "site"}, Groups: []replay.Group{
		{Cause: "value_type /values/temp", Code: "value_type", Pointer: "/values/temp", Detail: "`temp` is an object, expected number, bool or text, at packet 0", Count: 412, Devices: 3, First: ago(50 * time.Hour), Last: ago(time.Minute),
			Samples: []replay.Sample{sample(time.Minute, `{"values":{"temp":{"c":21.5}}}`), sample(2*time.Minute, `{"values":{"temp":{"c":21.4}}}`)}},
		{Cause: "ts_in_future /ts", Code: "ts_in_future", Pointer: "/ts", Detail: "`ts` is 2026-11-20T18:00:00Z: more than 5 minutes ahead of the server; set the device's clock, or leave `ts` out and the server's time is used, at packet 4", Count: 795, Devices: 1, First: ago(3 * time.Hour), Last: ago(2 * time.Hour),
			Samples: []replay.Sample{sample(2*time.Hour, `{"ts":"2026-11-20T18:00:00Z","values":{"temp":21.5,"state":"running"}}`)}},
		{Cause: "too_many_values /values", Code: "too_many_values", Pointer: "/values", Detail: "the packet has more than 256 values: send several packets, at packet 0", Count: 2, Cut: 2, Devices: 1, First: ago(30 * time.Hour), Last: ago(29 * time.Hour),
			Samples: []replay.Sample{sample(29*time.Hour, strings.Repeat(`"v1":1,`, 400))}},
	}}
	d.trial = replay.Trial{Packets: 412, Accepted: 409, Refused: 3, Through: 77, Reasons: []replay.Reason{
		{Code: "value_type", Detail: "`temp` is an object, expected number, bool or text, at packet 0", Count: 3, Sample: sample(time.Minute, `{"values":{"temp":{"c":21.5}}}`)}}}
	running := replay.Progress{Begun: true, Total: 48_211, Read: 20_118, Packets: 80_472, Bytes: 9_400_000, Stored: 80_472, First: ago(6 * time.Hour), Last: ago(3 * time.Hour)}
	found := running
	found.Read, found.Devices, found.Stored, found.Samples = found.Total, 12, 0, []replay.Sample{sample(6*time.Hour, `{"id":"p-1","ts":"2026-11-20T10:00:00Z","kind":"metrics","values":{"temp":21.5}}`)}
	d.jobs[device.Tenant] = []replay.Job{
		{ID: "j-running", Kind: replay.Store, By: "Ada", Rate: 5000, State: replay.Running, Created: now.Add(-20 * time.Second), Began: now.Add(-20 * time.Second), Progress: running, Selection: replay.Selection{Device: device.ID, From: ago(6 * time.Hour)}},
		{ID: "j-preview", Kind: replay.Preview, By: "Ada", Rate: 50000, State: replay.Done, Created: now.Add(-time.Minute), Began: now.Add(-time.Minute), Ended: now, Progress: found, Selection: replay.Selection{Label: "site", Value: "plant-2"}},
		{ID: "j-redrive", Kind: replay.Redrive, By: "API key ci", Rate: 100, State: replay.Done, Created: now.Add(-26 * time.Hour), Filter: replay.Filter{Cause: "ts_in_future /ts"}, Progress: replay.Progress{Begun: true, Total: 412, Read: 412, Stored: 409, Refused: 3}},
		{ID: "j-failed", Kind: replay.Store, By: "Ada", Rate: 5000, State: replay.Failed, Created: now.Add(-48 * time.Hour), Problem: "The storage refuses every packet, so the fault is taken to be the storage's. Nothing was lost.", Progress: replay.Progress{Begun: true, Total: 100, Read: 10}},
	}
}

func TestWorkListShowsCausesAndWhatCanBeDone(t *testing.T) {
	s, b, device := full(t)
	base := rejectedPath(device.Tenant)
	page := b.get(base + "?by=device&label=site&value=plant-2&code=value_type&range=24h&device=" + string(device.ID)).page
	text := page.text("main")
	for _, want := range []string{"1,209 packets in 3 groups", "412", "value_type", "Re-drive these 412", "2 were not kept whole", "64 MiB", "only site=plant-2", "only of " + device.Name} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing: %s", want, text)
		}
	}
	f := s.desk.asked
	if f.Device != device.ID || f.Label != "site" || f.Value != "plant-2" || f.Code != "value_type" || f.From == 0 {
		t.Errorf("asked for %+v", f)
	}
	if href := page.attr(".cause-actions a", "href"); !strings.HasPrefix(href, base+"/redrive?") || !strings.Contains(href, url.QueryEscape("value_type /values/temp")) || !strings.Contains(href, "range=24h") {
		t.Errorf("the group leads to %s", href)
	}
	if page := b.get(devicePath(device) + "?tab=rejected").page; !strings.Contains(page.attr(".section-head a", "href"), base) {
		t.Error("the device does not lead to its work list")
	}
	if got := b.get(base + "?device=No.Id*"); got.status != http.StatusNotFound {
		t.Errorf("no device at all: %d", got.status)
	}
	s.desk.fails = replay.ErrUnavailable
	if text := b.get(base).page.text("main"); !strings.Contains(text, "could not be read") {
		t.Errorf("without the queue it says %s", text)
	}
	s.desk.fails, s.desk.list = nil, replay.List{}
	if text := b.get(base).page.text("main"); !strings.Contains(text, "Nothing is rejected") {
		t.Errorf("empty it says %s", text)
	}
}

func TestRedriveIsPreviewedAndMeansExactlyThat(t *testing.T) {
	s, b, device := full(t)
	base := rejectedPath(device.Tenant)
	page := b.get(base + "/redrive?code=value_type&range=1h").page
	for _, want := range []string{"Re-drive 412 packets", "Would be accepted 409", "Would still be refused 3", "Re-drive these 412"} {
		if !strings.Contains(page.text("main"), want) {
			t.Errorf("%q is missing: %s", want, page.text("main"))
		}
	}
	form := url.Values{}
	for _, node := range page.all("form input[type=hidden]") {
		name, _ := attribute(node, "name")
		value, _ := attribute(node, "value")
		form.Set(name, value)
	}
	if form.Get("through") != "77" || form.Get("code") != "value_type" || form.Get("from") == "" || form.Has("range") {
		t.Errorf("the form is %v", form)
	}
	form.Set("rate", "fast")
	if got := b.post(base+"/redrive", form); got.status != http.StatusUnprocessableEntity || len(s.desk.orders) > 0 {
		t.Errorf("a rate that is none: %d", got.status)
	}
	form.Set("rate", "250")
	if got := b.follow(b.post(base+"/redrive", form)); !strings.Contains(got.page.text("main"), "Send rejected packets again") {
		t.Errorf("it leads to %s", got.page.text("main"))
	}
	if o := s.desk.orders[0]; o.Kind != replay.Redrive || o.Filter.Through != 77 || o.Filter.Code != "value_type" || o.Filter.From == 0 || o.Rate != 250 || o.By != "Ada" {
		t.Errorf("ordered %+v", o)
	}
	s.desk.trial = replay.Trial{Packets: 3, Refused: 3}
	if page := b.get(base + "/redrive").page; page.has("form[action=" + base + "/redrive]") {
		t.Error("it can be started although nothing would be accepted")
	}
}

func TestDismissingManyMustBeTyped(t *testing.T) {
	s, b, device := full(t)
	base := rejectedPath(device.Tenant)
	if text := b.get(base + "/dismiss").page.text("main"); !strings.Contains(text, "removes 1,209 packets with 3 causes") || !strings.Contains(text, "dismiss 1,209 packets") {
		t.Errorf("it says %s", text)
	}
	if got := b.post(base+"/dismiss", url.Values{"confirm": {"yes"}}); got.status != http.StatusUnprocessableEntity || len(s.desk.orders) > 0 {
		t.Errorf("with another text: %d", got.status)
	}
	if got := b.post(base+"/dismiss", url.Values{"confirm": {"dismiss 1,209 packets"}, "through": {"77"}}); got.status != http.StatusSeeOther || s.desk.orders[0].Kind != replay.Dismiss || s.desk.orders[0].Filter.Through != 77 {
		t.Errorf("typed: %d %+v", got.status, s.desk.orders)
	}
	s.desk.list.Packets = 3
	if got := b.post(base+"/dismiss", url.Values{}); got.status != http.StatusSeeOther {
		t.Errorf("a few: %d", got.status)
	}
}

func TestReplaysAreStartedShownAndCancelled(t *testing.T) {
	s, b, device := full(t)
	base := replaysPath(device.Tenant)
	text := b.get(base).page.text("main")
	for _, want := range []string{"20,118 of 48,211 messages, about", "left", "Failed", "site=plant-2", "API key ci"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing: %s", want, text)
		}
	}
	wrong := url.Values{"kind": {"store"}, "device": {"nobody"}, "label": {"a=1,b=2"}, "from": {"yesterday"}, "rate": {"-1"}}
	if got := b.post(base, wrong); got.status != http.StatusUnprocessableEntity || len(got.page.all(".field-error")) != 4 {
		t.Errorf("answers %d with %d errors", got.status, len(got.page.all(".field-error")))
	}
	good := url.Values{"kind": {"store"}, "device": {device.Name}, "label": {"site=plant-2"}, "from": {"2026-11-20T10:00"}, "sent_to": {"2026-11-20T10:00:30"}, "rate": {"1,000"}}
	started := b.follow(b.post(base, good))
	o := s.desk.orders[0]
	if o.Kind != replay.Store || o.Selection.Device != device.ID || o.Selection.Label != "site" || o.Selection.From != telemetry.At(time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)) || o.Selection.SentTo == 0 || o.Rate != 1000 {
		t.Errorf("ordered %+v", o)
	}
	if !strings.Contains(started.page.text("main"), "Begins in a moment") {
		t.Errorf("it leads to %s", started.page.text("main"))
	}
	cancelled := b.follow(b.post(started.page.attr("#job form", "action"), url.Values{}))
	if !strings.Contains(cancelled.page.text("main"), "Cancelled") || cancelled.page.has("#job[hx-get]") {
		t.Errorf("cancelled it says %s", cancelled.page.text("main"))
	}
	again := b.get(base + "/j-preview").page
	form := url.Values{}
	for _, node := range again.all("form input[type=hidden]") {
		name, _ := attribute(node, "name")
		value, _ := attribute(node, "value")
		form.Set(name, value)
	}
	if got := b.post(base, form); got.status != http.StatusSeeOther || s.desk.orders[1].Kind != replay.Store || s.desk.orders[1].Selection.Value != "plant-2" || s.desk.orders[1].Selection.To == 0 {
		t.Errorf("from the preview: %d, ordered %+v", got.status, s.desk.orders)
	}
	for _, missing := range []string{"j-nobodys", "No.Id*"} {
		if got := b.get(base + "/" + missing); got.status != http.StatusNotFound {
			t.Errorf("%s answers %d", missing, got.status)
		}
	}
	if text := b.get(base).page.text("#kind"); strings.Contains(text, "destination") {
		t.Error("a destination is offered although there is none")
	}
	hook, _, err := s.tenants.CreateDestination(t.Context(), tenants.Actor{System: "test"}, device.Tenant, tenants.NewDestination{Name: "Ops", Kind: tenants.NATSSubject})
	if err != nil {
		t.Fatal(err)
	}
	if page := b.get(base + "?" + form.Encode()).page; !strings.Contains(page.text("#kind"), "Send to a destination") || page.text("#destination") != "Ops" || page.attr("#label", "value") != "site=plant-2" {
		t.Errorf("the form says %s", page.text("form"))
	}
	if got := b.post(base, url.Values{"kind": {"forward"}, "destination": {string(hook.ID)}}); got.status != http.StatusSeeOther || s.desk.orders[2].Destination != hook.ID {
		t.Errorf("to a destination: %d, ordered %+v", got.status, s.desk.orders)
	}
	s.desk.fails = replay.ErrBusy
	if got := b.post(base, good); got.status != http.StatusConflict {
		t.Errorf("while another runs: %d", got.status)
	}
}
