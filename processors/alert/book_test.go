package alert

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"longwave/tenants/alertrule"
	"longwave/tenants/id"
)

// TestCountIsWhatIsFound has alerts begin, worsen, ease and end in any order, and be taken care of between.
func TestCountIsWhatIsFound(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	l := newLedger(10)
	for step := range 2000 {
		n := random.IntN(30)
		e := &Entry{Kind: Changed, Alert: id.Alert(fmt.Sprintf("a-%d-%d", n, step/300)), Shadow: n%5 == 0,
			Change: &alertrule.Change{Number: uint64(step + 1), To: alertrule.Firing, Severity: alertrule.Info + alertrule.Severity(random.IntN(3))}}
		switch random.IntN(4) {
		case 0:
			e.Change.To, e.Change.Severity = alertrule.OK, alertrule.None
		case 1:
			e.Kind = Acknowledged
		}
		l.apply(e)
		var want Count
		for _, a := range l.find(Filter{State: Active}, Filter{State: Taken}) {
			want.Open, want.Worst = want.Open+1, max(want.Worst, a.Severity)
		}
		if got := l.count(); got != want {
			t.Fatalf("step %d: %+v, want %+v", step, got, want)
		}
	}
}
