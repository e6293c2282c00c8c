package processors

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"longwave/ingest/telemetry"
)

func TestTurnsPreferStandardAndStarveNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all turns
		first, err := all.take(t.Context(), telemetry.Standard)
		if err != nil {
			t.Fatal(err)
		}
		var order []telemetry.Lane // guarded by the turn itself
		work := func(lane telemetry.Lane, blocks int) {
			for range blocks {
				done, err := all.take(t.Context(), lane)
				if err != nil {
					t.Error(err)
					return
				}
				order = append(order, lane)
				<-time.After(time.Millisecond) // the other lane asks for its turn meanwhile; no real time passes
				done()
			}
		}
		var workers sync.WaitGroup
		workers.Go(func() { work(telemetry.Bulk, 3) })
		workers.Go(func() { work(telemetry.Standard, 20) })
		synctest.Wait()
		if done, err := all.take(t.Context(), telemetry.Critical); err != nil {
			t.Error("the critical lane waits", err)
		} else {
			done()
		}
		first()
		workers.Wait()
		bulk := 0
		for i, lane := range order {
			if lane == telemetry.Bulk {
				bulk++
				if i+1 < standardTurns*bulk { // the turn before all of these counts
					t.Errorf("bulk block %d went at place %d", bulk, i)
				}
			}
		}
		if len(order) != 23 || bulk != 3 || order[22] != telemetry.Standard {
			t.Errorf("order %v", order)
		}
	})
}

func TestTurnsForgetWhoGivesUp(t *testing.T) {
	var all turns
	done, err := all.take(t.Context(), telemetry.Bulk)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := all.take(ctx, telemetry.Standard); err == nil {
		t.Error("took a turn that was not free")
	}
	done()
	if done, err = all.take(t.Context(), telemetry.Standard); err != nil {
		t.Fatal(err)
	}
	done()
}
