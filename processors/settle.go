package processors

import (
	"context"
	"sync"
	"time"
)

// postponement is after how long a message with packets of an unknown device is looked at again.
const postponement = 2 * time.Second

// settle takes the messages off the lane.
func (l *line) settle(h *hand) {
	var failed error
	for index, message := range h.messages {
		var err error
		if _, later := h.postponed[index]; later {
			err = message.NakWithDelay(postponement)
		} else {
			// Last of all: before this line a crash means that the packets are delivered and stored once more, which
			// changes nothing; were it any earlier, a crash would lose packets that a device was told are safe.
			err = message.Ack()
		}
		if err != nil {
			failed = err
		}
	}
	if failed != nil {
		l.log.Warn("acknowledging failed; the packets will be stored again, to the same effect", "error", failed)
	}
}

// release puts everything back, so that whoever works on the lane next need not wait for ackWait.
func (l *line) release(h *hand) {
	for _, message := range h.messages {
		if err := message.Nak(); err != nil {
			return // no connection: ackWait does the same, later
		}
	}
}

// keep tells NATS that the messages are still being worked on, for as long as the store takes. The returned function
// stops it and waits for it.
func (l *line) keep(h *hand) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var keeper sync.WaitGroup
	keeper.Go(func() {
		ticker := time.NewTicker(ackWait / 3)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				h.inProgress()
			}
		}
	})
	return func() { cancel(); keeper.Wait() }
}
