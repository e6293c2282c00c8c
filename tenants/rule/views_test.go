package rule

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"longwave/tenants/id"
)

func TestSentences(t *testing.T) {
	for expression, want := range map[string][]Clause{
		"temp > 80": {{"temp", "above", "80"}},
		`temp >= 80.5 and device.profile == "pump" and within(device.site, "plant-2")`: {
			{"temp", "at least", "80.5"}, {"device.profile", "equal to", "pump"}, {"device.site", "within", "plant-2"}},
		`packet.kind == "status" and state contains "E" and has(ok)`: {
			{"packet.kind", "equal to", "status"}, {"state", "containing", "E"}, {"ok", "present", ""}},
		`values["disk used %"] < -3 and device.labels["a/b"] != "7"`: {
			{`values["disk used %"]`, "below", "-3"}, {`device.labels["a/b"]`, "not equal to", "7"}},
		`ok == true and state == "80"`:          {{"ok", "equal to", "true"}, {"", "", `state == "80"`}},
		"temp > 80 and (a < 1 or b < 1)":        {{"temp", "above", "80"}, {"", "", "(a < 1 or b < 1)"}},
		"a < 1 or b < 1":                        {{"", "", "a < 1 or b < 1"}},
		"temp > 80 and a ?? true and b + 1 > 2": {{"temp", "above", "80"}, {"", "", "(a ?? true) and b + 1 > 2"}},
		"":                                      nil,
	} {
		got, err := Sentence(expression)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %q, %v", expression, got, err)
			continue
		}
		again, err := Sentence(Expression(got))
		if err != nil || !reflect.DeepEqual(again, want) {
			t.Errorf("%s became %s", expression, Expression(got))
		}
	}
}

// A sentence that menus made and its expression are the same thing, whatever was typed into the fields.
func FuzzSentence(f *testing.F) {
	f.Add("temp", uint8(0), "80")
	f.Add("disk used", uint8(4), `a"b`)
	f.Add("device.x", uint8(6), "true")
	f.Add("not", uint8(7), "plant-2/line-4")
	f.Add("values", uint8(8), "")
	f.Add("a.b", uint8(5), "-0")
	f.Fuzz(func(t *testing.T, name string, operator uint8, content string) {
		if !visible(name) || name == "" || !visible(content) || len(name)+len(content) > 300 {
			t.Skip("ingest takes no such name")
		}
		made := Clause{Of: Spell(name), Is: Operators()[int(operator)%len(Operators())], Text: content}
		got, err := Sentence(Expression([]Clause{made}))
		if err != nil { // refused, as a text that should be a number is
			if !errors.Is(err, ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		if len(got) != 1 || got[0].Of != "" && (got[0].Of != made.Of || got[0].Is != made.Is || got[0].Text != made.Text && made.Is != "present") {
			t.Fatalf("%q became %q by %s", made, got, Expression([]Clause{made}))
		}
	})
}

func TestYAMLHoldsEverything(t *testing.T) {
	for _, r := range []Rule{
		{Name: "Hot: pumps # 1", When: `temp > 80 and state == "x: y"`, Then: Then{Lane: "critical", Labels: map[string]string{"team": "yes"}, Forward: []id.Destination{"o-1", "o-2"}}},
		{Name: "no", Then: Then{Drop: true}},
		{Name: "Überlauf", When: "a\nand b", Then: Then{OneIn: 10, Lane: "bulk"}},
	} {
		text, err := ToYAML(r)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := FromYAML(text); err != nil || !reflect.DeepEqual(got, r) {
			t.Errorf("%s became %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"":                                     "is empty",
		"name: a\nwhen: temp >":                "when",
		"name: a\nthen: {lane: fast}":          "no lane",
		"name: a\nthan: {}":                    "line 2: field than not found",
		"name: a\n---\nname: b":                "more than one document",
		"name: [a":                             "line 1",
		"name: a\nthen: {one_in: many}":        "line 2",
		"a: &a [1]\nname: *a":                  "yaml",
		"name: a\nthen: {forward: [A B]}":      "no destination",
		"name: " + strings.Repeat("a", 10_000): "at most",
	} {
		if _, err := FromYAML(text); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
	}
}
