package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// A scenario that did not run, or not to its end, must never look like one that went well.
func TestRowsSayWhatTheyAre(t *testing.T) {
	for _, c := range []struct {
		row    row
		failed bool
		says   string
	}{
		{row{fleet: &fleet{}}, false, "| 0 | 0 | 0 | 0 | – |  | kept |"},
		{row{fleet: &fleet{}, verdict: verdict{lost: 3}}, true, "| 3 | 0 | 0 | 0 | – |  | **BROKEN**"},
		{row{fleet: &fleet{}, verdict: verdict{rollups: 1}}, true, "**BROKEN**"},
		{row{fleet: &fleet{}, broken: "too slow"}, true, "**BROKEN**: too slow"},
		{row{fleet: &fleet{}, err: errors.New("no start")}, true, "| – | – | – | – | – |  | **FAILED**: no start"},
		{row{err: fmt.Errorf("%w: needs root", errNotRun)}, false, "**NOT RUN**"},
	} {
		var out strings.Builder
		print(&out, []row{c.row})
		if c.row.failed() != c.failed || !strings.Contains(out.String(), c.says) {
			t.Errorf("failed %v, printed:\n%s\nwant %q", c.row.failed(), out.String(), c.says)
		}
	}
}
