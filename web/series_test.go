package web

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
	"longwave/web/handler"
)

func (b *liveBench) ask(d id.Device, query string) *httptest.ResponseRecorder {
	b.t.Helper()
	out := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/t/t-north/devices/"+string(d)+"/series?"+query, nil)
	if err := b.socket.series(out, r, north, d); err != nil {
		handler.WriteProblem(out, r, handler.Describe(err))
	}
	return out
}

func TestSeriesAsJSON(t *testing.T) {
	b := newLiveBench(t)
	b.store.series = telemetry.Series{Step: "raw", Points: []telemetry.Point{{Time: 1_500_000, Value: 21.5, Min: 21.5, Max: 21.5, Count: 1}}}
	out := b.ask(pump, "metric=temp&from=1000&to=2000&points=100")
	if want := `{"metric":"temp","unit":"°C","step":"raw","points":[[1500000,21.5]]}`; out.Code != http.StatusOK || out.Body.String() != want {
		t.Errorf("answer is %d %s, want %s", out.Code, out.Body, want)
	}
	if want := (telemetry.SeriesQuery{Device: pump, Metric: "temp", From: 1_000_000, To: 2_000_000, MaxPoints: 100}); b.store.asked != want {
		t.Errorf("the store was asked %+v, want %+v", b.store.asked, want)
	}
	b.store.series = telemetry.Series{Step: "1m", Points: []telemetry.Point{{Time: 60, Value: 2, Min: 1, Max: 3, Count: 4}}}
	out = b.ask(pump, "metric=temp&from=1000&to=2000")
	if want := `"step":"1m","points":[[60,2,1,3,4]]}`; !strings.HasSuffix(out.Body.String(), want) {
		t.Errorf("answer is %s, want …%s", out.Body, want)
	}
}

func TestSeriesAsCSV(t *testing.T) {
	b := newLiveBench(t)
	b.store.series = telemetry.Series{Step: "1m", Points: []telemetry.Point{{Time: 1_500_000, Value: 2, Min: 1, Max: 3, Count: 4}}}
	out := b.ask(pump, "format=csv&from=1000&to=2000&metric="+url.QueryEscape("=cmd|'/C calc'!A1\"\r\n"))
	if want := "time,value,min,max,count\n1970-01-01T00:00:01.500000Z,2,1,3,4\n"; out.Body.String() != want {
		t.Errorf("file is %q, want %q", out.Body, want)
	}
	if got, want := out.Header().Get("Content-Disposition"), `attachment; filename="d-pump-_cmd___C_calc__A1___.csv"`; got != want {
		t.Errorf("file is called %s, want %s", got, want)
	}
}

func TestSeriesRefuses(t *testing.T) {
	b := newLiveBench(t)
	for query, want := range map[string]int{
		"from=1&to=2":                                         http.StatusBadRequest,
		"metric=m&from=x&to=2":                                http.StatusBadRequest,
		"metric=m&from=2&to=2":                                http.StatusBadRequest,
		"metric=m&from=0&to=99999999999999999":                http.StatusBadRequest,
		"metric=m&from=0&to=1700000000000":                    http.StatusBadRequest,
		"metric=m&from=1&to=2&points=1":                       http.StatusBadRequest,
		"metric=m&from=1&to=2&points=1000000":                 http.StatusBadRequest,
		"metric=m&from=-1&to=2":                               http.StatusBadRequest,
		"metric=" + strings.Repeat("m", 129) + "&from=1&to=2": http.StatusBadRequest,
	} {
		if out := b.ask(pump, query); out.Code != want {
			t.Errorf("%s: answered %d, want %d", query, out.Code, want)
		}
	}
	if out, missing := b.ask(foreign, "metric=m&from=1&to=2"), b.ask("d-nobody", "metric=m&from=1&to=2"); out.Code != http.StatusNotFound || out.Body.String() != missing.Body.String() {
		t.Errorf("a foreign device is answered %d %s, a missing one %s", out.Code, out.Body, missing.Body)
	}
}
