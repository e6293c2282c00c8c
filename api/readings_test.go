package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"longwave/api"
	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/tenants/id"
)

// noon is the rig's clock in the tests about time.
func noon() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }

func atNoon(o *api.Options) { o.Now = noon }

func TestReadings(t *testing.T) {
	r := newRig(t, atNoon)
	d := r.ours.device.ID
	at := telemetry.At(time.Date(2026, 11, 20, 11, 0, 0, 123_000_000, time.UTC))
	r.reader.points = map[id.Device][]telemetry.Point{d: {
		{Time: at, Value: 21.5, Min: 21, Max: 22, Count: 3}, {Time: at + 877_000, Value: -1e-7, Min: -1e-7, Max: 1e21, Count: 1},
	}}
	ask := "GET /manage/v1/readings?metric=temp&device=" + string(d)
	for _, c := range []struct{ step, want string }{
		{"raw", `{"step":"raw","points":[{"t":"2026-11-20T11:00:00.123Z","v":21.5},{"t":"2026-11-20T11:00:01Z","v":-1e-07}]}`},
		{"1m", `{"step":"1m","points":[{"t":"2026-11-20T11:00:00.123Z","v":21.5,"min":21,"max":22},{"t":"2026-11-20T11:00:01Z","v":-1e-07,"min":-1e-07,"max":1e+21}]}`},
	} {
		r.reader.step = c.step
		got := r.ask(t, ask+"&max_points=500", r.ours.keys[tenants.Viewer], "")
		if got.status != 200 || string(got.body) != c.want || !json.Valid(got.body) {
			t.Errorf("answered %d %s\nwant %s", got.status, got.body, c.want)
		}
	}
	q := r.reader.last()
	if q.tenant != r.ours.id || q.series.Metric != "temp" || q.series.MaxPoints != 500 || q.series.To-q.series.From != telemetry.Micros(time.Hour/time.Microsecond) {
		t.Errorf("asked %+v", q)
	}
	r.reader.points = nil
	if got := r.ask(t, ask, r.ours.keys[tenants.Viewer], ""); string(got.body) != `{"step":"1m","points":[]}` {
		t.Errorf("no readings: %s", got.body)
	}
}

func TestTimesInEveryForm(t *testing.T) {
	r := newRig(t, atNoon)
	ask := "GET /manage/v1/readings?metric=temp&device=" + string(r.ours.device.ID)
	for _, c := range []struct {
		query    string
		from, to time.Time
	}{
		{"", noon().Add(-time.Hour), noon()},
		{"&from=-90s", noon().Add(-90 * time.Second), noon()},
		{"&from=-7d&to=-1d", noon().AddDate(0, 0, -7), noon().AddDate(0, 0, -1)},
		{"&from=-2w&to=now", noon().AddDate(0, 0, -14), noon()},
		{"&to=2026-11-19T10:00:00.5%2B02:00", time.Date(2026, 11, 19, 7, 0, 0, 5e8, time.UTC), time.Date(2026, 11, 19, 8, 0, 0, 5e8, time.UTC)},
		{"&from=1795168800000", time.UnixMilli(1795168800000), noon()},
		{"&from=0", time.UnixMilli(0), noon()},
	} {
		got := r.ask(t, ask+c.query, r.ours.keys[tenants.Viewer], "")
		q := r.reader.last().series
		if got.status != 200 || q.From != telemetry.At(c.from) || q.To != telemetry.At(c.to) {
			t.Errorf("%s: %d, asked from %s to %s", c.query, got.status, q.From.Time(), q.To.Time())
		}
	}
}

func TestExportStreamsEveryReading(t *testing.T) {
	r := newRig(t, atNoon)
	const many = 200_000 // far more than the buffer holds
	points := make([]telemetry.Point, many)
	for i := range points {
		points[i] = telemetry.Point{Time: telemetry.At(noon()) + telemetry.Micros(i), Value: float64(i)}
	}
	r.reader.points = map[id.Device][]telemetry.Point{r.ours.device.ID: points}
	got := r.ask(t, "GET /manage/v1/readings?metric=temp&device="+string(r.ours.device.ID), r.ours.keys[tenants.Viewer], "", "Accept", "application/x-ndjson")
	lines := bytes.Split(got.body, []byte("\n"))
	if got.status != 200 || got.header.Get("Content-Type") != "application/x-ndjson" || len(lines) != many {
		t.Fatalf("answered %d %s, %d lines", got.status, got.header.Get("Content-Type"), len(lines))
	}
	if want := `{"t":"2026-11-20T12:00:00.000007Z","v":7}`; string(lines[7]) != want {
		t.Errorf("line is %s, want %s", lines[7], want)
	}
}

func TestExportThatFails(t *testing.T) {
	r := newRig(t)
	export := "/manage/v1/readings?metric=temp&device=" + string(r.ours.device.ID)
	t.Run("before the first buffer", func(t *testing.T) {
		r.reader.points = map[id.Device][]telemetry.Point{r.ours.device.ID: make([]telemetry.Point, 100)}
		r.reader.cutAt = 50
		got := r.ask(t, "GET "+export, r.ours.keys[tenants.Viewer], "", "Accept", "application/x-ndjson")
		if p := got.problem(t); got.status != 503 || p.Code != "query_timed_out" || got.header.Get("Retry-After") == "" {
			t.Errorf("answered %d %s", got.status, got.body)
		}
	})
	t.Run("half-way", func(t *testing.T) {
		r.reader.points = map[id.Device][]telemetry.Point{r.ours.device.ID: make([]telemetry.Point, 100_000)}
		r.reader.cutAt = 99_999
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.server.URL+export, nil)
		must(t, err)
		req.Header.Set("Authorization", "Bearer "+r.ours.keys[tenants.Viewer])
		req.Header.Set("Accept", "application/x-ndjson")
		res, err := http.DefaultClient.Do(req)
		must(t, err)
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		if err == nil {
			t.Errorf("an export that failed half-way looks complete: %d bytes", len(text))
		}
	})
}

