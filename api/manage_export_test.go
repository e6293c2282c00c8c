package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/tenants/id"
)

// exportRig has two devices of ours, one of them called like a formula, with three readings each, and one of theirs.
func exportRig(t *testing.T) (r *rig, second tenants.Device) {
	t.Helper()
	r = newRig(t)
	second, _, err := r.tenants.CreateDevice(t.Context(), tenants.Actor{System: "test"}, r.ours.id, tenants.NewDevice{Name: `=cmd|"x", y`, Site: "plant-2/line-4"})
	must(t, err)
	at := telemetry.At(time.Date(2026, 11, 20, 10, 0, 0, 123456000, time.UTC))
	points := []telemetry.Point{{Time: at, Value: 21.5}, {Time: at + 1, Value: -3}, {Time: at + 2_000_000, Value: 1e21}}
	r.reader.points = map[id.Device][]telemetry.Point{r.ours.device.ID: points, second.ID: points, r.theirs.device.ID: points}
	return r, second
}

const exportRange = "from=2026-11-20T00:00:00Z&to=2026-11-21T00:00:00Z"

func TestExportAsLines(t *testing.T) {
	r, second := exportRig(t)
	key := r.ours.keys[tenants.Viewer]
	got := r.ask(t, "GET /manage/v1/exports?site=plant-2&"+exportRange, key, "")
	d := string(second.ID)
	want := "device,metric,time,value,name,unit\n" +
		d + `,temp,2026-11-20T10:00:00.123456Z,21.5,"'=cmd|""x"", y",` + "\n" +
		d + `,temp,2026-11-20T10:00:00.123457Z,-3,"'=cmd|""x"", y",` + "\n" +
		d + `,temp,2026-11-20T10:00:02.123456Z,1e+21,"'=cmd|""x"", y",` + "\n"
	if got.status != http.StatusOK || string(got.body) != strings.TrimSpace(want) {
		t.Errorf("answered %d:\n%s\nwant\n%s", got.status, got.body, want)
	}
	if h := got.header; h.Get("Longwave-Rows-About") != "3" || h.Get("Longwave-From") != "2026-11-20T00:00:00.000000Z" ||
		h.Get("Content-Disposition") != `attachment; filename="readings-20261120T000000Z-20261121T000000Z.csv"` {
		t.Errorf("headers: %v", h)
	}
	got = r.ask(t, "GET /manage/v1/exports?format=ndjson&devices="+d+"&"+exportRange, key, "")
	if line, _, _ := strings.Cut(string(got.body), "\n"); line != `{"device":"`+d+`","metric":"temp","t":"2026-11-20T10:00:00.123456Z","v":21.5,"name":"=cmd|\"x\", y","unit":""}` {
		t.Errorf("a line is %s", line)
	}
	if got = r.ask(t, "GET /manage/v1/exports?format=parquet&"+exportRange, key, ""); string(got.body) != "PAR1 of 2 devices" {
		t.Errorf("a file of all: %d %s", got.status, got.body)
	}
	var extent struct {
		Devices   int
		RowsAbout int `json:"rows_about"`
	}
	r.ask(t, "GET /manage/v1/exports/extent?"+exportRange, key, "").json(t, &extent)
	if extent.Devices != 2 || extent.RowsAbout != 6 {
		t.Errorf("extent: %+v", extent)
	}
}

// A download that broke off after any line goes on behind it, and stands in the audit once.
func TestExportGoesOn(t *testing.T) {
	r, _ := exportRig(t)
	key := r.ours.keys[tenants.Viewer]
	for _, format := range []string{"csv", "ndjson"} {
		path := "GET /manage/v1/exports?format=" + format + "&" + exportRange
		whole := strings.SplitAfter(string(r.ask(t, path, key, "").body), "\n")
		for i, line := range whole[:6] {
			if format == "csv" && i == 0 {
				continue
			}
			rest := r.ask(t, path+"&after="+url.QueryEscape(strings.TrimSuffix(line, "\n")), key, "")
			if want := strings.Join(whole[i+1:], ""); rest.status != http.StatusOK || string(rest.body) != want {
				t.Errorf("%s behind line %d: %d\n%s\nwant\n%s", format, i, rest.status, rest.body, want)
			}
		}
		if got := r.ask(t, path+"&after="+url.QueryEscape("d-1,te"), key, ""); got.status != http.StatusUnprocessableEntity {
			t.Errorf("half a line is answered %d", got.status)
		}
	}
	past, err := r.tenants.History(t.Context(), r.ours.id, tenants.HistoryQuery{})
	must(t, err)
	records := 0
	for _, one := range past.Past {
		if one.Type == "data.exported" {
			records++
			if one.Did != "exported readings of" || one.Actor.Key == "" || one.Actor.Address == "" || len(one.Changes) < 4 {
				t.Errorf("the record says %+v", one)
			}
		}
	}
	if records != 2 {
		t.Errorf("%d records of two exports", records)
	}
}

func TestExportRefuses(t *testing.T) {
	r, _ := exportRig(t)
	key := r.ours.keys[tenants.Viewer]
	for query, want := range map[string]int{
		"step=7s": 422, "format=xlsx": 422, "labels=x": 422, "from=now&to=-1h": 422, "from=1970-01-01T00:00:00Z": 422,
		"format=parquet&after=x": 422, "devices=nonsense": 404, "devices=" + string(r.theirs.device.ID): 404, "unknown=1": 422,
	} {
		if got := r.ask(t, "GET /manage/v1/exports?"+query, key, ""); got.status != want || got.header.Get("Content-Disposition") != "" {
			t.Errorf("%s: answered %d %s, want %d", query, got.status, got.body, want)
		}
	}
	r.reader.fail = http.ErrHandlerTimeout // whatever the storage says
	r.reader.points = nil
	if got := r.ask(t, "GET /manage/v1/exports?format=ndjson&"+exportRange, key, ""); got.status != http.StatusServiceUnavailable || got.problem(t).Code != "readings_unavailable" {
		t.Errorf("a storage that is away: %d %s", got.status, got.body)
	}
}

// A script that exports in a loop is stopped before it fills the control log.
func TestExportsAreBegunSlowly(t *testing.T) {
	r, _ := exportRig(t)
	statuses := map[int]int{}
	for range 65 {
		statuses[r.ask(t, "GET /manage/v1/exports?format=ndjson&"+exportRange, r.ours.keys[tenants.Viewer], "").status]++
	}
	if statuses[http.StatusOK] < 60 || statuses[http.StatusTooManyRequests] < 1 {
		t.Errorf("answered %v", statuses)
	}
	if got := r.ask(t, "GET /manage/v1/exports?format=ndjson&"+exportRange, r.theirs.keys[tenants.Viewer], ""); got.status != http.StatusOK {
		t.Errorf("another tenant is answered %d", got.status)
	}
}
