package telemetry

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// FuzzReuse checks that what was decoded before never shows in what is decoded next with the same memory.
func FuzzReuse(f *testing.F) {
	many := make([]string, 40)
	for i := range many {
		many[i] = fmt.Sprintf(`{"v%d":%d}`, i%20, i)
	}
	bodies := []string{`{"temp":21.5}`, "[" + strings.Join(many, ",") + "]", `[{"a":1,"b":{}},{"ts":"x","values":{"a":1}}]`, `{"a":`,
		`[{"id":"x","ts":1795176000,"values":{"a":"\u0061","b":true}},{"a":1}]`, "", `[]`}
	for _, before := range bodies {
		for _, body := range bodies {
			f.Add([]byte(before), []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, before, body []byte) {
		o := DecodeOptions{Now: noon, Device: "d-1", IdempotencyKey: "k"} // ids that follow from the request
		want, wantErr := Decode(body, o)
		var got Decoded
		_ = got.Decode(before, o) // whatever becomes of it
		gotErr := got.Decode(body, o)
		if fmt.Sprint(wantErr) != fmt.Sprint(gotErr) {
			t.Fatalf("fresh: %v, reused: %v", wantErr, gotErr)
		}
		if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(Decoded{}), cmpopts.EquateEmpty()); diff != "" {
			t.Error(diff)
		}
	})
}

// TestDecodeAllocates pins what the path of a packet is built upon: one piece of memory for a request, whatever is in it.
func TestDecodeAllocates(t *testing.T) {
	for _, n := range []int{1, 100} {
		body := benchBody(n)
		var d Decoded
		got := testing.AllocsPerRun(100, func() {
			if err := d.Decode(body, DecodeOptions{Now: noon, Device: "d-1"}); err != nil {
				t.Fatal(err)
			}
		})
		if got > 1 {
			t.Errorf("%v allocations for a request of %d packets", got, n)
		}
	}
	plain := testing.AllocsPerRun(100, func() {
		if f, err := FormatOf("application/json"); err != nil || f != JSON {
			t.Fatal(f, err)
		}
	})
	if plain != 0 {
		t.Errorf("%v allocations for a plain media type", plain)
	}
}