func TestStorageAway(t *testing.T) {
	r := newRig(t)
	r.reader.fail = errors.New("dial unix /secret: no such file")
	d := string(r.ours.device.ID)
	for _, what := range []string{"readings?metric=temp&device=" + d, "events?device=" + d, "devices/" + d + "/latest"} {
		got := r.ask(t, "GET /manage/v1/"+what, r.ours.keys[tenants.Viewer], "")
		p := got.problem(t)
		if got.status != 503 || p.Code != "readings_unavailable" || got.header.Get("Retry-After") != "5" {
			t.Errorf("%s: %d %s", what, got.status, got.body)
		}
		if strings.Contains(string(got.body), "secret") {
			t.Errorf("%s shows the cause: %s", what, got.body)
		}
	}
}

func TestEventsLatestAndRejected(t *testing.T) {
	r := newRig(t, atNoon)
	d, viewer := r.ours.device.ID, r.ours.keys[tenants.Viewer]
	at := telemetry.At(noon())
	r.reader.events = []telemetry.Event{{Device: d, Kind: telemetry.KindStatus, Name: "state", Text: "idle", Time: at, Received: at + 1000}}
	r.reader.latest = []telemetry.Latest{
		{Metric: "ok", Value: telemetry.Value{Type: telemetry.Bool, Num: 1}, Time: at, Received: at},
		{Metric: "state", Value: telemetry.Value{Type: telemetry.Text, Text: "idle"}, Time: at, Received: at},
		{Metric: "temp", Value: telemetry.Value{Num: 21.5}, Time: at, Received: at, Interval: 30},
	}
	r.accept.rejected = []telemetry.RejectedPacket{{
		Device: d, Received: at, Rejection: telemetry.Rejection{Index: 1, Pointer: "/1/values/x", Code: "c", Detail: "d", Raw: "{"},
	}}
	must(t, r.tenants.DescribeMetric(t.Context(), tenants.Actor{}, r.ours.id, tenants.MetricDescription{Name: "temp", Unit: "°C"}))

	stamp := `"2026-11-20T12:00:00Z"`
	for what, want := range map[string]string{
		"events?device=" + string(d):          `{"items":[{"t":` + stamp + `,"received":"2026-11-20T12:00:00.001Z","kind":"status","name":"state","text":"idle"}],"truncated":false}`,
		"events?limit=1&device=" + string(d):  `{"items":[{"t":` + stamp + `,"received":"2026-11-20T12:00:00.001Z","kind":"status","name":"state","text":"idle"}],"truncated":true}`,
		"devices/" + string(d) + "/latest":    fmt.Sprintf(`{"items":[{"metric":"ok","v":true,"t":%[1]s,"received":%[1]s},{"metric":"state","v":"idle","t":%[1]s,"received":%[1]s},{"metric":"temp","v":21.5,"unit":"°C","t":%[1]s,"received":%[1]s,"interval_seconds":30}]}`, stamp),
		"devices/" + string(d) + "/rejected":  `{"items":[{"received":` + stamp + `,"index":1,"pointer":"/1/values/x","code":"c","detail":"d","raw":"{"}]}`,
		"events?from=-2h&device=" + string(d): `{"items":[{"t":` + stamp + `,"received":"2026-11-20T12:00:00.001Z","kind":"status","name":"state","text":"idle"}],"truncated":false}`,
	} {
		if got := r.ask(t, "GET /manage/v1/"+what, viewer, ""); got.status != 200 || string(got.body) != want {
			t.Errorf("%s: %d %s\nwant %s", what, got.status, got.body, want)
		}
	}
	if q := r.reader.last(); q.tenant != r.ours.id {
		t.Errorf("asked for %s", q.tenant)
	}
}

func TestExportStopsWhenTheReaderGoesAway(t *testing.T) {
	r := newRig(t)
	stopped := make(chan error, 1)
	r.reader.points = map[id.Device][]telemetry.Point{r.ours.device.ID: make([]telemetry.Point, 5_000_000)}
	watched := &watchedReader{Reader: r.reader.of(r.ours.id), done: stopped}
	r2 := newRig(t, func(o *api.Options) {
		o.Tenants, o.Readings = r.tenants, func(id.Tenant) api.Reader { return watched }
	})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r2.server.URL+"/manage/v1/readings?metric=x&device="+string(r.ours.device.ID), nil)
	must(t, err)
	req.Header.Set("Authorization", "Bearer "+r.ours.keys[tenants.Viewer])
	req.Header.Set("Accept", "application/x-ndjson")
	res, err := http.DefaultClient.Do(req)
	must(t, err)
	_, err = io.ReadFull(res.Body, make([]byte, 100))
	must(t, err)
	res.Body.Close()
	select {
	case err := <-stopped:
		if err == nil {
			t.Error("the export ran to its end though nobody read it")
		}
	case <-time.After(patience):
		t.Error("the export goes on though nobody reads it")
	}
}

// watchedReader tells how an export ended.
type watchedReader struct {
	api.Reader
	done chan error
}

func (w *watchedReader) Each(ctx context.Context, q telemetry.SeriesQuery, yield func(telemetry.Point) error) error {
	err := w.Reader.Each(ctx, q, yield)
	w.done <- err
	return err
}
