package main

import (
	"context"
	"io"
	"net"
	"sync"
)

// link is a network between two processes that can be cut: a port that forwards. While it is cut nothing passes and
// nobody is told, as when a cable is pulled; connections stay open until one of the ends gives up.
type link struct {
	listener net.Listener
	target   string
	workers  sync.WaitGroup

	mu    sync.Mutex
	whole chan struct{} // closed while bytes may pass
	conns map[net.Conn]struct{}
	ended bool
}

func newLink(target string) (*link, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &link{listener: listener, target: target, whole: make(chan struct{}), conns: map[net.Conn]struct{}{}}
	close(l.whole)
	l.workers.Go(l.accept)
	return l, nil
}

func (l *link) address() string { return l.listener.Addr().String() }

// cut lets nothing pass until heal.
func (l *link) cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.whole = make(chan struct{})
}

func (l *link) heal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.whole:
	default:
		close(l.whole)
	}
}

func (l *link) passes() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.whole
}

func (l *link) accept() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			return // close
		}
		l.workers.Go(func() { l.serve(near) })
	}
}

func (l *link) serve(near net.Conn) {
	defer near.Close()
	if !l.hold(near) {
		return
	}
	defer l.let(near)
	<-l.passes()
	far, err := net.Dial("tcp", l.target)
	if err != nil {
		return
	}
	defer far.Close()
	if !l.hold(far) {
		return
	}
	defer l.let(far)
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
		both.Go(func() {
			l.carry(way[0], way[1])
			near.Close()
			far.Close()
		})
	}
	both.Wait()
}

// carry forwards until either end closes.
func (l *link) carry(from io.Reader, to io.Writer) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		<-l.passes()
		if n > 0 {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// hold remembers a connection for close; false after that.
func (l *link) hold(c net.Conn) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[c] = struct{}{}
	return !l.ended
}

func (l *link) let(c net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.conns, c)
}

// close returns when nothing of the link is left.
func (l *link) close() {
	l.listener.Close()
	l.heal()
	l.mu.Lock()
	l.ended = true
	for c := range l.conns {
		c.Close()
	}
	l.mu.Unlock()
	l.workers.Wait()
}

// isolate cuts everything between a node and the others.
func isolate(all []*node, victim *node) {
	eachLink(all, victim, (*link).cut)
}

// rejoin heals what isolate has cut.
func rejoin(all []*node, victim *node) {
	eachLink(all, victim, (*link).heal)
}

func eachLink(all []*node, of *node, do func(*link)) {
	for _, n := range all {
		for other, l := range n.links {
			if n == of || other == of.number {
				do(l)
			}
		}
	}
}

// cutNetwork cuts one of three NATS nodes off the other two, in turn. Clients reach all of them all the time, which is
// worse than losing the node: the program may talk to one that cannot do anything for it.
func cutNetwork(ctx context.Context, s *settings) (row, error) {
	return loseNodes(ctx, s, "partition", nodeKind{linked: true})
}
