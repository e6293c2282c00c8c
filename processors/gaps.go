package processors

import (
	"context"
	"slices"
	"sync"

	"longwave/processors/mark"
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
	damaged, err := mark.Damaged(ctx, l.runner.JS, l.lane, numbers)
	for _, number := range damaged {
		if !slices.Contains(l.damaged, number) {
			l.damaged = append(l.damaged, number)
			count++
		}
	}
	l.damaged = l.damaged[max(0, len(l.damaged)-mostGaps):]
	return count, err
}
