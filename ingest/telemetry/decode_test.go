package telemetry

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// noon is the server's time in these tests: 2026-11-20T12:00:00Z.
const noon Micros = 1_795_176_000_000_000

func decodeText(body string, f Format) (Decoded, error) {
	return Decode([]byte(body), DecodeOptions{Now: noon, Device: "d-1", Format: f})
}

func num(name string, f float64) Value    { return Value{Name: name, Num: f} }
func text(name, content string) Value     { return Value{Name: name, Type: Text, Text: content} }
func truth(name string, is float64) Value { return Value{Name: name, Type: Bool, Num: is} }

func TestNoonIsNoon(t *testing.T) {
	if got := noon.Time().Format(time.RFC3339); got != "2026-11-20T12:00:00Z" {
		t.Fatal(got)
	}
}

func TestDecodeShapes(t *testing.T) {
	cases := map[string]struct {
		body   string
		format Format
		want   []Packet
		unit   string
	}{
		"bare values": {body: ` {"temp" : 21.5 , "ok":true,"off":false,"state":"idle","gone":null} `, want: []Packet{
			{Time: noon, Stamped: true, Values: []Value{num("temp", 21.5), truth("ok", 1), truth("off", 0), text("state", "idle")}}}},
		"a whole packet": {body: `{"values":{"a":-1e3},"kind":"status","ts":"2026-11-20T10:00:00.1234567+01:00","id":"x 1"}`, want: []Packet{
			{ID: "x 1", Kind: KindStatus, Time: noon - 3*3600e6 + 123456, Values: []Value{num("a", -1000)}}}},
		"null members": {body: `{"id":null,"ts":null,"kind":null,"values":{"id":1,"Values":2}}`, want: []Packet{
			{Time: noon, Stamped: true, Values: []Value{num("id", 1), num("Values", 2)}}}},
		"a log": {body: `{"kind":"logs","values":{"message":"a\n\"b\" \u00e9 \ud83d\ude00","level":"warn"}}`, want: []Packet{
			{Kind: KindLogs, Time: noon, Stamped: true, Values: []Value{text("message", "a\n\"b\" é 😀"), text("level", "warn")}}}},
		"an array": {body: `[{"a":1},{"values":{"a":2},"ts":1795176000},{"a":"3"}]`, unit: "s", want: []Packet{
			{Time: noon, Stamped: true, Values: []Value{num("a", 1)}},
			{Time: noon, Values: []Value{num("a", 2)}},
			{Time: noon, Stamped: true, Values: []Value{text("a", "3")}}}},
		"lines": {body: "{\"a\":1}\r\n\n  {\"b\":2}", format: NDJSON, want: []Packet{
			{Time: noon, Stamped: true, Values: []Value{num("a", 1)}},
			{Time: noon, Stamped: true, Values: []Value{num("b", 2)}}}},
		"milliseconds":        {body: `{"ts":1795176000123,"values":{"a":1}}`, unit: "ms", want: []Packet{{Time: noon + 123000, Values: []Value{num("a", 1)}}}},
		"microseconds":        {body: `{"ts":1795176000123456,"values":{"a":1}}`, unit: "us", want: []Packet{{Time: noon + 123456, Values: []Value{num("a", 1)}}}},
		"nanoseconds":         {body: `{"ts":1795176000123456789,"values":{"a":1}}`, unit: "ns", want: []Packet{{Time: noon + 123456, Values: []Value{num("a", 1)}}}},
		"seconds and a part":  {body: `{"ts":1795176000.123456,"values":{"a":1}}`, unit: "s", want: []Packet{{Time: noon + 123456, Values: []Value{num("a", 1)}}}},
		"exact large numbers": {body: `{"a":1152921504606846976,"b":123456789.123456789e-3,"c":-0,"d":5e-324}`, want: []Packet{{Time: noon, Stamped: true, Values: []Value{num("a", 1<<60), num("b", 123456.789123456789), num("c", 0), num("d", 5e-324)}}}},
		"nothing":             {body: `[]`, want: []Packet{}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := decodeText(c.body, c.format)
			if err != nil || len(got.Rejected) > 0 {
				t.Fatal(err, got.Rejected)
			}
			for i := range got.Packets {
				if got.Index[i] != i || got.Packets[i].ID == "" {
					t.Errorf("packet %d: index %d, id %q", i, got.Index[i], got.Packets[i].ID)
				}
				if i < len(c.want) && c.want[i].ID == "" {
					got.Packets[i].ID = ""
				}
			}
			if diff := cmp.Diff(c.want, got.Packets); diff != "" {
				t.Error(diff)
			}
			if got.TimeUnit != c.unit {
				t.Errorf("unit %q, want %q", got.TimeUnit, c.unit)
			}
		})
	}
}

