package processors

import (
	"math"
	"sync"
)

// density is how many packets a message of a lane holds lately. Safe for concurrent use.
type density struct {
	mu                sync.Mutex
	messages, packets float64
}

// densityMemory is how many messages are remembered, about: many enough to be steady, few enough to follow a change of what
// devices send.
const densityMemory = 10_000

func (d *density) saw(messages, packets int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.messages, d.packets = d.messages+float64(messages), d.packets+float64(packets)
	if d.messages > densityMemory {
		d.messages, d.packets = d.messages/2, d.packets/2
	}
}

// estimate is about how many packets so many messages hold; not known before the first message was read.
func (d *density) estimate(messages uint64) (packets uint64, known bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if messages == 0 {
		return 0, true
	}
	if d.messages == 0 {
		return 0, false
	}
	return uint64(math.Round(float64(messages) * d.packets / d.messages)), true
}
