package alert

import "longwave/ingest/telemetry"

// wheel holds what waits for a second, in a slot for each second that somebody waits for. A pair stands in one slot only,
// at or before the second that it waits for: when its time moves on, as with every packet, nothing is moved here, and when
// the slot comes up the pair is put where it belongs by then. So a packet costs nothing, and a second only what is due.
type wheel struct {
	slots map[int64][]*pair
	next  int64 // the first second that has not come up
}

const microsPerSecond = 1_000_000

// put lets a pair wait for an instant.
func (w *wheel) put(p *pair, at telemetry.Micros) {
	slot := max(int64(at)/microsPerSecond, w.next)
	if p.slot != 0 && p.slot <= slot {
		return
	}
	if w.slots == nil {
		w.slots = make(map[int64][]*pair)
	}
	p.slot = slot // one that stands in a later slot as well is passed over there
	w.slots[slot] = append(w.slots[slot], p)
}

// turn hands out the pairs of every second up to now. Each comes up once for each time that it was put.
func (w *wheel) turn(now telemetry.Micros, yield func(*pair)) {
	last := int64(now) / microsPerSecond
	if w.next == 0 || last-w.next > int64(len(w.slots))+longJump {
		w.jump(last, yield)
		return
	}
	for w.next <= last {
		slot := w.next
		w.next++ // before: what waits again waits for a later one
		w.open(slot, yield)
	}
}

// longJump is how many seconds are looked at one by one.
const longJump = 3600

// jump is turn over a long time: it looks at the slots that there are.
func (w *wheel) jump(last int64, yield func(*pair)) {
	var due []int64
	for slot := range w.slots {
		if slot <= last {
			due = append(due, slot)
		}
	}
	w.next = max(w.next, last+1)
	for _, slot := range due {
		w.open(slot, yield)
	}
}

func (w *wheel) open(slot int64, yield func(*pair)) {
	waiting := w.slots[slot]
	delete(w.slots, slot)
	for _, p := range waiting {
		if p.slot == slot {
			p.slot = 0
			yield(p)
		}
	}
}