func TestDecodeRejects(t *testing.T) {
	long := strings.Repeat("n", 129)
	cases := []struct{ packet, code, pointer, detail string }{
		{`{"temp":{"v":1}}`, "value_type", "/temp", "`temp` is an object, expected number, bool or text, at packet 1"},
		{`{"temp":[1]}`, "value_type", "/temp", "`temp` is an array"},
		{`{"values":{"a/b~c":[]}}`, "value_type", "/values/a~1b~0c", "`a/b~c`"},
		{`{"values":{"a":1},"temp":1}`, "unknown_member", "/temp", "`temp` stands beside `values`"},
		{`{"meta":{},"values":{"a":1}}`, "unknown_member", "/meta", "`meta`"},
		{`{"temp":1,"values":{"a":1}}`, "unknown_member", "/temp", "`temp`"},
		{`{"ts":1795176000,"temp":1}`, "missing_values", "", "no `values`"},
		{`{"TS":1795176000,"values":{}}`, "misspelt_member", "/TS", "`TS` must be written `ts`"},
		{`{"values":{"a":1},"values":{"a":1}}`, "duplicate_member", "/values", "given twice"},
		{`{"a":1,"b":2,"a":1}`, "duplicate_name", "/a", "`a` is given twice"},
		{`{"a":1,"\u0061":null}`, "duplicate_name", "/a", "`a` is given twice"},
		{`{"values":5}`, "values_type", "/values", "`values` is a number"},
		{`{}`, "no_values", "", "no value"},
		{`{"values":{"a":null}}`, "no_values", "/values", "no value"},
		{`{"":1}`, "name_invalid", "/", "0 bytes"},
		{`{"` + long + `":1}`, "name_invalid", "/" + long, "129 bytes"},
		{`{"a\u0007":1}`, "name_invalid", "/a\a", "control character"},
		{`{"a":NaN}`, "not_finite", "/a", "`a` is NaN"},
		{`{"a":-Infinity}`, "not_finite", "/a", "`a` is -Infinity"},
		{`{"a":1e400}`, "not_finite", "/a", "1e400"},
		{`{"a":9007199254740993}`, "inexact_number", "/a", "send it as text"},
		{"{\"a\":\"\xff\"}", "invalid_utf8", "/a", "`a` is not valid UTF-8"},
		{"{\"\xff\":1}", "invalid_utf8", "", "a name is not valid UTF-8"},
		{`{"a":"\ud800x"}`, "lone_surrogate", "/a", "surrogate"},
		{`{"a":"\ude00\ud83d"}`, "lone_surrogate", "/a", "surrogate"},
		{`{"a":"` + strings.Repeat("x", 4097) + `"}`, "text_too_long", "/a", "4097 bytes"},
		{manyTexts(64), "packet_too_large", "", "262144 bytes"},
		{manyTexts(257), "too_many_values", "", "256 values"},
		{`{"id":7,"values":{"a":1}}`, "id_type", "/id", "`id` is a number, expected text"},
		{`{"id":"ä","values":{"a":1}}`, "id_invalid", "/id", "printable ASCII"},
		{`{"id":"` + long + `","values":{"a":1}}`, "id_invalid", "/id", "…"},
		{`{"kind":"metric","values":{"a":1}}`, "unknown_kind", "/kind", "`metric`"},
		{`{"kind":1,"values":{"a":1}}`, "kind_type", "/kind", "a number"},
		{`{"kind":"logs","values":{"level":"warn"}}`, "missing_message", "/values", "`message`"},
		{`{"ts":true,"values":{"a":1}}`, "ts_type", "/ts", "a bool"},
		{`{"ts":"2026-11-20T10:00:00","values":{"a":1}}`, "ts_invalid", "/ts", "append Z"},
		{`{"ts":"2026-02-30T10:00:00Z","values":{"a":1}}`, "ts_invalid", "/ts", "exists"},
		{`{"ts":"1795176000","values":{"a":1}}`, "ts_invalid", "/ts", "RFC 3339"},
		{`{"ts":1e30,"values":{"a":1}}`, "ts_invalid", "/ts", "no time"},
		{`{"ts":12345,"values":{"a":1}}`, "ts_too_old", "/ts", "`ts` 12345, read as seconds, is 1970-01-01T03:25:45Z, which looks like a time since start-up: more"},
		{`{"ts":"2025-11-01T00:00:00Z","values":{"a":1}}`, "ts_too_old", "/ts", "more than 366 days"},
		{`{"ts":1795176301000,"values":{"a":1}}`, "ts_in_future", "/ts", "read as milliseconds"},
		{`7`, "not_an_object", "", "the packet is a number"},
		{`[{"a":1}]`, "not_an_object", "", "the packet is an array"},
		{`{"a":` + strings.Repeat("[", 20) + strings.Repeat("]", 20) + `}`, "too_deep", "", "22 deep, at most 8"},
	}
	for i, c := range cases {
		t.Run(fmt.Sprint(i, c.code), func(t *testing.T) {
			got, err := decodeText(`[{"good":1},`+c.packet+`,{"good":2}]`, JSON)
			checkRejection(t, got, err, Rejection{Index: 1, Pointer: "/1" + c.pointer, Code: c.code, Detail: c.detail, Raw: c.packet})
			if c.code == "too_deep" {
				return // one level less on a line
			}
			got, err = decodeText(`{"good":1}`+"\n"+c.packet+"\n"+`{"good":2}`, NDJSON)
			checkRejection(t, got, err, Rejection{Index: 1, Pointer: c.pointer, Code: c.code, Detail: c.detail, Raw: c.packet})
		})
	}
}

