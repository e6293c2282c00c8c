package processors

import (
	"context"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// blockRows is when a block is large enough: ClickHouse writes one part per insert, and parts below some ten
	// thousand rows cost more in merging than they save in delay.
	blockRows = 50_000
	// mostRows is where a block stops growing while the one before it is being stored. Under a backlog blocks are of
	// this size, which costs half as much for each row as blockRows, and still inserts within a second or so.
	mostRows = 400_000
	// linger is how long the first message of a block waits for company. It is what storing adds to the delay of a
	// lone packet. An insert costs the engine a hundredth of a second of CPU or several, however little is in it, for the
	// files of its parts and for merging them; at this pace that is two thirds of what it would be at 250 ms, and a packet can be
	// queried well within a second.
	linger = 400 * time.Millisecond
	// blockMessages bounds a block of tiny messages.
	blockMessages = 32_768
)

// gather fills the hand and passes it on as soon as it is ripe and the block before it is stored; until then it grows.
// So blocks are small and soon stored when little comes, and large when storing is what is waited for. Nothing polls:
// a line without messages sleeps.
func (l *line) gather(ctx context.Context, h *hand, messages <-chan jetstream.Msg, full chan<- *hand) {
	lingered := time.NewTimer(linger)
	lingered.Stop()
	defer lingered.Stop()
	keep := time.NewTicker(ackWait / 3)
	defer keep.Stop()
	waited := false
	for {
		in, out := messages, full
		if h.rows() >= mostRows || len(h.messages) >= blockMessages {
			in = nil
		}
		if len(h.messages) == 0 || !waited && h.rows() < blockRows && in != nil {
			out = nil
		}
		select {
		case m := <-in:
			if len(h.messages) == 0 {
				lingered.Reset(linger)
			}
			h.add(m)
		case <-lingered.C:
			waited = true
		case out <- h:
			return
		case <-keep.C:
			h.inProgress()
		case <-ctx.Done():
			l.release(h)
			return
		}
	}
}
