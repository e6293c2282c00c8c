package widget

import (
	"bytes"
	"encoding/json"
	"slices"
	"testing"

	"longwave/ingest/telemetry"
	"longwave/tenants"
	"longwave/tenants/dashboard"
)

func TestSummaryWeighsBuckets(t *testing.T) {
	points := Points{{Value: 10, Min: 5, Max: 15, Count: 1}, {Value: 20, Min: 18, Max: 99, Count: 3}}
	for by, want := range map[string]float64{"": 17.5, "mean": 17.5, "max": 99, "min": 5, "sum": 70} {
		if got := summary(by, points); *got != want {
			t.Errorf("%s is %v, want %v", by, *got, want)
		}
	}
	if summary("mean", nil) != nil {
		t.Error("no readings have a mean")
	}
}

func TestBarsKeepTheGreatest(t *testing.T) {
	a := Answer{Series: []Series{
		{Name: "low", Points: Points{{Value: 1, Count: 1}}}, {Name: "none"}, {Name: "high", Points: Points{{Value: 3, Count: 1}}}, {Name: "middle", Points: Points{{Value: 2, Count: 1}}},
	}}
	a.rank(dashboard.Widget{Count: 2})
	if len(a.Series) != 2 || a.Series[0].Name != "high" || a.Series[1].Name != "middle" || a.Left != 1 {
		t.Errorf("ranked %+v", a)
	}
}

// TestPointsAsJSON is what the scripts read.
func TestPointsAsJSON(t *testing.T) {
	got, err := json.Marshal(Points{{Time: 1_700_000_000_000_000, Value: 1.5, Min: -1, Max: 1e21, Count: 3}})
	if err != nil || string(got) != `[[1700000000000000,1.5,-1,1e+21,3]]` {
		t.Errorf("%s, %v", got, err)
	}
}

// What people and devices chose is no formula in a spreadsheet; a negative number stays one.
func TestFileCells(t *testing.T) {
	a := Answer{Series: []Series{{Device: "d-1", Name: "=1+1", Metric: "@x", Latest: Latest{Value: "-5"}}, {Device: "d-2", Name: "ok", Latest: Latest{Value: "-x", At: telemetry.Micros(1)}}}}
	var out bytes.Buffer
	if err := a.WriteCSV(&out); err != nil {
		t.Fatal(err)
	}
	want := "time,device,name,metric,unit,value,min,max,count\n,d-1,'=1+1,'@x,,-5,,,\n1970-01-01T00:00:00.000001Z,d-2,ok,,,'-x,,,\n"
	if out.String() != want {
		t.Errorf("%s\nwant %s", &out, want)
	}
}

// A label says where a device is; what is nowhere on earth is nowhere.
func TestPlaceFromALabel(t *testing.T) {
	for label, want := range map[string]Place{"52.52,13.40": {52.52, 13.4}, " -33.9 , 151.2 ": {-33.9, 151.2}} {
		if got := placeOf(tenants.Device{Labels: map[string]string{LocationLabel: label}}); got == nil || *got != want {
			t.Errorf("%q is %+v", label, got)
		}
	}
	for _, wrong := range []string{"", "52.52", "91,0", "0,181", "NaN,0", "Berlin, Mitte"} {
		if got := placeOf(tenants.Device{Labels: map[string]string{LocationLabel: wrong}}); got != nil {
			t.Errorf("%q is %+v", wrong, *got)
		}
	}
}

// Only changes of a state are marked: the newest first, and not what a device says again.
func TestOnlyChangesAreMarked(t *testing.T) {
	events := []Event{{Device: "d-1", What: "state", Text: "run", At: 4}, {Device: "d-1", What: "state", Text: "run", At: 3}, {Device: "d-2", What: "state", Text: "run", At: 2}, {Device: "d-1", What: "state", Text: "idle", At: 1}}
	var at []telemetry.Micros
	for _, e := range changesOnly(events) {
		at = append(at, e.At)
	}
	if !slices.Equal(at, []telemetry.Micros{3, 2, 1}) {
		t.Errorf("marked at %v", at)
	}
}