// manyTexts is a packet of n values; up to 64 of them are as long as a text may be.
func manyTexts(n int) string {
	long := ""
	if n <= 64 {
		long = strings.Repeat("x", MaxText)
	}
	members := make([]string, n)
	for i := range members {
		members[i] = fmt.Sprintf(`"v%d":"%s"`, i, long)
	}
	return "{" + strings.Join(members, ",") + "}"
}

func checkRejection(t *testing.T, got Decoded, err error, want Rejection) {
	t.Helper()
	if err != nil || len(got.Packets) != 2 || len(got.Rejected) != 1 {
		t.Fatalf("got %+v, %v; want one rejection between two packets", got, err)
	}
	if len(want.Raw) > MaxRaw {
		want.Raw, want.Cut = want.Raw[:MaxRaw], true
	}
	r := got.Rejected[0]
	if !strings.Contains(r.Detail, want.Detail) || !strings.HasSuffix(r.Detail, fmt.Sprintf(", at packet %d", r.Index)) {
		t.Errorf("detail %q, want %q in it", r.Detail, want.Detail)
	}
	want.Detail = r.Detail
	if diff := cmp.Diff(want, r); diff != "" {
		t.Error(diff)
	}
	if got.Packets[0].Values[0] != num("good", 1) || got.Packets[1].Values[0] != num("good", 2) {
		t.Errorf("the good ones suffered: %+v", got.Packets)
	}
}

