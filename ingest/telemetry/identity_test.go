package telemetry

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"longwave/tenants/id"
)

func TestContentHashTellsContentsApart(t *testing.T) {
	base := Packet{ID: "a", Time: noon, Values: []Value{num("a", 1), text("b", "x"), truth("c", 1)}}
	change := func(f func(p *Packet)) Packet {
		p := base
		p.Values = append([]Value(nil), base.Values...)
		f(&p)
		return p
	}
	same := map[string]Packet{
		"other id":    change(func(p *Packet) { p.ID = "b" }),
		"other order": change(func(p *Packet) { p.Values[0], p.Values[2] = p.Values[2], p.Values[0] }),
	}
	for name, p := range same {
		if p.ContentHash() != base.ContentHash() {
			t.Errorf("%s: the hash differs", name)
		}
	}
	other := map[string]Packet{
		"time":           change(func(p *Packet) { p.Time++ }),
		"kind":           change(func(p *Packet) { p.Kind = KindStatus }),
		"number":         change(func(p *Packet) { p.Values[0].Num = 2 }),
		"type":           change(func(p *Packet) { p.Values[0].Type = Bool }),
		"text":           change(func(p *Packet) { p.Values[1].Text = "y" }),
		"name":           change(func(p *Packet) { p.Values[0].Name = "aa" }),
		"swapped":        change(func(p *Packet) { p.Values[0].Name, p.Values[2].Name = "c", "a" }),
		"one less":       change(func(p *Packet) { p.Values = p.Values[:2] }),
		"no time of its": change(func(p *Packet) { p.Stamped = true }),
	}
	seen := map[uint64]string{base.ContentHash(): "base"}
	for name, p := range other {
		if before, ok := seen[p.ContentHash()]; ok {
			t.Errorf("%s hashes like %s", name, before)
		}
		seen[p.ContentHash()] = name
	}
	early, late := same["other id"], same["other id"]
	early.Stamped, late.Stamped, late.Time = true, true, noon+1
	if early.ContentHash() != late.ContentHash() {
		t.Error("the server's time counts as content")
	}
}

func TestMadeIDs(t *testing.T) {
	decode := func(body string, device id.Device, key string, now Micros) []string {
		t.Helper()
		d, err := Decode([]byte(body), DecodeOptions{Now: now, Device: device, IdempotencyKey: key})
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for i := range d.Packets {
			ids = append(ids, d.Packets[i].ID)
		}
		return ids
	}
	const timed, bare = `{"ts":1795176000,"values":{"a":1}}`, `[{"a":1},{"a":1}]`
	stable := decode(timed, "d-1", "", noon)
	if diff := cmp.Diff([]string{"5nwz3sjnc86z3axcx50y"}, stable); diff != "" {
		t.Error("ids made from content must not change between versions of the program:", diff)
	}
	if cmp.Equal(stable, decode(timed, "d-2", "", noon)) {
		t.Error("two devices share an id made from content")
	}
	if cmp.Equal(decode(bare, "d-1", "", noon), decode(bare, "d-1", "", noon)) {
		t.Error("bare values without a key got the same id twice")
	}
	keyed := decode(bare, "d-1", "k", noon)
	if !cmp.Equal(keyed, decode(bare, "d-1", "k", noon+1)) || keyed[0] == keyed[1] {
		t.Errorf("ids by key: %v", keyed)
	}
	if mixed := decode(`[{"id":"own","values":{"a":1}},{"a":1}]`, "d-1", "k", noon); mixed[0] != "own" || mixed[1] != keyed[1] {
		t.Errorf("own and made ids: %v", mixed)
	}
	_, err := Decode([]byte(bare), DecodeOptions{IdempotencyKey: strings.Repeat("k", 256)})
	if !errors.Is(err, ErrSyntax) {
		t.Errorf("a key too long: %v", err)
	}
}

func TestRejectedRoundTrip(t *testing.T) {
	want := RejectedPacket{Device: "d-1", Received: noon,
		Rejection: Rejection{Index: 3, Pointer: "/3/a", Code: "value_type", Detail: "no", Raw: "{\"a\":\xff\x00"}}
	got, err := DecodeRejected(EncodeRejected(&want))
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Error(diff, err)
	}
	for _, bad := range []string{"", "{}", `{"device":"*"}`, `[]`} {
		if _, err := DecodeRejected([]byte(bad)); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
