package vitals

import (
	"sync"
	"time"
)

// Board remembers the conditions that hold, and since when. The zero value has none.
type Board struct {
	mu    sync.Mutex
	holds []Condition
}

// Change is a condition that began, ended, or became more or less severe.
type Change struct {
	Condition
	Over bool
}

// Put replaces the conditions by those that hold now, and returns what changed.
func (b *Board) Put(holds []Condition, now time.Time) (changes []Change) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := make(map[string]Condition, len(b.holds))
	for _, c := range b.holds {
		before[c.Name] = c
	}
	b.holds = make([]Condition, len(holds))
	for i, c := range holds {
		was, known := before[c.Name]
		delete(before, c.Name)
		if c.Since = now; known {
			c.Since = was.Since
		}
		b.holds[i] = c
		if !known || was.Severity != c.Severity {
			changes = append(changes, Change{Condition: c})
		}
	}
	for _, c := range before {
		changes = append(changes, Change{Condition: c, Over: true})
	}
	return changes
}

// Conditions returns those that hold, in the order of Names.
func (b *Board) Conditions() []Condition {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.holds // never changed, only replaced
}
