package rule

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"longwave/ingest/telemetry"
)

// What is too long, too deep, too large or no part of the language is refused when it is written, with the remedy.
func TestHostileExpressionsAreRefused(t *testing.T) {
	deep := func(open, inside, shut string, n int) string {
		return strings.Repeat(open, n) + inside + strings.Repeat(shut, n)
	}
	for expression, want := range map[string]string{
		"temp >":                                           "unexpected token",
		"temp > 80 )":                                      "unexpected token",
		`"a`:                                               "literal not terminated",
		strings.Repeat("a or ", 600) + "a":                 "at most 2000",
		strings.Repeat("a or ", 300) + "a":                 "more than",
		strings.Repeat("a and ", 300) + "a":                "more than 200 parts",
		deep("not (", "ok", ")", 100):                      "nested more than 32 deep",
		deep("(", "ok", ")", 900) + " > 1 + true":          "expected a number",
		deep("abs(", "ok", ")", 100):                       "nested more than",
		deep("-", "1", "", 1500):                           "nested more than",
		"temp > 1e999":                                     "",
		"temp > 99999999999999999999":                      "",
		`state matches "(a"`:                               "missing",
		`state matches "` + strings.Repeat("a", 300) + `"`: "at most 200 bytes",
		`state matches "(a{100}){100}"`:                    "", // by the parser or by us
		`state matches "(a{30}){10}"`:                      "too large",
		`state matches pattern`:                            "as text",
		"temp in 1..1000000000":                            "list of 1 to 64",
		"temp in [" + strings.Repeat("1,", 70) + "1]":      "list of 1 to 64",
		"temp in [other]":                                  "nothing that depends",
		"all(1..1000000000, true)":                         "rules do not know the function",
		"map(values, # > 1)":                               "",
		"let x = 1; x > 0":                                 "nothing else",
		"temp > 1 ? true : false":                          "nothing else",
		"repeat(\"a\", 1000000000) == state":               "",
		"temp ** 2 > 4":                                    "rules do not know",
		"temp % 2 == 0":                                    "rules do not know",
		"now() > 1":                                        "rules do not know the function",
		"temp.toString() == 1":                             "",
		"device.tenant == \"t-1\"":                         "there is no device.tenant",
		"device == 1":                                      "there is no device",
		"values == 1":                                      "there is no values",
		"device.labels == 1":                               "there is no device.labels",
		"device?.site == \"a\"":                            "",
		"device.site > 5":                                  "cannot be compared",
		"temp > true":                                      "no order",
		"80":                                               "expected true or false",
		"device.site":                                      "expected true or false",
		"temp + \"a\" > 1":                                 "expected a number",
		"has(1)":                                           "one value",
		"within(device.site, state)":                       "wants a site and a text",
		"within(device.site)":                              "takes 2 arguments",
		"\x00":                                             "",
	} {
		_, err := Check(Rule{Name: "r", When: expression})
		var at *InvalidError
		if !errors.As(err, &at) || !strings.Contains(at.Detail, want) || at.Field != "when" || len(at.Detail) > 400 {
			t.Errorf("%.60s: %v, want %q", expression, err, want)
		}
	}
}

// The dearest expressions that are let through stay within the bound of work, for a packet as large as ingest takes.
func TestWorkIsBounded(t *testing.T) {
	var values []telemetry.Value
	for i := range telemetry.MaxPacketText / telemetry.MaxText {
		values = append(values, txt(fmt.Sprint("line", i), strings.Repeat("a", telemetry.MaxText)))
	}
	var dear []string
	for i := range MaxRules {
		dear = append(dear, fmt.Sprintf(`line%d matches "(a|a|a)*(x+x+)+y"`, i%len(values)))
	}
	var j Judge
	j.Begin(when(t, dear...), pump, nil)
	start := time.Now()
	v := j.Decide(packet(values...))
	if took := time.Since(start); took > 5*time.Second { // it is about a millisecond: far from what could hurt a neighbour
		t.Errorf("one packet took %s", took)
	}
	if len(v.Failed) != maxFailures || v.Failed[0].Why.code != tooMuchWork {
		t.Errorf("%+v", v.Failed)
	}
}

// FuzzCondition reads expressions as anybody might write them: they are refused with a sentence or evaluated on anything,
// without a panic, and twice alike.
func FuzzCondition(f *testing.F) {
	for _, seed := range []string{"temp > 80 and not (a.b == \"x\" or values[\"c d\"] in [1, true])", "temp ?? 0 / 0 > 1", "-(-temp) <= +1e308 * 10",
		`within(device.site, "a") && packet.kind == "logs"`, `state matches "a+" or len(state) > 2`, "has(x) == has(device.labels.y)", "((((", "1..2", "a?.b", "[1][0]", "#", "let a = 1; a"} {
		f.Add(seed, 80.5, "on")
	}
	f.Fuzz(func(t *testing.T, expression string, n float64, content string) {
		set, err := Compile([]Rule{{ID: "r-1", When: expression, Then: Then{OneIn: 2}}})
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		if math.IsNaN(n) || math.IsInf(n, 0) {
			return // ingest takes none
		}
		p := packet(num("temp", n), txt("state", content), yes("ok"), num("a.b", 0))
		var one, two Judge
		one.Begin(set, pump, nil)
		two.Begin(set, pump, nil)
		first := one.Decide(p)
		_ = two.Decide(packet(num("other", 1)))
		second, outcomes := two.Explain(p)
		if first.By != second.By || first.Fate != second.Fate || len(first.Failed) != len(second.Failed) || outcomes[0].Matched != (len(first.Matched) == 1) {
			t.Fatalf("%+v and %+v with %+v", first, second, outcomes)
		}
	})
}
