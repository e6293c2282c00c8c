package ingest

import (
	"strconv"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"longwave/ingest/atomicbatch"
	"longwave/ingest/telemetry"
)

// letter is a message with what belongs into its headers, alone and in a batch. It is used again once its group is
// decided: with many tenants each request has a message of its own, and the maps of its headers would cost more than its packets.
type letter struct {
	message      nats.Msg
	alone, among nats.Header
	id           [1]string
	place        atomicbatch.Place
}

func newLetter() *letter {
	l := &letter{}
	l.alone = nats.Header{jetstream.MsgIDHeader: l.id[:]}
	l.among = nats.Header{jetstream.MsgIDHeader: l.id[:]}
	l.place.Headers(l.among)
	return l
}

// letter borrows one; forget gives those of a turn back.
func (p *publishers) letter() *letter {
	if l, ok := p.letters.Get().(*letter); ok {
		return l
	}
	return newLetter()
}

// forget ends a turn whose groups are decided: the next one may be smaller, and must not keep the messages of this one.
func (c *committer) forget(turn []group) {
	for i := range turn {
		turn[i].message = nats.Msg{}
		c.letters.Put(turn[i].letter)
	}
	clear(turn)
}

// compose makes the group's message. Its id is what makes asking twice harmless.
func (c *committer) compose(g *group) {
	g.letter = c.letter()
	g.id[0] = c.name()
	g.message = nats.Msg{Subject: telemetry.LaneSubject(c.lane, g.line.tenant), Header: g.alone, Data: g.flights[0].payload}
	if len(g.flights) == 1 {
		return
	}
	g.message.Data = make([]byte, 0, bytesOf(g.flights))
	for _, f := range g.flights {
		g.message.Data = append(g.message.Data, f.payload...)
	}
}

// name is a new one for a message or a batch.
func (p *publishers) name() string { return p.boot + strconv.FormatUint(p.number.Add(1), 36) }
