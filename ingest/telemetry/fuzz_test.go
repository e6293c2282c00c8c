package telemetry

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"testing"
	"unicode/utf8"
)

// FuzzDecode holds the hand-written decoder against encoding/json: what we accept is JSON and says the same there, and
// we do not call broken what is JSON.
func FuzzDecode(f *testing.F) {
	for _, body := range []string{`{"temp":21.5}`, `[{"values":{"a":-1.25e-3,"b":true},"id":"x"},{"c":"\ud83d\ude00\n"}]`,
		`{"ts":1795176000,"kind":"logs","values":{"message":"x","n":null}}`, "{\"a\":1}\n{\"b\":9007199254740993}", `[1,{"a":NaN}]`,
		`{"a":[[{"b":"\u12"}]]}`, "\xff", `{"a":0.1,"a":2}`, `{"\u0061":1E5,"b":123456789012345678}`} {
		f.Add([]byte(body), false)
		f.Add([]byte(body), true)
	}
	f.Fuzz(func(t *testing.T, body []byte, lines bool) {
		o := DecodeOptions{Now: noon, Device: "d-1"}
		if lines {
			o.Format = NDJSON
		}
		got, err := Decode(body, o)
		if err != nil {
			checkBroken(t, body, lines, err)
			return
		}
		for i, r := range got.Rejected {
			if r.Code == "" || r.Detail == "" || len(r.Raw) > MaxRaw || i > 0 && r.Index <= got.Rejected[i-1].Index {
				t.Fatalf("bad rejection %+v", r)
			}
		}
		if lines {
			checkLines(t, body, got)
		} else if json.Valid(body) {
			checkDocument(t, body, got)
		} else if len(got.Rejected) == 0 {
			t.Fatal("accepted what is no JSON")
		}
	})
}

func checkBroken(t *testing.T, body []byte, lines bool, err error) {
	var s *SyntaxError
	if !errors.As(err, &s) || s.Detail == "" || s.Offset > len(body) {
		t.Fatalf("not a proper syntax error: %#v", err)
	}
	if !lines && json.Valid(body) && s.Code != "too_many_packets" {
		t.Fatalf("called broken what is JSON: %v", err)
	}
}

func checkDocument(t *testing.T, body []byte, got Decoded) {
	elements := []json.RawMessage{body}
	if bytes.TrimLeft(body, " \t\r\n")[0] == '[' {
		if err := json.Unmarshal(body, &elements); err != nil {
			t.Fatal(err)
		}
	}
	if len(got.Packets)+len(got.Rejected) != len(elements) {
		t.Fatalf("%d packets and %d rejections of %d elements", len(got.Packets), len(got.Rejected), len(elements))
	}
	for i := range got.Packets {
		checkPacket(t, elements[got.Index[i]], &got.Packets[i])
	}
}

func checkLines(t *testing.T, body []byte, got Decoded) {
	var filled [][]byte
	for line := range bytes.SplitSeq(body, []byte("\n")) {
		if len(bytes.Trim(line, " \t\r")) > 0 {
			filled = append(filled, line)
		}
	}
	if len(got.Packets)+len(got.Rejected) != len(filled) {
		t.Fatalf("%d packets and %d rejections of %d lines", len(got.Packets), len(got.Rejected), len(filled))
	}
	for i := range got.Packets {
		checkPacket(t, filled[got.Index[i]], &got.Packets[i])
	}
}

func checkPacket(t *testing.T, raw []byte, p *Packet) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var members map[string]any
	if err := decoder.Decode(&members); err != nil {
		t.Fatalf("accepted %q: %v", raw, err)
	}
	if inner, ok := members["values"].(map[string]any); ok {
		members = inner
	}
	for name, content := range members {
		if content == nil {
			delete(members, name)
		}
	}
	if len(members) != len(p.Values) || len(members) == 0 {
		t.Fatalf("%d values, encoding/json has %d in %q", len(p.Values), len(members), raw)
	}
	for _, v := range p.Values {
		checkValue(t, v, members[v.Name])
	}
	if p.ID == "" || len(p.ID) > MaxPacketID || !utf8.ValidString(p.ID) {
		t.Fatalf("id %q", p.ID)
	}
}

func checkValue(t *testing.T, v Value, want any) {
	same := false
	switch want := want.(type) {
	case string:
		same = v.Type == Text && v.Text == want && utf8.ValidString(want)
	case bool:
		same = v.Type == Bool && (v.Num == 1) == want
	case json.Number:
		f, err := strconv.ParseFloat(want.String(), 64)
		same = err == nil && v.Type == Number && math.Float64bits(f) == math.Float64bits(v.Num)
	}
	if !same {
		t.Fatalf("%+v, encoding/json says %#v", v, want)
	}
}

func FuzzParseLaneSubject(f *testing.F) {
	for _, subject := range []string{"tel.critical.acme", "tel.bulk.*", "tel.standard.a.b", "tel.>", "rej.a.b", "tel.other.acme", ""} {
		f.Add(subject)
	}
	f.Fuzz(func(t *testing.T, subject string) {
		lane, tenant, err := ParseLaneSubject(subject)
		if err != nil {
			if !errors.Is(err, ErrSubject) {
				t.Fatal(err)
			}
			return
		}
		if LaneSubject(lane, tenant) != subject {
			t.Fatalf("%q was read as %v, %v", subject, lane, tenant)
		}
	})
}
