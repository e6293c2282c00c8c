package main

import (
	"errors"
	"testing"

	"longwave/processors/store"
	"longwave/tenants"
)

func TestAnchorsContradictALogThatIsShorterOrDifferent(t *testing.T) {
	head := tenants.Anchor{Position: 7, Hash: "aa"}
	for name, c := range map[string]struct {
		anchors []store.Anchor
		want    error
	}{
		"none":          {nil, nil},
		"the same":      {[]store.Anchor{{Position: 7, Hash: "aa"}, {Position: 3, Hash: "bb"}}, nil},
		"log was cut":   {[]store.Anchor{{Position: 9, Hash: "cc"}, {Position: 7, Hash: "aa"}}, errLogCut},
		"log rewritten": {[]store.Anchor{{Position: 7, Hash: "zz"}}, errLogAltered},
	} {
		if got := contradicts(c.anchors, head); !errors.Is(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}
