package dashboard

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func whole() Document {
	zero := 0.0
	return Document{
		Range:     "24h",
		Variables: []Variable{{Name: "site", Of: "site", Default: "plant-2"}, {Name: "line", Of: "label", Label: "line"}},
		Widgets: []Widget{
			{ID: "w2", Kind: Line, Title: "Temperature", At: Place{W: 6, H: 8}, Select: Selection{Site: "$site", Labels: map[string]string{"line": "$line"}},
				Metrics: []Metric{{Name: "temp"}, {Name: "power", Right: true}}, Min: &zero,
				Thresholds: []Threshold{{From: 0, Level: "good", Word: "Normal"}, {From: 80, Level: "critical", Word: "Hot"}}},
			{Kind: Text, Text: "# Plant\n\nCall **Bo**.", At: Place{X: 6, W: 6, H: 3}},
		},
	}
}

func TestYAMLGivesTheSameDocument(t *testing.T) {
	d, err := Check(whole())
	if err != nil {
		t.Fatal(err)
	}
	data, err := Export(File{ID: "b-1", Name: "Plant", Document: d})
	if err != nil {
		t.Fatal(err)
	}
	back, err := Import(data)
	if err != nil {
		t.Fatalf("%v in\n%s", err, data)
	}
	if back.ID != "b-1" || back.Name != "Plant" || !reflect.DeepEqual(back.Document, d) {
		t.Errorf("%+v\nwant %+v\n%s", back, d, data)
	}
}

func TestImportIsStrict(t *testing.T) {
	for text, field := range map[string]string{
		"longwave: dashboard/1\nid: b-1\nname: x\nwidgits: []\n":                "file",
		"longwave: dashboard/2\nname: x\n":                                      "longwave",
		"longwave: dashboard/1\nid: B 1\nname: x\n":                             "id",
		"longwave: dashboard/1\nname: x\n---\nlongwave: dashboard/1\nname: y\n": "file",
		"- 1": "file",
		"longwave: dashboard/1\nname: x\nwidgets: [{kind: line, at: {x: 8, y: 0, w: 6, h: 4}}]": "widgets[0].at",
		strings.Repeat("#", 2*MaxBytes+1): "file",
	} {
		_, err := Import([]byte(text))
		var wrong *InvalidError
		if !errors.As(err, &wrong) || wrong.Field != field || strings.Contains(err.Error(), "fileYAML") {
			t.Errorf("%.60q: %v, want it to be about %s", text, err, field)
		}
	}
}

func TestCheckNamesTheFault(t *testing.T) {
	for field, change := range map[string]func(*Document){
		"range":                              func(d *Document) { d.Range = "2h" },
		"variables[1].name":                  func(d *Document) { d.Variables[1].Name = "site" },
		"variables[0].of":                    func(d *Document) { d.Variables[0].Of = "planet" },
		"variables[1].label":                 func(d *Document) { d.Variables[1].Label = "" },
		"widgets":                            func(d *Document) { d.Widgets = make([]Widget, MaxWidgets+1) },
		"widgets[0].kind":                    func(d *Document) { d.Widgets[0].Kind = "pie" },
		"widgets[1].id":                      func(d *Document) { d.Widgets[1].ID = "w2" },
		"widgets[0].title":                   func(d *Document) { d.Widgets[0].Title = strings.Repeat("x", 101) },
		"widgets[0].at":                      func(d *Document) { d.Widgets[0].At.W = 13 },
		"widgets[0].metrics[1].name":         func(d *Document) { d.Widgets[0].Metrics[1].Name = "" },
		"widgets[0].max":                     func(d *Document) { d.Widgets[0].Max = d.Widgets[0].Min },
		"widgets[0].thresholds[1].word":      func(d *Document) { d.Widgets[0].Thresholds[1].Word = " " },
		"widgets[0].thresholds[1].from":      func(d *Document) { d.Widgets[0].Thresholds[1].From = -1 },
		"widgets[0].thresholds[0].level":     func(d *Document) { d.Widgets[0].Thresholds[0].Level = "red" },
		"widgets[0].select":                  func(d *Document) { d.Widgets[0].Select.Profile = "$nobody" },
		"widgets[0].select.devices":          func(d *Document) { d.Widgets[0].Select.Devices = []string{"Pump 7"} },
		"widgets[1].text":                    func(d *Document) { d.Widgets[1].Text = "\u202e" },
		"widgets[0].count":                   func(d *Document) { d.Widgets[0].Count = -1 },
		"widgets[0].spots[0]":                func(d *Document) { d.Widgets[0].Spots = []Spot{{X: 101, Metric: "temp"}} },
		"widgets[0].spots[0].metric[0].name": func(d *Document) { d.Widgets[0].Spots = []Spot{{X: 1}} },
		"widgets[0].spots[0].devices":        func(d *Document) { d.Widgets[0].Spots = []Spot{{Metric: "temp", Device: "Pump 7"}} },
		"widgets[0].by":                      func(d *Document) { d.Widgets[0].By = "median" },
	} {
		d := whole()
		change(&d)
		_, err := Check(d)
		var wrong *InvalidError
		if !errors.As(err, &wrong) || wrong.Field != field {
			t.Errorf("%v, want it to be about %s", err, field)
		}
	}
}

func TestSelectionWithVariables(t *testing.T) {
	d := whole()
	pump := Subject{Device: "d-1", Site: "plant-2/line-4", Profile: "pump", Labels: map[string]string{"line": "4"}}
	for _, c := range []struct {
		chosen map[string]string
		want   bool
	}{
		{nil, true}, // the default site
		{map[string]string{"site": ""}, true},
		{map[string]string{"site": "plant-2/line-4"}, true},
		{map[string]string{"site": "plant-2/line-40"}, false},
		{map[string]string{"site": "plant"}, false}, // a path, not a prefix of text
		{map[string]string{"line": "4"}, true},
		{map[string]string{"line": "5"}, false},
		{map[string]string{"planet": "mars"}, true},
	} {
		if got := d.Widgets[0].Select.With(d.Values(c.chosen)).Matches(pump); got != c.want {
			t.Errorf("%v: %v", c.chosen, got)
		}
	}
	if (Selection{Devices: []string{"d-2"}}).Matches(pump) || (Selection{Profile: "fan"}).Matches(pump) || !(Selection{}).Matches(pump) {
		t.Error("devices and profiles are not told apart")
	}
}
