package store

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"longwave/processors/engine/enginetest"
)

func TestAnchorsComeBackNewestFirstAndOnce(t *testing.T) {
	writer, _ := enginetest.Database(t)
	s, err := Open(t.Context(), Options{Connect: writer})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, a := range []Anchor{{1, "aa"}, {18446744073709551615, "'; DROP TABLE anchors; --"}, {7, "bb"}, {7, "bb"}} {
		if err := s.KeepAnchor(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
	got, err := s.Anchors(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := []Anchor{{18446744073709551615, "'; DROP TABLE anchors; --"}, {7, "bb"}, {1, "aa"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
