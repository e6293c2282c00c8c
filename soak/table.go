package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// scenario is one kind of fault and the promise that it puts to the test.
type scenario struct {
	name    string
	promise string
	run     func(context.Context, *settings) (row, error)
}

// scenarios is everything that soak does, in order.
func scenarios() []scenario {
	return []scenario{
		{"simulation", "accept, insert and roll up as state machines, a crash between any two effects", simulateAll},
		{"kill", "kill -9 of everything under load", killEverything},
		{"engine", "kill -9 of the engine under load", killEngine},
		{"many", "kill -9 of everything while a thousand tenants send", killMany},
		{"pause", "everything is suspended for a while, like a laptop that sleeps", pauseEverything},
		{"twice", "every device sends everything twice, late and out of order", sendTwice},
		{"resend", "a tenth of everything is sent again at once, and again a day later; so is everything that alert rules see", sendAgain},
		{"clock", "the wall clock jumps under load, half of the time while packets wait", moveClock},
		{"upgrade", "stopped with a full queue, then started again", upgradeWithBacklog},
		{"lost-reply", "inserts commit and their answers are lost between ClickHouse and the program", loseReplies},
		{"outage", "the engine is down for long, then what waited is stored", longOutage},
		{"noisy", "one tenant sends ten times its share beside quiet ones", oneIsNoisy},
		{"rules", "one tenant has as many alert rules as it may, all about everything that it sends, beside quiet ones", oneHasRules},
		{"screens", "a thousand screens look at one dashboard", manyLookAtOne},
		{"hang", "a destination hangs while everything is forwarded to it and to another one", destinationHangs},
		{"lane", "a lane is full while the engine is down", fullLane},
		{"disk", "the disk is full, then has room again", fullDisk},
		{"power", "the power is cut under load", cutPower},
		{"cluster", "three NATS nodes, one is killed at a time", killNode},
		{"partition", "three NATS nodes, one is cut off the others at a time while clients reach all of them", cutNetwork},
		{"node-power", "three NATS nodes, the power of one is cut at a time", cutNode},
		{"copies", "two copies of the program share three NATS nodes and a ClickHouse, one copy is killed at a time", killCopy},
		{"take-over", "two copies of the program, the one that evaluates alert rules is killed", takeOver},
		{"erase-tenant", "a tenant is deleted beside another one, and everything is killed in the middle", eraseTenant},
		{"corrupt", "bits flipped and files cut short while the program is stopped", corruptFiles},
	}
}

// row is what one scenario found.
type row struct {
	name, promise string
	times         int
	verdict       verdict
	fleet         *fleet
	figures       string // what else was measured, in words
	broken        string // a promise besides the ledger that was not kept, in words
	unshown       bool   // what is broken on purpose cannot be shown: the figures say how much
	took          time.Duration
	err           error
}

func (r *row) failed() bool {
	return r.verdict.wrong() > 0 || r.broken != "" || r.err != nil && !errors.Is(r.err, errNotRun)
}

func (r *row) result() string {
	switch {
	case errors.Is(r.err, errNotRun):
		return "**NOT RUN**: " + r.err.Error()
	case r.err != nil:
		return "**FAILED**: " + r.err.Error()
	case r.verdict.wrong() > 0:
		return fmt.Sprintf("**BROKEN**: %+v", r.verdict)
	case r.broken != "":
		return "**BROKEN**: " + r.broken
	}
	return "kept"
}

// print writes the table.
func print(w io.Writer, rows []row) {
	fmt.Fprintln(w, "| fault | times | acknowledged | sent again though acknowledged | refused / unanswered requests | lost | doubled | never sent or altered | chart points ≠ readings | windows verified / wrong | figures | result |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|---|---|---|")
	for _, r := range rows {
		acked, resent, refusals := "–", "–", "–"
		if r.fleet != nil {
			acked, resent = fmt.Sprint(r.fleet.acked.Load()), fmt.Sprint(r.fleet.resent.Load())
			refusals = fmt.Sprintf("%d / %d", r.fleet.refusedRequests.Load(), r.fleet.unansweredRequests.Load())
		}
		fmt.Fprintf(w, "| %s (`%s`) | %d | %s | %s | %s | %s | %s | %s |\n", r.promise, r.name, r.times, acked, resent, refusals, r.counts(), r.figures, r.result())
	}
}

// counts are the cells of the verdict. One that was not reached has none: a zero would be a claim.
func (r *row) counts() string {
	if r.err != nil || r.fleet == nil {
		return "– | – | – | – | –"
	}
	v, lost, windows := r.verdict, "–", "–"
	if !r.unshown {
		lost = fmt.Sprint(v.lost)
	}
	if v.windows > 0 || v.unverified > 0 {
		windows = fmt.Sprintf("%d / %d", v.windows, v.unverified)
	}
	return fmt.Sprintf("%s | %d | %d | %d | %s", lost, v.doubled, v.strange+v.altered, v.rollups+v.newest, windows)
}
