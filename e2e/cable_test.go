package e2e

import (
	"net"
	"strings"
	"sync"
	"testing"
)

// cable is the network between a screen and a program: it can be cut, so that nothing passes and nothing says so, mended,
// and led to another program.
type cable struct {
	base string // http://host:port of this end

	mu     sync.Mutex
	to     string
	broken bool
	open   map[net.Conn]bool
	whole  *sync.Cond
}

func newCable(t *testing.T, base string) *cable {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cable{base: "http://" + listener.Addr().String(), open: map[net.Conn]bool{}}
	c.whole = sync.NewCond(&c.mu)
	c.lead(base)
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() { c.join(conn) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		c.mend()
		c.drop()
		running.Wait()
	})
	return c
}

// lead is where new connections go.
func (c *cable) lead(base string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.to = strings.TrimPrefix(base, "http://")
}

// cut lets nothing pass any more, in either direction, and closes nothing: that is how a network is gone.
func (c *cable) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken = true
}

// mend lets new connections pass. Those from before are gone, as routers forget them.
func (c *cable) mend() {
	c.drop()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.broken = false
	c.whole.Broadcast()
}

func (c *cable) drop() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.open {
		conn.Close()
	}
}

// passes waits until something may pass.
func (c *cable) passes() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.broken {
		c.whole.Wait()
	}
}

func (c *cable) keep(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open[conn] = true
}

func (c *cable) forget(conn net.Conn) {
	conn.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, conn)
}

func (c *cable) join(near net.Conn) {
	c.keep(near)
	defer c.forget(near)
	c.passes()
	c.mu.Lock()
	to := c.to
	c.mu.Unlock()
	far, err := net.Dial("tcp", to)
	if err != nil {
		return
	}
	c.keep(far)
	defer c.forget(far)
	var both sync.WaitGroup
	both.Go(func() { c.carry(far, near) })
	both.Go(func() { c.carry(near, far) })
	both.Wait()
}

// carry copies until one end is closed, and then closes the other.
func (c *cable) carry(to, from net.Conn) {
	defer to.Close()
	defer from.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		c.passes()
		if _, failed := to.Write(buffer[:n]); failed != nil || err != nil {
			return
		}
	}
}
