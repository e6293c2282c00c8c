package web

import (
	"sync"
	"time"
)

// Bounds of the secrets that wait for a redirect: a thousand at once is far more than people make in handoverFor, and
// the oldest goes first.
const (
	handoverFor = 5 * time.Minute
	maxHandover = 1000
)

// handover carries a secret that is shown once from the form that made it to the page after the redirect. It is given
// to the same session only, once.
type handover struct {
	now func() time.Time

	mu    sync.Mutex
	slots map[slot]secret
}

// slot is whose secret it is: the session's token, and what the secret opens.
type slot struct{ session, of string }

type secret struct {
	text string
	made time.Time
}

func newHandover(now func() time.Time) *handover {
	return &handover{now: now, slots: map[slot]secret{}}
}

func (h *handover) put(s slot, text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.expire()
	h.slots[s] = secret{text: text, made: h.now()}
}

// take returns the secret and forgets it; empty when there is none.
func (h *handover) take(s slot) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.expire()
	found := h.slots[s]
	delete(h.slots, s)
	return found.text
}

// expire drops what nobody came for, and the oldest when there are too many.
func (h *handover) expire() {
	var oldest slot
	var when time.Time
	for s, v := range h.slots {
		if h.now().Sub(v.made) > handoverFor {
			delete(h.slots, s)
			continue
		}
		if when.IsZero() || v.made.Before(when) {
			oldest, when = s, v.made
		}
	}
	if len(h.slots) >= maxHandover {
		delete(h.slots, oldest)
	}
}
