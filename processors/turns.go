package processors

import (
	"context"
	"sync"
	"time"

	"longwave/ingest/telemetry"
)

// turns decides which lane stores next when all want to. The critical lane never waits; of the others one stores at a
// time, so that most of the engine is left for what is critical, and the standard lane goes first, but not always: after
// some turns of the standard lane the bulk lane has one.
type turns struct {
	mu      sync.Mutex
	busy    bool
	waiting [telemetry.Bulk + 1]chan struct{} // closed to let the lane go
	passed  int                               // turns of the standard lane since the bulk lane had one
}

const (
	// standardTurns is how many blocks of the standard lane may go before one of the bulk lane that waits.
	standardTurns = 4
	// comeBack is how long the turn is kept for the standard lane after one of its own: it settles a block and asks
	// again within a few milliseconds if there is more.
	comeBack = 20 * time.Millisecond
)

// take waits for the lane's turn, which ends with done. A lane asks for one turn at a time. The error is ctx's.
func (t *turns) take(ctx context.Context, lane telemetry.Lane) (done func(), err error) {
	if lane == telemetry.Critical {
		return func() {}, nil
	}
	done = func() { t.done(lane) }
	t.mu.Lock()
	if !t.busy && (lane == telemetry.Standard || t.passed == 0) {
		t.begin(lane)
		t.mu.Unlock()
		return done, nil
	}
	mine := make(chan struct{})
	t.waiting[lane] = mine
	t.mu.Unlock()
	select {
	case <-mine:
		return done, nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.waiting[lane] != mine { // the turn came at the same moment
		t.busy = false
		t.next()
	}
	t.waiting[lane] = nil
	return nil, ctx.Err()
}

func (t *turns) begin(lane telemetry.Lane) {
	t.busy = true
	if lane == telemetry.Standard {
		t.passed++
	} else {
		t.passed = 0
	}
}

// done ends a turn. The bulk lane does not simply have the next one: the standard lane, which has only just finished,
// would never be found waiting.
func (t *turns) done(lane telemetry.Lane) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.busy = false
	if lane == telemetry.Standard && t.waiting[lane] == nil && t.passed < standardTurns {
		time.AfterFunc(comeBack, func() {
			t.mu.Lock()
			defer t.mu.Unlock()
			t.next()
		})
		return
	}
	t.next()
}

// next gives the turn, if nobody has it, to whoever waits. The lock is held.
func (t *turns) next() {
	if t.busy {
		return
	}
	lane := telemetry.Standard
	if t.waiting[lane] == nil || t.waiting[telemetry.Bulk] != nil && t.passed >= standardTurns {
		lane = telemetry.Bulk
	}
	if t.waiting[lane] == nil {
		t.passed = 0
		return
	}
	t.begin(lane)
	close(t.waiting[lane])
	t.waiting[lane] = nil
}
