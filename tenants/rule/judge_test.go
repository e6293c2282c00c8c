package rule

import (
	"fmt"
	"testing"

	"longwave/ingest/telemetry"
	"longwave/tenants/id"
)

func packet(values ...telemetry.Value) *telemetry.Packet {
	return &telemetry.Packet{ID: "p-1", Values: values}
}

func num(name string, n float64) telemetry.Value { return telemetry.Value{Name: name, Num: n} }

func txt(name, content string) telemetry.Value {
	return telemetry.Value{Name: name, Type: telemetry.Text, Text: content}
}

func yes(name string) telemetry.Value {
	return telemetry.Value{Name: name, Type: telemetry.Bool, Num: 1}
}

var pump = Sender{Device: "d-7", Profile: "pump", Site: "plant-2/line-4", Labels: map[string]string{"team": "ops", "a/b": "c"}}

func when(t testing.TB, expressions ...string) *Set {
	t.Helper()
	var rules []Rule
	for i, e := range expressions {
		rules = append(rules, Rule{ID: id.Rule(fmt.Sprint("r-", i)), Name: "r", When: e, Then: Then{Lane: "critical"}})
	}
	s, err := Compile(rules)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestConditions(t *testing.T) {
	p := packet(num("temp", 81.5), num("cpu.load", 2), num("disk used", 0), txt("state", "Error 17"), yes("ok"), num("device", 3))
	for expression, want := range map[string]bool{
		"":          true,
		"temp > 80": true, "temp > 81.5": false, "80 < temp": true, "temp >= 81.5": true, "temp == 81.5": true, "temp != 81.5": false,
		"-temp < -81": true, "temp - 1.5 == 80": true, "temp / 2 > 40": true, "abs(0 - temp) > 80": true, "round(temp) == 82": true,
		"ok": true, "ok == true": true, "not ok": false, "ok and temp > 80": true, "ok && temp < 80": false, "temp < 80 or ok": true,
		"cpu.load == 2": true, `values["disk used"] == 0`: true, `values.temp > 80`: true, `values["cpu.load"] == 2`: true, `values.device == 3`: true,
		`state contains "17"`: true, `state startsWith "Err"`: true, `state endsWith "Err"`: false, `state matches "(?i)^error [0-9]+$"`: true,
		`state in ["ok", "Error 17"]`: true, `state not in ["ok"]`: true, `temp in [1, 2]`: false, `len(state) == 8`: true,
		`state == 3`: false, `state != 3`: true, `state > "A"`: true,
		// what is missing is neither true nor false
		"pressure > 4": false, "not (pressure > 4)": false, "pressure > 4 or temp > 80": true, "not (pressure > 4 and temp < 80)": true,
		"pressure == pressure": false, "has(pressure)": false, "not has(pressure)": true, "has(temp)": true, "(pressure ?? 5) > 4": true, "(temp ?? 5) > 80": true,
		// the device and the kind
		`device.profile == "pump"`: true, `device.profile != "pump"`: false, `device.id in ["d-1", "d-7"]`: true, `within(device.site, "plant-2")`: true,
		`within(device.site, "plant-2/line-4")`: true, `within(device.site, "plant")`: false, `device.site == "plant-2"`: false,
		`device.labels.team == "ops"`: true, `device.labels["a/b"] == "c"`: true, `device.labels.none != "x"`: false, `not has(device.labels.none)`: true,
		`packet.kind == "metrics"`: true, `packet.kind == "status" and temp > 80`: false, `device.profile == "pump" and within(device.site, "plant-2") and temp > 80`: true,
	} {
		var j Judge
		j.Begin(when(t, expression), pump, nil)
		if v := j.Decide(p); (v.By == 0) != want || len(v.Failed) > 0 {
			t.Errorf("%s: %+v, want %v", expression, v, want)
		}
	}
}

func TestFailures(t *testing.T) {
	p := packet(num("temp", 81.5), txt("state", "on"), yes("ok"), num("zero", 0))
	for expression, want := range map[string]string{
		"state > 80":                  "state is text, expected a number",
		"80 < state":                  "state is text, expected a number",
		"temp > state":                "state is text, expected a number",
		`temp > "on"`:                 "temp is a number, expected text",
		"state + 1 > 2":               "state is text, expected a number",
		"ok > 1":                      "ok is true or false, expected a number",
		"temp":                        "temp is a number, expected true or false",
		"temp / zero > 1":             "(temp / zero) divides by zero",
		"temp / 0 > 1":                "(temp / 0) divides by zero",
		`temp contains "8"`:           "temp is a number, expected text",
		"not state":                   "state is text, expected true or false",
		"ok or state > 1":             "",
		"state > 1 or ok":             "state is text, expected a number",
		"temp < 80 and state > 1":     "",
		"missing > state + 1":         "state is text, expected a number",
		`device.site == "x" and temp`: "",
	} {
		var j Judge
		j.Begin(when(t, expression), pump, nil)
		v := j.Decide(p)
		got := ""
		if len(v.Failed) > 0 {
			got = v.Failed[0].Why.String()
		}
		if got != want || got != "" && v.By >= 0 {
			t.Errorf("%s: %q by %d, want %q", expression, got, v.By, want)
		}
	}
}
