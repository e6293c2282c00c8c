package processors

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/telemetry"
)

// mostGaps bounds how many numbers are asked for in one look. In one copy of the program only damage leaves a gap;
// where several share a lane, each sees the numbers that the others got as gaps, and most of them are not asked for.
const mostGaps = 256

// gaps are the numbers between those of the messages that came: NATS passes over a message whose checksum is wrong
// without a word. Safe for concurrent use.
type gaps struct {
	mu   sync.Mutex
	next uint64 // the number that should come next; 0 until begun
	open []uint64
}

// begin is called with the number up to which everything is settled: what was delivered above it may never come again.
func (g *gaps) begin(settled uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.next == 0 {
		g.next = settled + 1
	}
}

func (g *gaps) saw(number uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.pass(number)
	g.next = max(g.next, number+1)
}

// pass notes what lies between the last number and this one. The lock is held.
func (g *gaps) pass(number uint64) {
	for ; g.next < number && len(g.open) < mostGaps; g.next++ {
		g.open = append(g.open, g.next)
	}
}

// take returns the gaps up to a number that was delivered, to this copy of the program or another.
func (g *gaps) take(delivered uint64) []uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.next == 0 {
		return nil
	}
	g.pass(delivered + 1)
	g.next = max(g.next, delivered+1)
	taken := g.open
	g.open = nil
	return taken
}

// put brings back what could not be asked for.
func (g *gaps) put(numbers []uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = append(numbers, g.open...)
}

// unreadable counts the messages that the lane holds under these numbers and cannot give to anybody, each once.
func (l *line) unreadable(ctx context.Context, numbers []uint64) (count uint64, err error) {
	var suspects []uint64
	stream, err := l.runner.JS.Stream(ctx, telemetry.LaneStream(l.lane))
	if err != nil {
		return 0, fmt.Errorf("lane: %w", err)
	}
	for _, number := range numbers {
		_, err := stream.GetMsg(ctx, number)
		switch {
		case errors.Is(err, jetstream.ErrMsgNotFound):
			suspects = append(suspects, number)
		case err != nil:
			return 0, fmt.Errorf("message %d: %w", number, err)
		}
	}
	if len(suspects) == 0 {
		return 0, nil
	}
	info, err := stream.Info(ctx, jetstream.WithDeletedDetails(true)) // after the messages: one that went in between is gone, not damaged
	if err != nil {
		return 0, fmt.Errorf("lane: %w", err)
	}
	for _, number := range suspects {
		inside := number >= info.State.FirstSeq && number <= info.State.LastSeq
		if inside && !slices.Contains(info.State.Deleted, number) && !slices.Contains(l.damaged, number) {
			l.damaged = append(l.damaged, number)
			count++
		}
	}
	l.damaged = l.damaged[max(0, len(l.damaged)-mostGaps):]
	return count, nil
}