func TestDecodeRefusesWhatCannotBeToldApart(t *testing.T) {
	cases := []struct {
		body, detail string
		offset       int
	}{
		{"", "empty", 0},
		{" ", "empty", 1},
		{"\ufeff{}", "byte order mark", 0},
		{`{"a":1}{"a":2}`, "x-ndjson", 7},
		{`[{"a":1} {"a":2}]`, "expected ',' or ']', found '{'", 9},
		{`[{"a":1},]`, "found ']'", 9},
		{`{"a":1,}`, "found '}'", 7},
		{`{"a":01}`, "found '1'", 6},
		{`{"a":1.}`, "decimal point", 7},
		{`{"a":.5}`, "expected a value", 5},
		{`{"a":+5}`, "expected a value", 5},
		{`{"a":tru}`, "expected a value", 5},
		{`{"a" 1}`, "expected ':'", 5},
		{`{a:1}`, "in quotes", 1},
		{`{'a':1}`, "in quotes", 1},
		{`{"a":"x`, "inside a string", 7},
		{"{\"a\":\"\t\"}", "control character", 6},
		{`{"a":"\x"}`, "escape", 6},
		{`{"a":"\u12g4"}`, "escape", 6},
		{`[{"a":NaN},{"b":}]`, "expected a value", 16},
		{"{\"a\":1}\x00", "more follows", 7},
		{`[` + strings.Repeat(`{"a":1},`, 1000) + `{"a":1}]`, "more than 1000 packets", 8001},
	}
	for i, c := range cases {
		_, err := decodeText(c.body, JSON)
		var s *SyntaxError
		if !errors.Is(err, ErrSyntax) || !errors.As(err, &s) {
			t.Errorf("%d: %.20q: got %v", i, c.body, err)
		} else if !strings.Contains(s.Detail, c.detail) || s.Offset != c.offset {
			t.Errorf("%d: %.20q: got %q at %d, want %q at %d", i, c.body, s.Detail, s.Offset, c.detail, c.offset)
		}
	}
}

func TestBrokenLineIsOnlyALine(t *testing.T) {
	got, err := decodeText("{\"a\":1}\n{\"a\":\n{\"a\":2} x\n{\"a\":3}\n", NDJSON)
	if err != nil || len(got.Packets) != 2 || len(got.Rejected) != 2 {
		t.Fatal(got, err)
	}
	for i, at := range []string{"at byte 5 of the line", "at byte 8 of the line"} {
		if r := got.Rejected[i]; r.Code != "syntax" || r.Index != i+1 || !strings.Contains(r.Detail, at) {
			t.Errorf("got %+v", r)
		}
	}
}

func TestFormatOf(t *testing.T) {
	for content, want := range map[string]Format{"": JSON, "application/json": JSON, "Application/JSON; charset=UTF-8": JSON,
		"application/x-ndjson": NDJSON, "application/x-www-form-urlencoded": JSON} {
		if got, err := FormatOf(content); got != want || err != nil {
			t.Errorf("%q: %v, %v", content, got, err)
		}
	}
	for _, content := range []string{"text/html", "application/json; charset=latin1", "json", "/"} {
		if _, err := FormatOf(content); !errors.Is(err, ErrMediaType) {
			t.Errorf("%q: %v", content, err)
		}
	}
}

func TestALeapSecondIsTheLastOfADay(t *testing.T) {
	for text, good := range map[string]bool{
		"2026-06-30T23:59:60Z": true, "2026-07-01T01:59:60+02:00": true, "2026-06-30T10:00:60Z": false,
		"2026-06-30T23:59:60+02:00": false, "2026-06-30T23:59:61Z": false,
	} {
		if _, reason := parseTime(text); (reason == "") != good {
			t.Errorf("%s: %q", text, reason)
		}
	}
}

func TestNamesThatLookLikeOthersAreRefused(t *testing.T) {
	for name, good := range map[string]bool{
		"temp": true, "Temperatur °C": true, "می\u200cخواهم": true,
		"te\u200bmp": false, "\ufefftemp": false, "\u202etemp": false, "te\u00admp": false,
	} {
		if reason := badName(name); (reason == "") != good {
			t.Errorf("%+q: %q", name, reason)
		}
	}
}
