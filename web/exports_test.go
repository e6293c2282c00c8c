package web

import (
	"encoding/csv"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"longwave/tenants"
	"longwave/tenants/id"
)

func TestExportPage(t *testing.T) {
	s, b, device := full(t)
	base := exportPath(device.Tenant)
	page := b.get(base + "?device=" + string(device.ID) + "&metrics=temp")
	if text := page.page.text("main"); page.status != http.StatusOK || !strings.Contains(text, "about 60 of 1 series") || !strings.Contains(text, "pump-01") || !strings.Contains(text, "UTC") {
		t.Errorf("the page says %d %s", page.status, text)
	}
	for query, want := range map[string]string{
		"?range=own&from=2026-01-02T00:00&to=2026-01-01T00:00": "ends before it begins", "?range=own&from=x&to=y": "not a date", "?labels=x": "labels cannot be read", "?format=xlsx": "no format",
	} {
		if got := b.get(base + query); got.status != http.StatusUnprocessableEntity || !strings.Contains(got.page.text("main"), want) {
			t.Errorf("%s: %d %s", query, got.status, got.page.text("main"))
		}
	}
	s.storage.fail(http.ErrHandlerTimeout)
	if got := b.get(base); got.status != http.StatusOK || !strings.Contains(got.page.text("main"), "the storage does not answer") {
		t.Errorf("without a storage: %d %s", got.status, got.page.text("main"))
	}
}

func TestExportedFile(t *testing.T) {
	s, b, device := full(t)
	file := b.get(exportPath(device.Tenant) + "/file?device=" + string(device.ID) + "&metrics=temp&range=1h")
	rows, err := csv.NewReader(strings.NewReader(file.body)).ReadAll()
	if err != nil || file.status != http.StatusOK {
		t.Fatal(file.status, err)
	}
	points := s.storage.overview[0].Points
	if len(rows) != len(points)+1 || rows[1][0] != string(device.ID) || rows[1][1] != "temp" || rows[1][4] != "pump-01" || rows[1][5] != "°C" {
		t.Errorf("%d rows, the first is %v", len(rows), rows[1])
	}
	stranger := s.stranger()
	foreign, missing := b.get(exportPath(device.Tenant)+"/file?device="+string(id.New[id.Device]())), stranger.get(exportPath(stranger.tenant)+"/file?device="+string(device.ID))
	if foreign.status != http.StatusNotFound || missing.status != http.StatusNotFound {
		t.Errorf("a device that is not there is answered %d, a foreign one %d", foreign.status, missing.status)
	}
	if got := stranger.get(exportPath(device.Tenant) + "/file"); got.status != http.StatusNotFound {
		t.Errorf("another tenant's file is answered %d", got.status)
	}
	past, err := s.tenants.History(t.Context(), device.Tenant, tenants.HistoryQuery{Limit: 1})
	if err != nil || past.Past[0].Type != "data.exported" || past.Past[0].Actor.Person != s.claimed.Person.ID {
		t.Errorf("the newest record is %+v, %v", past.Past, err)
	}
}

// A download whose connection breaks goes on by itself, and what is kept in the end is the file.
func TestDownloadGoesOnInTheBrowser(t *testing.T) {
	s, b, device := full(t)
	s.storage.lengthen(4000) // more than one buffer, so that something arrives before it breaks
	s.storage.breakAfter(3000)
	w := openWindow(t)
	w.become(s, b)
	w.show(s.server.URL+exportPath(device.Tenant)+"?metrics=temp&device="+string(device.ID), screens()[0])
	w.do(chromedp.Click("#export-file"))
	w.eventually(`document.getElementById("export-status").textContent.startsWith("Done")`)
	kept := run(w, chromedp.Evaluate[string](`(async () => {
		const folder = await navigator.storage.getDirectory();
		for await (const name of folder.keys()) if (name.startsWith("export-")) return await (await (await folder.getFileHandle(name)).getFile()).text();
		return "";
	})()`, chromedp.EvalAwaitPromise))
	if want := b.get(exportPath(device.Tenant) + "/file?metrics=temp&device=" + string(device.ID)).body; kept != want {
		t.Errorf("%d bytes were kept of %d", len(kept), len(want))
	}
	if complaints := w.heard(); complaints != "" {
		t.Error(complaints)
	}
}
